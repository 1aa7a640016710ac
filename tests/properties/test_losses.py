"""Softmax and cross-entropy: against the textbook formulas and their whole Jacobians, and TensorFlow's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric as nm
from numeric import GeometryError, definition, rounding
from tests import checks, strategies
from tests.reals import check_sees, check_within_reals, reals

FLOATS = (np.float16, np.float32, np.float64)
ARGUMENTS = {
    "softmax": ("x",),
    "softmax_input_gradient": ("g", "x"),
    "log_softmax": ("x",),
    "log_softmax_input_gradient": ("g", "x"),
    "softmax_cross_entropy": ("x", "target"),
    "softmax_cross_entropy_input_gradient": ("loss_g", "x", "target"),
    "softmax_cross_entropy_target_gradient": ("loss_g", "x"),
}


@st.composite
def cases(draw, elements):
    """Logits, both cotangents and weights, for batches from the empty one up and one class or more."""
    shape = draw(st.sampled_from(((0, 3), (1, 1), (2, 3), (3, 2), (1, 5))))
    of = {name: draw(elements(shape)) for name in ("x", "g", "target")}
    return {**of, "loss_g": draw(elements(shape[:1]))}


def _check(name, of, check):
    arguments = [of[argument] for argument in ARGUMENTS[name]]
    true = getattr(definition, name)(*map(reals, arguments))
    y = getattr(nm, name)(*arguments)
    assert y.dtype == of["x"].dtype
    check(y, true, getattr(rounding, f"{name}_bound")(*arguments))


def _ordinary(dtype, seed=0):
    random = np.random.default_rng(seed)
    of = {"x": random.uniform(-3, 3, (3, 4)), "g": random.uniform(0.5, 2, (3, 4)), "loss_g": random.uniform(1, 2, 3)}
    return {name: array.astype(dtype) for name, array in {**of, "target": random.uniform(0, 1, (3, 4))}.items()}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ARGUMENTS)
@given(data=st.data())
def test_floats_stay_within_the_bound(name, dtype, data):
    scaled = {np.float16: 0, np.float32: -30, np.float64: -450}[dtype]  # products with logits do not overflow
    of = data.draw(cases(lambda shape: strategies.floats(shape, dtype).map(lambda array: np.ldexp(array, scaled))))
    _check(name, of, check_within_reals)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_wide_rows_stay_within_the_bound(name, dtype):
    """Directed: differences that underflow in exp, to a subnormal number and to 0; large rows; ties."""
    reach = {np.float16: 17, np.float32: 103, np.float64: 744}[dtype]
    x = np.array([[0, -reach, -reach * 0.9], [0.5, -0.25, -reach * 4], [1000, 999.5, 1000]], dtype)
    of = {**_ordinary(dtype), "x": x}
    _check(name, {**of, "g": of["g"][:, :3], "target": of["target"][:, :3]}, check_within_reals)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_value_or_gradient_wrong_by_a_twentieth_of_a_percent_is_seen(name, dtype):
    _check(name, _ordinary(dtype), check_sees)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_objects_use_their_own_functions(name):
    of = {key: reals(array) for key, array in _ordinary(np.float64).items()}
    arguments = [of[argument] for argument in ARGUMENTS[name]]
    true = getattr(definition, name)(*arguments)
    check_within_reals(getattr(nm, name)(*arguments), true, np.zeros(true.shape))


@pytest.mark.parametrize("dtype", [*FLOATS, object])
def test_a_label_is_a_row_with_a_single_one(dtype):
    of = _ordinary(dtype if dtype is not object else np.float64)
    labels, rows = np.array([2, 0, 3]), np.eye(4, dtype=of["x"].dtype)[[2, 0, 3]]
    if dtype is object:
        of, rows = {name: reals(array) for name, array in of.items()}, reals(rows)
    x, g = of["x"], of["loss_g"]
    assert (nm.softmax_cross_entropy(x, labels) == nm.softmax_cross_entropy(x, rows)).all()
    ours, theirs = (nm.softmax_cross_entropy_input_gradient(g, x, target) for target in (labels, rows))
    assert (ours == theirs).all()
    if dtype is not object:
        bounds = rounding.softmax_cross_entropy_bound
        assert (bounds(x, labels) <= bounds(x, rows)).all()
        bounds = rounding.softmax_cross_entropy_input_gradient_bound
        assert (bounds(g, x, labels) == bounds(g, x, rows)).all()
        true = definition.softmax_cross_entropy(reals(x), reals(rows))
        check_within_reals(nm.softmax_cross_entropy(x, labels), true, rounding.softmax_cross_entropy_bound(x, labels))


@pytest.mark.parametrize("dtype", FLOATS)
def test_no_finite_row_overflows_and_shifts_do_not_matter(dtype):
    """Warnings are errors here."""
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest, 0], [-largest, -largest, -largest], [1024, 1025, 1022]], dtype)
    p = nm.softmax(x)
    np.testing.assert_array_equal(p[0], [1, 0, 0])
    np.testing.assert_array_equal(p[1], np.full(3, dtype(1) / dtype(3)))
    np.testing.assert_array_equal(p[2], nm.softmax(x[2:] - dtype(1024))[0])
    np.testing.assert_array_equal(nm.softmax_cross_entropy(x, [0, 1, 1])[:1], [0])
    ones = np.ones_like(x)
    for gradient in (nm.softmax_input_gradient, nm.log_softmax_input_gradient):
        assert np.isfinite(gradient(ones, x)).all()
    assert np.isfinite(nm.softmax_cross_entropy_input_gradient(np.ones(3, dtype), x, [1, 1, 1])).all()
    assert np.isinf(rounding.softmax_bound(x)[0]).all()  # nothing is claimed of a difference that overflows


def test_infinities_and_nans_stay_in_their_rows():
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, 0, 0], [nan, 0, 1], [inf, 0, 1], [-inf, -inf, -inf], [0, 0, 0]])
    with np.errstate(invalid="ignore"):
        p = nm.softmax(x)
        losses = nm.softmax_cross_entropy(x, np.full(5, 1))
    np.testing.assert_array_equal(p[0], [0, 0.5, 0.5])
    assert np.isnan(p[1:4]).all()
    assert np.isnan(losses).tolist() == [False, True, True, True, False]
    np.testing.assert_array_equal(p[4], np.full(3, 1 / 3))


def test_integers_become_float64():
    x = np.array([[1, 2, 4]], np.int8)
    checks.check_same(nm.softmax(x), nm.softmax(x.astype(float)))
    weights = np.array([[1, 0, 3]])
    checks.check_same(nm.softmax_cross_entropy(x, weights), nm.softmax_cross_entropy(x.astype(float), weights * 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_tensorflows(dtype):
    tensorflow = pytest.importorskip("tensorflow")
    of, labels = _ordinary(dtype, 1), np.array([2, 0, 3])
    x, g, target = of["x"], of["loss_g"], of["target"]
    logits = tensorflow.Variable(x)
    weights = tensorflow.Variable(target)
    for ours, theirs, bound in (
        (nm.softmax, tensorflow.nn.softmax, rounding.softmax_bound),
        (nm.log_softmax, tensorflow.nn.log_softmax, rounding.log_softmax_bound),
    ):
        assert (abs(ours(x) - theirs(logits).numpy()) <= 2 * bound(x)).all()
    with tensorflow.GradientTape(persistent=True) as tape:
        dense = tensorflow.nn.softmax_cross_entropy_with_logits(weights, logits)
        sparse = tensorflow.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    # TensorFlow's gradient takes the weights to sum to 1, ours does not: compared where they do, for a label
    for true, kind in ((dense, target), (sparse, labels)):
        bound = rounding.softmax_cross_entropy_bound(x, kind)
        assert (abs(nm.softmax_cross_entropy(x, kind) - true.numpy()) <= 2 * bound).all()
    dx = tape.gradient(sparse, logits, output_gradients=tensorflow.constant(g)).numpy()
    bound = rounding.softmax_cross_entropy_input_gradient_bound(g, x, labels)
    assert (abs(nm.softmax_cross_entropy_input_gradient(g, x, labels) - dx) <= 2 * bound).all()
    dtarget = tape.gradient(dense, weights, output_gradients=tensorflow.constant(g)).numpy()
    bound = rounding.softmax_cross_entropy_target_gradient_bound(g, x)
    assert (abs(nm.softmax_cross_entropy_target_gradient(g, x) - dtarget) <= 2 * bound).all()


X, T = np.ones((2, 3)), np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nm.softmax(X[0]), r"x must be \(batch, classes\) with at least one class, got shape \(3,\)"),
        (lambda: nm.log_softmax(X[:, :0]), r"at least one class, got shape \(2, 0\)"),
        (lambda: nm.softmax_input_gradient(X[:1], X), r"g must have the shape of x, \(2, 3\); got \(1, 3\)"),
        (lambda: nm.log_softmax_input_gradient(X[0], X), r"g must have the shape of x, \(2, 3\); got \(3,\)"),
        (lambda: nm.softmax_cross_entropy(X, T.T), r"target must have the shape of x, \(2, 3\); got \(3, 2\)"),
        (lambda: nm.softmax_cross_entropy(X, [1]), r"target must have a label for each sample, \(2,\); got \(1,\)"),
        (lambda: nm.softmax_cross_entropy(X, [1, 3]), "labels must be from 0 to 2 for 3 classes, got 3"),
        (lambda: nm.softmax_cross_entropy(X, [-1, 0]), "labels must be from 0 to 2 for 3 classes, got -1"),
        (lambda: nm.softmax_cross_entropy(X, [0.0, 1.0]), r"integer class labels .* got shape \(2,\) of float64"),
        (lambda: nm.softmax_cross_entropy(X, [True, False]), r"integer class labels .* of bool"),
        (lambda: nm.softmax_cross_entropy(X, 1), r"weights \(batch, classes\); got shape \(\) of int64"),
        (
            lambda: nm.softmax_cross_entropy_input_gradient(X, X, [0, 1]),
            r"g must have an entry for each sample, \(2,\); got \(2, 3\)",
        ),
        (
            lambda: nm.softmax_cross_entropy_input_gradient(X[:, 0], X, T[:1]),
            r"target must have the shape of x, \(2, 3\); got \(1, 3\)",
        ),
        (lambda: nm.softmax_cross_entropy_input_gradient(X[:, 0], X, [0, 5]), "from 0 to 2 for 3 classes, got 5"),
        (
            lambda: nm.softmax_cross_entropy_target_gradient(X[0], X),
            r"g must have an entry for each sample, \(2,\); got \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


def test_what_is_no_real_number_is_a_type_error():
    with pytest.raises(TypeError, match="expected real numbers, got dtype complex128"):
        nm.softmax(X + 1j)
    with pytest.raises(TypeError, match="a masked array's mask would be lost"):
        nm.softmax_cross_entropy(X, np.ma.masked_less(np.array([0, 1]), 1))


def test_no_labels_for_no_samples():
    assert nm.softmax_cross_entropy(X[:0], []).shape == (0,)
    assert nm.softmax_cross_entropy_input_gradient([], X[:0], []).shape == (0, 3)
