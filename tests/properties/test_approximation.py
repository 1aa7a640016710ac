"""Numbers that carry their error: each operation encloses what any two numbers within the errors give, and rounds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric.rounding import gamma
from numeric.rounding.approximation import SLACK, TINY, Approximation
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


def _expect_error(found, exactly):
    """The formula, and no more than the slack that its own roundings have."""
    assert exactly <= found.error.item() <= exactly * SLACK**3 + 2 * TINY


def _number(value, error, dtype=np.float16):
    return Approximation(np.array([value]), np.array([error]), np.dtype(dtype))


def test_what_is_passed_on_is_the_formula():
    """Differences of the worst true and computed numbers; roundoffs so large that their factors show."""
    a, b, u = _number(3.0, 0.125), _number(-5.0, 0.25), 2.0**-11
    least, roots = 3 - 2 * 0.125, (3 - 2 * 0.125) ** 0.5 + (3 - 0.125) ** 0.5
    rows = (
        (a + b, 2.0, 0.125 + 0.25, u, 0),
        (a * b, 15.0, 3.125 * 0.25 + 5.25 * 0.125 + 0.125 * 0.25, u, 1),
        (a / b, 0.6, 0.125 / 4.5 + 3.125 * (0.25 / 4.75) / 4.5, u, 1),
        (a.sqrt(), 3**0.5, 0.125 / roots, u, 0),
        (a.exp(), np.exp(3.0), np.exp(3.125) * np.expm1(0.125), 8 * u, 4),
        (a.expm1(), np.expm1(3.0), np.exp(3.125) * np.expm1(0.125), 8 * u, 4),
        (a.log(), np.log(3.0), 0.125 / least, 8 * u, 4),
        (a.log1p(), np.log1p(3.0), 0.125, 8 * u, 4),
        (a.tanh(), np.tanh(3.0), 0.125, 8 * u, 4),
    )
    for found, value, passed, unit, lost in rows:
        kept = passed * (1 + unit) + lost * 2.0**-24
        _expect_error(found, kept + unit * (value + kept) / (1 - unit))


def test_products_and_functions_may_underflow_and_sums_and_roots_may_not():
    """Where nothing else is lost: numbers so small that their roundoffs are nothing beside the smallest one."""
    tiny, large, s = (Approximation.exact(np.array([2.0**power], np.float32)) for power in (-100, 100, -149))
    zero = Approximation.exact(np.zeros(1, np.float32))
    for found, lost in (
        (s + s, 0),
        (tiny * tiny, 1),
        (tiny / large, 1),
        (zero.sqrt(), 0),
        (zero.tanh(), 4),
        (s.expm1(), 4),
    ):
        assert lost * s.value.item() <= found.error.item() < (lost + 0.5) * s.value.item()


def test_a_sum_loses_one_addition_less_than_it_has_terms():
    values, errors = np.array([[3.0], [-4.0], [5.0]]), np.array([[0.125], [0.25], [0.5]])
    found = Approximation(values, errors, np.dtype(np.float16)).sum(0)
    assert found.value.tolist() == [[4.0]]
    _expect_error(found, 0.875 + gamma(2, np.float16) * (12 + 2 * 0.875))
    _expect_error(_number(3.0, 0.125).sum(0), 0.125)  # one term: no addition


def test_a_number_is_off_by_what_its_type_makes_of_it():
    third, tiny = Fraction(1, 3), Fraction(1, 3 * 2**1074)
    exactly = max(abs(Fraction(float(kind(1 / 3))) - third) for kind in (float, np.float32))
    _expect_error(Approximation.number(third, 1 / 3, np.dtype(np.float32)), exactly)
    assert Approximation.number(tiny, 0.0, np.dtype(np.float32)).error.item() > tiny


@pytest.mark.parametrize("dtype", FLOATS)
def test_just_below_overflow_something_is_claimed(dtype):
    largest, u = float(np.finfo(dtype).max), np.finfo(dtype).eps.item() / 2
    zero = _number(0.0, 0.0, dtype)
    edge = largest * (1 - u) / (1 + u)
    assert np.isinf((_number(edge, 0.0, dtype) + zero).error).all()
    assert np.isinf((_number(0.75 * largest, 0.125 * largest, dtype) + zero).error).all()
    assert np.isfinite((_number(edge / SLACK**2, 0.0, dtype) + zero).error).all()
    assert np.isfinite((_number(0.5 * largest, 0.125 * largest, dtype) + zero).error).all()
