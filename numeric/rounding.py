"""A priori bounds on what floating point adds to the layer, componentwise, for any order of summation.

Model (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1, with
gradual underflow): a product rounds to `a*b*(1 + d) + e` and a sum to `(a + b)*(1 + d)`, with `|d| <= u` and
`|e| <= s/2`, where u is the unit roundoff and s the smallest subnormal number. A sum of n products, in any
order and with or without fused multiply-adds, is then off by at most

    gamma(n) * sum of |a*b|  +  n * s,        gamma(n) = n*u / (1 - n*u)

Overflow is excluded: where the bound or the value could pass the largest number, the bound is infinite. It
does not hold where a processor flushes subnormal numbers to zero. Arrays must have the shapes of the geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from numeric.dense import dense, locally_connected
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import im2col
from numeric.pooling import average_pool


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


def conv_bound(x: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv` without a bias, shape of y, float64."""
    return _bound(im2col.conv, x, w, geometry, geometry.group_in * prod(geometry.kernel_size))


def input_gradient_bound(g: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv_input_gradient`, shape of x, float64."""
    readers = prod(geometry.kernel_size)
    if geometry.boundary == "circular":  # one tap may read a cell again for every turn around the input
        readers *= prod(-(-axis.padded_size // axis.input_size) for axis in geometry.axes)
    return _bound(im2col.input_gradient, g, w, geometry, geometry.group_out * readers)


def weight_gradient_bound(g: Array, x: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv_weight_gradient`, shape of w, float64."""
    return _bound(im2col.weight_gradient, g, x, geometry, len(g) * prod(geometry.output_size))


def locally_connected_bound(x: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `locally_connected`, shape of y, float64."""

    def layer(x: Array, w: Array, geometry: Geometry) -> Array:
        names = ("stride", "dilation", "padding", "groups", "boundary")
        options: Any = {name: getattr(geometry, name) for name in names}
        return locally_connected(x, w, **options)

    return _bound(layer, x, w, geometry, geometry.group_in * prod(geometry.kernel_size))


def dense_bound(x: Array, w: Array) -> Array:
    """Bound on the error of `dense` without a bias, shape of y, float64."""
    return _bound(lambda x, w, _: dense(x, w), x, w, None, x.shape[1])


def average_pool_bound(x: Array, geometry: Geometry) -> Array:
    """Bound on the error of `average_pool`, shape of y, float64: additions, and a division that may underflow."""
    n = prod(geometry.kernel_size)
    means = average_pool(
        np.abs(x.astype(np.float64)),
        geometry.kernel_size,
        stride=geometry.stride,
        dilation=geometry.dilation,
        padding=geometry.padding,
        boundary=geometry.boundary,
    )
    smallest = float(np.finfo(x.dtype).smallest_subnormal)
    return _outward(gamma(n, x.dtype) * means + smallest, n * means, n, x.dtype)


def bias_gradient_bound(g: Array) -> Array:
    """Bound on the error of `conv_bias_gradient`, shape `(out_channels,)`, float64. Sums do not underflow."""
    n = g.size // max(g.shape[1], 1)
    sums = np.abs(g.astype(np.float64)).sum(axis=(0, *range(2, g.ndim)))
    return _outward(gamma(max(n - 1, 0), g.dtype) * sums, sums, n, g.dtype)


def _bound(kernel: Callable[..., Array], a: Array, b: Array, geometry: Geometry | None, products: int) -> Array:
    dtype = np.result_type(a, b)
    unit = gamma(products, dtype)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    with np.errstate(over="ignore", invalid="ignore"):  # no promise is made there
        sums = kernel(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)), geometry)
        return _outward(unit * sums + products * smallest, sums, products, dtype)


def _outward(bound: Array, sums: Array, n: int, dtype: np.dtype[np.floating]) -> Array:
    """Round up for the rounding of the bound's own float64 arithmetic, and exclude overflow."""
    slack = 1 + 4 * gamma(n + 4, np.float64)
    tiny = n * float(np.finfo(np.float64).smallest_subnormal)
    reached = sums * slack + bound
    return np.where(reached < float(np.finfo(dtype).max), bound * slack + tiny, np.inf)
