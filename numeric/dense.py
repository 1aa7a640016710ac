"""Layers without shared weights: dense, where every output reads every input, and locally connected.

Dense arrays: x `(batch, features)`, w `(outputs, features)`, y and its cotangent g = dL/dy `(batch, outputs)`.

A locally connected layer is a convolution layer with weights of its own at every output position: x and y as in
`numeric.conv`, w `(out_channels, channels // groups, *output, *kernel)`. It takes the convolution's options and raises
its errors.
"""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from numeric.conv import Options
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry, GeometryError, Ints, is_integer, settled
from numeric.paths.windows import overlap_add, windows
from numeric.threads import product


def dense(x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """Output `y = x @ w.T + bias`; the bias has shape `(outputs,)`."""
    x, w, *biases = as_numbers(x, w) if bias is None else as_numbers(x, w, bias)
    _expect_matrices(x=x, w=w)
    if x.shape[1] != w.shape[1]:
        raise GeometryError(f"x and w must have as many features, got x {x.shape} and w {w.shape}")
    y = _product(x, w.T)
    for b in biases:
        if b.shape != (len(w),):
            raise GeometryError(f"bias must have shape {(len(w),)}, got {b.shape}")
        y = y + b
    return y


def dense_input_gradient(g: ArrayLike, w: ArrayLike) -> Array:
    """dL/dx for the cotangent g = dL/dy: `g @ w`."""
    g, w = as_numbers(g, w)
    _expect_matrices(g=g, w=w)
    if g.shape[1] != len(w):
        raise GeometryError(f"g must have one column for each output of w, got g {g.shape} and w {w.shape}")
    return _product(g, w)


def dense_weight_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dw for the cotangent g = dL/dy: `g.T @ x`."""
    g, x = as_numbers(g, x)
    _expect_matrices(g=g, x=x)
    if len(g) != len(x):
        raise GeometryError(f"g and x must have the same batch, got g {g.shape} and x {x.shape}")
    return _product(g.T, x)


def _product(a: Array, b: Array) -> Array:
    with product(len(a) * b.size):
        return np.asarray(a @ b)


def dense_bias_gradient(g: ArrayLike) -> Array:
    """dL/db for the cotangent g = dL/dy: its sum over the batch."""
    (g,) = as_numbers(g)
    _expect_matrices(g=g)
    return np.asarray(g.sum(axis=0, dtype=g.dtype))


def locally_connected(x: ArrayLike, w: ArrayLike, **options: Unpack[Options]) -> Array:
    """Output `y[c, o] = sum over (j, u) of x[reads_channel(c, j), reads(o, u)] * w[c, j, o, u]`."""
    x, w = as_numbers(x, w)
    geometry = _geometry(x, w, options)
    parts = _grouped(windows(x, geometry), geometry)  # (batch, groups, 1, channels, *output, *kernel)
    weights = w.reshape(geometry.groups, geometry.group_out, *w.shape[1:])
    taps = (3, *range(4 + geometry.ndim, 4 + 2 * geometry.ndim))
    y: Array = (parts * weights).sum(axis=taps, dtype=x.dtype)
    return y.reshape(geometry.output_shape(len(x)))


def locally_connected_input_gradient(g: ArrayLike, w: ArrayLike, input_size: Ints, **options: Unpack[Options]) -> Array:
    """dL/dx for the cotangent g = dL/dy."""
    g, w = as_numbers(g, w)
    if g.ndim < 3 or w.ndim != 2 * g.ndim - 2:
        raise GeometryError(_expected("g", g, w))
    groups: Any = options.get("groups", 1)
    channels = w.shape[1] * groups if is_integer(groups) and groups > 0 else 1
    size = settled("input_size", input_size, g.ndim - 2, 1)
    geometry = _geometry(np.broadcast_to(np.zeros((), g.dtype), (len(g), channels, *size)), w, options)
    geometry.expect("g", g.shape, geometry.output_shape(len(g)))
    weights = w.reshape(geometry.groups, geometry.group_out, *w.shape[1:])
    parts = (_spread(g, geometry) * weights).sum(axis=2, dtype=g.dtype)
    joined = (len(g), geometry.in_channels, *geometry.output_size, *geometry.kernel_size)
    return overlap_add(parts.reshape(joined), geometry)


def locally_connected_weight_gradient(
    g: ArrayLike, x: ArrayLike, kernel_size: Ints, **options: Unpack[Options]
) -> Array:
    """dL/dw for the cotangent g = dL/dy."""
    g, x = as_numbers(g, x)
    if x.ndim < 3 or g.ndim != x.ndim:
        raise GeometryError(f"x and g must be (batch, channels, *spatial), got x {x.shape} and g {g.shape}")
    channels = {"in_channels": x.shape[1], "out_channels": g.shape[1]}
    geometry = Geometry(x.shape[2:], kernel_size, **channels, **options)
    geometry.expect("g", g.shape, geometry.output_shape(len(x)))
    parts = _grouped(windows(x, geometry), geometry)
    dw: Array = (parts * _spread(g, geometry)).sum(axis=0, dtype=x.dtype)
    return dw.reshape(*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size)


def _geometry(x: Array, w: Array, options: Options) -> Geometry:
    if x.ndim < 3 or w.ndim != 2 * x.ndim - 2:
        raise GeometryError(_expected("x", x, w))
    channels = {"in_channels": x.shape[1], "out_channels": len(w)}
    geometry = Geometry(x.shape[2:], w.shape[x.ndim :], **channels, **options)
    geometry.expect("w", w.shape, (*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size))
    return geometry


def _expected(name: str, array: Array, w: Array) -> str:
    return (
        f"{name} must be (batch, channels, *spatial) and w (out_channels, channels // groups, *output, *kernel); got "
        f"{name} {array.shape} and w {w.shape}"
    )


def _grouped(parts: Array, geometry: Geometry) -> Array:
    """Windows `(batch, channels, *output, *kernel)` as `(batch, groups, 1, channels / group, *output, *kernel)`."""
    return parts.reshape(len(parts), geometry.groups, 1, geometry.group_in, *parts.shape[2:])


def _spread(g: Array, geometry: Geometry) -> Array:
    """Cotangent as `(batch, groups, out_channels / group, 1, *output, 1, ...)`."""
    ones = (1,) * geometry.ndim
    return g.reshape(len(g), geometry.groups, geometry.group_out, 1, *geometry.output_size, *ones)


def _expect_matrices(**arrays: Array) -> None:
    for name, array in arrays.items():
        if array.ndim != 2:
            raise GeometryError(f"{name} must have two axes, got shape {array.shape}")
