"""The layer where a transform has made it pointwise: kernels of size one, with weights of their own at every point.

A bilinear algorithm takes both arguments to points, multiplies there, and takes the products back; the channels are
summed up in between. Arrays: data `(rows, channels, *points)`, where a row is a tile of a sample or all of it, filters
`(out_channels, channels // groups, *points)`, products `(rows, out_channels, *points)`.
"""

from __future__ import annotations

from math import prod

from numeric.dtypes import Array
from numeric.geometry import Geometry


def conv(data: Array, filters: Array, geometry: Geometry) -> Array:
    """Sum of `data * filters` over the channels of a group."""
    if geometry.group_in == 1:  # no sum, and no matrix product is as fast as a product
        parts = data[:, :, None] * filters.reshape(geometry.groups, geometry.group_out, *filters.shape[2:])
        return parts.reshape(len(data), geometry.out_channels, *data.shape[2:])
    products = _rows_last(data, geometry) @ _filters_last(filters, geometry).swapaxes(-1, -2)
    return _rows_first(products, data.shape[2:])


def weight_gradient(products: Array, data: Array, geometry: Geometry) -> Array:
    """Sum of `products * data` over the rows."""
    if geometry.group_in == geometry.group_out == 1:
        parts: Array = (products * data).sum(axis=0, keepdims=True)
        return parts.swapaxes(0, 1)
    filters = _rows_last(products, geometry).swapaxes(-1, -2) @ _rows_last(data, geometry)
    # (groups, points, out / group, channels / group) -> (out, channels / group, *points)
    return filters.transpose(0, 2, 3, 1).reshape(geometry.out_channels, geometry.group_in, *data.shape[2:])


def input_gradient(products: Array, filters: Array, geometry: Geometry) -> Array:
    """Sum of `products * filters` over the output channels of a group."""
    if geometry.group_out == 1:
        parts = products[:, :, None] * filters
        return parts.reshape(len(products), geometry.in_channels, *products.shape[2:])
    data = _rows_last(products, geometry) @ _filters_last(filters, geometry)
    return _rows_first(data, products.shape[2:])


def _rows_last(array: Array, geometry: Geometry) -> Array:
    """`(rows, channels, *points)` as `(groups, points, rows, channels / group)`: a matrix for each group and point."""
    rows, channels, *points = array.shape
    grouped = array.reshape(rows, geometry.groups, channels // geometry.groups, prod(points))
    return grouped.transpose(1, 3, 0, 2)


def _rows_first(array: Array, points: tuple[int, ...]) -> Array:
    """Inverse of `_rows_last`."""
    groups, _, rows, channels = array.shape
    return array.transpose(2, 0, 3, 1).reshape(rows, groups * channels, *points)


def _filters_last(filters: Array, geometry: Geometry) -> Array:
    """`(out_channels, channels / group, *points)` as `(groups, points, out_channels / group, channels / group)`."""
    grouped = filters.reshape(geometry.groups, geometry.group_out, geometry.group_in, prod(filters.shape[2:]))
    return grouped.transpose(0, 3, 1, 2)
