"""Kernels for layers of few channels, such as an image's filter or a depthwise layer (`numeric.paths.compiled.layout`).

One channel comes out of a sum at a time, and there is no second one to share what is loaded with. Rows of the output
do: those below each other read the same rows of the input, with other taps (`vector.stencil`).
"""

from __future__ import annotations

from numba import prange

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.layout import Stencil, stencil_rows, stencil_vectors
from numeric.paths.compiled.vector import correlations, stencil

_ROWS, _MANY = stencil_rows(3), stencil_rows(4)
_THREE = stencil(_ROWS, stencil_vectors(3), 3, inside=True)
_MOST, _MOST_OF_MANY = (min(stencil_vectors(taps), 4) for taps in (3, 4))
_THREE_MOST, _THREE_TWO, _THREE_ONE = (stencil(_ROWS, vectors, 3) for vectors in (_MOST, 2, 1))
_CORRELATIONS = correlations()
_MORE = stencil(_MANY, stencil_vectors(4), 0, inside=True)
_MORE_MOST, _MORE_TWO, _MORE_ONE = (stencil(_MANY, vectors, 0) for vectors in (_MOST_OF_MANY, 2, 1))


@jit()
def _plane(
    out: Array, start: int, first: int, rows: int, a: Array, taps: int, x: Array, base: int, bias: Array, channel: int,
    of: Stencil
) -> None:  # fmt: skip
    """One channel's sums and bias, for `rows` rows from `first` on."""
    size, count, q = of.taps, len(of.table), first
    height, width, table = of.height, of.width, of.table
    many = _ROWS if size == 3 else _MANY
    while q < first + rows:
        q = min(q, of.rows - many)  # the last rows may be found again
        top = of.first_row + q
        for block in range(len(of.blocks)):
            vectors, f, masks = of.vectors[block], of.blocks[block], block * count
            o, i, left = start + q * of.columns + f, base + f, of.columns - f
            if size == 3 and vectors == 0:
                _THREE(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif size == 3 and vectors == _MOST:
                _THREE_MOST(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif size == 3 and vectors == 2:
                _THREE_TWO(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif size == 3:
                _THREE_ONE(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif vectors == 0:
                _MORE(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif vectors == _MOST_OF_MANY:
                _MORE_MOST(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            elif vectors == 2:
                _MORE_TWO(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
            else:
                _MORE_ONE(out, o, of.columns, a, taps, size, x, i, top, height, width,
                    table, of.masks, masks, count, left, bias, channel)  # fmt: skip
        q += many


@jit(parallel=True)
def image(x: Array, a: Array, bias: Array, y: Array, of: Stencil, threads: int) -> None:
    """Write the sums for x and a `(groups, written, channel, column, row)`, and a bias, to y, of which they are all."""
    bands, plane, products = -(-of.rows // of.band), of.rows * of.columns, len(of.table) * of.taps
    tasks = len(y) // plane * bands
    for thread in prange(threads):
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            channel, first = task // bands, task % bands * of.band
            rows, base = min(of.band, of.rows - first), channel // of.written * of.read * of.height * of.width
            which = channel % (of.groups * of.written)
            _plane(y, channel * plane, first, rows, a, which * products, x, base, bias, which, of)


@jit(parallel=True)
def correlate(g: Array, x: Array, sums: Array, of: Stencil, lanes: int, threads: int) -> None:
    """Add the weight gradient of 3 x 3 kernels, each of planes of g and of x, to `(groups * written, read, 9, lanes)`.

    It is the sum of the lanes. Planes are read in the order in which they lie.
    """
    source, plane = of.height * of.width, of.rows * of.columns
    pairs = of.groups * of.written * of.read
    samples = len(g) // (plane * of.groups * of.written)
    for thread in prange(threads):
        for sample in range(samples):
            for pair in range(thread * pairs // threads, (thread + 1) * pairs // threads):
                m, j = sample * of.groups * of.written + pair // of.read, pair % of.read
                channel = m // of.written * of.read + j
                _CORRELATIONS(sums, 9 * lanes * pair, g, m * plane, x, channel * source, of.table,
                    of.rows, of.columns, of.height, of.width, -of.first_row)  # fmt: skip
