"""Pooling: against the definition, its gradients as adjoints, ties, NaN, padding, paths; and TensorFlow."""

from dataclasses import replace
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numeric import (
    Geometry,
    GeometryError,
    average_pool,
    average_pool_input_gradient,
    definition,
    max_pool,
    max_pool_input_gradient,
    rounding,
)
from numeric.paths.compiled import pooling
from numeric.pooling import winners
from tests import checks, strategies

FLOATS = (np.float16, np.float32, np.float64)
PATHS = ("windows", "direct") if find_spec("numba") else ("windows",)
EITHER = pytest.mark.parametrize("path", PATHS)


@st.composite
def pools(draw, elements=None):
    """A layer's windows on some channels, with x and g; every window reads a cell."""
    case = draw(strategies.layers())
    geometry = replace(case.geometry, in_channels=1, out_channels=1, groups=1)
    assume(all(any(geometry.reads(o, u) for u in geometry.taps()) for o in geometry.outputs()))
    shape = (case.batch, draw(st.integers(1, 2)))
    few = elements or (lambda shape: strategies.integers(shape, 4))  # so that there are ties
    x = draw(few((*shape, *geometry.input_size)))
    g = draw((elements or strategies.integers)((*shape, *geometry.output_size)))
    return geometry, x, g


def _options(geometry):
    return {name: getattr(geometry, name) for name in ("stride", "dilation", "padding", "boundary")}


@given(pools())
def test_max_pooling_is_the_definition(pool):
    geometry, x, g = pool
    checks.check_same(max_pool(x, geometry.kernel_size, **_options(geometry)), definition.max_pool(x, geometry))
    dx = max_pool_input_gradient(g, x, geometry.kernel_size, **_options(geometry))
    checks.check_same(dx, definition.max_pool_input_gradient(g, x, geometry))


@given(pools(), st.booleans())
def test_average_pooling_is_the_definition_on_fractions(pool, count_padding):
    geometry, x, g = pool
    x, g = strategies.exact(x), strategies.exact(g)
    options = {"count_padding": count_padding, **_options(geometry)}
    y = average_pool(x, geometry.kernel_size, **options)
    checks.check_same(y, definition.average_pool(x, geometry, count_padding))
    dx = average_pool_input_gradient(g, geometry.input_size, geometry.kernel_size, **options)
    assert (dx * x).sum() == (g * y).sum()  # its adjoint, and so its gradient
    checks.check_same(dx, definition.average_pool_input_gradient(g, geometry, count_padding))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
def test_averages_of_integers_are_float64(dtype):
    x, geometry = np.array([[[0, 1, 1, 0, 1]], [[1, 0, 1, 1, 1]]], dtype), Geometry((5,), (2,), padding=((0, 1),))
    y = average_pool(x, 2, stride=1, padding=geometry.padding)
    assert y.tolist() == [[[0.5, 1, 0.5, 0.5, 1]], [[0.5, 0.5, 1, 1, 1]]]
    checks.check_same(definition.average_pool(x, geometry), y)
    dx = average_pool_input_gradient(x, 5, 2, stride=1, padding=geometry.padding)
    assert dx.tolist() == [[[0, 0.5, 1, 0.5, 1]], [[0.5, 0.5, 0.5, 1, 1.5]]]
    checks.check_same(definition.average_pool_input_gradient(x, geometry), dx)


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_average_pooling_and_its_gradient_stay_within_the_bound(dtype, count_padding, data):
    geometry, x, g = data.draw(pools(lambda shape: strategies.floats(shape, dtype)))
    kernel, options = geometry.kernel_size, {"count_padding": count_padding, **_options(geometry)}
    y = average_pool(x, kernel, **options)
    dx = average_pool_input_gradient(g, geometry.input_size, kernel, **options)
    assert y.dtype == dx.dtype == dtype
    true = definition.average_pool(strategies.exact(x), geometry, count_padding)
    checks.check_within(y, true, rounding.average_pool_bound(x, geometry, count_padding))
    true = definition.average_pool_input_gradient(strategies.exact(g), geometry, count_padding)
    checks.check_within(dx, true, rounding.average_pool_input_gradient_bound(g, geometry, count_padding))


@EITHER
@given(pools(), st.sampled_from((np.float32, np.float64)))
@settings(deadline=None)
def test_every_path_is_the_definition_on_floats(path, pool, dtype):
    geometry, x, g = pool
    x, g = x.astype(dtype), g.astype(np.float64)  # no sum of these rounds
    options = {"path": path, **_options(geometry)}
    checks.check_same(max_pool(x, geometry.kernel_size, **options), definition.max_pool(x, geometry))
    dx = max_pool_input_gradient(g, x, geometry.kernel_size, **options)
    checks.check_same(dx, definition.max_pool_input_gradient(g, x, geometry))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("path", ["windows", "auto"])
@given(data=st.data())
@settings(deadline=None)
def test_max_pooling_is_exact_on_floats_and_its_gradient_stays_within_the_bound(path, dtype, data):
    geometry, x, g = data.draw(pools(lambda shape: strategies.floats(shape, dtype)))
    kernel, options = geometry.kernel_size, {"path": path, **_options(geometry)}
    checks.check_same(max_pool(x, kernel, **options), definition.max_pool(x, geometry))
    dx = max_pool_input_gradient(g, x, kernel, **options)
    assert dx.dtype == dtype
    true = definition.max_pool_input_gradient(strategies.exact(g), x, geometry)
    checks.check_within(dx, true, rounding.max_pool_input_gradient_bound(g, x, geometry))


@given(pools())
def test_channels_last_is_the_same_pooling(pool):
    geometry, x, g = pool
    last = {"channels_last": True, **_options(geometry)}
    x_last, g_last, kernel = np.moveaxis(x, 1, -1), np.moveaxis(g, 1, -1), geometry.kernel_size
    for ours, theirs in (
        (max_pool(x_last, kernel, **last), max_pool(x, kernel, **_options(geometry))),
        (average_pool(x_last, kernel, **last), average_pool(x, kernel, **_options(geometry))),
        (
            max_pool_input_gradient(g_last, x_last, kernel, **last),
            max_pool_input_gradient(g, x, kernel, **_options(geometry)),
        ),
        (
            average_pool_input_gradient(g_last, geometry.input_size, kernel, **last),
            average_pool_input_gradient(g, geometry.input_size, kernel, **_options(geometry)),
        ),
    ):
        checks.check_same(np.moveaxis(ours, -1, 1), theirs)


def test_every_order_of_a_small_window_exhaustively():
    """All values 0 to 2 in four cells, so all ties; windows of two cells, one apart, with padding."""
    geometry = Geometry((4,), (2,), stride=1, dilation=2, padding=((1, 1),))
    g = np.array([[[1, 10, 100, 1000]]])
    tried = 0
    for cells in product(range(3), repeat=4):
        x = np.array(cells)[None, None] - 5  # all below the zeros of the padding, which must not win
        options = {"stride": 1, "dilation": 2, "padding": 1}
        checks.check_same(max_pool(x, 2, **options), definition.max_pool(x, geometry))
        dx = max_pool_input_gradient(g, x, 2, **options)
        checks.check_same(dx, definition.max_pool_input_gradient(g, x, geometry))
        assert dx.sum() == g.sum()
        tried += 1
    assert tried == 81


def test_the_first_of_equal_maxima_takes_the_gradient():
    x = np.array([[[3, 3, 1, 3]]])
    assert max_pool_input_gradient(np.array([[[7]]]), x, 4).tolist() == [[[7, 0, 0, 0]]]
    assert winners(x, Geometry((4,), (4,))).tolist() == [[[0]]]


@EITHER
@pytest.mark.parametrize("low", [-np.inf, np.nan])
def test_infinities_and_nans_win_as_documented(low, path):
    x = np.array([[[low, 1.0, low, low]]])
    y = max_pool(x, 2, padding=1, stride=1, path=path)
    dx = max_pool_input_gradient(np.arange(1.0, 6)[None, None], x, 2, padding=1, stride=1, path=path)
    assert dx.tolist() == ([[[1, 5, 4, 5]]] if np.isinf(low) else [[[3, 0, 7, 5]]])
    expected = [low, 1.0, 1.0, low, low] if np.isinf(low) else [low, low, low, low, low]
    np.testing.assert_array_equal(y[0, 0], expected)
    np.testing.assert_array_equal(definition.max_pool(x, Geometry((4,), (2,), padding=1)), y)
    assert winners(x, Geometry((4,), (2,), padding=1)).tolist()[0][0][0] == 1  # never a cell of the padding


def test_the_type_of_the_cotangent_does_not_decide_who_won():
    x = np.array([[[2**53, 2**53 + 1]]])  # the same number in float64
    assert max_pool_input_gradient(np.ones((1, 1, 1)), x, 2).tolist() == [[[0.0, 1.0]]]


def test_one_size_stands_for_every_axis():
    g = np.arange(2 * 3.0).reshape(1, 1, 2, 3)
    ours = average_pool_input_gradient(g, 6, (3, 2))
    checks.check_same(ours, average_pool_input_gradient(g, (6, 6), (3, 2)))


def test_a_stride_that_is_not_given_is_the_kernels_size():
    x = np.arange(6)[None, None]
    assert max_pool(x, 2).tolist() == [[[1, 3, 5]]]
    assert average_pool(x, 3).tolist() == [[[1.0, 4.0]]]
    assert average_pool(x, 3, stride=2, padding=((1, 0),)).tolist() == [[[0.5, 2.0, 4.0]]]
    assert average_pool(x, 3, stride=2, padding=((1, 0),), count_padding=True).tolist()[0][0][0] == 1 / 3


@pytest.mark.parametrize(("stride", "padding"), list(product((1, 2, 3), ("same", "valid"))))
def test_it_is_tensorflows(stride, padding):
    tensorflow = pytest.importorskip("tensorflow")
    random = np.random.default_rng(0)
    x = random.permutation(2 * 7 * 6 * 3).reshape(2, 7, 6, 3).astype(float)
    theirs = tensorflow.constant(x)
    options = {"stride": stride, "padding": padding, "channels_last": True}
    pooled = tensorflow.nn.max_pool2d(theirs, (3, 2), stride, padding.upper()).numpy()
    assert max_pool(x, (3, 2), **options).tolist() == pooled.tolist()
    averaged = tensorflow.nn.avg_pool2d(theirs, (3, 2), stride, padding.upper()).numpy()
    # both sides are off by a bound each
    geometry = Geometry((7, 6), (3, 2), stride, padding=padding)
    bound = np.moveaxis(rounding.average_pool_bound(np.moveaxis(x, -1, 1), geometry), 1, -1)
    assert (abs(average_pool(x, (3, 2), **options) - averaged) <= 2 * bound).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: max_pool(np.ones((1, 1, 2)), 2, padding=2), "has a window that reads padding only, for Geometry"),
        (lambda: max_pool(np.ones((1, 1, 2)), 3), "the kernel does not fit"),
        (lambda: max_pool(np.ones((2, 2)), 2), r"at least one spatial axis; got shape \(2, 2\)"),
        (lambda: average_pool(np.ones((1, 1, 4, 4)), (2,)), "kernel_size has 1 entries for 2 axes"),
        (lambda: max_pool_input_gradient(np.ones((1, 1, 3)), np.ones((1, 1, 4)), 2), r"g must have shape \(1, 1, 2\)"),
        (
            lambda: average_pool_input_gradient(np.ones((1, 1, 3)), 4, 2),
            r"g must have shape \(1, 1, 2\), got \(1, 1, 3\)",
        ),
        (lambda: average_pool_input_gradient(np.ones(3), 4, 2), "at least one spatial axis"),
        (lambda: average_pool_input_gradient(np.ones((3, 4)), 4, 2), r"one spatial axis; got shape \(3, 4\)"),
        (lambda: average_pool_input_gradient(np.ones((1, 1, 3)), 0, 2), "input_size must be at least 1, got 0"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 2, 40), (2, 3, 23, 31), (1, 2, 7, 9, 12)])
@pytest.mark.parametrize("boundary", ["zero", "circular"])
def test_the_compiled_path_is_the_other_on_planes_of_many_vectors(dtype, shape, boundary):
    pytest.importorskip("numba")
    random = np.random.default_rng(0)
    x = random.integers(-3, 0, shape).astype(dtype)  # with ties, and all below the padding
    x[random.random(shape) < 0.1] = np.nan
    for options in ({}, {"stride": 2, "padding": 1}, {"stride": 1, "dilation": 2, "padding": "same"}):
        options = {"boundary": boundary, **options}
        y, right = (max_pool(x, 3, path=path, **options) for path in ("direct", "windows"))
        np.testing.assert_array_equal(y, right)
        assert y.dtype == dtype
        g = random.integers(-9, 9, y.shape).astype(np.float32)
        dx, right = (max_pool_input_gradient(g, x, 3, path=path, **options) for path in ("direct", "windows"))
        np.testing.assert_array_equal(dx, right)
        assert dx.dtype == np.float32


def test_paths_that_are_none_or_cannot_run_are_errors(monkeypatch):
    x = np.ones((1, 1, 4, 4), np.float32)
    with pytest.raises(GeometryError, match="path must be one of 'auto', 'windows', 'direct'; got 'im2col'"):
        max_pool(x, 2, path="im2col")
    with pytest.raises(
        TypeError, match=r"direct is compiled for .* float64, got int64; path='windows' takes every number type"
    ):
        max_pool_input_gradient(np.ones((1, 1, 2, 2), int), x, 2, path="direct")
    monkeypatch.setattr(pooling, "ENTRIES", 15)
    with pytest.raises(GeometryError, match="15 cells, and pairs of outputs and taps, in a plane at most"):
        max_pool(x, 2, path="direct")
    assert max_pool(x, 2).shape == (1, 1, 2, 2)
    monkeypatch.setattr(pooling, "available", lambda: "no Numba here")
    with pytest.raises(GeometryError, match="no Numba here, for Geometry"):
        max_pool(x[..., :2], 2, path="direct")
    assert max_pool(x[..., :2], 2).shape == (1, 1, 2, 1)


def test_an_empty_batch_is_pooled():
    for path in ("windows", "auto"):
        x = np.ones((0, 3, 4), np.float32)
        assert max_pool(x, 2, path=path).shape == (0, 3, 2)
        assert max_pool_input_gradient(x[..., :2], x, 2, path=path).shape == (0, 3, 4)


@EITHER
@pytest.mark.parametrize("dtype", [float, object])
@pytest.mark.parametrize("places", [(0,), (1,), (3,), (1, 2), (0, 1, 2, 3)])
def test_the_gradient_of_a_window_with_nan_goes_to_the_first_nan(places, dtype, path):
    if dtype is object and path == "direct":
        path = "auto"
    x = np.arange(4.0).astype(dtype).reshape(1, 1, 2, 2)
    for place in places:
        x.flat[place] = np.nan
    with np.errstate(invalid="ignore"):  # to compare objects that are NaN
        dx = max_pool_input_gradient(np.full((1, 1, 1, 1), 5).astype(dtype), x, 2, path=path)
    assert [int(found) for found in dx.flat] == [5 * (place == places[0]) for place in range(4)]
