"""Windows and one matrix product: the layer is `w @ windows(pad(x))`, its gradients the adjoint of each factor.

Source: K. Chellapilla, S. Puri, P. Simard, High Performance Convolutional Neural Networks for Document
Processing (2006). The windows are laid out as columns, a row for each channel and tap, so that the product is the
result as it is stored. They are a view (no copy) until a block of them goes through the product, small enough to stay
in a core's cache; kernels of size one never copy them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.windows import reached, unpad, windows

BLOCK = 1 << 19  # bytes of columns at once: half of a usual L2 cache, which holds the factors too

Block = tuple[slice, slice]  # samples, and rows of the output: positions along its first axis


def supports(geometry: Geometry) -> str:  # noqa: ARG001 - every path says so of a geometry
    """Every layer: no reason against any."""
    return ""


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = as_numbers(x, w)
    parts, matrix = _by_taps(x, geometry), _matrix(w, geometry)
    y = np.empty(geometry.output_shape(len(x)), x.dtype)
    grouped = _grouped(y, geometry)
    for block in _blocks(len(x), x.itemsize, geometry):
        np.matmul(matrix, _columns(parts, block, geometry), out=_positions(grouped, block, geometry))
    return y


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = as_numbers(g, x)
    parts, grouped = _by_taps(x, geometry), _grouped(g, geometry)
    dw = np.zeros((geometry.groups, geometry.group_out, geometry.group_in * prod(geometry.kernel_size)), g.dtype)
    for block in _blocks(len(x), x.itemsize, geometry):
        columns = _columns(parts, block, geometry)
        dw += (_positions(grouped, block, geometry) @ columns.swapaxes(-1, -2)).sum(axis=0, dtype=g.dtype)
    return dw.reshape(geometry.weight_shape)


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = as_numbers(g, w)
    grouped, matrix = _grouped(g, geometry), _matrix(w, geometry).swapaxes(-1, -2)
    padded = np.zeros((len(g), geometry.in_channels, *(axis.padded_size for axis in geometry.axes)), g.dtype)
    for block in _blocks(len(g), g.itemsize, geometry):
        columns = matrix @ _positions(grouped, block, geometry)
        _add(columns, padded, block, geometry)
    return unpad(padded, geometry)


def _matrix(w: Array, geometry: Geometry) -> Array:
    """Weights as `(groups, out_channels / group, channels / group * taps)`."""
    return w.reshape(geometry.groups, geometry.group_out, geometry.group_in * prod(geometry.kernel_size))


def _grouped(g: Array, geometry: Geometry) -> Array:
    """Output or cotangent as `(batch, groups, out_channels / group, positions)`."""
    return g.reshape(len(g), geometry.groups, geometry.group_out, prod(geometry.output_size))


def _by_taps(x: Array, geometry: Geometry) -> Array:
    """Windows of `x` as `(batch, channels, *kernel, *output)`: a view of the padded input."""
    of = geometry.ndim
    return windows(x, geometry).transpose(0, 1, *range(2 + of, 2 + 2 * of), *range(2, 2 + of))


def _blocks(batch: int, itemsize: int, geometry: Geometry) -> Iterator[Block]:
    """Samples and rows whose columns are at most `BLOCK` bytes: several samples, or some rows of one."""
    rows, taps = max(geometry.output_size[0], 1), prod(geometry.kernel_size)
    row = max(itemsize * geometry.in_channels * taps * prod(geometry.output_size[1:]), 1)
    copied = prod((taps, *geometry.stride)) > 1
    fit = max(BLOCK // row, 1) if copied else max(batch, 1) * rows
    if fit >= rows:
        step = fit // rows
        yield from ((slice(n, n + step), slice(0, rows)) for n in range(0, batch, step))
    else:
        step = -(-rows // -(-rows // fit))  # as few blocks, of equal size
        starts = range(0, rows, step)
        yield from ((slice(n, n + 1), slice(r, min(r + step, rows))) for n in range(batch) for r in starts)


def _columns(parts: Array, block: Block, geometry: Geometry) -> Array:
    """A block's windows as `(samples, groups, channels / group * taps, positions)`."""
    samples, rows = block
    every = (slice(None),) * (1 + geometry.ndim)
    taken = parts[(samples, *every, rows)]
    taps = geometry.group_in * prod(geometry.kernel_size)
    return taken.reshape(len(taken), geometry.groups, taps, -1)


def _positions(grouped: Array, block: Block, geometry: Geometry) -> Array:
    """A block's part of what `_grouped` returns: a view."""
    samples, rows = block
    width = prod(geometry.output_size[1:])
    return grouped[samples, :, :, rows.start * width : rows.stop * width]


def _add(columns: Array, padded: Array, block: Block, geometry: Geometry) -> None:
    """Adjoint of `_columns`: add to each cell of the padded input what a block passes back through each tap."""
    samples, rows = block
    size = (rows.stop - rows.start, *geometry.output_size[1:])
    parts = columns.reshape(len(columns), geometry.in_channels, *geometry.kernel_size, *size)
    stride, dilation = geometry.stride[0], geometry.dilation[0]
    for u in geometry.taps():
        first = dilation * u[0] + stride * rows.start
        among = slice(first, first + stride * (size[0] - 1) + 1, stride)
        cells: tuple[Any, ...] = (*reached(u, geometry)[:2], among, *reached(u, geometry)[3:])
        tap: tuple[Any, ...] = (slice(None), slice(None), *u)
        padded[samples][cells] += parts[tap]
