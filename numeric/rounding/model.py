"""The rounding model: unit roundoff, gamma(n), and what every bound is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from numeric.dtypes import Array


def unit_roundoff(dtype: DTypeLike) -> float:
    """Half the distance from 1 to the next number. Raises `TypeError` for a type that is no real float."""
    return float(_real(dtype).eps) / 2


def smallest_subnormal(dtype: DTypeLike) -> float:
    """The smallest positive number. Raises `TypeError` for a type that is no real float."""
    return float(_real(dtype).smallest_subnormal)


def gamma(n: int | Array, dtype: DTypeLike) -> Any:
    """`n*u / (1 - n*u)` for a count, or an array of them; infinite from `n*u = 1` on: no promise is made there."""
    nu = np.minimum(np.multiply(n, unit_roundoff(dtype)), 1.0)
    with np.errstate(divide="ignore"):
        return nu / (1 - nu)


def bilinear_bound(kernel: Callable[[Array, Array], Array], a: Array, b: Array, bias: Array | None = None) -> Array:
    """Bound on what `kernel(a, b) + bias` is off by, each of whose entries is a sum of products `a*b`, float64.

    Only what is not zero counts, since neither multiplying by zero nor adding it rounds: n is the number of such
    products, and of such a bias. The bias is shaped so that it is added as it is.
    """
    offset = np.zeros((), a.dtype) if bias is None else bias
    dtype = np.result_type(a, b, offset)
    unit_roundoff(dtype)  # refuses other types before any work
    products = kernel(present(a), present(b))
    with np.errstate(over="ignore", invalid="ignore"):  # no promise is made there
        sums = kernel(size(a), size(b)) + size(offset)
    return products_bound(sums, products, products + present(offset), dtype)


def sum_bound(kernel: Callable[[Array], Array], a: Array) -> Array:
    """Bound on what `kernel(a)` is off by, each of whose entries is a sum of entries of `a`, float64.

    n terms that are not zero take n - 1 additions that round, and additions do not underflow.
    """
    unit_roundoff(a.dtype)  # refuses other types before any work
    terms = kernel(present(a))
    with np.errstate(over="ignore", invalid="ignore"):
        sums = kernel(size(a))
        return outward(gamma(np.maximum(terms - 1, 0), a.dtype) * sums, sums, terms, a.dtype)


def products_bound(sums: Array, products: Array, terms: Array, dtype: DTypeLike) -> Array:
    """`gamma(terms) * sums + products * s`, outward: terms that are products, all but a bias, may underflow."""
    unit = gamma(terms, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        # each is off by s/2, and the additions that follow make at most 1 + gamma of it: more than s beyond n*u = 1/2
        lost = products * smallest_subnormal(dtype) * np.maximum(1, (1 + unit) / 2)
        return outward(unit * sums + lost, sums, terms, dtype)


def outward(bound: Array, sums: Array, n: int | Array, dtype: DTypeLike) -> Array:
    """Round up for the rounding of the bound's own float64 arithmetic, and exclude overflow."""
    slack = 1 + 4 * gamma(n + 4, np.float64)
    tiny = n * float(np.finfo(np.float64).smallest_subnormal)
    reached = sums * slack + bound
    found: Array = np.where(reached < float(_real(dtype).max), bound * slack + tiny, np.inf)
    return found


def present(array: Array) -> Array:
    """1 for what is not zero: a kernel of these counts the terms that it adds up."""
    ones: Array = (array != 0).astype(np.float64)
    return ones


def size(array: Array) -> Array:
    """Absolute values in the type of the bounds."""
    sizes: Array = np.abs(array.astype(np.float64))
    return sizes


def _real(dtype: DTypeLike) -> Any:
    """Limits of a real floating-point type."""
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"rounding bounds are for real floating-point types, got {dtype}")
    return np.finfo(dtype)
