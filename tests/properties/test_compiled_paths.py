"""Paths that Numba compiles: their bounds on small layers and on ones that fill vectors, NaN, what they refuse."""

from functools import partial
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numeric as nm
from numeric import Geometry, GeometryError, definition, rounding
from numeric.paths import COMPILED, EVERY, PATHS
from numeric.paths.auto import Function
from numeric.paths.compiled import direct, layout
from tests import checks, strategies
from tests.properties.test_auto import arguments, public

pytest.importorskip("numba")
FUNCTIONS = get_args(Function)
FUSED = ("fused2", "fused4")
Layer = partial(Geometry, in_channels=3, out_channels=5)
# Sizes on both sides of a vector's lanes, of the registers' blocks, of a band and of a piece of tiles
LARGE = {
    "a line": (Geometry((301,), (5,), 2, 3, ((4, 1),), 3, 9), 3),
    "blocks of 8, 4, 2 and 1 channels": (Geometry((19, 37), (3, 3), padding=1, in_channels=7, out_channels=31), 2),
    "one channel, wide": (Geometry((21, 700), (5, 5), padding=2), 1),
    "many channels": (Geometry((18, 21), (3, 3), padding=((0, 2), (1, 1)), in_channels=67, out_channels=70), 2),
    "less than a tile": (Geometry((1, 2), (3, 3), padding=1, in_channels=17, out_channels=18), 5),
    "samples in one piece": (Geometry((5, 6), (3, 3), padding=1, in_channels=33, out_channels=34), 29),
    "groups": (Geometry((9, 40), (3, 3), padding=1, in_channels=36, out_channels=54, groups=2), 3),
    "depthwise": (Geometry((23, 29), (3, 3), padding=1, in_channels=24, out_channels=24, groups=24), 2),
    "depthwise, cropped": (Geometry((23, 29), (3, 3), 1, (1, 2), ((-2, 1), (0, -1)), 24, 24, 24), 3),
    "depthwise, far outside": (Geometry((7, 35), (3, 3), 1, 1, ((5, 4), (40, 3)), 16, 16, 16), 2),
    "depthwise, in few rows": (Geometry((8, 9), (3, 3), in_channels=40, out_channels=40, groups=40), 4),
    "few channels in groups": (Geometry((12, 21), (3, 3), padding=1, in_channels=12, out_channels=18, groups=6), 2),
    "strides": (Geometry((47, 53), (4, 3), (3, 2), padding=((2, 1), (0, 3)), in_channels=5, out_channels=20), 2),
    "stride beyond the kernel": (Geometry((40, 41), (2, 2), 5, padding=1, in_channels=3, out_channels=17), 2),
    "dilation": (Geometry((30, 44), (3, 5), (1, 2), (4, 3), ((8, 3), (6, 6)), 4, 16), 2),
    "cropped": (Geometry((30, 40), (3, 3), padding=((-3, -2), (-1, 4)), in_channels=4, out_channels=6), 2),
    "wide padding": (Geometry((6, 20), (3, 3), padding=((5, 4), (3, 6)), in_channels=4, out_channels=6), 2),
    "circular": (Geometry((12, 33), (3, 5), 1, 1, ((2, 1), (7, 40)), 3, 8, boundary="circular"), 2),
    "a tap that reads nothing": (Geometry((4,), (3,), 2, 2, ((2, 0),)), 1),
    "pointwise": (Geometry((13, 31), (1, 1), in_channels=40, out_channels=70), 2),
    "pointwise, in bands": (Geometry((41, 67), (1, 1), in_channels=9, out_channels=12), 1),
    "pointwise, cropped": (Geometry((13, 31), (1, 1), padding=((-2, 0), (0, -1)), in_channels=4, out_channels=9), 2),
    "3x3, dilated": (Geometry((23, 37), (3, 3), 1, (2, 3), ((2, 3), (4, 1)), 5, 18), 3),
    "3x3, dilated beyond the input": (Geometry((7, 6), (3, 3), 1, (3, 5), ((4, 2), (5, 5)), 17, 3), 3),
    "3x3, dilated and cropped": (Geometry((12, 14), (3, 3), 1, (1, 2), ((2, -1), (0, -3)), 3, 2), 2),
    "3x3, every second": (Geometry((27, 38), (3, 3), 2, 1, 1, 37, 50), 3),
    "3x3, every second, in groups": (Geometry((30, 17), (3, 3), 2, 1, ((0, 1), (2, 0)), 10, 36, 2), 3),
    "3x3, every second, not to the end": (Geometry((20, 14), (3, 3), 2, 1, ((0, -2), (0, 1)), 17, 5), 4),
    "3x3, every second, cropped": (Geometry((18, 29), (3, 3), 2, 1, ((-3, 2), (5, -2)), 6, 19), 2),
    "3x3, every second, less than a tile": (Geometry((3, 4), (3, 3), 2, 1, ((4, 0), (0, 1)), 3, 35), 9),
    "an image, 3x3": (Geometry((61, 391), (3, 3), padding=1), 1),
    "an image of whole blocks, 3x3": (Geometry((13, 128), (3, 3), padding=1), 1),
    "an image of whole blocks, 5x5": (Geometry((12, 192), (5, 5), padding=2), 1),
    "an image, 9x7": (Geometry((40, 333), (9, 7), padding=((4, 4), (3, 3))), 1),
    "an image, 4x4, cropped": (Geometry((23, 90), (4, 4), padding=((0, -2), (-3, 5))), 2),
    "an image of more channels": (Geometry((33, 70), (3, 5), 1, (1, 2), ((1, 1), (4, 4)), 3, 2), 2),
    "an image, outside of which most is read": (Geometry((9, 7), (3, 3), padding=((7, 0), (20, 33))), 2),
    "few outputs, many taps": (Geometry((12, 11), (5, 5), in_channels=5, out_channels=21), 3),
    "few outputs of padded input": (Geometry((14, 9), (7, 3), 1, (2, 3), ((2, 3), (0, 1)), 11, 6, 1), 2),
    "few outputs, in parts": (Geometry((30, 31), (7, 7), in_channels=11, out_channels=3), 2),
    "strided, in parts": (Geometry((57, 56), (5, 5), 2, padding=2, in_channels=7, out_channels=4), 2),
    "strided in rows": (Geometry((33, 40), (3, 4), (2, 1), (1, 3), 1, 9, 5), 2),
    "strided in columns": (Geometry((21, 71), (4, 3), (1, 2), (2, 1), ((1, 3), (0, 1)), 6, 10, 2), 2),
    "few outputs, in groups": (Geometry((9, 21), (6, 17), in_channels=6, out_channels=8, groups=2), 5),
}  # fmt: skip


def layers_for(path):
    if path == "direct":
        return st.one_of(strategies.layers(1), strategies.layers(2))
    return strategies.layers(2, 3).filter(lambda case: not COMPILED[path].supports(case.geometry))


def true(function, geometry, a, b):
    """In extended precision: good enough to compare float64 with."""
    return getattr(PATHS["im2col"], function)(a.astype(np.longdouble), b.astype(np.longdouble), geometry)


def drawn(function, geometry, batch, dtype, seed=0):
    shapes = [array.shape for array in arguments(function, geometry, batch)]
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("path", COMPILED)
@given(data=st.data())
@settings(deadline=None)
def test_every_output_is_within_the_bound(path, data):
    case, dtype = data.draw(layers_for(path)), data.draw(st.sampled_from((np.float32, np.float64)))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, dtype, "winograd4")))
    x, w, g, geometry = of["x"], of["w"], of["g"], case.geometry
    for function, a, b in zip(FUNCTIONS, (x, g, g), (w, w, x), strict=True):
        found = getattr(COMPILED[path], function)(a, b, geometry)
        right = getattr(definition, function)(strategies.exact(a), strategies.exact(b), geometry)
        bounds = {"conv": rounding.conv_bound, "input_gradient": rounding.input_gradient_bound}
        checks.check_within(
            found, right, bounds.get(function, rounding.weight_gradient_bound)(a, b, geometry, path=path)
        )
        assert found.dtype == dtype


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_that_fill_vectors_blocks_and_bands_are_within_the_bound(path, name, function, dtype):
    geometry, batch = LARGE[name]
    if COMPILED[path].supports(geometry):
        assert path in FUSED
        with pytest.raises(GeometryError, match=f"{path} needs two axes, 3x3 kernels, zeros outside of the input, and"):
            public(function, geometry, *arguments(function, geometry, 1, dtype), path)
        return
    a, b = drawn(function, geometry, batch, dtype)
    found = public(function, geometry, a, b, path)
    names = {"conv": "conv_bound", "input_gradient": "input_gradient_bound", "weight_gradient": "weight_gradient_bound"}
    bound = getattr(rounding, names[function])(a, b, geometry, path=path)
    right = true(function, geometry, a, b)
    # the bound is far from the errors: what a wrong index does must not fit into it
    assert np.max(np.abs(found - right)) <= 64 * np.finfo(dtype).eps * max(1, np.max(np.abs(right)))
    assert (np.abs(found - right) <= bound).all()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", LARGE)
def test_direct_sums_of_small_integers_are_exact(name, function):
    geometry, batch = LARGE[name]
    a, b = arguments(function, geometry, batch, np.float32)
    right = getattr(PATHS["im2col"], function)(a.astype(int), b.astype(int), geometry)
    np.testing.assert_array_equal(public(function, geometry, a, b, "direct"), right)


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("name", LARGE)
def test_a_bias_is_added_last(name, path):
    """To the same sums, so that not a bit is different; in the last place where Winograd's are fused into it."""
    geometry, batch = LARGE[name]
    if COMPILED[path].supports(geometry):
        return
    x, w = drawn("conv", geometry, batch, np.float32)
    bias = np.random.default_rng(1).standard_normal(geometry.out_channels).astype(np.float32)
    names = ("stride", "dilation", "padding", "groups", "boundary")
    found = nm.conv(x, w, bias, path=path, **{option: getattr(geometry, option) for option in names})
    right = COMPILED[path].conv(x, w, geometry) + bias.reshape(-1, *(1,) * geometry.ndim)
    np.testing.assert_allclose(found, right, rtol=0, atol=0 if path == "direct" else 1e-5 * np.abs(right).max())


@pytest.mark.parametrize("budget", [1 << 12, 1 << 15, 1 << 17])
@pytest.mark.parametrize("name", LARGE)
def test_bands_and_parts_of_any_size_make_up_the_layer(name, budget, monkeypatch):
    """As if the cache were smaller: what large layers are cut into, these are as well."""
    geometry, batch = LARGE[name]
    monkeypatch.setattr(layout, "BUDGET", budget)
    for planned in (direct._forward, direct._weights, direct._backward):
        monkeypatch.setattr(direct, planned.__name__, planned.__wrapped__)
    for function in FUNCTIONS:
        a, b = arguments(function, geometry, batch, np.float32)
        right = getattr(PATHS["im2col"], function)(a.astype(int), b.astype(int), geometry)
        np.testing.assert_array_equal(public(function, geometry, a, b, "direct"), right)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_with_the_outputs_that_read_them(name, function, value):
    """To all of them; and to no more than where every sum is taken alone, which multiplies g with zeros of padding."""
    geometry, batch = LARGE[name]
    generator = np.random.default_rng(1)
    for which in (0, 1):
        arrays = list(drawn(function, geometry, batch, np.float32))
        if which and function != "weight_gradient":
            continue  # weights meet the zeros around the input, as they do in im2col
        arrays[which].flat[generator.integers(arrays[which].size)] = value
        arrays[which].flat[-1] = arrays[which].flat[0] = value
        with np.errstate(invalid="ignore"):
            most = getattr(PATHS["shift"], function)(*arrays, geometry)
            found = getattr(direct, function)(*arrays, geometry)
        reading = [np.ones_like(array) for array in arrays]
        reading[which] = (~np.isfinite(arrays[which])).astype(np.float32)
        least = getattr(PATHS["im2col"], function)(*reading, geometry) > 0
        assert (~np.isfinite(found) >= least).all()
        assert (~np.isfinite(found) <= ~np.isfinite(most)).all()


@pytest.mark.parametrize("path", COMPILED)
def test_an_empty_batch_is_an_empty_result(path):
    geometry = Layer((8, 9), (3, 3), padding=1)
    for function in FUNCTIONS:
        a, b = arguments(function, geometry, 0, np.float32)
        found = public(function, geometry, a, b, path)
        assert found.shape == getattr(PATHS["im2col"], function)(a, b, geometry).shape
        assert not found.any()


@pytest.mark.parametrize("path", COMPILED)
def test_arrays_in_any_order_of_memory_are_read(path):
    geometry = Layer((12, 20), (3, 3), padding=1)
    for function in FUNCTIONS:
        a, b = drawn(function, geometry, 4, np.float32)
        found = public(function, geometry, a, b, path)
        checks.check_same(public(function, geometry, np.asfortranarray(a), b[..., ::-1].copy()[..., ::-1], path), found)
    x, w = drawn("conv", geometry, 4, np.float32)
    last = nm.conv(np.moveaxis(x, 1, -1), w, padding=1, channels_last=True, path=path)
    checks.check_same(np.moveaxis(last, -1, 1), nm.conv(x, w, padding=1, path=path))


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("dtype", [np.float16, np.int64, object, np.complex64])
def test_other_types_are_refused_before_any_work(path, dtype):
    x, w = np.ones((1, 1, 4, 4), dtype), np.ones((1, 1, 3, 3), dtype)
    with pytest.raises(
        TypeError, match=f"{path} is compiled for arrays of float32 or of float64, got {np.dtype(dtype).name}"
    ):
        nm.conv(x, w, path=path)


def test_three_axes_are_refused():
    with pytest.raises(GeometryError, match="path 'direct' takes one or two axes, for Geometry"):
        nm.conv(np.ones((1, 1, 2, 2, 2)), np.ones((1, 1, 1, 1, 1)), path="direct")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_layer(threads, monkeypatch):
    from numeric.paths import compiled

    monkeypatch.setattr(compiled, "limit", lambda: threads)
    for name in ("groups", "samples in one piece"):
        geometry, batch = LARGE[name]
        for path in COMPILED:
            for function in FUNCTIONS:
                a, b = drawn(function, geometry, batch, np.float64)
                found, right = public(function, geometry, a, b, path), true(function, geometry, a, b)
                assert np.max(np.abs(found - right)) <= 1e-13 * np.max(np.abs(right))


def test_without_numba_the_compiled_paths_say_what_to_install_and_none_is_chosen(monkeypatch):
    from numeric.paths import auto, compiled

    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    compiled.available.cache_clear()
    auto.plan.cache_clear()
    try:
        geometry = Geometry((56, 56), (3, 3), padding=1, in_channels=64, out_channels=64)
        work = auto.Work("conv", geometry, 16, 4)
        assert not set(auto.costs("auto-fastest", work, np.dtype(np.float32))) & set(COMPILED)
        for path in COMPILED:
            with pytest.raises(GeometryError, match=r"compiled paths need Numba: pip install 'convproof\[fast\]'"):
                nm.conv(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), path=path)
    finally:
        compiled.available.cache_clear()
        auto.plan.cache_clear()


def test_with_numba_large_layers_take_compiled_paths():
    from numeric.paths import auto

    geometry = Geometry((56, 56), (3, 3), padding=1, in_channels=64, out_channels=64)
    for path, name in (("auto", "direct"), ("auto-fast", "fused2"), ("auto-fastest", "fused4")):
        for function in FUNCTIONS:
            assert auto.plan(path, function, geometry, 16, np.dtype(np.float32))[0] == name
    assert set(EVERY) == {*PATHS, *COMPILED}
