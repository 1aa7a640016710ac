"""Bounds for pooling."""

from __future__ import annotations

from math import prod

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.pooling import average_pool
from numeric.rounding.model import gamma, outward


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
    return outward(gamma(n, x.dtype) * means + smallest, n * means, n, x.dtype)
