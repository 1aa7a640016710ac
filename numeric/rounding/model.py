"""The rounding model: unit roundoff, gamma(n), and what every bound is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from numeric.dtypes import Array
from numeric.geometry import Geometry


def unit_roundoff(dtype: DTypeLike) -> float:
    """Half the distance from 1 to the next number. Raises `TypeError` for a type that is no real float."""
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"rounding bounds are for real floating-point types, got {dtype}")
    return float(np.finfo(dtype).eps) / 2


def gamma(n: int, dtype: DTypeLike) -> float:
    """`n*u / (1 - n*u)`; infinite when `n*u >= 1`, where the model promises nothing."""
    nu = n * unit_roundoff(dtype)
    return nu / (1 - nu) if nu < 1 else float("inf")


def bilinear_bound(kernel: Callable[..., Array], a: Array, b: Array, geometry: Geometry | None, products: int) -> Array:
    """Bound on what `kernel(a, b, geometry)` is off by, each of whose entries sums up to that many products."""
    dtype = np.result_type(a, b)
    unit = gamma(products, dtype)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    with np.errstate(over="ignore", invalid="ignore"):  # no promise is made there
        sums = kernel(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)), geometry)
        return outward(unit * sums + products * smallest, sums, products, dtype)


def outward(bound: Array, sums: Array, n: int, dtype: np.dtype[np.floating]) -> Array:
    """Round up for the rounding of the bound's own float64 arithmetic, and exclude overflow."""
    slack = 1 + 4 * gamma(n + 4, np.float64)
    tiny = n * float(np.finfo(np.float64).smallest_subnormal)
    reached = sums * slack + bound
    return np.where(reached < float(np.finfo(dtype).max), bound * slack + tiny, np.inf)
