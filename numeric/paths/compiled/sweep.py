"""Kernels of the compiled direct path: sums of rows of the input, moved by each tap (`numeric.paths.compiled.layout`).

Every product of a tap and a channel is one move, `table[r]`, and the sum one call of `vector.products`. Between the
rows of a band there may be gaps; what is summed there is dropped. Arrays are flat, and every thread has the room of
one band.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numba import prange

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.emit import beside
from numeric.paths.compiled.layout import Sweep
from numeric.paths.compiled.layout import panel as most_channels
from numeric.paths.compiled.moves import clear, copy, fetch
from numeric.paths.compiled.transposed import transposed
from numeric.paths.compiled.vector import dots, products

_clear, _copy, _copy_even, _fetch = clear(), copy(1), copy(2), fetch()
# As many registers for sums as keep both multipliers busy, and as few loads as go with them; the rest of a line
_MOST = most_channels()
_IN_EIGHT, _IN_FOUR, _IN_TWO, _IN_ONE = beside(8), beside(4), beside(2), beside(1)
_sums = partial(products, listed="x", add="bias")
_EIGHT, _EIGHT_PART = _sums(8, _IN_EIGHT), _sums(8, 1, part=True)
_FOUR, _FOUR_PART = _sums(4, _IN_FOUR), _sums(4, 1, part=True)
_TWO, _TWO_PART = _sums(2, _IN_TWO), _sums(2, 1, part=True)
_ONE, _ONE_PART = _sums(1, _IN_ONE), _sums(1, 1, part=True)
# Weight gradients, where the sum runs over positions: channels of the output side by side, or few channels
_IN_SIX, _ROWS = beside(6), 8 if beside(8) > 1 else 6
_WIDE, _WIDE_ROW = products(6, _IN_SIX, listed="a", add="out"), products(1, _IN_SIX, listed="a", add="out")
_HALF, _HALF_ROW = products(_ROWS, 2, listed="a", add="out"), products(1, 2, listed="a", add="out")
_THIN, _THIN_ROW = products(8, 1, listed="a", add="out"), products(1, 1, listed="a", add="out")
_DOTS, _DOTS_COLUMN = dots(4, _IN_FOUR), dots(4, 1)
_DOTS_ROW, _DOTS_FEW, _DOT = dots(1, 9), dots(1, 3), dots(1, 1)


@jit()
def room(of: Sweep) -> int:
    """Entries of a band's input."""
    if of.copied:
        return of.read * of.band
    return 1 if of.plain else of.read * len(of.starts) * of.residues * (of.band + of.halo) * of.pitch


@jit()
def laid(room: Array, x: Array, sample: int, first: int, rows: int, of: Sweep) -> tuple[Array, int]:
    """What a band of `rows` rows from `first` on reads: an array and where it begins; it is laid out in `room`.

    `sample` counts the groups of all samples. What lies outside of the input is zero.
    """
    start = sample * of.read * of.height * of.width
    if of.copied:
        for c in range(of.read):
            _copy(room, c * of.band, x, start + c * of.height * of.width + first, rows)
        return room, 0
    if of.plain:
        return x, start + first * of.pitch
    stride, pitch = of.column_stride, of.pitch
    place = 0
    for c in range(of.read):
        plane = start + c * of.height * of.width
        for column in of.starts:
            low = min(max(0, -(column // stride)), pitch)
            high = max(min(pitch, -((column - of.width) // stride)), low)
            for residue in range(of.residues):
                for row in range(rows + of.halo):
                    source, line = of.row_stride * (first + row) + of.first_row + residue, place + row * pitch
                    if 0 <= source < of.height:
                        cell = plane + source * of.width + column + stride * low
                        _clear(room, line, low)
                        if stride == 1:
                            _copy(room, line + low, x, cell, high - low)
                        elif stride == 2:
                            _copy_even(room, line + low, x, cell, high - low)
                        else:
                            for i in range(high - low):
                                room[line + low + i] = x[cell + stride * i]
                        _clear(room, line + high, pitch - high)
                    else:
                        _clear(room, line, pitch)
                place += (of.band + of.halo) * pitch
    return room, 0


@jit()
def sums(
    out: Array, start: int, pitch: int, length: int, a: Array, first: int, rows: int, x: Array, base: int,
    table: Array, bias: Array, which: int, lanes: int
) -> None:  # fmt: skip
    """`rows` rows of `length` sums over all moved rows of x, which begins at `base`, and a bias from `which` on."""
    # a loop for each number of rows: to choose inside one loop made short sums (25 products) a quarter slower
    count, f = len(table), 0
    wide = lanes * (_IN_EIGHT if rows == 8 else _IN_FOUR if rows == 4 else _IN_TWO if rows == 2 else _IN_ONE)
    while f < length:
        left = length - f
        whole = left >= wide
        if length > wide > left and 2 * left > wide:  # sums that are there are cheaper found again than a few alone
            f, whole = length - wide, True
        o, i = start + f, base + f
        if rows == 8 and whole:
            _EIGHT(out, o, pitch, a, first, 1, 8, 0, x, i, 0, 0, table, 0, count, 1, bias, which)
        elif rows == 8:
            _EIGHT_PART(out, o, pitch, a, first, 1, 8, 0, x, i, 0, 0, table, 0, count, 1, bias, which, left)
        elif rows == 4 and whole:
            _FOUR(out, o, pitch, a, first, 1, 4, 0, x, i, 0, 0, table, 0, count, 1, bias, which)
        elif rows == 4:
            _FOUR_PART(out, o, pitch, a, first, 1, 4, 0, x, i, 0, 0, table, 0, count, 1, bias, which, left)
        elif rows == 2 and whole:
            _TWO(out, o, pitch, a, first, 1, 2, 0, x, i, 0, 0, table, 0, count, 1, bias, which)
        elif rows == 2:
            _TWO_PART(out, o, pitch, a, first, 1, 2, 0, x, i, 0, 0, table, 0, count, 1, bias, which, left)
        elif whole:
            _ONE(out, o, pitch, a, first, 1, 1, 0, x, i, 0, 0, table, 0, count, 1, bias, which)
        else:
            _ONE_PART(out, o, pitch, a, first, 1, 1, 0, x, i, 0, 0, table, 0, count, 1, bias, which, left)
        f += wide if whole else lanes


@jit()
def panel(left: int) -> int:
    """How many of the channels that are left come next."""
    return _MOST if left >= _MOST else 4 if left >= 4 else 2 if left >= 2 else 1


@jit()
def panels(a: Array, run: int) -> Array:
    """`(groups, written, R)` as `sums` reads it: for each panel of channels, the channels of every r side by side.

    After every `run` channels a new panel begins.
    """
    groups, written, count = a.shape
    laid = np.empty(a.size, a.dtype)
    for g in range(groups):
        m = 0
        while m < written:
            rows = panel(min(run - m % run, written - m))
            start = (g * written + m) * count
            for i in range(rows):
                for r in range(count):
                    laid[start + r * rows + i] = a[g, m + i, r]
            m += rows
    return laid


@jit(parallel=True)
def sweep(
    x: Array, a: Array, bias: Array, y: Array, of: Sweep, size: tuple[int, int], at: tuple[int, int],
    step: tuple[int, int], lanes: int, threads: int
) -> None:  # fmt: skip
    """Write the sums for x and a `(groups, written, R)` to planes of y, `size` large, from `at` on, `step` apart.

    To every channel its bias is added.
    """
    arranged, products = panels(a, of.written), len(of.table)
    bands, plane = -(-of.rows // of.band), size[0] * size[1]
    straight = of.pitch == of.columns and of.rows * of.columns == plane
    pitch = plane if straight else of.band * of.pitch
    tasks = len(y) // (of.written * plane) * bands
    for thread in prange(threads):
        space, found = np.empty(room(of), x.dtype), np.empty(1 if straight else 8 * pitch, x.dtype)
        until = (thread + 1) * tasks // threads
        for task in range(thread * tasks // threads, until):
            sample, first = task // bands, task % bands * of.band
            rows = min(of.band, of.rows - first)
            length = (rows - 1) * of.pitch + of.columns
            source, base = laid(space, x, sample, first, rows, of)
            m = 0
            while m < of.written:
                block, start = panel(of.written - m), (sample * of.written + m) * plane
                if of.copied and task + 1 < until:  # a panel's share of what the next band copies
                    following, place = (task + 1) // bands * of.read, (task + 1) % bands * of.band
                    for c in range(m * of.read // of.written, (m + block) * of.read // of.written):
                        _fetch(x, (following + c) * of.height * of.width + place, min(of.band, of.rows - place))
                channel = sample % of.groups * of.written + m
                weights = channel * products
                if straight:
                    place = start + first * of.pitch
                    sums(
                        y, place, pitch, length, arranged, weights, block, source, base, of.table, bias, channel, lanes
                    )
                else:
                    sums(
                        found, 0, pitch, length, arranged, weights, block, source, base, of.table, bias, channel, lanes
                    )
                    for i in range(block):
                        for q in range(rows):
                            line = start + i * plane + (at[0] + step[0] * (first + q)) * size[1] + at[1]
                            place = i * pitch + q * of.pitch
                            if step[1] == 1:
                                _copy(y, line, found, place, of.columns)
                            else:
                                for o in range(of.columns):
                                    y[line + step[1] * o] = found[place + o]
                m += block


@jit()
def _outer(out: Array, pitch: int, g: Array, x: Array, base: int, of: Sweep, rows: int, lanes: int) -> None:
    """`out[r, :] += sum over positions of x[table[r] + position] * g[position, :]`, g with channels side by side."""
    # positions without a gap are one line
    gap = of.pitch > of.columns
    lines, count = (rows, of.columns) if gap else (1, rows * of.columns)
    line, step, total, k = of.columns * pitch, pitch, len(of.table), 0
    while k < pitch:
        left, r = pitch - k, 0
        vectors = _IN_SIX if left >= _IN_SIX * lanes else 2 if left >= 2 * lanes else 1
        block = 6 if vectors == _IN_SIX else _ROWS if vectors == 2 else 8
        while r < total:
            whole, o = total - r >= block, r * pitch + k
            if vectors == _IN_SIX and whole:
                _WIDE(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == _IN_SIX:
                _WIDE_ROW(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == 2 and whole:
                _HALF(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif vectors == 2:
                _HALF_ROW(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            elif whole:
                _THIN(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            else:
                _THIN_ROW(out, o, pitch, x, base, 0, 1, of.pitch, g, k, step, line, of.table, r, count, lines)
            r += block if whole else 1
        k += vectors * lanes


@jit()
def _inner(out: Array, g: Array, start: int, pitch: int, x: Array, base: int, of: Sweep, rows: int) -> None:
    """`out[m, r] += sum over positions of g[m, position] * x[table[r] + position]`."""
    gap, total = of.pitch > of.columns, len(of.table)
    lines, count = (rows, of.columns) if gap else (1, rows * of.columns)
    m = 0
    while m < of.written:
        many = of.written - m >= 4
        r = 0
        while r < total:
            place, g_line, left = m * total + r, start + m * pitch, total - r
            if many and left >= _IN_FOUR:
                _DOTS(out, place, total, g, g_line, pitch, count, x, base, of.pitch, of.table, r, count, lines)
                r += _IN_FOUR
            elif many:
                _DOTS_COLUMN(out, place, total, g, g_line, pitch, count, x, base, of.pitch, of.table, r, count, lines)
                r += 1
            elif left >= 9:
                _DOTS_ROW(out, place, total, g, g_line, pitch, count, x, base, of.pitch, of.table, r, count, lines)
                r += 9
            elif left >= 3:
                _DOTS_FEW(out, place, total, g, g_line, pitch, count, x, base, of.pitch, of.table, r, count, lines)
                r += 3
            else:
                _DOT(out, place, total, g, g_line, pitch, count, x, base, of.pitch, of.table, r, count, lines)
                r += 1
        m += 4 if many else 1


@jit(parallel=True)
def weights(g: Array, x: Array, of: Sweep, lanes: int, parts: int, turned: bool) -> Array:
    """`sum over samples and positions of g[m, position] * x[channel, stride * position + shift(tap)]`, in `parts` sums.

    The result is `(parts, groups, R, written)` if `turned`, with written rounded up to whole vectors, and else
    `(parts, groups, written, R)`.
    """
    bands, plane = -(-of.rows // of.band), of.rows * of.columns
    pieces = len(g) // (of.groups * of.written * plane) * bands
    across = -(-of.written // lanes) * lanes if turned else of.written
    out = np.zeros((parts * of.groups, len(of.table) * across), x.dtype)
    for unit in prange(parts * of.groups):
        part, group = unit // of.groups, unit % of.groups
        space = np.empty(room(of), x.dtype)
        cotangent = np.zeros(of.band * of.columns * across if turned else 1, x.dtype)
        for piece in range(part * pieces // parts, (part + 1) * pieces // parts):
            sample, first = piece // bands * of.groups + group, piece % bands * of.band
            rows = min(of.band, of.rows - first)
            source, base = laid(space, x, sample, first, rows, of)
            start = sample * of.written * plane + first * of.columns
            if turned:
                transposed(cotangent, 0, across, g, start, plane, of.written, rows * of.columns, lanes)
                _outer(out[unit], across, cotangent, source, base, of, rows, lanes)
            else:
                _inner(out[unit], g, start, plane, source, base, of, rows)
    return out
