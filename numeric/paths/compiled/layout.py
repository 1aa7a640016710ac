"""Which sums the direct path asks for, and where what they read lies.

Both kinds are `y[m, q] = sum over channels and taps of a[m, channel, tap] * x[channel, stride * q + shift(tap)]`, on
two axes: the layer's forward pass, and the input gradient of any stride, by one for each residue of its positions.

    Sweep      for any of them: a band of the output's rows at a time, whose input is laid out so that what a tap reads
               at all positions lies in one piece. The kernels are `numeric.paths.compiled.sweep`
    Stencil    for few channels, such as an image's filter or a depthwise layer, where taps are on rows in a line:
               nothing is laid out. The kernels are `numeric.paths.compiled.image`
    Scatter    for input gradients with a stride, or where outputs are fewer than the positions that they read: each is
               multiplied first and then sent back. The kernels are `numeric.paths.compiled.scatter`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from numeric.dtypes import Array

BUDGET = 1 << 19  # bytes of a band's input and sums: half of a usual L2 cache, which weights go through, too
COPIED = 192  # positions of a band that is copied
FEW = 3  # channels that come out of a group, at most, for a stencil
MASK = 64  # bits
Shift = tuple[int, int]


class Sums(NamedTuple):
    """What is summed: `size` positions that read planes of size `source` by shifts, of `(groups, read, written)`.

    Shifts are sorted; the positions are `every` one of the output's, or some of them.
    """

    size: Shift
    source: Shift
    stride: Shift
    shifts: Sequence[Shift]
    channels: tuple[int, int, int]
    every: bool = True


class Sweep(NamedTuple):
    """How a band of the input lies: `(channel, set of columns, residue of rows, row, column)`.

    `starts` has the first column of each set, `table` where the row of a channel and tap begins. Where `plain`, a
    band is a part of the input itself, and none of this is needed; or it is a copy of that, where it is `copied`.
    """

    groups: int
    read: int  # channels of a group that are summed over
    written: int  # channels of a group that come out
    height: int  # of the input
    width: int
    rows: int  # positions
    columns: int
    row_stride: int
    column_stride: int
    first_row: int
    residues: int
    halo: int  # rows beyond the band's own that taps reach
    band: int
    pitch: int
    plain: bool
    copied: bool
    starts: Array
    table: Array


class Stencil(NamedTuple):
    """Columns of taps: each has as many, on rows in a line, from `table` on for every channel and column.

    The output's columns go in blocks that begin at `blocks`, of as many vectors as `vectors` says (four or what fits in
    the registers, two, one), or of the most that fit where it is 0; then all that is read is inside of the input, and
    else `masks` knows which is.
    """

    groups: int
    read: int
    written: int
    height: int
    width: int
    rows: int
    columns: int
    first_row: int
    band: int
    taps: int
    table: Array
    blocks: Array
    vectors: Array
    masks: Array


class Scatter(NamedTuple):
    """What outputs send back, for the taps that reach each residue of the positions.

    Position (row, column) of residue k, the residues of rows and columns in that order, gets of each tap from
    `bounds[k]` to `bounds[k + 1]` what row `row // row_stride - down` and column `column // column_stride - across`
    sent; the taps' own planes of that begin at `planes`. Each channel that is `read` begins at `table`; `written` ones
    come out, `part` of them at a time.
    """

    groups: int
    read: int
    written: int
    height: int  # of the planes that come out
    width: int
    row_stride: int
    column_stride: int
    rows: int  # of those that are read
    columns: int
    part: int
    down: Array
    across: Array
    planes: Array
    bounds: Array
    table: Array


def swept(sums: Sums, batch: int, threads: int, itemsize: int, *, often: bool = True) -> Sweep:
    """The sweep for a call, which reads a band `often`: once for each panel of the channels that come out.

    Columns are kept by their residue modulo the stride, so that a tap reads consecutive ones; positions of a band then
    have a gap at the end of each row, as wide as the kernel reaches. Where that is much of a row, every column of the
    kernel has a copy of its own and there is none. An input of which nothing but cells is read is left where it is.
    """
    (rows, columns), (height, width), (down, across), shifts, (groups, read, written), every = sums
    above, left, last, right = _reach(shifts)
    among, reach = sorted({column for _, column in shifts}), (right - left) // across
    plain = down == across == 1 and above >= 0 and left >= 0 and last + rows <= height and right + columns <= width
    apart = 4 * (width - columns if plain else reach) > columns
    if plain and not apart:
        starts, parts, halo, pitch = [left], 1, 0, width
        place = {column: (0, above * width + column) for column in among}
        line = read * width
        if width == columns and every:  # rows without a gap are one, which bands may cut anywhere
            rows, columns, pitch, line = rows * columns, 1, 1, read
    else:
        if apart:
            starts, pitch = among, columns
            place = {column: (number, 0) for number, column in enumerate(starts)}
        else:
            residues = sorted({(column - left) % across for column in among})
            starts, pitch = [left + residue for residue in residues], columns + reach
            place = {c: (residues.index((c - left) % across), (c - left) // across) for c in among}
        plain, parts, halo = False, max((row - above) % down for row, _ in shifts) + 1, (last - above) // down
        line = read * len(starts) * parts * pitch
    # small panels of sums read a band often, from lines of planes that share few places of the first cache
    copied = often and panel() < 8 and plain and pitch == 1 and len(shifts) == 1 and (above, left) == (0, 0)
    # of the input itself there is more in the cache than what is read
    budget = BUDGET // (2 if panel() == 8 or copied else 8) if plain else BUDGET
    fit = (budget // itemsize - line * halo) // (line + min(panel(), written) * pitch)
    share = -(-batch * groups * rows // (4 * threads))  # rows, if every thread is to have four bands
    if pitch == 1:  # whole blocks of the sums' kernels
        band = min(rows, -(-max(48, min(fit, COPIED if copied else max(share, 768))) // 48) * 48)
    else:
        band = max(1, min(rows, max(fit, min(halo, 8)), max(share, 8)))
        band = -(-rows // max(1, -(-rows // band)))  # as few bands, of equal size
    plane, line = (height * width, width) if plain and not copied else ((band + halo) * pitch, pitch)

    def begins(channel: int, row: int, column: int) -> int:
        number, moved = place[column]
        one = (channel * len(starts) + number) * parts + (row - above) % down
        return one * plane + (row - above) // down * line + moved

    table = [begins(channel, *shift) for channel in range(read) for shift in shifts]
    arrays = np.array(starts, np.int64), np.array(table, np.int64)
    return Sweep(
        groups,
        read,
        written,
        height,
        width,
        rows,
        columns,
        down,
        across,
        above,
        parts,
        halo,
        band,
        pitch,
        plain,
        copied,
        *arrays,
    )


def stencilled(sums: Sums, batch: int, threads: int, lanes: int) -> Stencil | None:
    """The stencil for a call; none where taps are not in lines, or channels share more than rows do."""
    (rows, columns), (height, width), stride, shifts, (groups, read, written), every = sums
    above, left, last, right = _reach(shifts)
    among, taps = sorted({column for _, column in shifts}), last - above + 1
    at_once = stencil_rows(taps)
    if not every or stride != (1, 1) or written > FEW or rows < at_once:
        return None
    if taps < 3 or taps * len(among) != len(shifts):
        return None
    blocks, vectors, masks = [], [], []
    most, f = stencil_vectors(taps), 0
    wide, most = most * lanes, min(most, 4)
    while f < columns:
        inside = f + wide <= columns and f + left >= 0 and f + wide + right <= width
        rest = columns - f
        size = 0 if inside else most if rest > 2 * lanes else 2 if rest > lanes else 1
        until = min(rest, MASK)
        bits = [sum(1 << i for i in range(until) if 0 <= f + i + column < width) if size else 0 for column in among]
        blocks.append(f)
        vectors.append(size)
        masks += [bit - (1 << MASK) if bit >> (MASK - 1) else bit for bit in bits] * read
        f += size * lanes or wide
    share = -(-batch * groups * written * rows // (4 * threads))
    band = min(rows, max(share, 4 * at_once))
    table = [channel * height * width + column for channel in range(read) for column in among]
    lists = (
        np.array(table, np.int64),
        np.array(blocks, np.int64),
        np.array(vectors, np.int64),
        np.array(masks, np.int64),
    )
    return Stencil(groups, read, written, height, width, rows, columns, above, band, taps, *lists)


def scattered(
    forward: Sums, reached: Sequence[Sequence[tuple[int, int, int]]], batch: int, threads: int, itemsize: int
) -> Scatter | None:
    """How to send back what would be gathered; none where gathering takes hardly more, or this takes much room.

    `reached` has for each residue of the positions the taps that reach it: how far down and across, and its number.
    """
    (rows, columns), (height, width), stride, shifts, (groups, written, read), _ = forward
    positions, taps = rows * columns, len(shifts)
    part = BUDGET // (2 * itemsize * taps * positions)
    if written * taps < 8 or stride[1] > 2 or not part or not _worthwhile(forward):
        return None
    # whole panels of channels, and four tasks for every thread
    part = min(written, part // 8 * 8 or part, max(8, -(-batch * groups * written // (4 * threads))))
    # output o sends through a tap to o + shift: the position's row less the shift of the gathering is the output's
    down, across, number = (np.array(each, np.int64) for each in zip(*(t for r in reached for t in r), strict=True))
    bounds = np.cumsum([0, *map(len, reached)], dtype=np.int64)
    table = np.arange(read, dtype=np.int64) * positions
    return Scatter(
        groups,
        read,
        written,
        height,
        width,
        *stride,
        rows,
        columns,
        part,
        -down,
        -across,
        number * positions,
        bounds,
        table,
    )


def _worthwhile(forward: Sums) -> bool:
    """Whether as many sums as gathering takes, ends of rows included, are an eighth more than the outputs."""
    (rows, columns), (height, width), stride, shifts, _, _ = forward
    _, left, _, right = _reach(shifts)
    return stride != (1, 1) or 8 * height * (width + right - left) > 9 * rows * columns


def stencil_rows(taps: int) -> int:
    """Rows of the output that go together: many, of which few share a row of the input, or the taps of long columns."""
    return 6 if taps == 3 and panel() == 8 else 4


def stencil_vectors(taps: int) -> int:
    """Vectors of each that fit in the registers."""
    from numeric.paths.compiled.emit import beside

    return beside(stencil_rows(taps))


def panel() -> int:
    """Channels that come out of a sweep together, at most: as many as the registers hold some vectors of."""
    from numeric.paths.compiled.emit import beside

    return 8 if beside(8) > 1 else 4


def _reach(shifts: Sequence[Shift]) -> tuple[int, int, int, int]:
    rows, columns = zip(*shifts, strict=True)
    return min(rows), min(columns), max(rows), max(columns)
