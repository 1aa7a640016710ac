"""The layer where a transform has made it pointwise: kernels of size one, with weights of their own at every point.

A bilinear algorithm takes both arguments to points, multiplies there, and takes the products back; the channels are
summed up in between. Arrays: data `(*points, channels, tiles)`, filters `(*points, out_channels, channels // groups)`,
products `(*points, out_channels, tiles)`. A sum of one term is no matrix product, which would take longer.
"""

from __future__ import annotations

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry


def conv(data: Array, filters: Array, geometry: Geometry) -> Array:
    """Sum of `data * filters` over the channels of a group."""
    x, w = _grouped(data, geometry), _grouped(filters, geometry)
    return _flat(x * w if geometry.group_in == 1 else _matrix(w) @ _matrix(x), geometry)


def weight_gradient(products: Array, data: Array, geometry: Geometry) -> Array:
    """Sum of `products * data` over the tiles."""
    g, x = _grouped(products, geometry), _grouped(data, geometry)
    if geometry.group_in == geometry.group_out == 1:
        return _flat((g * x).sum(axis=-1, keepdims=True, dtype=g.dtype), geometry)
    return _flat(_matrix(g) @ _matrix(x).swapaxes(-1, -2), geometry)


def input_gradient(products: Array, filters: Array, geometry: Geometry) -> Array:
    """Sum of `products * filters` over the output channels of a group."""
    g, w = _grouped(products, geometry), _grouped(filters, geometry)
    if geometry.group_out == 1:
        return _flat(w.swapaxes(-1, -2) * g, geometry)
    return _flat(_matrix(w).swapaxes(-1, -2) @ _matrix(g), geometry)


def _grouped(array: Array, geometry: Geometry) -> Array:
    """The second last axis as one of groups and one of their channels."""
    *points, channels, last = array.shape
    return array.reshape(*points, geometry.groups, channels // geometry.groups, last)


def _flat(array: Array, geometry: Geometry) -> Array:
    """Inverse of `_grouped`."""
    *points, _, channels, last = array.shape
    return array.reshape(*points, geometry.groups * channels, last)


def _matrix(array: Array) -> Array:
    """As matrix products take it without going entry by entry."""
    return np.ascontiguousarray(array)
