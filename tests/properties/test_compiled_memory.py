"""Compiled paths write all of a result and nothing beside it: nothing checks an index there, so memory is guarded here.

Layers are larger than those of other suites: vectors, blocks of rows, bands and tiles begin and end anywhere in them.
"""

from contextlib import contextmanager
from typing import get_args
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numeric import Geometry, GeometryError, max_pool, max_pool_input_gradient
from numeric.paths import COMPILED, PATHS
from numeric.paths.auto import Function
from numeric.paths.compiled import direct, fused, pooling

pytest.importorskip("numba")
FUNCTIONS = get_args(Function)
WIDTHS = (*range(7, 140), 190, 191, 192, 193, 255, 257)
AROUND, GUARD = 256, 77  # entries


@contextmanager
def guarded():
    """Results are made inside of memory that must stay as it is, and begin as something that no sum is."""
    made = []

    def empty(shape, dtype):
        memory = np.full(int(np.prod(shape)) + 2 * AROUND, GUARD, dtype)
        memory[AROUND:-AROUND] = np.nan
        made.append(memory)
        return memory[AROUND:-AROUND].reshape(shape)

    with (
        patch.object(direct, "empty", empty),
        patch.object(fused, "empty", empty),
        patch.object(pooling, "empty", empty),
    ):
        yield
    for memory in made:
        assert (memory[:AROUND] == GUARD).all()
        assert (memory[-AROUND:] == GUARD).all()


def check(of, batch, dtype, seed, paths=tuple(COMPILED)):
    """On small integers, of which direct sums are exact and others right to a few digits."""
    random = np.random.default_rng(seed)
    shapes = of.input_shape(batch), of.weight_shape, of.output_shape(batch)
    x, w, g, bias = (random.integers(-4, 5, shape).astype(dtype) for shape in (*shapes, (of.out_channels,)))
    for function, a, b in zip(FUNCTIONS, (x, g, g), (w, w, x), strict=True):
        right = getattr(PATHS["im2col"], function)(a, b, of)
        more = ()
        if function == "conv" and seed % 2:
            more, right = (bias,), right + bias.reshape(-1, *(1,) * of.ndim)
        for path in paths:
            if not COMPILED[path].supports(of):
                with guarded():
                    found = getattr(COMPILED[path], function)(a, b, of, *more)
                off = 0 if path == "direct" else 3e-3 * max(1, np.abs(right).max() / 50)
                assert np.max(np.abs(found - right), initial=0) <= off, (path, function, of)


def check_pooling(of, batch, dtype, seed):
    """The same of max pooling."""
    random = np.random.default_rng(seed)
    options = {name: getattr(of, name) for name in ("stride", "dilation", "padding", "boundary")}
    x = random.integers(-4, 5, of.input_shape(batch)).astype(dtype)
    try:
        right = max_pool(x, of.kernel_size, path="windows", **options)
    except GeometryError:  # a window of padding only
        return
    g = random.integers(-4, 5, right.shape).astype(dtype)
    with guarded():
        np.testing.assert_array_equal(max_pool(x, of.kernel_size, path="direct", **options), right)
        dx = max_pool_input_gradient(g, x, of.kernel_size, path="direct", **options)
    np.testing.assert_array_equal(dx, max_pool_input_gradient(g, x, of.kernel_size, path="windows", **options))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [(3, 3), (4, 5)])
def test_every_width_in_few_channels(kernel, dtype):
    random = np.random.default_rng(0)
    for width in WIDTHS:
        groups, channels = ((1, 1), (8, 1), (1, 4))[width % 3]
        padding = random.integers(-1, 3, (2, 2)).tolist()
        of = Geometry((9, width), kernel, 1, 1, padding, groups * channels, groups * channels, groups)
        check(of, 2, dtype, width)
        check_pooling(of, 1, dtype, width)


@st.composite
def large(draw):
    """A layer of some vectors."""
    ndim = draw(st.integers(1, 2))

    def each(entries):
        return tuple(draw(st.lists(entries, min_size=ndim, max_size=ndim)))

    size, three = draw(st.sampled_from((20, 90))), draw(st.booleans())
    kernel = (3,) * ndim if three else each(st.integers(1, 7))
    stride, dilation = each(st.sampled_from((1, 1, 2, 3))), each(st.sampled_from((1, 1, 1, 2, 3)))
    padding = each(st.tuples(st.integers(-2, 5), st.integers(-2, 5)))
    groups, few = draw(st.sampled_from((1, 1, 2, 8))), st.integers(1, draw(st.sampled_from((3, 40))))
    channels = [groups * draw(few) for _ in range(2)]
    boundary = draw(st.sampled_from(("zero", "zero", "zero", "circular")))
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [max(1, s - low - high) for s, (low, high) in zip(span, padding, strict=True)]
    sizes = tuple(draw(st.integers(low, low + size)) for low in least)
    of = Geometry(sizes, kernel, stride, dilation, padding, *channels, groups, boundary)
    return of, draw(st.integers(1, 3))


@given(large(), st.sampled_from((np.float32, np.float64)), st.integers(0, 99))
@settings(deadline=None, max_examples=200)
def test_layers_of_any_shape(case, dtype, seed):
    of, batch = case
    check(of, batch, dtype, seed)
    check_pooling(of, batch, dtype, seed)


# batch, channels, outputs, size, kernel, stride, padding, dilation, groups
NETWORKS = {
    "ResNet's first": (1, 3, 64, 112, 7, 2, 3, 1, 1),
    "ResNet's step to a half": (1, 64, 128, 28, 3, 2, 1, 1, 1),
    "ResNet's pointwise": (1, 512, 128, 14, 1, 1, 0, 1, 1),
    "ResNet's shortcut": (1, 128, 256, 28, 1, 2, 0, 1, 1),
    "AlexNet's first": (1, 3, 96, 115, 11, 4, 0, 1, 1),
    "AlexNet's second": (1, 96, 256, 27, 5, 1, 2, 1, 2),
    "U-Net's": (1, 32, 32, 90, 3, 1, 0, 1, 1),
    "DeepLab's": (1, 64, 64, 33, 3, 1, 12, 12, 1),
    "MobileNet's": (1, 96, 96, 56, 3, 1, 1, 1, 96),
    "MobileNet's step to a half": (1, 96, 96, 56, 3, 2, 1, 1, 96),
    "ConvNeXt's": (1, 96, 96, 28, 7, 1, 3, 1, 96),
    "ConvNeXt's patches": (1, 3, 96, 112, 4, 4, 0, 1, 1),
    "EfficientNet's": (1, 72, 72, 28, 5, 2, 2, 1, 72),
    "a super-resolution's last": (1, 64, 3, 64, 9, 1, 4, 1, 1),
    "a generator's, transposed": (1, 64, 128, 32, 4, 2, 1, 1, 1),
    "gradients in parts": (4, 20, 50, 30, 7, 1, 0, 1, 1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_of_known_networks(name):
    """At their own sizes, where a band is a part of a plane and a part some of the channels."""
    batch, channels, outputs, size, kernel, stride, padding, dilation, groups = NETWORKS[name]
    of = Geometry((size, size), (kernel, kernel), stride, dilation, padding, channels, outputs, groups)
    check(of, batch, np.float32, 0)
