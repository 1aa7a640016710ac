"""Single arrays: convolve, correlate, rot180 and shift against their plain definitions, SciPy and NumPy."""

from itertools import product

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from numeric import convolve, correlate, definition, rot180, rounding, shift
from numeric.paths import PATHS
from tests import checks, strategies

MODES = ("full", "same", "valid")


def _fits(case):
    """Whether the kernel lies inside the array."""
    return all(m <= n for n, m in zip(case.input_size, case.kernel_size, strict=True))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ours", [convolve, correlate])
@given(data=st.data())
def test_integers_are_exact(path, ours, data):
    case = data.draw(strategies.array_cases(path))
    of = data.draw(strategies.values(case))
    expected = getattr(definition, ours.__name__)(of["x"], of["k"], case.mode)
    checks.check_same(ours(of["x"], of["k"], case.mode, path=path), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ours", [convolve, correlate])
@given(data=st.data())
def test_floats_stay_within_the_bound_in_every_mode(ours, path, dtype, data):
    case = data.draw(strategies.array_cases(path))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, dtype, path)))
    x, k = of["x"], of["k"]
    for mode in MODES if _fits(case) else MODES[:2]:
        y = ours(x, k, mode, path=path)
        assert y.dtype == dtype
        true = getattr(definition, ours.__name__)(strategies.exact(x), strategies.exact(k), mode)
        checks.check_within(y, true, getattr(rounding, f"{ours.__name__}_bound")(x, k, mode, path=path))


@pytest.mark.parametrize("ours", [convolve, correlate])
@given(data=st.data())
def test_argument_order_and_centring_are_scipys(ours, data):
    case = data.draw(strategies.array_cases())
    of = data.draw(strategies.values(case))
    theirs = getattr(scipy.signal, ours.__name__)(of["x"], of["k"], case.mode, method="direct")
    checks.check_same(ours(of["x"], of["k"], case.mode), theirs)


def test_every_small_line_is_numpys():
    tried = 0
    random = np.random.default_rng(0)
    for n, m, mode in product(range(1, 8), range(1, 8), MODES):
        if m > n:  # numpy swaps the arguments there
            continue
        x, k = random.integers(-9, 10, n), random.integers(-9, 10, m)
        checks.check_same(convolve(x, k, mode), np.convolve(x, k, mode))
        tried += 1
    assert tried == 84


@given(st.data())
def test_rot180_reverses_every_axis(data):
    case = data.draw(strategies.array_cases())
    x = data.draw(strategies.integers(case.input_size))
    checks.check_same(rot180(x), definition.rot180(x))
    checks.check_same(rot180(rot180(x)), x)


def test_rot180_of_two_axes_is_a_rotation_by_180_degrees():
    x = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    checks.check_same(rot180(x, axes=(1, 2)), np.rot90(x, 2, axes=(1, 2)))


@pytest.mark.parametrize("boundary", ["zero", "circular"])
@given(data=st.data())
def test_shift_moves_to_larger_indices(boundary, data):
    case = data.draw(strategies.array_cases())
    x = data.draw(strategies.integers(case.input_size))
    checks.check_same(shift(x, case.offset, boundary), definition.shift(x, case.offset, boundary))


def test_shift_moves_the_named_axes_only():
    x = np.arange(1, 7).reshape(2, 3)
    assert shift(x, 1, axes=(1,)).tolist() == [[0, 1, 2], [0, 4, 5]]
    assert shift(x, -1, "circular", axes=(0,)).tolist() == [[4, 5, 6], [1, 2, 3]]


def test_rot180_is_a_view():
    x = np.arange(6).reshape(2, 3)
    assert np.shares_memory(rot180(x), x)


def test_axes_may_count_from_the_end_or_be_one_number():
    x = np.arange(1, 7).reshape(2, 3)
    checks.check_same(shift(x, 1, axes=-1), shift(x, 1, axes=(1,)))
    checks.check_same(shift(x, -1, axes=[-2]), shift(x, -1, axes=0))
    checks.check_same(rot180(x, axes=-2), x[::-1])


def test_even_kernels_are_centred_like_scipys():
    """`same` begins at (m - 1) // 2: a kernel of two has its origin in its first cell."""
    assert convolve([1, 2, 3], [10, 1], "same").tolist() == [10, 21, 32]
    assert correlate([1, 2, 3], [10, 1], "same").tolist() == [1, 12, 23]
