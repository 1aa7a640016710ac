"""Pooling, as plain loops over windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numeric.definition.conv import Index
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry


def max_pool(x: Array, geometry: Geometry) -> Array:
    """Largest entry that each output reads, a NaN before any number; cells of padding take no part."""
    y = np.zeros((*x.shape[:2], *geometry.output_size), x.dtype)
    for n, c, o, a in _maxima(x, geometry):
        y[(n, c, *o)] = x[(n, c, *a)]
    return y


def max_pool_input_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: all of it to the first maximum of each window."""
    dx: Any = np.zeros(x.shape, g.dtype)
    for n, c, o, a in _maxima(x, geometry):
        dx[(n, c, *a)] += g[(n, c, *o)]
    return dx  # type: ignore[no-any-return]


def _maxima(x: Array, geometry: Geometry) -> Iterator[tuple[int, int, Index, Index]]:
    """Batch, channel, output position, and the cell of its maximum: the first one in row-major order of the taps."""
    for n, c in np.ndindex(*x.shape[:2]):
        for o in geometry.outputs():
            cells = [a for a in (geometry.reads(o, u) for u in geometry.taps()) if a is not None]
            best = cells[0]
            for a in cells[1:]:
                value, most = x[(n, c, *a)], x[(n, c, *best)]
                if value > most or (value != value and most == most):  # only a NaN differs from itself
                    best = a
            yield n, c, o, best


def average_pool(x: Array, geometry: Geometry, count_padding: bool = False) -> Array:
    """Mean of what each output reads; cells of padding are counted, as zeros, only if that is asked for."""
    (x,) = as_numbers(x)
    y: Any = np.zeros((*x.shape[:2], *geometry.output_size), np.float64 if x.dtype.kind in "iu" else x.dtype)
    for n, c in np.ndindex(*x.shape[:2]):
        for o, cells, count in _averaged(geometry, count_padding):
            y[(n, c, *o)] = sum(x[(n, c, *a)] for a in cells) / count
    return y  # type: ignore[no-any-return]


def average_pool_input_gradient(g: Array, geometry: Geometry, count_padding: bool = False) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: an equal part to each cell that an output reads."""
    (g,) = as_numbers(g)
    dx: Any = np.zeros((*g.shape[:2], *geometry.input_size), np.float64 if g.dtype.kind in "iu" else g.dtype)
    for n, c in np.ndindex(*g.shape[:2]):
        for o, cells, count in _averaged(geometry, count_padding):
            for a in cells:
                dx[(n, c, *a)] += g[(n, c, *o)] / count
    return dx  # type: ignore[no-any-return]


def _averaged(geometry: Geometry, count_padding: bool) -> Iterator[tuple[Index, list[Index], int]]:
    """Output position, the cells that it reads, and how many it counts: at least 1, so that no cells give 0."""
    for o in geometry.outputs():
        cells = [a for a in (geometry.reads(o, u) for u in geometry.taps()) if a is not None]
        yield o, cells, len(list(geometry.taps())) if count_padding else max(len(cells), 1)
