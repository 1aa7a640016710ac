"""The transposed layer as a loop that scatters: every x[o] adds its products to the cells that its window covers.

The geometry is that of the convolution whose transpose this is, so x has its output's shape and y its input's. The
index map is written out here, not taken from the geometry, so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numeric.definition.conv import Index
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry


def conv_transpose(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer, shape `(batch, in_channels, *input)` of the convolution."""
    x, w = as_numbers(x, w)
    y: Any = np.zeros(geometry.input_shape(len(x)), x.dtype)
    for n, source, cell, weight in _scattered(len(x), geometry):
        y[(n, *cell)] += x[(n, *source)] * w[weight]
    return y  # type: ignore[no-any-return]


def conv_transpose_input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: every x[o] gathers from the cells that it was added to."""
    g, w = as_numbers(g, w)
    dx: Any = np.zeros(geometry.output_shape(len(g)), g.dtype)
    for n, source, cell, weight in _scattered(len(g), geometry):
        dx[(n, *source)] += g[(n, *cell)] * w[weight]
    return dx  # type: ignore[no-any-return]


def conv_transpose_weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`."""
    g, x = as_numbers(g, x)
    dw: Any = np.zeros(geometry.weight_shape, g.dtype)
    for n, source, cell, weight in _scattered(len(x), geometry):
        dw[weight] += g[(n, *cell)] * x[(n, *source)]
    return dw  # type: ignore[no-any-return]


def _scattered(batch: int, geometry: Geometry) -> Iterator[tuple[int, Index, Index, Index]]:
    """Every product: sample, entry of x, entry of y, entry of w."""
    for n, c, *o in np.ndindex(batch, geometry.out_channels, *geometry.output_size):
        for j, *u in np.ndindex(geometry.group_in, *geometry.kernel_size):
            channel = c // (geometry.out_channels // geometry.groups) * geometry.group_in + j
            cell = [
                s * i + d * t - low
                for i, t, s, d, (low, _) in zip(o, u, geometry.stride, geometry.dilation, geometry.padding, strict=True)
            ]
            if geometry.boundary == "circular":
                cell = [a % size for a, size in zip(cell, geometry.input_size, strict=True)]
            if all(0 <= a < size for a, size in zip(cell, geometry.input_size, strict=True)):
                yield n, (c, *o), (channel, *cell), (c, j, *u)
