"""Hypothesis strategies: geometry and values drawn jointly."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import Axis, Geometry
from numeric.paths import DIRECT, PATHS
from proofs.grids import ArrayCase, LayerCase, StackCase, ThreeArraysCase


@st.composite
def axes(draw: st.DrawFn, most: int = 6, padding: int = 3, kernel: int | None = None) -> Axis:
    """One axis: kernels even, odd, larger than the input; strides that leave a remainder; padding that crops.

    A kernel size that is given comes with stride 1.
    """
    if kernel is None:
        kernel, stride, dilation = (draw(st.integers(1, bound)) for bound in (4, 3, 3))
    else:
        stride, dilation = 1, draw(st.sampled_from((1, 1, 2, 3)))
    low, high = (draw(st.integers(-1, padding)) for _ in range(2))
    span = dilation * (kernel - 1) + 1
    return Axis(draw(st.integers(max(1, span - low - high), max(most, span + 2))), kernel, stride, dilation, low, high)


@st.composite
def geometries(draw: st.DrawFn, ndim: int | None = None, most: int = 6, kernel: int | None = None) -> Geometry:
    """Layers of one to three axes with groups and either boundary."""
    ndim = ndim or draw(st.sampled_from((1, 1, 2, 2, 2, 3)))
    found = [draw(axes(most if ndim < 3 else 3, 3 if ndim < 3 else 1, kernel)) for _ in range(ndim)]
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    n, k, s, d, low, high = zip(*(vars(axis).values() for axis in found), strict=True)
    return Geometry(
        n,
        k,
        s,
        d,
        tuple(zip(low, high, strict=True)),
        in_channels=groups * draw(st.integers(1, 2)),
        out_channels=groups * draw(st.integers(1, 3)),
        groups=groups,
        boundary=draw(st.sampled_from(("zero", "circular"))),
    )


def layers(ndim: int | None = None, kernel: int | None = None, most: int = 6000) -> st.SearchStrategy[LayerCase]:
    """Layers with a batch, the empty one among them; kept small enough for plain loops, with `most` products."""
    drawn = st.builds(LayerCase, geometries(ndim, kernel=kernel), st.sampled_from((1, 2, 2, 3, 0)))
    return drawn.filter(lambda case: work(case) < most)


def layers_for(path: str, ndim: int | None = None, most: int = 6000) -> st.SearchStrategy[LayerCase]:
    """Layers that a path of `numeric.paths.PATHS` takes."""
    if not path.startswith("winograd"):
        return layers(ndim, None, most)
    return layers(ndim, 3, most).filter(lambda case: not PATHS[path].supports(case.geometry))


def work(case: LayerCase) -> int:
    """Products of the layer."""
    geometry = case.geometry
    return int(case.batch * np.prod(geometry.output_size, dtype=int) * np.prod(geometry.weight_shape, dtype=int))


@st.composite
def circular_layers(draw: st.DrawFn) -> LayerCase:
    """Circular layers whose stride divides the input and whose output has input / stride positions."""
    ndim = draw(st.integers(1, 2))
    rows = []
    for _ in range(ndim):
        stride, dilation, kernel, low = (draw(st.integers(1, bound)) for bound in (3, 2, 3, 3))
        size = stride * draw(st.integers(1, 3))
        span = dilation * (kernel - 1) + 1
        high = size - stride + span - low + draw(st.integers(0, stride - 1)) - size
        rows.append((size, kernel, stride, dilation, (low, high)))
    groups = draw(st.integers(1, 2))
    fields = tuple(zip(*rows, strict=True))
    geometry = Geometry(
        *fields, groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), groups, boundary="circular"
    )
    return LayerCase(geometry, draw(st.integers(1, 2)))


@st.composite
def array_cases(draw: st.DrawFn, path: str = "im2col") -> ArrayCase:
    """Arrays and kernels of one to three axes in a mode where the kernel fits, with an offset; for that path."""
    ndim = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(("full", "same", "valid")))
    kernel = tuple(draw(st.integers(1, 4 if ndim < 3 else 2)) for _ in range(ndim))
    kernel = (3,) * ndim if path.startswith("winograd") else kernel
    least = kernel if mode == "valid" else (1,) * ndim
    size = tuple(draw(st.integers(low, low + (5 if ndim < 3 else 2))) for low in least)
    return ArrayCase(size, kernel, mode, tuple(draw(st.integers(-3, 3)) for _ in range(ndim)))


@st.composite
def circular_stacks(draw: st.DrawFn) -> StackCase:
    """Two circular layers on one line or plane, the second one's input being the first one's output."""
    second = draw(circular_layers()).geometry
    strides = [draw(st.integers(1, 2)) for _ in range(second.ndim)]
    kernel = [draw(st.integers(1, 3)) for _ in range(second.ndim)]
    channels = second.in_channels
    first = Geometry(
        [n * s for n, s in zip(second.input_size, strides, strict=True)],
        kernel,
        strides,
        padding=[(k - s, 0) for k, s in zip(kernel, strides, strict=True)],
        in_channels=draw(st.integers(1, 2)),
        out_channels=channels,
        boundary="circular",
    )
    return StackCase(first, second)


@st.composite
def three_arrays(draw: st.DrawFn) -> ThreeArraysCase:
    """Three arrays on a line or a plane."""
    ndim = draw(st.integers(1, 2))
    sizes = [tuple(draw(st.integers(1, 5 if ndim == 1 else 3)) for _ in range(ndim)) for _ in range(3)]
    return ThreeArraysCase((sizes[0], sizes[1], sizes[2]))


@st.composite
def centred_cases(draw: st.DrawFn) -> ArrayCase:
    """Arrays of odd sizes."""
    ndim = draw(st.integers(1, 2))
    odd = st.sampled_from((1, 3, 5))
    return ArrayCase(tuple(draw(odd) for _ in range(ndim)), tuple(draw(odd) for _ in range(ndim)))


def integers(shape: tuple[int, ...], bound: int = 50) -> st.SearchStrategy[Any]:
    """int64 arrays."""
    return hnp.arrays(np.int64, shape, elements=st.integers(-bound, bound))


def floats(shape: tuple[int, ...], dtype: Any, path: str = "im2col") -> st.SearchStrategy[Any]:
    """Float arrays: any finite number, subnormal ones among them, of one exponent range per array.

    Their products stay below the largest number, and so do a path's transforms of them, so that nothing overflows;
    they may well underflow.
    """
    width = np.dtype(dtype).itemsize * 8
    direct = path in DIRECT
    largest = {16: 2.0**4 if direct else 2.0**-6, 32: 2.0 ** (60 if direct else 40), 64: 2.0**500}[width]
    smallest = float(np.finfo(dtype).smallest_subnormal)
    ranges = st.sampled_from((largest, min(largest, 1.0), 2.0**-6, smallest * 2**12))
    return ranges.flatmap(
        lambda top: hnp.arrays(dtype, shape, elements=st.floats(-top, top, width=width, allow_subnormal=True))
    )


def values(case: Any, elements: Any = integers) -> st.SearchStrategy[Mapping[str, Any]]:
    """Arrays for every name of a case."""
    return st.fixed_dictionaries({name: elements(shape) for name, shape in case.shapes().items()})


def exact(array: Any) -> Any:
    """The same numbers as fractions, which floats are."""
    out = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        out[index] = Fraction(array[index].item())
    return out
