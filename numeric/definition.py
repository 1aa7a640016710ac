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


def max_pool(x: Array, geometry: Geometry) -> Array:
    """Largest entry that each output reads, a NaN before any number; cells of padding take no part."""
    y = np.zeros((*x.shape[:2], *geometry.output_size), x.dtype)
    for n, c, o, a in _maxima(x, geometry):
        y[(n, c, *o)] = x[(n, c, *a)]
    return y


def max_pool_input_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`: all of it to the first maximum of each window."""
    dx: Any = np.zeros(x.shape, g.dtype)
    for n, c, o, a in _maxima(x, geometry):
        dx[(n, c, *a)] += g[(n, c, *o)]
    return dx  # type: ignore[no-any-return]


def _maxima(x: Array, geometry: Geometry) -> Iterator[tuple[int, int, Index, Index]]:
    """Batch, channel, output position, and the cell of its maximum: the first one in row-major order of the taps."""
    for n, c in np.ndindex(*x.shape[:2]):
        for o in geometry.outputs():
            cells = [a for a in (geometry.reads(o, u) for u in geometry.taps()) if a is not None]
            best = cells[0]
            for a in cells[1:]:
                value, most = x[(n, c, *a)], x[(n, c, *best)]
                if value > most or (value != value and most == most):  # only a NaN differs from itself
                    best = a
            yield n, c, o, best


def average_pool(x: Array, geometry: Geometry, count_padding: bool = False) -> Array:
    """Mean of what each output reads; cells of padding are counted, as zeros, only if that is asked for."""
    (x,) = as_numbers(x)
    y: Any = np.zeros((*x.shape[:2], *geometry.output_size), np.float64 if x.dtype.kind in "iu" else x.dtype)
    for n, c in np.ndindex(*x.shape[:2]):
        for o in geometry.outputs():
            cells = [a for a in (geometry.reads(o, u) for u in geometry.taps()) if a is not None]
            count = len(list(geometry.taps())) if count_padding else max(len(cells), 1)
            y[(n, c, *o)] = sum(x[(n, c, *a)] for a in cells) / count
    return y  # type: ignore[no-any-return]


def convolve(x: Array, k: Array, mode: str = "full") -> Array:
    """`(x * k)[o] = sum over u of x[o - u] * k[u]`, the positions of `mode` counted from those of `full`."""
    return _sliding(x, k, mode, -1)


def correlate(x: Array, k: Array, mode: str = "full") -> Array:
    """`sum over u of x[o + u] * k[u]`, with `o = -(m - 1)` the first position of `full` for a kernel of size m."""
    return _sliding(x, k, mode, 1)


def _sliding(x: Array, k: Array, mode: str, sign: int) -> Array:
    size, origin = [], []
    for n, m in zip(x.shape, k.shape, strict=True):
        size.append({"full": n + m - 1, "same": n, "valid": n - m + 1}[mode])
        first = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
        origin.append(first if sign == -1 else first - (m - 1))
    x, k = as_numbers(x, k)
    y: Any = np.zeros(size, x.dtype)
    for o in np.ndindex(y.shape):
        for u in np.ndindex(k.shape):
            a = tuple(p + i + sign * j for p, i, j in zip(origin, o, u, strict=True))
            if all(0 <= i < n for i, n in zip(a, x.shape, strict=True)):
                y[o] += x[a] * k[u]
    return y  # type: ignore[no-any-return]


def rot180(x: Array) -> Array:
    """`rot180(x)[a] = x[n - 1 - a]` on every axis of size n."""
    y = np.empty_like(x)
    for a in np.ndindex(x.shape):
        y[a] = x[tuple(n - 1 - i for i, n in zip(a, x.shape, strict=True))]
    return y


def shift(x: Array, offset: Index, boundary: str = "zero") -> Array:
    """`shift(x, t)[a] = x[a - t]`; outside of the array x is zero, or x again (`circular`)."""
    y = np.zeros_like(x)
    for a in np.ndindex(x.shape):
        source = tuple(i - t for i, t in zip(a, offset, strict=True))
        if boundary == "circular":
            y[a] = x[tuple(i % n for i, n in zip(source, x.shape, strict=True))]
        elif all(0 <= i < n for i, n in zip(source, x.shape, strict=True)):
            y[a] = x[source]
    return y
