"""Activations: against the textbook formulas, exactly where they are rational and within bounds where not; kinks."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric as nm
from numeric import GeometryError, definition, rounding
from tests import checks, strategies
from tests.reals import Real, check_sees, check_within_reals, reals

FLOATS = (np.float16, np.float32, np.float64)
NAMES = ("relu", "leaky_relu", "relu6", "elu", "softplus", "sigmoid", "tanh", "silu")
RATIONAL = {"relu": {}, "leaky_relu": {"slope": Fraction(2, 7)}, "relu6": {}}
PARAMETERS = {"leaky_relu": {"slope": 0.3}, "elu": {"alpha": 1.7}}
EXACT = ("relu", "relu6")  # on floats too
KINKS = (-7.0, -0.5, -0.0, 0.0, 0.25, 6.0, 6.5)


def _functions(name, **parameters):
    """Function, definition and bound of an activation and of its gradient, as functions of g and x."""

    def of(module, suffix, exactly=False):
        given_ = {key: Real(value) if exactly else value for key, value in parameters.items()}
        forward, backward = (getattr(module, f"{name}{middle}{suffix}") for middle in ("", "_input_gradient"))
        return (lambda _, x: forward(x, **given_)), (lambda g, x: backward(g, x, **given_))

    return zip(of(nm, ""), of(definition, "", exactly=True), of(rounding, "_bound"), strict=True)


@st.composite
def arrays(draw, elements):
    """A cotangent and an input of zero to three axes, empty ones among them."""
    shape = draw(st.sampled_from(((), (0,), (5,), (2, 3), (3, 0, 2), (2, 1, 4))))
    return draw(elements(shape)), draw(elements(shape))


@pytest.mark.parametrize("name", RATIONAL)
@given(drawn=arrays(lambda shape: strategies.integers(shape, 8)))
def test_rational_ones_are_the_definition_on_fractions(name, drawn):
    g, x = (strategies.exact(array) for array in drawn)
    parameters = RATIONAL[name]
    checks.check_same(getattr(nm, name)(x, **parameters), getattr(definition, name)(x, **parameters))
    ours, theirs = (getattr(module, f"{name}_input_gradient")(g, x, **parameters) for module in (nm, definition))
    checks.check_same(ours, theirs)


@pytest.mark.parametrize("name", EXACT)
@given(drawn=arrays(lambda shape: strategies.integers(shape, 8)))
def test_integers_stay_integers_where_nothing_divides(name, drawn):
    g, x = drawn
    checks.check_same(getattr(nm, name)(x), getattr(definition, name)(x))
    ours, theirs = (getattr(module, f"{name}_input_gradient")(g, x) for module in (nm, definition))
    checks.check_same(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_exact_ones_are_exact_on_floats(name, dtype, data):
    g, x = data.draw(arrays(lambda shape: strategies.floats(shape, dtype)))
    checks.check_same(getattr(nm, name)(x), getattr(definition, name)(x))
    ours, theirs = (getattr(module, f"{name}_input_gradient")(g, x) for module in (nm, definition))
    checks.check_same(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXACT])
@given(data=st.data())
def test_floats_stay_within_the_bound(name, dtype, data):
    g, x = data.draw(arrays(lambda shape: strategies.floats(shape, dtype)))
    for function, true, bound in _functions(name, **PARAMETERS.get(name, {})):
        y = function(g, x)
        assert y.dtype == dtype
        check_within_reals(y, true(reals(g), reals(x)), bound(g, x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXACT])
def test_the_range_where_exp_underflows_stays_within_the_bound(name, dtype):
    """Directed: from where exp(-|x|) is a roundoff of 1 to where it is 0, on both sides."""
    reach = {np.float16: 18, np.float32: 105, np.float64: 750}[dtype]
    x = np.linspace(-reach, reach, 211).astype(dtype)
    g = np.where(np.arange(len(x)) % 2, 0.75, -3.5).astype(dtype)
    for function, true, bound in _functions(name, **PARAMETERS.get(name, {})):
        check_within_reals(function(g, x), true(reals(g), reals(x)), bound(g, x))
        assert np.isfinite(bound(g, x)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXACT])
def test_a_value_or_gradient_wrong_by_a_twentieth_of_a_percent_is_seen(name, dtype):
    random = np.random.default_rng(0)
    g, x = random.uniform(0.5, 2, 40).astype(dtype), random.uniform(-3, 3, 40).astype(dtype)
    for function, true, bound in _functions(name, **PARAMETERS.get(name, {})):
        check_sees(function(g, x), true(reals(g), reals(x)), bound(g, x))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXACT])
def test_objects_use_their_own_functions(name):
    """The shipped code on numbers of 2400 bits computes the definition to 1200 of them."""
    x = reals(np.array(KINKS))
    g = reals(np.arange(len(x)) - 3.0)
    parameters = {key: Real(value) for key, value in PARAMETERS.get(name, {}).items()}
    none = np.zeros(len(x))
    check_within_reals(getattr(nm, name)(x, **parameters), getattr(definition, name)(x, **parameters), none)
    ours, theirs = (getattr(module, f"{name}_input_gradient")(g, x, **parameters) for module in (nm, definition))
    check_within_reals(ours, theirs, none)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_no_finite_input_overflows(name, dtype):
    """Warnings are errors here; each value and slope is at its limit."""
    largest = np.finfo(dtype).max
    x = np.array([-largest, -1e4, 1e4, largest], dtype)
    slope = 0.01 if name == "leaky_relu" else 0.0
    top = 0.0 if name in ("relu6", "sigmoid", "tanh") else 1.0
    gradient = getattr(nm, f"{name}_input_gradient")(np.full(4, 2, dtype), x)
    np.testing.assert_array_equal(gradient, 2 * np.array([slope, slope, top, top], dtype))
    y = getattr(nm, name)(x)
    limits = {"relu6": (0, 6), "sigmoid": (0, 1), "tanh": (-1, 1), "elu": (-1, None)}.get(name, (0, None))
    low = x[:2] * dtype(0.01) if name == "leaky_relu" else np.full(2, limits[0], dtype)
    np.testing.assert_array_equal(y, np.concatenate([low, x[2:] if limits[1] is None else [limits[1]] * 2]))


def test_a_large_parameter_overflows_only_where_it_is_asked_for():
    x, g = np.array([3e38, 1.0], np.float32), np.full(2, 3e38, np.float32)
    assert nm.leaky_relu(x, 10).tolist() == x.tolist()
    assert nm.leaky_relu_input_gradient(g, x, 10).tolist() == g.tolist()
    assert nm.elu_input_gradient(g, x, 10).tolist() == g.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_nan_passes_through(name):
    x = np.array([np.nan, 1.0])
    assert np.isnan(getattr(nm, name)(x)).tolist() == [True, False]
    slope = getattr(nm, f"{name}_input_gradient")(np.ones(2), x)
    expected = {"relu": 0.0, "relu6": 0.0, "leaky_relu": 0.01}.get(name, np.nan)
    np.testing.assert_array_equal(slope[0], expected)
    assert np.isnan(getattr(nm, f"{name}_input_gradient")(x, np.ones(2))).tolist() == [True, False]


@pytest.mark.parametrize("name", NAMES)
def test_infinities_give_the_limits(name):
    low = {"leaky_relu": -np.inf, "elu": -1, "tanh": -1}.get(name, 0)
    high = {"relu6": 6, "sigmoid": 1, "tanh": 1}.get(name, np.inf)
    with np.errstate(invalid="ignore" if name == "silu" else "warn"):  # as documented: 0 * inf
        y = getattr(nm, name)(np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(y, [np.nan if name == "silu" else low, high])


def test_kinks_are_decided_as_documented():
    g, x = np.array([2.0, 2.0, 2.0, 2.0]), np.array([-0.0, 0.0, 6.0, 5.75])
    assert nm.relu_input_gradient(g, x).tolist() == [0, 0, 2, 2]
    assert nm.leaky_relu_input_gradient(g, x, 0.25).tolist() == [0.5, 0.5, 2, 2]
    assert nm.relu6_input_gradient(g, x).tolist() == [0, 0, 0, 2]
    assert nm.elu_input_gradient(g, x, 0.5).tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("name", RATIONAL)
def test_one_number_of_any_kind_stays_one_of_its_kind(name):
    """NumPy's functions take objects out of arrays without axes, and would make int64 of Python's integers."""
    for number in (3, Fraction(-2, 7), True):
        x = np.array(number, object)
        parameters = RATIONAL[name]
        y = getattr(nm, name)(x, **parameters)
        assert (y.shape, y.dtype) == ((), object)
        assert getattr(nm, f"{name}_input_gradient")(x, x, **parameters).dtype == object
        assert getattr(nm, name)(x.astype(float)).dtype == float


def test_every_step_is_rounded_to_the_type():
    """The textbook's steps in float16: a step in a wider type would round to other numbers here and there."""
    x = np.linspace(-9, 9, 401).astype(np.float16)
    g, one = np.full(len(x), 1.1, np.float16), np.float16(1)
    small = np.exp(-abs(x))
    sigmoid, other = (np.where(sign * x > 0, one, small) / (one + small) for sign in (1, -1))
    other[x == 0] = sigmoid[x == 0]
    y = np.tanh(x)
    for ours, theirs in (
        (nm.sigmoid(x), sigmoid),
        (nm.silu(x), x * sigmoid),
        (nm.sigmoid_input_gradient(g, x), g * (sigmoid * other)),
        (nm.softplus_input_gradient(g, x), g * sigmoid),
        (nm.silu_input_gradient(g, x), g * (sigmoid * (one + x * other))),
        (nm.tanh_input_gradient(g, x), g * ((one - y) * (one + y))),
    ):
        checks.check_same(ours, theirs)


def test_relu6_ends_at_six_for_all_numbers():
    """Those between integers, which no test on integers sees."""
    x = np.array([5.75, 6.0, 6.25, 6.5, 7.0])
    for module in (nm, definition):
        assert module.relu6(x).tolist() == [5.75, 6, 6, 6, 6]
        assert module.relu6_input_gradient(np.full(5, 3.0), x).tolist() == [3, 0, 0, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_tensorflows(name):
    """Values within a bound for either side; slopes exactly at the kinks, and at 6 and beyond."""
    tensorflow = pytest.importorskip("tensorflow")
    keywords = {"alpha": 0.25} if name == "leaky_relu" else {}
    ours = {"slope": 0.25} if name == "leaky_relu" else {}
    x = np.array([*KINKS, 1e4, -1e4, 3.0])
    variable = tensorflow.Variable(x)
    with tensorflow.GradientTape() as tape:
        y = getattr(tensorflow.nn, name)(variable, **keywords)
    bound = np.zeros(len(x)) if name in EXACT else getattr(rounding, f"{name}_bound")(x, **ours)
    assert (abs(getattr(nm, name)(x, **ours) - y.numpy()) <= 2 * bound).all()
    if name in ("relu", "leaky_relu", "relu6", "elu"):
        theirs = tape.gradient(y, variable).numpy()[2:8]
        assert getattr(nm, f"{name}_input_gradient")(np.ones(6), x[2:8], **ours).tolist() == theirs.tolist()


def test_views_are_read_as_they_are():
    x = np.arange(-12.0, 12.0).reshape(4, 6)
    view, g = x[::-2, 1::2].T, np.arange(6.0).reshape(3, 2)
    for name in NAMES:
        checks.check_same(getattr(nm, name)(view), getattr(nm, name)(view.copy()))
        gradient = getattr(nm, f"{name}_input_gradient")
        checks.check_same(gradient(g, view), gradient(g, view.copy()))


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_an_error(name):
    function, gradient = getattr(nm, name), getattr(nm, f"{name}_input_gradient")
    with pytest.raises(GeometryError, match=r"g must have the shape of x, \(2, 3\); got \(3,\)"):
        gradient(np.ones(3), np.ones((2, 3)))
    with pytest.raises(TypeError, match="expected real numbers, got dtype complex128"):
        function(np.ones(2, complex))
    with pytest.raises(TypeError, match="expected numbers"):
        gradient(np.ones(1), np.array(["a"]))


@pytest.mark.parametrize("value", [True, "a", None, 1j, Real(1)])
def test_a_parameter_that_is_no_number_is_an_error(value):
    with pytest.raises(TypeError, match="slope must be a real number for arrays of float32, got"):
        nm.leaky_relu(np.ones(2, np.float32), value)
    with pytest.raises(TypeError, match="alpha must be a real number for arrays of float64, got"):
        nm.elu_input_gradient(np.ones(2), np.ones(2), value)


def test_bounds_are_for_floats_that_float64_holds():
    with pytest.raises(TypeError, match="computed in float64, and for no wider type: got"):
        rounding.sigmoid_bound(np.ones(2, np.longdouble))
