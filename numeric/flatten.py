"""Flattening: every sample as one row, between the layers that know positions and those that do not.

Row-major over the axes of x in the order that it has: a channels-last array flattens into another row than the same
numbers channels-first. Numbers are not changed, only their type as in `numeric.dtypes`; the result may be a view.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from numpy.typing import ArrayLike

from numeric.dtypes import Array, as_numbers
from numeric.geometry import GeometryError, settled


def flatten(x: ArrayLike) -> Array:
    """`(batch, ...)` as `(batch, rest)`. Raises `GeometryError` for a single number."""
    (x,) = as_numbers(x)
    if x.ndim == 0:
        raise GeometryError("x must have a batch axis, got a single number")
    return x.reshape(len(x), prod(x.shape[1:]))


def flatten_input_gradient(g: ArrayLike, shape: Sequence[int]) -> Array:
    """dL/dx for the cotangent g `(batch, rest)` and the shape of x: the same entries in that shape."""
    (g,) = as_numbers(g)
    shape = settled("shape", shape, None, 0)
    if g.shape != (shape[0], prod(shape[1:])):
        raise GeometryError(f"g must have shape {(shape[0], prod(shape[1:]))} for x of {shape}, got {g.shape}")
    return g.reshape(shape)
