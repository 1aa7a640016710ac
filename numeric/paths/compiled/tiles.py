"""Kernels of the fused Winograd paths: some rows of tiles at a time go to points, through the products, and back.

What is on its way stays in a core's cache. Inside, channels lie side by side: x and g are transposed as they are read,
so that a transform takes one tile of as many channels as a vector has lanes, and what is scalar in a product is a
channel of a tile. Points are numbered row by row; arrays of points are `(point, tile, channel)`, weights `(point,
read, written)`. What lanes beyond the last channel hold is never read by a sum that counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numba import prange

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.emit import beside
from numeric.paths.compiled.fused import SCHEMES, Tiling, read_columns
from numeric.paths.compiled.moves import transform
from numeric.paths.compiled.transposed import transposed
from numeric.paths.compiled.vector import products


def _transform(matrices: Iterable[Array], *, bias: bool = False) -> Any:
    return transform(*(tuple(tuple(map(float, row)) for row in matrix) for matrix in matrices), bias=bias)


_INPUT, _OUTPUT = _transform(map(read_columns, SCHEMES)), _transform(scheme.output for scheme in SCHEMES)
_KERNEL = _transform(scheme.kernel for scheme in SCHEMES)
_OUTPUT_BACK = _transform((scheme.output.T for scheme in SCHEMES), bias=True)
_KERNEL_BACK = _transform(scheme.kernel.T for scheme in SCHEMES)
_NONE = np.zeros(1, np.int64)  # a table for products that list nothing
_ROWS, _VECTORS = (4, 4) if beside(4) >= 4 else (6, 2)
_WIDE, _HALF, _THIN = (products(_ROWS, vectors) for vectors in (_VECTORS, 2, 1))
_WIDE_ROW, _HALF_ROW, _THIN_ROW = (products(1, vectors) for vectors in (_VECTORS, 2, 1))
_MORE_WIDE, _MORE_HALF, _MORE_THIN = (products(_ROWS, vectors, add="out") for vectors in (_VECTORS, 2, 1))
_MORE_WIDE_ROW, _MORE_HALF_ROW, _MORE_THIN_ROW = (products(1, vectors, add="out") for vectors in (_VECTORS, 2, 1))


@jit()
def _strips(of: Tiling) -> int:
    """In a sample."""
    return -(-of.rows // (of.made * of.below))


@jit()
def _tiles(of: Tiling) -> int:
    """In a row of tiles."""
    return -(-of.columns // (of.made * of.beside)) * of.beside


@jit()
def _cells(of: Tiling) -> int:
    """That a piece reads of a channel of the input, which is no fewer than it does of the output."""
    more = of.window - of.step
    number: int = (of.piece * of.step + more) * of.below * (_tiles(of) * of.step + more * of.beside)
    return number


@jit()
def _corner(of: Tiling, tile: int, step: int, across: int) -> int:
    """First cell of a tile, of those numbered through strips and `step` apart, in cells that are `across` wide."""
    count = _tiles(of)
    row, column = tile // count, tile % count
    line = row // of.below * step * of.below + row % of.below
    place: int = line * across + column // of.beside * step * of.beside + column % of.beside
    return place


@jit()
def _whole(channels: int, lanes: int) -> int:
    """Channels, rounded up to vectors."""
    return -(-channels // lanes) * lanes


@jit()
def _spread(
    out: Array, x: Array, start: int, channels: int, size: tuple[int, int], first: tuple[int, int], lines: int,
    across: int, lanes: int
) -> None:  # fmt: skip
    """`lines` by `across` cells of x from `first` on, as `(row, column, channel)`; zero outside of x's `size`."""
    (height, width), pitch = size, _whole(channels, lanes)
    low = min(max(0, -first[1]), across)
    high = max(min(across, width - first[1]), low)
    for line in range(lines):
        source, place = first[0] + line, line * across * pitch
        if 0 <= source < height:
            out[place : place + low * pitch] = 0
            out[place + high * pitch : place + across * pitch] = 0
            cell = start + source * width + first[1] + low
            transposed(out, place + low * pitch, pitch, x, cell, height * width, channels, high - low, lanes)
        else:
            out[place : place + across * pitch] = 0


@jit()
def _to_points(
    role: int, out: Array, x: Array, of: Tiling, group: int, first: int, last: int, cells: Array, lanes: int
) -> None:
    """Bring the strips of tiles from `first` to `last`, counted through the batch, of a group of x or g to points.

    `role` is 0 for x, whose tiles overlap, and 1 for g, whose do not; `cells` is room for what they read.
    """
    down, count = _strips(of), _tiles(of) * of.below
    channels, height, width, above, left = of.read, of.height, of.width, of.above, of.left
    step, more = of.step, of.window - of.step
    if role == 1:
        channels, height, width, above, left, step, more = of.written, of.rows, of.columns, 0, 0, of.made, 0
    pitch, across = _whole(channels, lanes), _tiles(of) * step + more * of.beside
    plane = of.piece * count * pitch
    line, row = of.points * plane, first
    below, beside = of.below * across * pitch, of.beside * pitch
    while row < last:  # those of one sample
        n, top = row // down, row % down
        lines = min(last - row, down - top)
        start = (n * of.groups + group) * channels * height * width
        corner, high = (top * step * of.below - above, -left), (lines * step + more) * of.below
        _spread(cells, x, start, channels, (height, width), corner, high, across, lanes)
        for tile in range(lines * count):
            for c in range(0, pitch, lanes):
                source = _corner(of, tile, step, across) * pitch + c
                place = ((row - first) * count + tile) * pitch + c
                if role == 0:
                    _INPUT(of.scheme, out, place, line, plane, cells, source, below, beside)
                else:
                    _OUTPUT(of.scheme, out, place, line, plane, cells, source, below, beside)
        row += lines


@jit()
def _multiply(out: Array, v: Array, u: Array, start: int, tiles: int, rows: int, read: int, read_pitch: int,
              pitch: int, points: int, lanes: int) -> None:  # fmt: skip
    """At every point `out[t, k] = sum over c of v[t, c] * u[c, k]`."""
    for point in range(points):
        base, from_v, from_u = point * tiles * pitch, point * tiles * read_pitch, start + point * read * pitch
        k = 0
        while k < pitch:
            t, left = 0, pitch - k
            while t < rows:
                o, a, x, more = base + t * pitch + k, from_v + t * read_pitch, from_u + k, rows - t >= _ROWS
                if left >= _VECTORS * lanes and more:
                    _WIDE(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                elif left >= _VECTORS * lanes:
                    _WIDE_ROW(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                elif left >= 2 * lanes and more:
                    _HALF(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                elif left >= 2 * lanes:
                    _HALF_ROW(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                elif more:
                    _THIN(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                else:
                    _THIN_ROW(out, o, pitch, v, a, read_pitch, 1, 0, u, x, pitch, 0, _NONE, 0, read, 1)
                t += _ROWS if more else 1
            k += _VECTORS * lanes if left >= _VECTORS * lanes else 2 * lanes if left >= 2 * lanes else lanes


@jit()
def _correlate(out: Array, v: Array, h: Array, tiles: int, rows: int, read: int, read_pitch: int, pitch: int,
               points: int, lanes: int) -> None:  # fmt: skip
    """At every point `out[c, k] += sum over t of v[t, c] * h[t, k]`."""
    for point in range(points):
        base, from_v, from_h = point * read * pitch, point * tiles * read_pitch, point * tiles * pitch
        k = 0
        while k < pitch:
            c, left = 0, pitch - k
            while c < read:
                o, a, x, more = base + c * pitch + k, from_v + c, from_h + k, read - c >= _ROWS
                if left >= _VECTORS * lanes and more:
                    _MORE_WIDE(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                elif left >= _VECTORS * lanes:
                    _MORE_WIDE_ROW(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                elif left >= 2 * lanes and more:
                    _MORE_HALF(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                elif left >= 2 * lanes:
                    _MORE_HALF_ROW(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                elif more:
                    _MORE_THIN(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                else:
                    _MORE_THIN_ROW(out, o, pitch, v, a, 1, read_pitch, 0, h, x, pitch, 0, _NONE, 0, rows, 1)
                c += _ROWS if more else 1
            k += _VECTORS * lanes if left >= _VECTORS * lanes else 2 * lanes if left >= 2 * lanes else lanes


@jit(parallel=True)
def weights_at_points(w: Array, of: Tiling, lanes: int, out_step: int, in_step: int, rotated: bool) -> Array:
    """`(groups, point, read, written)`; w has an entry at `written * out_step + read * in_step + tap` of a group."""
    pitch, points = _whole(of.written, lanes), of.points**2
    u = np.empty(of.groups * points * of.read * pitch, w.dtype)
    for unit in prange(of.groups * of.read):
        group, c = unit // of.read, unit % of.read
        taps = np.zeros(9 * pitch, w.dtype)
        start = group * of.written * of.read * 9 + c * in_step
        for k in range(of.written):
            for tap in range(9):
                taps[tap * pitch + k] = w[start + k * out_step + tap]
        first, sign = (8 * pitch, -1) if rotated else (0, 1)
        plane = of.read * pitch
        for k in range(0, pitch, lanes):
            place = (group * points * of.read + c) * pitch + k
            line = of.points * plane
            _KERNEL(of.scheme, u, place, line, plane, taps, first + k, sign * 3 * pitch, sign * pitch)
    return u


@jit(parallel=True)
def layer(x: Array, u: Array, bias: Array, y: Array, of: Tiling, lanes: int, threads: int) -> None:
    """Write the layer's output for x, flat, weights at points, and the channels' bias, to y, flat."""
    points, down, count = of.points**2, _strips(of), _tiles(of) * of.below
    batch = len(y) // (of.groups * of.written * of.rows * of.columns)
    total = batch * down
    pieces = -(-total // of.piece)
    read_pitch, pitch, tiles = _whole(of.read, lanes), _whole(of.written, lanes), of.piece * count
    across, height, out_plane = _tiles(of) * of.made, of.made * of.below, of.rows * of.columns
    line, wide = of.points * tiles * pitch, across * pitch
    below, beside = of.below * wide, of.beside * pitch
    added = np.zeros(of.groups * pitch, x.dtype)  # to whole vectors
    for channel in range(of.groups * of.written):
        added[channel // of.written * pitch + channel % of.written] = bias[channel]
    tasks = of.groups * pieces
    for thread in prange(threads):
        cells = np.empty(_cells(of) * read_pitch, x.dtype)
        v, found = np.empty(points * tiles * read_pitch, x.dtype), np.empty(points * tiles * pitch, x.dtype)
        back = np.empty(height * wide, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            group, first = task // pieces, task % pieces * of.piece
            last = min(first + of.piece, total)
            _to_points(0, v, x, of, group, first, last, cells, lanes)
            _multiply(found, v, u, group * points * of.read * pitch, tiles, (last - first) * count, of.read, read_pitch,
                      pitch, points, lanes)  # fmt: skip
            for strip in range(first, last):
                n, top = strip // down, strip % down * height
                for t in range(count):
                    cell, place = _corner(of, t, of.made, across) * pitch, ((strip - first) * count + t) * pitch
                    for k in range(0, pitch, lanes):
                        o, i = cell + k, place + k
                        _OUTPUT_BACK(of.scheme, back, o, below, beside, found, i, line, tiles * pitch,
                            added, group * pitch + k)  # fmt: skip
                start = (n * of.groups + group) * of.written * out_plane
                for i in range(min(height, of.rows - top)):
                    o = start + (top + i) * of.columns
                    transposed(y, o, out_plane, back, i * wide, pitch, of.columns, of.written, lanes)


@jit(parallel=True)
def weight_gradient(g: Array, x: Array, of: Tiling, lanes: int, parts: int) -> Array:
    """dL/dw, flat, for g and x, flat; `parts` shares of the batch are added up apart."""
    points, count = of.points**2, _tiles(of) * of.below
    total = len(g) // (of.groups * of.written * of.rows * of.columns) * _strips(of)
    pieces = -(-total // of.piece)
    read_pitch, pitch, tiles = _whole(of.read, lanes), _whole(of.written, lanes), of.piece * count
    sums = np.zeros((parts * of.groups, points * of.read * pitch), x.dtype)
    for unit in prange(parts * of.groups):
        part, group = unit // of.groups, unit % of.groups
        cells = np.empty(_cells(of) * max(read_pitch, pitch), x.dtype)
        v, h = np.empty(points * tiles * read_pitch, x.dtype), np.empty(points * tiles * pitch, x.dtype)
        for piece in range(part * pieces // parts, (part + 1) * pieces // parts):
            first = piece * of.piece
            last = min(first + of.piece, total)
            _to_points(0, v, x, of, group, first, last, cells, lanes)
            _to_points(1, h, g, of, group, first, last, cells, lanes)
            _correlate(sums[unit], v, h, tiles, (last - first) * count, of.read, read_pitch, pitch, points, lanes)
    dw = np.empty(of.groups * of.written * of.read * 9, x.dtype)
    for unit in prange(of.groups * of.read):
        group, c = unit // of.read, unit % of.read
        found, taps = np.zeros(points * pitch, x.dtype), np.empty(9 * pitch, x.dtype)
        for part in range(parts):
            for point in range(points):
                start = (point * of.read + c) * pitch
                found[point * pitch : (point + 1) * pitch] += sums[part * of.groups + group, start : start + pitch]
        for k in range(0, pitch, lanes):
            _KERNEL_BACK(of.scheme, taps, k, 3 * pitch, pitch, found, k, of.points * pitch, pitch)
        start = group * of.written * of.read * 9 + c * 9
        for k in range(of.written):
            for tap in range(9):
                dw[start + k * of.read * 9 + tap] = taps[tap * pitch + k]
    return dw
