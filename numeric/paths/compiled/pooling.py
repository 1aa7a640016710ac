"""Max pooling, compiled: a table says which cell each output reads through each tap, and vectors of outputs follow it.

The table is the index map of a plane, padding, dilation, boundary and any number of axes included; it is made once for
a geometry, and is all that the kernels know of it.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths.compiled import available, workers
from numeric.paths.memory import empty
from numeric.paths.windows import windows

ENTRIES = 1 << 22  # of a table, or cells of a plane, at most; a table is 16 MB then, and the last sixteen are kept


def supports(geometry: Geometry) -> str:
    """Planes whose table is not too large, where Numba is installed."""
    if max(prod(geometry.input_size), prod(geometry.output_size) * prod(geometry.kernel_size)) > ENTRIES:
        return f"path 'direct' of pooling takes {ENTRIES:,} cells, and pairs of outputs and taps, in a plane at most"
    return available()


def max_pool(x: Array, geometry: Geometry) -> Array:
    """Largest entry of each window; every window reads a cell."""
    from numeric.paths.compiled.maxima import largest

    y = empty((*x.shape[:2], *geometry.output_size), x.dtype)
    table = _table(geometry)
    with workers() as threads:
        largest(_flat(x), y.reshape(-1), table, prod(geometry.input_size), prod(geometry.output_size), threads)
    return y


def max_pool_input_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent g = dL/dy: each entry of g goes to the cell that won its window."""
    from numeric.paths.compiled.maxima import give

    dx = empty(x.shape, g.dtype)
    table = _table(geometry)
    with workers() as threads:
        give(_flat(g), _flat(x), dx.reshape(-1), table, prod(geometry.input_size), prod(geometry.output_size), threads)
    return dx


def _flat(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1)


@lru_cache(maxsize=16)
def _table(geometry: Geometry) -> NDArray[np.int32]:
    """Cell of the plane that each output reads through each tap, `(taps, outputs)`.

    Where that is padding, it is the first cell that the window does read: what is read twice changes no maximum, nor
    which of equal ones is the first. Vectors read up to 15 entries beyond the last output, which are cells as well.
    """
    cells = np.arange(prod(geometry.input_size), dtype=np.int32).reshape(1, 1, *geometry.input_size)
    read = windows(cells + 1, geometry).reshape(prod(geometry.output_size), -1) - 1  # padding is read as 0
    first = np.take_along_axis(read, np.argmax(read >= 0, axis=1)[:, None], 1)
    table = np.zeros((read.shape[1], len(read) + 15), np.int32)
    table[:, : len(read)] = np.where(read >= 0, read, first).T
    return table
