"""Direct sums, compiled: every output is the sum of its own products, on vectors that stay in registers.

Source: E. Georganas et al., Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures (2018), arXiv
1808.05567; here the channels stay outside of the positions. What is computed is `numeric.paths.compiled.sweep`'s; this
module says of a layer which sums it is. The work space is a band of the input for each thread (`band_space`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.compiled import available, expect_floats, workers
from numeric.paths.windows import pad, unpad

if TYPE_CHECKING:
    from numeric.paths.compiled.sweep import Sweep

BUDGET = 1 << 18  # bytes of a band's input and sums: a part of the L2 cache, which weights go through, too
Shift = tuple[int, int]


def supports(geometry: Geometry) -> str:
    """Layers with one or two axes, where Numba is installed."""
    return "path 'direct' takes one or two axes" if geometry.ndim > 2 else available()


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = _floats(x, w)
    y = np.empty(geometry.output_shape(len(x)), x.dtype)
    padded, plain = _plain(x, geometry)
    matrices = w.reshape(geometry.groups, geometry.group_out, -1)
    with workers() as threads:
        _run(padded, matrices, y, _forward(plain, len(x), threads, x.itemsize), (0, 0), (1, 1))
    return y


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = _floats(g, w)
    whole = _without_circle(geometry)
    dx = np.zeros(whole.input_shape(len(g)), g.dtype)
    groups, out, taps = geometry.groups, geometry.group_out, prod(geometry.kernel_size)
    # (groups, group_in, group_out, taps): the channels of dx come out, those of g are summed over
    turned = w.reshape(groups, out, geometry.group_in, taps).transpose(0, 2, 1, 3)
    with workers() as threads:
        for sweep, among, at, step in _backward(whole, len(g), threads, g.itemsize):
            matrices = np.ascontiguousarray(turned[..., among]).reshape(groups, geometry.group_in, -1)
            _run(g, matrices, dx, sweep, at, step)
    return unpad(dx, geometry) if whole is not geometry else dx


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = _floats(g, x)
    padded, plain = _plain(x, geometry)
    groups, out = geometry.groups, geometry.group_out
    with workers() as threads:
        from numeric.paths.compiled.sweep import weights
        from numeric.paths.compiled.vector import lanes

        width = lanes(x.itemsize)
        turned = 4 * out >= 3 * width * -(-out // width)  # few lanes of the channels' vectors stay empty
        sweep = _forward(plain, len(x), threads, x.itemsize, apart=not turned)
        parts = max(1, min(-(-threads // groups), len(x) * -(-sweep.rows // sweep.band)))
        found: Array = weights(_rows(g), _rows(padded), sweep, width, parts, turned)
    found = found.reshape(parts, groups, -1).sum(axis=0, dtype=g.dtype) if parts > 1 else found
    if turned:
        found = found.reshape(groups, len(sweep.table), -1)[..., :out].swapaxes(-1, -2)
    return found.reshape(geometry.weight_shape)


def _floats(*arrays: Array) -> list[Array]:
    arrays = as_numbers(*arrays)
    expect_floats("direct", *arrays)
    return [np.ascontiguousarray(array) for array in arrays]


def _plain(x: Array, geometry: Geometry) -> tuple[Array, Geometry]:
    """A layer with zeros around it and its input: a circular one reads a padded copy."""
    whole = _without_circle(geometry)
    return (x, geometry) if whole is geometry else (np.ascontiguousarray(pad(x, geometry)), whole)


def _without_circle(geometry: Geometry) -> Geometry:
    return geometry if geometry.boundary == "zero" else _uncircled(geometry)


@lru_cache(maxsize=1024)
def _uncircled(geometry: Geometry) -> Geometry:
    from dataclasses import replace

    size = tuple(axis.padded_size for axis in geometry.axes)
    return replace(geometry, input_size=size, padding=0, boundary="zero")


def _rows(array: Array) -> Array:
    """Two spatial axes: one axis is one row."""
    return array if array.ndim == 4 else array.reshape(*array.shape[:2], 1, array.shape[2])


def _run(x: Array, matrices: Array, y: Array, sweep: Sweep, at: Shift, step: Shift) -> None:
    from numeric.paths.compiled.sweep import sweep as run
    from numeric.paths.compiled.vector import lanes

    run(_rows(x), np.ascontiguousarray(matrices), _rows(y), sweep, lanes(x.itemsize), at, step)


def _axes(geometry: Geometry) -> list[Any]:
    from numeric.geometry import Axis

    return [*(() if geometry.ndim == 2 else (Axis(1, 1),)), *geometry.axes]


@lru_cache(maxsize=1024)
def _forward(geometry: Geometry, batch: int, threads: int, itemsize: int, *, apart: bool = False) -> Sweep:
    """The layer itself: a tap's shift is what output 0 reads through it."""
    rows, columns = _axes(geometry)
    shifts = [
        (rows.reads(0, u), columns.reads(0, v)) for u in range(rows.kernel_size) for v in range(columns.kernel_size)
    ]
    size, stride = (rows.output_size, columns.output_size), (rows.stride, columns.stride)
    channels = geometry.groups, geometry.group_in, geometry.group_out
    return laid_out(size, stride, shifts, channels, (batch, threads, itemsize), apart=apart)


@lru_cache(maxsize=1024)
def _backward(
    geometry: Geometry, batch: int, threads: int, itemsize: int
) -> list[tuple[Sweep, list[int], Shift, Shift]]:
    """The input's positions by their residue modulo the stride: which taps they are read through, and from where.

    Output o reads `a = stride * o + dilation * u - low`. For `a = stride * q + residue` that is o = q + (residue + low
    - dilation * u) / stride, where it divides: a shift of g by as much.
    """
    axes = _axes(geometry)
    found = []
    for residues in product(*(range(min(axis.stride, axis.input_size)) for axis in axes)):
        shifts, among = [], []
        taps = product(*(range(axis.kernel_size) for axis in axes))
        for number, u in enumerate(taps):
            moved = [r + axis.low - axis.dilation * t for axis, r, t in zip(axes, residues, u, strict=True)]
            if all(m % axis.stride == 0 for m, axis in zip(moved, axes, strict=True)):
                among.append(number)
                shifts.append(tuple(m // axis.stride for m, axis in zip(moved, axes, strict=True)))
        if among:
            size = [-(-(axis.input_size - r) // axis.stride) for axis, r in zip(axes, residues, strict=True)]
            channels = geometry.groups, geometry.group_out, geometry.group_in
            sweep = laid_out(size, (1, 1), shifts, channels, (batch, threads, itemsize))
            found.append((sweep, among, (residues[0], residues[1]), (axes[0].stride, axes[1].stride)))
    return found


def band_space(geometry: Geometry, itemsize: int) -> int:
    """Entries of a thread's band and its sums, at most: `BUDGET` bytes, or eight rows where one row reads a lot."""
    rows, columns = _axes(geometry)
    channels = max(geometry.group_in, geometry.group_out)
    height = 8 * rows.stride + rows.span
    width = max(columns.kernel_size, columns.stride) * (max(columns.output_size, columns.input_size) + columns.span)
    return int(max(BUDGET // itemsize, height * width * (channels + 8)))


def laid_out(
    size: Sequence[int],
    stride: Sequence[int],
    shifts: Sequence[Sequence[int]],
    channels: tuple[int, int, int],
    call: tuple[int, int, int],
    *,
    apart: bool = False,
) -> Sweep:
    """Say where a band's input lies.

    Columns are kept by their residue modulo the stride, so that a tap reads consecutive ones; positions of a band then
    have a gap at the end of each row, as wide as the kernel reaches. Where that is much of a row, or with `apart`,
    every column of the kernel has a copy of its own and there is none.
    """
    from numeric.paths.compiled.sweep import Sweep

    (groups, read, written), (batch, threads, itemsize) = channels, call
    rows, columns = size
    above, left = min(row for row, _ in shifts), min(column for _, column in shifts)
    reach = max((column - left) // stride[1] for _, column in shifts)
    if apart or 4 * reach > columns:
        starts = sorted({column for _, column in shifts})
        place = {column: (number, 0) for number, column in enumerate(starts)}
        pitch = columns
    else:
        residues = sorted({(column - left) % stride[1] for _, column in shifts})
        starts = [left + residue for residue in residues]
        place = {c: (residues.index((c - left) % stride[1]), (c - left) // stride[1]) for _, c in shifts}
        pitch = columns + reach
    parts = max((row - above) % stride[0] for row, _ in shifts) + 1
    halo = max((row - above) // stride[0] for row, _ in shifts)
    line = read * len(starts) * parts * pitch
    fit = (BUDGET // itemsize - line * halo) // (line + min(8, written) * pitch)
    share = -(-batch * groups * rows // (4 * threads))  # rows, if every thread is to have four bands
    band = max(1, min(rows, max(fit, min(halo, 8)), max(share, 8)))
    band = -(-rows // max(1, -(-rows // band)))  # as few bands, of equal size
    plane = (band + halo) * pitch
    table = [
        ((c * len(starts) + place[column][0]) * parts + (row - above) % stride[0]) * plane
        + (row - above) // stride[0] * pitch
        + place[column][1]
        for c in range(read)
        for row, column in shifts
    ]
    arrays = np.array(starts, np.int64), np.array(table, np.int64)
    down, across = stride
    return Sweep(groups, read, written, rows, columns, down, across, above, parts, halo, band, pitch, *arrays)
