"""What a mask keeps is what it was, bit for bit; what it does not is zero, whatever it was."""

import numpy as np
import pytest

from numeric.masks import keep
from tests import checks

ENTRIES = [np.inf, -np.inf, np.nan, -0.0, 1.5, -2.0, np.inf, 3.0]
MASK = np.array([True, False, False, False, True, False, True, False])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, complex, object])
@pytest.mark.parametrize("step", [1, -1, 2])
def test_not_a_number_and_infinities_go_with_the_mask(dtype, step):
    array, mask = np.array(ENTRIES).astype(dtype)[::step], MASK[::step]
    found = keep(array, mask)
    assert found.dtype == array.dtype
    expected = [entry if kept else 0 for entry, kept in zip(array, mask, strict=True)]
    checks.check_same(found, np.array(expected, dtype))
    if found.dtype.kind == "f":
        assert not np.signbit(found[~mask]).any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_integers_of_any_size(dtype):
    array = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max, 1, 2], dtype)
    assert keep(array, np.array([True, True, False, True])).tolist() == [*array[:2].tolist(), 0, 2]


def test_one_number_and_none():
    assert keep(np.array(2.5), np.array(True)) == 2.5
    assert keep(np.array(2.5), np.array(False)) == 0
    assert keep(np.zeros((0, 3)), np.zeros((0, 3), bool)).shape == (0, 3)
