"""Kernels of the compiled direct path for input gradients, where outputs are fewer than the sums of what they read.

What every output sends back through every tap is summed over the channels first (`numeric.paths.compiled.sweep`), and
then added to the positions that it was read from. A sum over what each position was read by would take as many products
at positions that only some of the taps reach, and lay g out for each residue of a stride.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.layout import Scatter
from numeric.paths.compiled.moves import collect
from numeric.paths.compiled.sweep import panel, panels, sums

_collect, _collect_pairs = collect(1), collect(2)


@jit(parallel=True)
def scatter(g: Array, a: Array, dx: Array, of: Scatter, lanes: int, threads: int) -> None:
    """Write dx for g and weights `(groups, channel * tap, read)`, some of a sample's channels at a time."""
    taps, plane, pitch = len(of.down), of.height * of.width, of.rows * of.columns
    arranged = panels(a, of.part * taps)
    parts = -(-of.written // of.part)
    tasks = len(dx) // (of.written * plane) * parts
    for thread in prange(threads):
        found, nothing = np.empty(of.part * taps * pitch, g.dtype), np.zeros(of.part * taps, g.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            sample, first = task // parts, task % parts * of.part
            channels, base = min(of.part, of.written - first), sample * of.read * pitch
            r, rows = 0, channels * taps
            while r < rows:
                block = panel(rows - r)
                weights = ((sample % of.groups * of.written + first) * taps + r) * of.read
                sums(found, r * pitch, pitch, pitch, arranged, weights, block, g, base, of.table, nothing, r, lanes)
                r += block
            for c in range(channels):
                start, place = (sample * of.written + first + c) * plane, c * taps * pitch
                for row in range(of.height):
                    o, line, residue = start + row * of.width, row // of.row_stride, row % of.row_stride
                    if of.column_stride == 1:
                        _collect(dx, o, found, place, of.planes, of.down, of.across, of.bounds, residue,
                            line, of.rows, of.columns, of.width)  # fmt: skip
                    else:
                        _collect_pairs(dx, o, found, place, of.planes, of.down, of.across, of.bounds, 2 * residue,
                            line, of.rows, of.columns, of.width)  # fmt: skip
