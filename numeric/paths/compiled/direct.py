"""Direct sums, compiled: every output is the sum of its own products, on vectors that stay in registers.

Source: E. Georganas et al., Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures (2018), arXiv
1808.05567; here the channels stay outside of the positions. This module says of a layer which sums it is, and
`numeric.paths.compiled.layout` how they are computed: by a sweep over bands of the input, as a stencil, or as products
that are sent back. The work space is a band for each thread (`band_space`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.compiled import available, expect_floats, workers
from numeric.paths.compiled.layout import (
    BUDGET,
    FEW,
    Scatter,
    Shift,
    Stencil,
    Sums,
    Sweep,
    scattered,
    stencilled,
    swept,
)
from numeric.paths.memory import empty
from numeric.paths.windows import pad, unpad

_Part = tuple[Sweep | Stencil, list[int], Shift, Shift]  # which taps, and the positions: from where on, how far apart


def supports(geometry: Geometry) -> str:
    """Layers with one or two axes, where Numba is installed."""
    return "path 'direct' takes one or two axes" if geometry.ndim > 2 else available()


def conv(x: Array, w: Array, geometry: Geometry, bias: Array | None = None) -> Array:
    """Output of the layer (cross-correlation) with a bias, shape `(batch, out_channels, *output)`."""
    x, w, bias = _floats(x, w, np.zeros(geometry.out_channels, x.dtype) if bias is None else bias)
    y = empty(geometry.output_shape(len(x)), x.dtype)
    padded, plain = _plain(x, geometry)
    matrices = w.reshape(geometry.groups, geometry.group_out, -1)
    with workers() as threads:
        _run(padded, matrices, bias, y, _forward(plain, len(x), threads, x.itemsize), (0, 0), (1, 1), threads)
    return y


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = _floats(g, w)
    whole = _without_circle(geometry)
    groups, out, taps = geometry.groups, geometry.group_out, prod(geometry.kernel_size)
    # (groups, group_in, group_out, taps): the channels of dx come out, those of g are summed over
    turned = w.reshape(groups, out, geometry.group_in, taps).transpose(0, 2, 1, 3)
    with workers() as threads:
        plans = _backward(whole, len(g), threads, g.itemsize)
        # some positions may be read by no output
        every = isinstance(plans, Scatter) or len(plans) == prod(whole.stride)
        dx = (empty if every else np.zeros)(whole.input_shape(len(g)), g.dtype)
        if isinstance(plans, Scatter):
            from numeric.paths.compiled.emit import lanes
            from numeric.paths.compiled.scatter import scatter

            matrices = np.ascontiguousarray(turned.swapaxes(2, 3)).reshape(groups, -1, out)
            scatter(g.reshape(-1), matrices, dx.reshape(-1), plans, lanes(g.itemsize), threads)
        else:
            for plan, among, at, step in plans:
                matrices = np.ascontiguousarray(turned[..., among]).reshape(groups, geometry.group_in, -1)
                _run(g, matrices, np.zeros(geometry.in_channels, g.dtype), dx, plan, at, step, threads)
    return unpad(dx, geometry) if whole is not geometry else dx


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = _floats(g, x)
    padded, plain = _plain(x, geometry)
    groups, out = geometry.groups, geometry.group_out
    with workers() as threads:
        from numeric.paths.compiled.emit import lanes
        from numeric.paths.compiled.sweep import weights

        plan, width = _weights(plain, len(x), threads, x.itemsize), lanes(x.itemsize)
        if isinstance(plan, Stencil):
            from numeric.paths.compiled.image import correlate

            sums = np.zeros((*geometry.weight_shape, width), x.dtype)
            correlate(g.reshape(-1), padded.reshape(-1), sums.reshape(-1), plan, width, threads)
            return np.asarray(sums.sum(axis=-1))
        turned = 4 * out >= 3 * width * -(-out // width)  # few lanes of the channels' vectors stay empty
        parts = max(1, min(-(-threads // groups), len(x) * -(-plan.rows // plan.band)))
        found: Array = weights(g.reshape(-1), padded.reshape(-1), plan, width, parts, turned)
    found = found.reshape(parts, groups, -1).sum(axis=0, dtype=g.dtype) if parts > 1 else found
    if turned:
        found = found.reshape(groups, len(plan.table), -1)[..., :out].swapaxes(-1, -2)
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


def _run(
    x: Array, matrices: Array, bias: Array, y: Array, plan: Sweep | Stencil, at: Shift, step: Shift, threads: int
) -> None:
    """Write the sums for matrices `(groups, written, R)` and a bias; taps are in the order of their shifts."""
    flat, out = x.reshape(-1), y.reshape(-1)
    if isinstance(plan, Stencil):
        from numeric.paths.compiled.image import image

        columns = matrices.reshape(plan.groups, plan.written, plan.read, plan.taps, -1).swapaxes(-1, -2)
        image(flat, np.ascontiguousarray(columns).reshape(-1), bias, out, plan, threads)
    else:
        from numeric.paths.compiled.emit import lanes
        from numeric.paths.compiled.sweep import sweep

        size = (1 if y.ndim == 3 else y.shape[2], y.shape[-1])
        sweep(flat, np.ascontiguousarray(matrices), bias, out, plan, size, at, step, lanes(x.itemsize), threads)


def _axes(geometry: Geometry) -> list[Any]:
    from numeric.geometry import Axis

    return [*(() if geometry.ndim == 2 else (Axis(1, 1),)), *geometry.axes]


@lru_cache(maxsize=1024)
def _forward(geometry: Geometry, batch: int, threads: int, itemsize: int) -> Sweep | Stencil:
    """The layer itself."""
    return _planned(_sums(geometry), batch, threads, itemsize)


@lru_cache(maxsize=1024)
def _weights(geometry: Geometry, batch: int, threads: int, itemsize: int) -> Sweep | Stencil:
    """What the weight gradient reads, as the layer itself; a stencil for 3 x 3 kernels of planes by themselves."""
    from numeric.paths.compiled.emit import lanes

    sums = _sums(geometry)
    alone = geometry.kernel_size == (3, 3) and prod(geometry.weight_shape[:2]) >= 4 * threads
    found = stencilled(sums, batch, threads, lanes(itemsize)) if alone and geometry.group_in <= FEW else None
    return swept(sums, batch, threads, itemsize, often=False) if found is None else found


def _sums(geometry: Geometry) -> Sums:
    """A tap's shift is what output 0 reads through it."""
    rows, columns = _axes(geometry)
    shifts = [
        (rows.reads(0, u), columns.reads(0, v)) for u in range(rows.kernel_size) for v in range(columns.kernel_size)
    ]
    size, source = (rows.output_size, columns.output_size), (rows.input_size, columns.input_size)
    channels = geometry.groups, geometry.group_in, geometry.group_out
    return Sums(size, source, (rows.stride, columns.stride), shifts, channels)


@lru_cache(maxsize=1024)
def _backward(geometry: Geometry, batch: int, threads: int, itemsize: int) -> list[_Part] | Scatter:
    """The input's positions by their residue modulo the stride: which taps they are read through, and from where.

    Output o reads `a = stride * o + dilation * u - low`. For `a = stride * q + residue` that is o = q + (residue + low
    - dilation * u) / stride, where it divides: a shift of g by as much.
    """
    axes = _axes(geometry)
    rows, columns = axes
    stride, channels = (rows.stride, columns.stride), (geometry.groups, geometry.group_out, geometry.group_in)
    reached, found = [], []
    for residues in product(*(range(axis.stride) for axis in axes)):
        shifts = []
        for number, taps in enumerate(product(*(range(axis.kernel_size) for axis in axes))):
            moved = [r + axis.low - axis.dilation * u for axis, r, u in zip(axes, residues, taps, strict=True)]
            if all(m % axis.stride == 0 for m, axis in zip(moved, axes, strict=True)):
                shifts.append((moved[0] // rows.stride, moved[1] // columns.stride, number))
        shifts.sort()
        reached.append(shifts)
        height, width = (-(-(axis.input_size - r) // axis.stride) for axis, r in zip(axes, residues, strict=True))
        if shifts and height > 0 and width > 0:
            moves, source = [shift[:2] for shift in shifts], (rows.output_size, columns.output_size)
            sums = Sums((height, width), source, (1, 1), moves, channels, every=stride == (1, 1))
            found.append((sums, [number for _, _, number in shifts], (residues[0], residues[1])))
    scatter = scattered(_sums(geometry), reached, batch, threads, itemsize)
    if scatter is not None:
        return scatter
    return [(_planned(sums, batch, threads, itemsize), among, at, stride) for sums, among, at in found]


def _planned(sums: Sums, batch: int, threads: int, itemsize: int) -> Sweep | Stencil:
    from numeric.paths.compiled.emit import lanes

    found = stencilled(sums, batch, threads, lanes(itemsize))
    return swept(sums, batch, threads, itemsize) if found is None else found


def band_space(geometry: Geometry, itemsize: int) -> int:
    """Entries of a thread's band and its sums, at most: `BUDGET` bytes, or eight rows where one row reads a lot."""
    rows, columns = _axes(geometry)
    channels = max(geometry.group_in, geometry.group_out)
    height = 8 * rows.stride + rows.span
    width = max(columns.kernel_size, columns.stride) * (max(columns.output_size, columns.input_size) + columns.span)
    return int(max(BUDGET // itemsize, height * width * (channels + 8)))
