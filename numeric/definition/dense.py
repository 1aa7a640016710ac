"""Layers without shared weights, as plain loops: locally connected and dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from numeric.definition.conv import terms
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry


def locally_connected(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer with weights `w[c, j, o, u]` of its own at every position o."""
    x, w = as_numbers(x, w)
    y: Any = np.zeros(geometry.output_shape(len(x)), x.dtype)
    for n in range(len(x)):
        for (c, *o), cell, (_, j, *u) in terms(geometry):
            y[(n, c, *o)] += x[(n, *cell)] * w[(c, j, *o, *u)]
    return y  # type: ignore[no-any-return]


def locally_connected_input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx of the locally connected layer for the cotangent `g = dL/dy`."""
    g, w = as_numbers(g, w)
    dx: Any = np.zeros(geometry.input_shape(len(g)), g.dtype)
    for n in range(len(g)):
        for (c, *o), cell, (_, j, *u) in terms(geometry):
            dx[(n, *cell)] += g[(n, c, *o)] * w[(c, j, *o, *u)]
    return dx  # type: ignore[no-any-return]


def locally_connected_weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw of the locally connected layer for the cotangent `g = dL/dy`."""
    g, x = as_numbers(g, x)
    dw: Any = np.zeros((*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size), g.dtype)
    for n in range(len(x)):
        for (c, *o), cell, (_, j, *u) in terms(geometry):
            dw[(c, j, *o, *u)] += g[(n, c, *o)] * x[(n, *cell)]
    return dw  # type: ignore[no-any-return]


def dense(x: Array, w: Array) -> Array:
    """Output of the layer in which every output reads every input, `(batch, outputs)`."""
    x, w = as_numbers(x, w)
    y: Any = np.zeros((len(x), len(w)), x.dtype)
    for n, c, i in np.ndindex(len(x), *w.shape):
        y[n, c] += x[n, i] * w[c, i]
    return y  # type: ignore[no-any-return]


def dense_input_gradient(g: Array, w: Array) -> Array:
    """dL/dx of the dense layer for the cotangent `g = dL/dy`."""
    g, w = as_numbers(g, w)
    dx: Any = np.zeros((len(g), w.shape[1]), g.dtype)
    for n, c, i in np.ndindex(len(g), *w.shape):
        dx[n, i] += g[n, c] * w[c, i]
    return dx  # type: ignore[no-any-return]


def dense_weight_gradient(g: Array, x: Array) -> Array:
    """dL/dw of the dense layer for the cotangent `g = dL/dy`."""
    g, x = as_numbers(g, x)
    dw: Any = np.zeros((g.shape[1], x.shape[1]), g.dtype)
    for n, c, i in np.ndindex(len(x), *dw.shape):
        dw[c, i] += g[n, c] * x[n, i]
    return dw  # type: ignore[no-any-return]


def dense_bias_gradient(g: Array) -> Array:
    """dL/db of the dense layer for the cotangent `g = dL/dy`."""
    (g,) = as_numbers(g)
    db: Any = np.zeros(g.shape[1], g.dtype)
    for n, c in np.ndindex(g.shape):
        db[c] += g[n, c]
    return db  # type: ignore[no-any-return]
