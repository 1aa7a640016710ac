"""What compiled paths share: Numba is optional and lazy, NaN keeps its meaning, threads are limited and given back."""

import subprocess
import sys

import numpy as np
import pytest

from numeric.paths import compiled

numba = pytest.importorskip("numba")


def _sum_of_products(a, b):
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


def test_numba_is_not_imported_before_it_is_needed():
    code = (
        "import sys, numeric, numeric.paths.compiled as c; assert not c.available(); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_the_reason_says_what_to_install(monkeypatch):
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    compiled.available.cache_clear()
    try:
        assert compiled.available() == "compiled paths need Numba: pip install 'convproof[fast]'"
    finally:
        compiled.available.cache_clear()


@pytest.mark.parametrize("dtypes", [("float16",), ("int64",), ("object",), ("complex64",), ("float32", "float64")])
def test_other_types_are_refused(dtypes):
    message = rf"fused2 is compiled for arrays of float32 or of float64, got {' and '.join(dtypes)}; path='im2col'"
    with pytest.raises(TypeError, match=message):
        compiled.expect_floats("fused2", *(np.zeros(1, dtype) for dtype in dtypes))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_taken(dtype):
    compiled.expect_floats("fused2", np.zeros(1, dtype), np.zeros(2, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_keep_their_meaning(dtype):
    kernel, a, ones = compiled.jit()(_sum_of_products), np.arange(33, dtype=dtype), np.ones(33, dtype)
    assert kernel(a, ones) == 528
    for position in range(33):
        for value, expected in ((np.nan, np.nan), (np.inf, np.inf), (-np.inf, -np.inf)):
            b = ones.copy()
            b[position] = value
            # 0 * inf is NaN
            np.testing.assert_equal(kernel(a, b), dtype(np.nan if position == 0 else expected))


def test_no_setting_assumes_that_there_is_no_nan():
    settings = compiled.jit()(_sum_of_products).targetoptions
    assert settings["fastmath"] == {"contract", "reassoc", "nsz"}


@pytest.mark.parametrize("allowed", [1, 10**6])
def test_threads_are_limited_and_given_back(allowed, monkeypatch):
    monkeypatch.setattr(compiled, "limit", lambda: allowed)
    before = numba.get_num_threads()
    with compiled.workers() as number:
        assert number == numba.get_num_threads() == min(allowed, numba.config.NUMBA_NUM_THREADS)
    assert numba.get_num_threads() == before


def test_threads_are_given_back_after_an_error(monkeypatch):
    monkeypatch.setattr(compiled, "limit", lambda: 1)
    before = numba.get_num_threads()
    with pytest.raises(ZeroDivisionError), compiled.workers():
        raise ZeroDivisionError
    assert numba.get_num_threads() == before
    with compiled.workers() as number:  # and the next caller is not shut out
        assert number == 1
