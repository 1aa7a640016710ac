"""Dropout with a given mask: against the definition, exactly and within the bound; its own adjoint."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import GeometryError, definition, dropout, dropout_input_gradient, rounding
from proofs.forms import Forms
from tests import checks, strategies
from tests.reals import check_sees, check_within_reals

FUNCTIONS = ((dropout, definition.dropout), (dropout_input_gradient, definition.dropout_input_gradient))


@st.composite
def cases(draw, elements=strategies.integers):
    """An array, and a mask of booleans or of any number type."""
    shape = draw(st.sampled_from(((), (0, 2), (4,), (2, 3), (2, 1, 3))))
    kind = draw(st.sampled_from((bool, np.int8, np.uint64, np.float16, np.float64)))
    return draw(elements(shape)), draw(hnp.arrays(bool, shape)).astype(kind)


@given(cases(), st.fractions(0, 1).filter(lambda rate: rate < 1))
def test_it_is_the_definition_on_fractions(drawn, rate):
    x, mask = drawn
    x = strategies.exact(x)
    for ours, theirs in FUNCTIONS:
        checks.check_same(ours(x, mask, rate), theirs(x, mask, rate))


@given(cases(), st.data())
def test_its_gradient_is_its_adjoint(drawn, data):
    x, mask = drawn
    x, g = strategies.exact(x), strategies.exact(data.draw(strategies.integers(x.shape)))
    rate = Fraction(2, 5)
    assert np.sum(dropout_input_gradient(g, mask, rate) * x) == np.sum(g * dropout(x, mask, rate))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(data=st.data())
def test_floats_stay_within_the_bound(dtype, data):
    x, mask = data.draw(cases(lambda shape: strategies.floats(shape, dtype)))
    rate = data.draw(st.sampled_from((0, 0.1, 0.5, Fraction(1, 3), 0.9)))
    for function, true in FUNCTIONS:
        y = function(x, mask, rate)
        assert y.dtype == dtype
        bound = getattr(rounding, f"{function.__name__}_bound")(x, mask, rate)
        check_within_reals(y, true(strategies.exact(x), mask, Fraction(rate)), bound)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_wrong_by_a_twentieth_of_a_percent_is_seen(dtype):
    x = np.random.default_rng(0).uniform(0.5, 2, (3, 4)).astype(dtype)
    mask = np.arange(12).reshape(3, 4) % 3 != 1
    for function, true in FUNCTIONS:
        bound = getattr(rounding, f"{function.__name__}_bound")(x, mask, 0.3)
        check_sees(function(x, mask, 0.3), true(strategies.exact(x), mask, Fraction(0.3)), bound)
        assert (bound[~mask] == 0).all()


def test_it_is_inverted_dropout():
    x, mask = np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1])
    assert dropout(x, mask, 0.5).tolist() == [2, 0, 6]
    assert dropout(x, np.ones(3), 0).tolist() == x.tolist()


def test_it_is_tensorflows():
    """The same scale of what is kept; which is kept is drawn there."""
    tensorflow = pytest.importorskip("tensorflow")
    x = np.random.default_rng(0).uniform(1, 2, (5, 7))
    theirs = tensorflow.nn.dropout(tensorflow.constant(x), 0.3, seed=1).numpy()
    mask = theirs != 0
    assert 0 < mask.sum() < mask.size
    assert (abs(dropout(x, mask, 0.3) - theirs) <= 2 * rounding.dropout_bound(x, mask, 0.3)).all()


def test_what_is_dropped_is_zero_or_nan():
    with np.errstate(invalid="ignore"):
        y = dropout(np.array([np.nan, np.inf, 1.0]), [0, 0, 1], 0.5)
    np.testing.assert_array_equal(y, [np.nan, np.nan, 2])


def test_views_are_read_as_they_are():
    x, mask = np.arange(24.0).reshape(4, 6)[::-2, 1::2].T, np.arange(6).reshape(3, 2) % 2
    checks.check_same(dropout(x, mask, 0.25), dropout(x.copy(), mask.copy(), 0.25))


X = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dropout(X, X[:1], 0.5), r"mask must have the shape of x, \(2, 3\); got \(1, 3\)"),
        (lambda: dropout_input_gradient(X, X[0], 0.5), r"mask must have the shape of g, \(2, 3\); got \(3,\)"),
        (lambda: dropout(X, 2 * X, 0.5), "mask must hold nothing but 0 and 1"),
        (lambda: dropout(X, X * np.nan, 0.5), "mask must hold nothing but 0 and 1"),
        (lambda: dropout(X, X, 1), "rate must be from 0 to below 1, got 1"),
        (lambda: dropout(X, X, -0.1), "rate must be from 0 to below 1, got -0.1"),
        (lambda: dropout(X, X, float("nan")), "rate must be from 0 to below 1, got nan"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


def test_what_is_no_real_number_is_a_type_error():
    with pytest.raises(TypeError, match="rate must be a real number for arrays of float64, got 'half'"):
        dropout(X, X, "half")
    with pytest.raises(TypeError, match="expected real numbers, got dtype complex128"):
        dropout(X, X + 0j, 0.5)


def test_a_mask_of_symbols_is_not_looked_at():
    of = Forms({"x": (2, 3), "mask": (2, 3)})
    for function in (dropout, dropout_input_gradient):
        assert (function(of["x"], of["mask"], Fraction(1, 3)) == of["x"] * of["mask"] * Fraction(3, 2)).all()


def test_one_object_stays_an_object():
    assert dropout(np.array(3, object), 1, 0).dtype == object
