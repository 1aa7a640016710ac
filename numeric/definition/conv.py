"""The layer by its definition: three sums over one index map, as plain loops. The oracle, never clever.

    y[c, o]    = sum over (j, u)  of x[i, a] * w[c, j, u]
    dw[c, j, u] = sum over (n, o) of g[c, o] * x[i, a]
    dx[i, a]   = sum over (c, o, u) reading it of g[c, o] * w[c, j, u]

with `a = geometry.reads(o, u)`, `i = geometry.reads_channel(c, j)`, and the batch index `n` on x, y and g.
Arrays are channels-first: x `(batch, channels, *spatial)`, w `(out_channels, channels // groups, *kernel)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry

Index = tuple[int, ...]


def terms(geometry: Geometry) -> Iterator[tuple[Index, Index, Index]]:
    """Every product of the layer, as indices into (one sample of) `y`, into `x` and into `w`."""
    for c in range(geometry.out_channels):
        for o in geometry.outputs():
            for j in range(geometry.group_in):
                for u in geometry.taps():
                    a = geometry.reads(o, u)
                    if a is not None:
                        yield (c, *o), (geometry.reads_channel(c, j), *a), (c, j, *u)


def supports(geometry: Geometry) -> str:  # noqa: ARG001 - every path says so of a geometry
    """Every layer: no reason against any."""
    return ""


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = as_numbers(x, w)
    y: Any = np.zeros(geometry.output_shape(len(x)), x.dtype)
    for n in range(len(x)):
        for out, cell, weight in terms(geometry):
            y[(n, *out)] += x[(n, *cell)] * w[weight]
    return y  # type: ignore[no-any-return]


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = as_numbers(g, w)
    dx: Any = np.zeros(geometry.input_shape(len(g)), g.dtype)
    for n in range(len(g)):
        for out, cell, weight in terms(geometry):
            dx[(n, *cell)] += g[(n, *out)] * w[weight]
    return dx  # type: ignore[no-any-return]


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = as_numbers(g, x)
    dw: Any = np.zeros(geometry.weight_shape, g.dtype)
    for n in range(len(x)):
        for out, cell, weight in terms(geometry):
            dw[weight] += g[(n, *out)] * x[(n, *cell)]
    return dw  # type: ignore[no-any-return]


def bias_gradient(g: Array) -> Array:
    """dL/db for a bias that is added to every position of its channel, shape `(out_channels,)`."""
    (g,) = as_numbers(g)
    db: Any = np.zeros(g.shape[1], g.dtype)
    for n, c, *o in np.ndindex(g.shape):
        db[c] += g[(n, c, *o)]
    return db  # type: ignore[no-any-return]


def conv_double_backward(
    ddx: Array, ddw: Array, g: Array, x: Array, w: Array, geometry: Geometry
) -> tuple[Array, Array, Array]:
    """Gradients of `<ddx, input_gradient(g, w)> + <ddw, weight_gradient(g, x)>` with respect to g, x and w.

    That number is the sum of `ddx[i, a] * g[c, o] * w[c, j, u] + ddw[c, j, u] * g[c, o] * x[i, a]` over the terms.
    """
    ddx, ddw, g, x, w = as_numbers(ddx, ddw, g, x, w)
    dg: Any = np.zeros(geometry.output_shape(len(x)), x.dtype)
    dx: Any = np.zeros(geometry.input_shape(len(x)), x.dtype)
    dw: Any = np.zeros(geometry.weight_shape, x.dtype)
    for n in range(len(x)):
        for out, cell, weight in terms(geometry):
            dg[(n, *out)] += ddx[(n, *cell)] * w[weight] + ddw[weight] * x[(n, *cell)]
            dx[(n, *cell)] += ddw[weight] * g[(n, *out)]
            dw[weight] += ddx[(n, *cell)] * g[(n, *out)]
    return dg, dx, dw
