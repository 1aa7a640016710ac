"""Kernels of the compiled direct path: sums of rows of the input, moved by each tap.

A `Sweep` says which: `y[m, q] = sum over r = (channel, tap) of a[m, r] * x[channel, stride * q + shift(tap)]`, on two
axes. It is the layer's forward pass, and the input gradient of any stride is one for every residue of the input's
positions. A band of the output's rows at a time, the input is laid out so that what a tap reads at all positions lies
in one piece: then every product of a tap and a channel is one move, `table[r]`, and the sum one call of
`vector.products`. Vectors read on beyond the last position; what comes of that is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.transposed import transposed
from numeric.paths.compiled.vector import dots, products

# As many registers for sums as keep both multipliers busy, and as few loads as go with them.
_EIGHT, _EIGHT_NARROW = products(8, 3, listed="x"), products(8, 1, listed="x")
_FOUR, _FOUR_NARROW = products(4, 6, listed="x"), products(4, 1, listed="x")
_TWO, _TWO_NARROW = products(2, 8, listed="x"), products(2, 1, listed="x")
_ONE, _ONE_NARROW = products(1, 8, listed="x"), products(1, 1, listed="x")
# Weight gradients, where the sum runs over positions: channels of the output side by side, or few channels
_WIDE, _WIDE_ROW = products(6, 4, listed="a", add=True), products(1, 4, listed="a", add=True)
_HALF, _HALF_ROW = products(8, 2, listed="a", add=True), products(1, 2, listed="a", add=True)
_THIN, _THIN_ROW = products(8, 1, listed="a", add=True), products(1, 1, listed="a", add=True)
_DOTS, _DOTS_ROW, _DOTS_COLUMN, _DOT = dots(4, 6), dots(1, 6), dots(4, 1), dots(1, 1)


class Sweep(NamedTuple):
    """What is summed, and how a band of the input lies: `(channel, set of columns, residue of rows, row, column)`.

    `starts` has the first column of each set, `table` where the row of a channel and tap begins.
    """

    groups: int
    read: int  # channels of a group that are summed over
    written: int  # channels of a group that come out
    rows: int
    columns: int
    row_stride: int
    column_stride: int
    first_row: int
    residues: int
    halo: int  # rows beyond the band's own that taps reach
    band: int
    pitch: int
    starts: Array
    table: Array


@jit()
def _size(of: Sweep) -> int:
    """Entries of a band's input."""
    return of.read * len(of.starts) * of.residues * (of.band + of.halo) * of.pitch


@jit()
def _fill(laid: Array, x: Array, n: int, channel: int, first: int, rows: int, of: Sweep) -> None:
    """Lay out what a band reads: `rows` rows of output from `first` on; what lies outside of the input is zero."""
    height, width = x.shape[2], x.shape[3]
    stride, pitch = of.column_stride, of.pitch
    plane = (of.band + of.halo) * pitch
    place = 0
    for c in range(of.read):
        for start in of.starts:
            low = min(max(0, -(start // stride)), pitch)
            high = max(min(pitch, -((start - width) // stride)), low)
            for residue in range(of.residues):
                for row in range(rows + of.halo):
                    source = of.row_stride * (first + row) + of.first_row + residue
                    line = laid[place + row * pitch : place + (row + 1) * pitch]
                    if 0 <= source < height:
                        line[:low] = 0
                        line[high:] = 0
                        cells = x[n, channel + c, source]
                        if stride == 1:
                            line[low:high] = cells[start + low : start + high]
                        elif high > low:  # else the last place may be negative, which would count from the end
                            line[low:high] = cells[start + stride * low : start + stride * (high - 1) + 1 : stride]
                    else:
                        line[:] = 0
                place += plane


@jit()
def _sums(
    out: Array, length: int, pitch: int, a: Array, start: int, rows: int, x: Array, table: Array, lanes: int
) -> None:
    """`rows` rows of sums over all moved rows of x; `length` is rounded up to whole vectors."""
    # a loop for each number of rows: to choose inside one loop made short sums (25 products) a quarter slower
    count, f = len(table), 0
    wide = lanes * (3 if rows == 8 else 6 if rows == 4 else 8)
    while f < length:
        whole = f + wide <= length
        if rows == 8 and whole:
            _EIGHT(out, f, pitch, a, start, 1, 8, 0, x, f, 0, 0, table, 0, count, 1)
        elif rows == 8:
            _EIGHT_NARROW(out, f, pitch, a, start, 1, 8, 0, x, f, 0, 0, table, 0, count, 1)
        elif rows == 4 and whole:
            _FOUR(out, f, pitch, a, start, 1, 4, 0, x, f, 0, 0, table, 0, count, 1)
        elif rows == 4:
            _FOUR_NARROW(out, f, pitch, a, start, 1, 4, 0, x, f, 0, 0, table, 0, count, 1)
        elif rows == 2 and whole:
            _TWO(out, f, pitch, a, start, 1, 2, 0, x, f, 0, 0, table, 0, count, 1)
        elif rows == 2:
            _TWO_NARROW(out, f, pitch, a, start, 1, 2, 0, x, f, 0, 0, table, 0, count, 1)
        elif whole:
            _ONE(out, f, pitch, a, start, 1, 1, 0, x, f, 0, 0, table, 0, count, 1)
        else:
            _ONE_NARROW(out, f, pitch, a, start, 1, 1, 0, x, f, 0, 0, table, 0, count, 1)
        f += wide if whole else lanes


@jit()
def _panel(left: int) -> int:
    """How many of the channels that are left come next."""
    return 8 if left >= 8 else 4 if left >= 4 else 2 if left >= 2 else 1


@jit()
def _panels(a: Array) -> Array:
    """`(groups, written, R)` as `_sums` reads it: for each panel of channels, the channels of every r side by side."""
    groups, written, count = a.shape
    laid = np.empty(a.size, a.dtype)
    for g in range(groups):
        m = 0
        while m < written:
            rows = _panel(written - m)
            start = (g * written + m) * count
            for i in range(rows):
                for r in range(count):
                    laid[start + r * rows + i] = a[g, m + i, r]
            m += rows
    return laid


@jit(parallel=True)
def sweep(x: Array, a: Array, y: Array, of: Sweep, lanes: int, at: tuple[int, int], step: tuple[int, int]) -> None:
    """Write the sums for x `(batch, channels, rows, columns)` and a `(groups, written, R)` to y, `step` apart."""
    panels = _panels(a)
    bands = -(-of.rows // of.band)
    pitch = -(-(of.band * of.pitch) // lanes) * lanes
    size = _size(of)
    for task in prange(len(x) * of.groups * bands):
        n, g, first = task // bands // of.groups, task // bands % of.groups, task % bands * of.band
        rows = min(of.band, of.rows - first)
        length = (rows - 1) * of.pitch + of.columns
        laid = np.empty(size + lanes, x.dtype)
        _fill(laid, x, n, g * of.read, first, rows, of)
        sums = np.empty(8 * pitch, x.dtype)
        m = 0
        while m < of.written:
            block = _panel(of.written - m)
            _sums(sums, length, pitch, panels, (g * of.written + m) * len(of.table), block, laid, of.table, lanes)
            for i in range(block):
                plane = y[n, g * of.written + m + i]
                for q in range(rows):
                    line = plane[at[0] + step[0] * (first + q)]
                    found = sums[i * pitch + q * of.pitch : i * pitch + q * of.pitch + of.columns]
                    if step[1] == 1:
                        line[at[1] : at[1] + of.columns] = found
                    else:
                        for o in range(of.columns):
                            line[at[1] + step[1] * o] = found[o]
            m += block


@jit()
def _outer(out: Array, pitch: int, g: Array, x: Array, of: Sweep, rows: int, lanes: int) -> None:
    """`out[r, :] += sum over positions of x[table[r] + position] * g[position, :]`, g with channels side by side."""
    # positions without a gap are one line
    gap = of.pitch > of.columns
    lines, count = (rows, of.columns) if gap else (1, rows * of.columns)
    line, step, total, k = of.columns * pitch, pitch, len(of.table), 0
    while k < pitch:
        left, r = pitch - k, 0
        vectors = 4 if left >= 4 * lanes else 2 if left >= 2 * lanes else 1
        block = 6 if vectors == 4 else 8
        while r < total:
            whole, o = total - r >= block, r * pitch + k
            if vectors == 4 and whole:
                _WIDE(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == 4:
                _WIDE_ROW(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == 2 and whole:
                _HALF(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == 2:
                _HALF_ROW(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif whole:
                _THIN(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            else:
                _THIN_ROW(out, o, pitch, x, 0, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            r += block if whole else 1
        k += vectors * lanes


@jit()
def _inner(out: Array, g: Array, start: int, pitch: int, x: Array, of: Sweep, length: int, lanes: int) -> None:
    """`out[m, r] += sum over positions of g[m, position] * x[table[r] + position]`, for positions without a gap."""
    total, whole, m = len(of.table), length // lanes * lanes, 0
    while m < of.written:
        many = of.written - m >= 4
        r = 0
        while r < total:
            place, line = m * total + r, start + m * pitch
            if many and total - r >= 6:
                _DOTS(out, place, total, g, line, pitch, x, 0, of.table, r, whole)
            elif many:
                _DOTS_COLUMN(out, place, total, g, line, pitch, x, 0, of.table, r, whole)
            elif total - r >= 6:
                _DOTS_ROW(out, place, total, g, line, pitch, x, 0, of.table, r, whole)
            else:
                _DOT(out, place, total, g, line, pitch, x, 0, of.table, r, whole)
            r += 6 if total - r >= 6 else 1
        m += 4 if many else 1
    for m in range(of.written):
        for r in range(total):
            for f in range(whole, length):
                out[m * total + r] += g[start + m * pitch + f] * x[of.table[r] + f]


@jit(parallel=True)
def weights(g: Array, x: Array, of: Sweep, lanes: int, parts: int, turned: bool) -> Array:
    """`sum over samples and positions of g[m, position] * x[channel, stride * position + shift(tap)]`, in `parts` sums.

    g is `(batch, channels, rows, columns)`, the result `(parts, groups, R, written)` if `turned`, with written rounded
    up to whole vectors, and else `(parts, groups, written, R)`.
    """
    bands = -(-of.rows // of.band)
    pieces = len(x) * bands
    across = -(-of.written // lanes) * lanes if turned else of.written
    out = np.zeros((parts * of.groups, len(of.table) * across), x.dtype)
    size = _size(of)
    flat, plane = g.reshape(-1), of.rows * of.columns
    for unit in prange(parts * of.groups):
        part, group = unit // of.groups, unit % of.groups
        laid = np.empty(size + lanes, x.dtype)
        cotangent = np.zeros(of.band * of.columns * across if turned else 1, x.dtype)
        for piece in range(part * pieces // parts, (part + 1) * pieces // parts):
            n, first = piece // bands, piece % bands * of.band
            rows = min(of.band, of.rows - first)
            _fill(laid, x, n, group * of.read, first, rows, of)
            start = (n * of.groups + group) * of.written * plane + first * of.columns
            if turned:
                transposed(cotangent, 0, across, flat, start, plane, of.written, rows * of.columns, lanes)
                _outer(out[unit], across, cotangent, laid, of, rows, lanes)
            else:
                _inner(out[unit], flat, start, plane, laid, of, rows * of.columns, lanes)
    return out
