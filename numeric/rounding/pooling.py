"""Bounds for pooling, of the shape of what they bound, float64. `max_pool` itself chooses and rounds nothing: no bound.

An average divides by the number of cells it is over, which the type must hold: where windows have more than 1/u
cells, the bound is infinite.
"""

from __future__ import annotations

from math import inf, prod

import numpy as np
from numpy.typing import DTypeLike

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths.windows import overlap_add, windows
from numeric.pooling import give, winners
from numeric.rounding.model import (
    gamma,
    outward,
    present,
    products_bound,
    size,
    smallest_subnormal,
    sum_bound,
    unit_roundoff,
)


def average_pool_bound(x: Array, geometry: Geometry, count_padding: bool = False) -> Array:
    """Bound on the error of `average_pool`: n - 1 additions of the n cells read, and a division that may underflow."""
    smallest = smallest_subnormal(x.dtype)
    unit = gamma(_total(present(x), geometry) + _beyond(geometry, x.dtype), x.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # no promise is made there
        sums = _total(size(x), geometry)
        bound = unit * sums / _cells(geometry, count_padding) + smallest
        return outward(bound, sums * (1 + unit), prod(geometry.kernel_size), x.dtype)


def average_pool_input_gradient_bound(g: Array, geometry: Geometry, count_padding: bool = False) -> Array:
    """Bound on the error of `average_pool_input_gradient`: each of the n readers' parts is a quotient, then added."""
    terms = _spread(present(g), geometry) + _beyond(geometry, g.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        return products_bound(_spread(size(g) / _cells(geometry, count_padding), geometry), terms, terms, g.dtype)


def max_pool_input_gradient_bound(g: Array, x: Array, geometry: Geometry) -> Array:
    """Bound on the error of `max_pool_input_gradient`: n - 1 additions, n being the windows that the cell won."""
    winner = winners(x, geometry)
    return sum_bound(lambda g: give(g, winner, geometry), g)


def _total(x: Array, geometry: Geometry) -> Array:
    total: Array = windows(x, geometry).sum(axis=tuple(range(2 + geometry.ndim, 2 + 2 * geometry.ndim)))
    return total


def _spread(g: Array, geometry: Geometry) -> Array:
    """Adjoint of `_total`."""
    parts = g.reshape(*g.shape, *(1,) * geometry.ndim)
    return overlap_add(np.broadcast_to(parts, (*g.shape, *geometry.kernel_size)), geometry)


def _cells(geometry: Geometry, count_padding: bool) -> Array:
    """What each output's sum is divided by, `(1, 1, *output)`."""
    inside = _total(np.ones((1, 1, *geometry.input_size)), geometry)
    return np.full_like(inside, prod(geometry.kernel_size)) if count_padding else np.maximum(inside, 1)


def _beyond(geometry: Geometry, dtype: DTypeLike) -> float:
    """Infinitely many terms where the number of a window's cells may round."""
    return inf if prod(geometry.kernel_size) * unit_roundoff(dtype) > 1 else 0.0
