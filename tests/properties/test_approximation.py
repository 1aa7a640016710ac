"""Numbers that carry their error: each operation encloses what any two numbers within the errors give, and rounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric.rounding.approximation import Approximation
from tests.reals import MARGIN, Real

FLOATS = (np.float16, np.float32, np.float64)
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
UNARY = ("exp", "expm1", "log", "log1p", "tanh", "sqrt")


@st.composite
def numbers(draw, dtype, low=-8.0, high=8.0):
    """An error, a true number, one that is computed in the type, and the one that float64 has instead of it."""
    error = draw(st.sampled_from((0.0, 2.0**-40, 2.0**-12, 0.25)))
    value = draw(st.floats(low, high))
    true, computed = (value + error * draw(st.floats(-1, 1)) for _ in range(2))
    rounded = float(dtype(computed))
    error = float(max(abs(Real(other).number - Real(true).number) for other in (value, rounded)) * (1 + 2.0**-50))
    array = Approximation(np.array([value]), np.array([error]), np.dtype(dtype))
    return array, Real(true), np.array([rounded], dtype)


def _check(found, true, computed, dtype):
    """Both what the type makes of the operation and what float64 does are off by no more than the error."""
    assert found.dtype == computed.dtype == dtype
    if np.isfinite(found.error).all():
        for result in (computed, found.value):
            assert abs(Real(result.item()).number - true.number) <= Real(found.error.item()).number + MARGIN


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_binary_operations_enclose(name, dtype, data):
    (a, true_a, x), (b, true_b, y) = (data.draw(numbers(dtype)) for _ in range(2))
    if name == "div" and not (true_b != 0 and y.item() != 0):
        return
    with np.errstate(over="ignore"):
        computed = BINARY[name](x, y)
    _check(BINARY[name](a, b), BINARY[name](true_a, true_b), computed, dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
def test_functions_enclose(name, dtype, data):
    low = {"log": 0.5, "log1p": 0.5, "sqrt": 0.25}.get(name, -8.0)
    a, true, x = data.draw(numbers(dtype, low))
    _check(getattr(a, name)(), getattr(true, name)(), getattr(np, name)(x), dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_sums_enclose(dtype, data):
    drawn = [data.draw(numbers(dtype)) for _ in range(data.draw(st.integers(1, 6)))]
    value, error = (np.concatenate([getattr(a, name) for a, _, _ in drawn]) for name in ("value", "error"))
    found = Approximation(value, error, np.dtype(dtype)).sum(0)
    true = sum((true for _, true, _ in drawn), Real(0))
    _check(found, true, np.concatenate([x for _, _, x in drawn]).sum(keepdims=True, dtype=dtype), dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_nothing_is_claimed_of_overflow_or_of_a_divisor_that_may_be_zero(dtype):
    largest = np.array([np.finfo(dtype).max])
    exact = Approximation.exact
    one, close = exact(np.ones(1, dtype)), Approximation(np.array([1.0]), np.array([0.75]), np.dtype(dtype))
    for nothing in (exact(largest) + exact(largest), exact(largest) * exact(largest), exact(largest).exp()):
        assert np.isinf(nothing.error).all()
        assert np.isinf((one / nothing + one).error).all()  # nor of anything made of it
        assert np.isinf((nothing.sum(0) * exact(np.zeros(1, dtype))).error).all()
    assert np.isinf((one / close).error).all()
    assert np.isinf(close.log().error).all()
    assert np.isfinite(close.sqrt().error).all()


def test_an_exact_operation_costs_a_roundoff_and_no_more():
    dtype = np.dtype(np.float32)
    three, half = (Approximation.exact(np.array([number], dtype)) for number in (3.0, 0.5))
    for found, size in ((three + half, 3.5), (three * half, 1.5), (three / half, 6.0), (three.sqrt(), 3**0.5)):
        assert 2.0**-24 * size <= found.error.item() <= 2.0**-24 * size * (1 + 1e-6) + 2.0**-149
    assert (-three).error.item() == 0
    assert Approximation.number(0.1, 0.1, dtype).error.item() == pytest.approx(abs(float(np.float32(0.1)) - 0.1))
    assert Approximation.number(7, 7, dtype).error.item() == 0
