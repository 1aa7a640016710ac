"""Kernels of compiled max pooling (`numeric.paths.compiled.pooling`)."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.moves import clear, maxima

_clear, _maxima = clear(), maxima()


@jit(parallel=True)
def largest(x: Array, y: Array, table: NDArray[np.int32], cells: int, outputs: int, threads: int) -> None:
    """Write the maximum of each window to y, for planes x of `cells` entries and y of `outputs`."""
    taps, pitch = table.shape
    planes, flat = len(y) // outputs, table.reshape(-1)
    for thread in prange(threads):
        where = np.empty(pitch, np.int32)
        for plane in range(thread * planes // threads, (thread + 1) * planes // threads):
            _maxima(y, plane * outputs, where, x, plane * cells, flat, pitch, taps, outputs)


@jit(parallel=True)
def give(g: Array, x: Array, dx: Array, table: NDArray[np.int32], cells: int, outputs: int, threads: int) -> None:
    """Write dx, where each entry of g has been added to the cell that won its window of x."""
    taps, pitch = table.shape
    planes, flat = len(g) // outputs, table.reshape(-1)
    for thread in prange(threads):
        where, best = np.empty(pitch, np.int32), np.empty(pitch, x.dtype)
        for plane in range(thread * planes // threads, (thread + 1) * planes // threads):
            _maxima(best, 0, where, x, plane * cells, flat, pitch, taps, outputs)
            _clear(dx, plane * cells, cells)
            for o in range(outputs):
                dx[plane * cells + where[o]] += g[plane * outputs + o]
