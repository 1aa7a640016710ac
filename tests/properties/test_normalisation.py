"""Batch normalisation: against the chain rule written out, exactly on fractions, within bounds on floats; Keras's."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric as nm
from numeric import GeometryError, definition, rounding
from tests import checks, strategies
from tests.reals import Real, check_sees, check_within_reals, reals

FLOATS = (np.float16, np.float32, np.float64)
STATISTICS = ("mean", "variance")
ARGUMENTS = {
    "batch_norm": ("x", "scale", "shift"),
    "batch_norm_input_gradient": ("g", "x", "scale"),
    "batch_norm_scale_gradient": ("g", "x"),
    "batch_norm_inference": ("x", "mean", "variance", "scale", "shift"),
    "batch_norm_inference_input_gradient": ("g", "variance", "scale"),
    "batch_norm_inference_scale_gradient": ("g", "x", "mean", "variance"),
}
SHAPES = ((2, 3), (3, 2, 2), (1, 2, 3), (2, 1, 2, 3), (1, 1))


class Square(Fraction):
    """A fraction whose sum with another has a rational root."""

    def __add__(self, other):
        return Square(Fraction(self) + other)

    __radd__ = __add__

    def sqrt(self):
        """Root, if it is a fraction."""
        root = Fraction(isqrt(self.numerator), isqrt(self.denominator))
        assert root**2 == self
        return root


@st.composite
def cases(draw, elements, shapes=SHAPES):
    """An array for every name, the variance not negative."""
    shape = draw(st.sampled_from(shapes))
    of = {name: draw(elements(shape)) for name in ("x", "g")}
    of |= {name: draw(elements(shape[1:2])) for name in ("mean", "variance", "scale", "shift")}
    return {**of, "variance": abs(of["variance"])}


def _check(name, of, epsilon, check):
    arguments = [of[argument] for argument in ARGUMENTS[name]]
    true = getattr(definition, name)(*map(reals, arguments), Real(epsilon))
    y = getattr(nm, name)(*arguments, epsilon)
    assert y.dtype == of["g"].dtype
    check(y, true, getattr(rounding, f"{name}_bound")(*arguments, epsilon))


def _ordinary(dtype, shape=(3, 2, 4)):
    random = np.random.default_rng(0)
    of = {name: random.uniform(-1, 2, shape) for name in ("x", "g")}
    of |= {name: random.uniform(0.5, 2, shape[1]) for name in ("mean", "variance", "scale", "shift")}
    return {name: array.astype(dtype) for name, array in of.items()}


@st.composite
def rational(draw):
    """Channels that are shifted and mirrored copies of one, so of one variance v; and an epsilon with a root."""
    batch, channels, size = (draw(st.integers(low, 3)) for low in (1, 1, 1))
    row = strategies.exact(draw(strategies.integers((batch, 1, size), 6)))
    offset = strategies.exact(draw(strategies.integers((1, channels, 1), 6)))
    x = row * np.array([Fraction((-1) ** c) for c in range(channels)])[:, None] + offset
    g = strategies.exact(draw(strategies.integers(x.shape, 6)))
    scale, shift = (strategies.exact(draw(strategies.integers((channels,), 6))) for _ in range(2))
    variance = definition.batch_statistics(x)[1][0]
    root = Fraction(draw(st.integers(1, 20)), 3) + isqrt(int(variance)) + 1
    return {"x": x, "g": g, "scale": scale, "shift": shift}, Square(root**2 - variance)


@given(rational())
def test_training_is_the_chain_rule_on_fractions(drawn):
    of, epsilon = drawn
    for ours, theirs in zip(nm.batch_statistics(of["x"]), definition.batch_statistics(of["x"]), strict=True):
        checks.check_same(ours, theirs)
    for name in ("batch_norm", "batch_norm_input_gradient", "batch_norm_scale_gradient"):
        arguments = [of[argument] for argument in ARGUMENTS[name]]
        checks.check_same(getattr(nm, name)(*arguments, epsilon), getattr(definition, name)(*arguments, epsilon))
    checks.check_same(nm.batch_norm_shift_gradient(of["g"]), definition.batch_norm_shift_gradient(of["g"]))


@given(cases(lambda shape: strategies.integers(shape, 9)), st.integers(1, 9))
def test_inference_is_the_definition_on_fractions(of, root):
    of = {name: strategies.exact(array) for name, array in of.items()}
    epsilon = Square(Fraction(root * root, 4))
    of["variance"] = (of["variance"] + Fraction(root, 2)) ** 2 - epsilon  # a square with epsilon
    for name in ("batch_norm_inference", *(name for name in ARGUMENTS if "inference_" in name)):
        arguments = [of[argument] for argument in ARGUMENTS[name]]
        checks.check_same(getattr(nm, name)(*arguments, epsilon), getattr(definition, name)(*arguments, epsilon))


@given(cases(lambda shape: strategies.integers(shape, 9)), st.fractions(0, 1))
def test_running_statistics_are_the_definition_on_fractions(of, momentum):
    of = {name: strategies.exact(array) for name, array in of.items()}
    arguments = [of[name] for name in ("mean", "variance", "scale", "shift")]
    ours, theirs = (module.running_statistics(*arguments, momentum) for module in (nm, definition))
    for left, right in zip(ours, theirs, strict=True):
        checks.check_same(left, right)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ARGUMENTS)
@given(data=st.data())
def test_floats_stay_within_the_bound(name, dtype, data):
    scaled = {np.float16: -3, np.float32: -40, np.float64: -450}[dtype]  # nothing overflows, not a square of a sum
    of = data.draw(cases(lambda shape: strategies.floats(shape, dtype).map(lambda array: np.ldexp(array, scaled))))
    _check(name, of, data.draw(st.sampled_from((1e-3, 0.25))), check_within_reals)


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_statistics_stay_within_the_bound(dtype, data):
    scaled = {np.float16: -1, np.float32: -10, np.float64: -450}[dtype]
    of = data.draw(cases(lambda shape: strategies.floats(shape, dtype).map(lambda array: np.ldexp(array, scaled))))
    g, x = of["g"], of["x"]
    true = definition.batch_norm_shift_gradient(strategies.exact(g))
    checks.check_within(nm.batch_norm_shift_gradient(g), true, rounding.batch_norm_shift_gradient_bound(g))
    true = definition.batch_statistics(strategies.exact(x))
    for triple in zip(nm.batch_statistics(x), true, rounding.batch_statistics_bound(x), strict=True):
        checks.check_within(*triple)
    old = [of[key] for key in ("mean", "variance", "scale", "shift")]
    true = definition.running_statistics(*map(strategies.exact, old), Fraction(0.9))
    ours, bounds = nm.running_statistics(*old, 0.9), rounding.running_statistics_bound(*old, 0.9)
    for triple in zip(ours, true, bounds, strict=True):
        checks.check_within(*triple)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_value_or_gradient_wrong_by_a_twentieth_of_a_percent_is_seen(name, dtype):
    _check(name, _ordinary(dtype), 1e-3, check_sees)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_wrong_statistic_is_seen(dtype):
    of = _ordinary(dtype)
    ours, bounds = nm.batch_statistics(of["x"]), rounding.batch_statistics_bound(of["x"])
    for triple in zip(ours, definition.batch_statistics(reals(of["x"])), bounds, strict=True):
        check_sees(*triple)
    check_sees(
        nm.batch_norm_shift_gradient(of["g"]),
        definition.batch_norm_shift_gradient(reals(of["g"])),
        rounding.batch_norm_shift_gradient_bound(of["g"]),
    )
    old = [of[key] for key in ("mean", "variance", "scale", "shift")]
    true = definition.running_statistics(*map(reals, old), Real(0.9))
    ours, bounds = nm.running_statistics(*old, 0.9), rounding.running_statistics_bound(*old, 0.9)
    for triple in zip(ours, true, bounds, strict=True):
        check_sees(*triple)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_channels_last_is_the_same_layer(name):
    for shape in ((3, 2, 4), (2, 3, 4, 2), (4, 3)):
        of = _ordinary(np.float64, shape)
        last = {key: np.moveaxis(array, 1, -1) if array.ndim > 1 else array for key, array in of.items()}
        first, other = ([arrays[argument] for argument in ARGUMENTS[name]] for arrays in (of, last))
        y, y_last = getattr(nm, name)(*first), getattr(nm, name)(*other, channels_last=True)
        checks.check_same(np.moveaxis(y_last, -1, 1) if y.ndim > 1 else y_last, y)
        bound = getattr(rounding, f"{name}_bound")
        b, b_last = bound(*first), bound(*other, channels_last=True)
        np.testing.assert_allclose(np.moveaxis(b_last, -1, 1) if y.ndim > 1 else b_last, b, rtol=2.0**-30)
        for function in (nm.batch_statistics, rounding.batch_statistics_bound):
            for left, right in zip(function(last["x"], channels_last=True), function(of["x"]), strict=True):
                np.testing.assert_allclose(left, right, rtol=2.0**-30)
        for function in (nm.batch_norm_shift_gradient, rounding.batch_norm_shift_gradient_bound):
            checks.check_same(function(of["g"]), function(last["g"], channels_last=True))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_objects_use_their_own_functions(name):
    of = {key: reals(array) for key, array in _ordinary(np.float64, (2, 2, 2)).items()}
    arguments = [of[argument] for argument in ARGUMENTS[name]]
    true = getattr(definition, name)(*arguments, Real(0.01))
    check_within_reals(getattr(nm, name)(*arguments, Real(0.01)), true, np.zeros(true.shape))


def test_training_is_inference_with_the_batchs_statistics():
    of = _ordinary(np.float64)
    statistics = nm.batch_statistics(of["x"])
    y = nm.batch_norm_inference(of["x"], *statistics, of["scale"], of["shift"])
    checks.check_same(nm.batch_norm(of["x"], of["scale"], of["shift"]), y)


def test_an_empty_batch_has_an_inference_but_no_statistics():
    x, one = np.ones((0, 2, 3)), np.ones(2)
    assert nm.batch_norm_inference(x, one, one, one, one).shape == x.shape
    assert nm.batch_norm_inference_input_gradient(x, one, one).shape == x.shape
    assert nm.batch_norm_inference_scale_gradient(x, x, one, one).tolist() == [0, 0]
    assert nm.batch_norm_shift_gradient(x).tolist() == [0, 0]
    with pytest.raises(GeometryError, match=r"x must have an entry in every channel .* got shape \(0, 2, 3\)"):
        nm.batch_norm(x, one, one)


def test_a_nan_stays_in_its_channel():
    x = np.arange(12.0).reshape(2, 2, 3)
    x[1, 0, 2] = np.nan
    y = nm.batch_norm(x, np.ones(2), np.ones(2))
    assert np.isnan(y[:, 0]).all()
    assert np.isfinite(y[:, 1]).all()


def test_integers_become_float64_and_float32_stays():
    x = np.arange(12).reshape(3, 4)
    assert nm.batch_statistics(x)[1].tolist() == [32 / 3] * 4
    of = _ordinary(np.float32)
    assert nm.batch_norm(of["x"], of["scale"], of["shift"], 1e-5).dtype == np.float32
    assert nm.running_statistics(of["mean"], of["mean"], of["scale"], of["scale"], 0.5)[0].dtype == np.float32


def test_it_is_keras():
    """Values and moving statistics in float64, centred so that TensorFlow's folded form does not cancel."""
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(2)
    x = random.uniform(-1, 1, (4, 5, 3))
    scale, shift, mean, variance = (random.uniform(0.5, 1.5, 3) for _ in range(4))
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=0.01, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([scale, shift, mean, variance])
    ours = {"channels_last": True}
    y = nm.batch_norm_inference(x, mean, variance, scale, shift, 0.01, **ours)
    bound = rounding.batch_norm_inference_bound(x, mean, variance, scale, shift, 0.01, **ours)
    assert (abs(y - np.asarray(layer(x, training=False))) <= 2 * bound).all()
    y, bound = nm.batch_norm(x, scale, shift, 0.01, **ours), rounding.batch_norm_bound(x, scale, shift, 0.01, **ours)
    assert (abs(y - np.asarray(layer(x, training=True))) <= 2 * bound).all()
    statistics, bounds = nm.batch_statistics(x, **ours), rounding.batch_statistics_bound(x, **ours)
    new = nm.running_statistics(mean, variance, *statistics, 0.9)
    own = rounding.running_statistics_bound(mean, variance, *statistics, 0.9)
    for left, right, passed, bound in zip(new, layer.get_weights()[2:], bounds, own, strict=True):
        assert (abs(left - right) <= 2 * (passed + bound)).all()


X, ONE, TWO = np.ones((2, 3, 4)), np.ones(3), np.ones(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nm.batch_norm(X, TWO, ONE), r"scale must have an entry for each channel, \(3,\); got \(2,\)"),
        (lambda: nm.batch_norm(X, ONE, X), r"shift must have an entry for each channel, \(3,\); got \(2, 3, 4\)"),
        (lambda: nm.batch_norm(X, ONE, ONE, channels_last=True), r"scale must have .*, \(4,\); got \(3,\)"),
        (lambda: nm.batch_norm(ONE, ONE, ONE), r"x must be \(batch, channels, \*spatial\), got shape \(3,\)"),
        (lambda: nm.batch_statistics(X[:, :0]), r"x must have an entry in every channel .* got shape \(2, 0, 4\)"),
        (lambda: nm.batch_norm(X, ONE, ONE, -1e-5), "epsilon must be from 0 to below inf, got -1e-05"),
        (lambda: nm.batch_norm(X, ONE, ONE, float("nan")), "epsilon must be from 0 to below inf, got nan"),
        (lambda: nm.batch_norm(X, ONE, ONE, 0), "variance . epsilon must be above 0, got 0.0 for channel 0, epsilon 0"),
        (
            lambda: nm.batch_norm(np.array([[1, 5, 2], [2, 5, 4]]), ONE, ONE, 0),
            "variance . epsilon must be above 0, got 0.0 for channel 1, epsilon 0",
        ),
        (
            lambda: nm.batch_norm_inference(X, ONE, np.array([1, 0.5, -1]), ONE, ONE, 0.25),
            "variance . epsilon must be above 0, got -0.75 for channel 2, epsilon 0.25",
        ),
        (lambda: nm.batch_norm_inference(X, TWO, ONE, ONE, ONE), "mean must have an entry for each channel"),
        (lambda: nm.batch_norm_inference(X, ONE, TWO, ONE, ONE), "variance must have an entry for each channel"),
        (lambda: nm.batch_norm_inference(X, ONE, ONE, TWO, ONE), "scale must have an entry for each channel"),
        (lambda: nm.batch_norm_inference(X, ONE, ONE, ONE, TWO), "shift must have an entry for each channel"),
        (lambda: nm.batch_norm_inference_input_gradient(X, ONE, TWO), "scale must have an entry for each channel"),
        (lambda: nm.batch_norm_inference_scale_gradient(X, X, TWO, ONE), "mean must have an entry for each channel"),
        (lambda: nm.batch_norm_inference_scale_gradient(X, X, ONE, TWO), "variance must have an entry"),
        (lambda: nm.batch_norm_inference(ONE, ONE, ONE, ONE, ONE), r"x must be \(batch, channels, \*spatial\)"),
        (lambda: nm.batch_norm_input_gradient(X[:1], X, ONE), r"g must have the shape of x, .*; got \(1, 3, 4\)"),
        (lambda: nm.batch_norm_input_gradient(X, X, TWO), "scale must have an entry for each channel"),
        (lambda: nm.batch_norm_scale_gradient(X[:1], X), r"g must have the shape of x"),
        (lambda: nm.batch_norm_shift_gradient(ONE), r"g must be \(batch, channels, \*spatial\), got shape \(3,\)"),
        (lambda: nm.batch_norm_inference_input_gradient(X, TWO, ONE), "variance must have an entry for each channel"),
        (lambda: nm.batch_norm_inference_input_gradient(ONE, ONE, ONE), r"g must be \(batch, channels, \*spatial\)"),
        (lambda: nm.batch_norm_inference_scale_gradient(X[:1], X, ONE, ONE), "g must have the shape of x"),
        (lambda: nm.running_statistics(ONE, ONE, ONE, TWO), r"batch_variance must have the shape of mean, \(3,\)"),
        (lambda: nm.running_statistics(ONE, ONE, ONE, ONE, 1.5), "momentum must be from 0 to 1, got 1.5"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


def test_what_is_no_real_number_is_a_type_error():
    with pytest.raises(TypeError, match="epsilon must be a real number for arrays of float64, got 'small'"):
        nm.batch_norm(X * np.arange(4.0), ONE, ONE, "small")
    with pytest.raises(TypeError, match="momentum must be a real number for arrays of float64, got None"):
        nm.running_statistics(ONE, ONE, ONE, ONE, None)
    with pytest.raises(TypeError, match="expected real numbers, got dtype complex128"):
        nm.batch_statistics(X + 1j)
