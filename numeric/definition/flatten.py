"""Flattening: the place of an entry in its row, axis by axis."""

from __future__ import annotations

from math import prod

import numpy as np

from numeric.definition.conv import Index
from numeric.dtypes import Array, as_numbers


def flatten(x: Array) -> Array:
    """Sample n's entry a at `y[n, place(a)]`, with `place(a, i) = place(a) * size(i) + i` for one axis more."""
    (x,) = as_numbers(x)
    y = np.zeros((len(x), prod(x.shape[1:])), x.dtype)
    for n, *a in np.ndindex(x.shape):
        y[n, _place(a, x.shape[1:])] = x[(n, *a)]
    return y


def flatten_input_gradient(g: Array, shape: Index) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: every entry back to where it came from."""
    (g,) = as_numbers(g)
    dx = np.zeros(shape, g.dtype)
    for n, *a in np.ndindex(*shape):
        dx[(n, *a)] = g[n, _place(a, shape[1:])]
    return dx


def _place(a: list[int], sizes: Index) -> int:
    place = 0
    for i, size in zip(a, sizes, strict=True):
        place = place * size + i
    return place
