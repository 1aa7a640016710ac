"""Dropout with a given mask, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.reals import as_floats


def dropout(x: Array, mask: Array, rate: Any) -> Array:
    """`x / (1 - rate)` where the mask holds 1, and 0 where it holds 0."""
    (x,) = as_floats(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for a in np.ndindex(x.shape):
        y[a] = x[a] / (1 - rate) if mask[a] else 0
    return y  # type: ignore[no-any-return]


def dropout_input_gradient(g: Array, mask: Array, rate: Any) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: what was dropped takes no part."""
    (g,) = as_floats(g)
    dx: Any = np.zeros(g.shape, g.dtype)
    for a in np.ndindex(g.shape):
        dx[a] = g[a] / (1 - rate) if mask[a] else 0
    return dx  # type: ignore[no-any-return]
