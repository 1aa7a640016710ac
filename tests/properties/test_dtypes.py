"""Number types: what is decided in `numeric.dtypes`."""

from fractions import Fraction

import numpy as np
import pytest

from numeric import conv, conv_bias_gradient, conv_input_gradient, conv_weight_gradient, convolve
from numeric.paths import DIRECT, EXACT, PATHS

SMALL_INTEGERS = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", SMALL_INTEGERS)
def test_small_integers_do_not_wrap_around(path, dtype):
    largest = 1 if dtype is np.bool_ else np.iinfo(dtype).max
    x, w = np.full((1, 1, 4), largest, dtype), np.ones((1, 1, 3), dtype)
    y = conv(x, w, path=path)
    assert y.dtype == (np.uint64 if np.dtype(dtype).kind == "u" else np.int64)
    assert y.tolist() == [[[3 * int(largest)] * 2]]
    assert conv_bias_gradient(x).tolist() == [4 * int(largest)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128])
def test_floats_keep_their_type(path, dtype):
    x, w, g = (np.ones(shape, dtype) for shape in ((1, 1, 4), (1, 1, 3), (1, 1, 2)))
    assert conv(x, w, path=path).dtype == dtype
    assert conv_input_gradient(g, w, 4, path=path).dtype == dtype
    assert conv_weight_gradient(g, x, 3, path=path).dtype == dtype
    assert conv_bias_gradient(g).dtype == dtype


@pytest.mark.parametrize("path", PATHS)
def test_mixed_types_meet_in_numpys_common_type(path):
    assert conv(np.ones((1, 1, 4), np.float32), np.ones((1, 1, 3), np.int8), path=path).dtype == np.float32
    assert conv(np.ones((1, 1, 4), np.float32), np.ones((1, 1, 3)), path=path).dtype == np.float64


@pytest.mark.parametrize("path", DIRECT)
def test_complex_arrays_are_not_conjugated(path):
    x, w = np.array([[[1j, 2]]]), np.array([[[1j, 1]]])
    assert conv(x, w, path=path).tolist() == [[[1 + 0j]]]
    assert conv_weight_gradient(np.array([[[1j]]]), x, 2, path=path).tolist() == [[[-1, 2j]]]
    assert conv_input_gradient(np.array([[[1j]]]), w, 2, path=path).tolist() == [[[-1, 1j]]]


@pytest.mark.parametrize("path", DIRECT)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_nan_or_infinite_input_reaches_its_readers_only(path, bad):
    x = np.ones((1, 1, 6))
    x[0, 0, 1] = bad
    y = conv(x, np.ones((1, 1, 2)), padding=1, path=path)
    assert np.isfinite(y[0, 0]).tolist() == [True, False, False, True, True, True, True]


@pytest.mark.parametrize("path", EXACT)
def test_objects_use_their_own_arithmetic(path):
    third = Fraction(1, 3)
    x = np.full((1, 1, 3), third, object)
    y = conv(x, np.full((1, 1, 3), third, object), path=path)
    assert y.tolist() == [[[third]]]
    assert isinstance(y.item(), Fraction)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, object])
def test_an_empty_batch_gives_empty_outputs_and_zero_weight_gradients(path, dtype):
    dtype = np.int64 if path not in EXACT and dtype is object else dtype
    x, w, g = (np.ones(shape, dtype) for shape in ((0, 2, 5, 4), (3, 2, 3, 3), (0, 3, 3, 2)))
    assert conv(x, w, path=path).shape == (0, 3, 3, 2)
    assert conv_input_gradient(g, w, (5, 4), path=path).shape == (0, 2, 5, 4)
    dw = conv_weight_gradient(g, x, (3, 3), path=path)
    assert dw.shape == w.shape
    assert (dw == 0).all()
    assert (conv_bias_gradient(g) == 0).all()


def test_a_bias_takes_part_in_the_common_type():
    x, w = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 2), np.float32)
    assert conv(x, w, np.ones(1)).dtype == np.float64
    assert conv(x, w, np.ones(1, np.float32)).dtype == np.float32


def test_lists_are_arrays():
    assert convolve([1, 2, 3], [1, 1]).tolist() == [1, 3, 5, 3]
