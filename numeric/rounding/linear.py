"""Bounds for the layers that are sums of products: convolution, dense, locally connected, and their gradients."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from numeric.dense import dense, locally_connected
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import im2col
from numeric.rounding.model import bilinear_bound, gamma, outward


def conv_bound(x: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv` without a bias, shape of y, float64."""
    return bilinear_bound(im2col.conv, x, w, geometry, geometry.group_in * prod(geometry.kernel_size))


def input_gradient_bound(g: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv_input_gradient`, shape of x, float64."""
    readers = prod(geometry.kernel_size)
    if geometry.boundary == "circular":  # one tap may read a cell again for every turn around the input
        readers *= prod(-(-axis.padded_size // axis.input_size) for axis in geometry.axes)
    return bilinear_bound(im2col.input_gradient, g, w, geometry, geometry.group_out * readers)


def weight_gradient_bound(g: Array, x: Array, geometry: Geometry) -> Array:
    """Bound on the error of `conv_weight_gradient`, shape of w, float64."""
    return bilinear_bound(im2col.weight_gradient, g, x, geometry, len(g) * prod(geometry.output_size))


def locally_connected_bound(x: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `locally_connected`, shape of y, float64."""

    def layer(x: Array, w: Array, geometry: Geometry) -> Array:
        names = ("stride", "dilation", "padding", "groups", "boundary")
        options: Any = {name: getattr(geometry, name) for name in names}
        return locally_connected(x, w, **options)

    return bilinear_bound(layer, x, w, geometry, geometry.group_in * prod(geometry.kernel_size))


def dense_bound(x: Array, w: Array) -> Array:
    """Bound on the error of `dense` without a bias, shape of y, float64."""
    return bilinear_bound(lambda x, w, _: dense(x, w), x, w, None, x.shape[1])


def bias_gradient_bound(g: Array) -> Array:
    """Bound on the error of `conv_bias_gradient`, shape `(out_channels,)`, float64. Sums do not underflow."""
    n = g.size // max(g.shape[1], 1)
    sums = np.abs(g.astype(np.float64)).sum(axis=(0, *range(2, g.ndim)))
    return outward(gamma(max(n - 1, 0), g.dtype) * sums, sums, n, g.dtype)
