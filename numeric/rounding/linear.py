"""Bounds for the layers that are sums of products: convolution, dense, locally connected, and their gradients.

Arrays are channels-first and have the shapes of the geometry; for the transposed layer that is the convolution's whose
transpose it is. A bound has the shape of what it bounds and is float64. `path` names the algorithm in
`numeric.paths.EVERY`, or has `numeric.paths.auto` choose; those that only add up the layer's products have one bound,
for the others see `numeric.rounding.paths`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numeric.dense import dense, locally_connected, locally_connected_input_gradient, locally_connected_weight_gradient
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import SUMS, im2col
from numeric.paths.auto import Function, plan
from numeric.plane import Mode, mode_padding, rot180
from numeric.rounding.model import bilinear_bound, gamma, outward, size, sum_bound, unit_roundoff
from numeric.rounding.paths import path_bound


def conv_bound(x: Array, w: Array, geometry: Geometry, bias: Array | None = None, *, path: str = "auto") -> Array:
    """Bound on the error of `conv`, shape of y; n: the cells read, and the bias."""
    return _layer_bound("conv", x, w, geometry, path, bias)


def input_gradient_bound(g: Array, w: Array, geometry: Geometry, *, path: str = "auto") -> Array:
    """Bound on the error of `conv_input_gradient`, shape of x; n: the readers of the cell."""
    return _layer_bound("input_gradient", g, w, geometry, path)


def weight_gradient_bound(g: Array, x: Array, geometry: Geometry, *, path: str = "auto") -> Array:
    """Bound on the error of `conv_weight_gradient`, shape of w; n: the batch times the positions that read a cell."""
    return _layer_bound("weight_gradient", g, x, geometry, path)


def bias_gradient_bound(g: Array) -> Array:
    """Bound on the error of `conv_bias_gradient`, shape `(out_channels,)`; n - 1 additions of the n entries of g."""
    return sum_bound(lambda g: g.sum(axis=(0, *range(2, g.ndim))), g)


def conv_double_backward_bound(
    ddx: Array, ddw: Array, g: Array, x: Array, w: Array, geometry: Geometry, *, path: str = "auto"
) -> tuple[Array, Array, Array]:
    """Bounds on the errors of `conv_double_backward`'s dg, dx and dw; n of dg: the products of both its sums."""
    a, b = np.stack([ddx, x]), np.stack([w, ddw])

    def both(a: Array, b: Array) -> Array:
        return im2col.conv(a[0], b[0], geometry) + im2col.conv(a[1], b[1], geometry)

    if _chosen(path, "conv", ddx, w, geometry)[0] in SUMS:
        dg = bilinear_bound(both, a, b)
    else:
        parts = sum(_layer_bound("conv", *pair, geometry, path) for pair in zip(a, b, strict=True))
        sums = both(size(a), size(b))
        dg = outward(parts + unit_roundoff(a.dtype) * (sums + parts), sums, 4, a.dtype)
    return dg, input_gradient_bound(g, ddw, geometry, path=path), weight_gradient_bound(g, ddx, geometry, path=path)


def conv_transpose_bound(
    x: Array, w: Array, geometry: Geometry, bias: Array | None = None, *, path: str = "auto"
) -> Array:
    """Bound on the error of `conv_transpose`, the geometry's input gradient of x, and the bias."""
    return _layer_bound("input_gradient", x, w, geometry, path, bias)


def conv_transpose_input_gradient_bound(g: Array, w: Array, geometry: Geometry, *, path: str = "auto") -> Array:
    """Bound on the error of `conv_transpose_input_gradient`, the geometry's convolution of g."""
    return conv_bound(g, w, geometry, path=path)


def conv_transpose_weight_gradient_bound(g: Array, x: Array, geometry: Geometry, *, path: str = "auto") -> Array:
    """Bound on the error of `conv_transpose_weight_gradient`, the geometry's weight gradient with x as cotangent."""
    return weight_gradient_bound(x, g, geometry, path=path)


def dense_bound(x: Array, w: Array, bias: Array | None = None) -> Array:
    """Bound on the error of `dense`, shape of y; n: the features, and the bias."""
    return bilinear_bound(dense, x, w, bias)


def dense_input_gradient_bound(g: Array, w: Array) -> Array:
    """Bound on the error of `dense_input_gradient`, shape of x; n: the outputs."""
    return bilinear_bound(lambda g, w: g @ w, g, w)


def dense_weight_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `dense_weight_gradient`, shape of w; n: the batch."""
    return bilinear_bound(lambda g, x: g.T @ x, g, x)


def dense_bias_gradient_bound(g: Array) -> Array:
    """Bound on the error of `dense_bias_gradient`, shape `(outputs,)`; additions: one less than the batch."""
    return bias_gradient_bound(g)


def locally_connected_bound(x: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `locally_connected`, shape of y; n: the cells read."""
    return bilinear_bound(lambda x, w: locally_connected(x, w, **_options(geometry)), x, w)


def locally_connected_input_gradient_bound(g: Array, w: Array, geometry: Geometry) -> Array:
    """Bound on the error of `locally_connected_input_gradient`, shape of x; n: the readers of the cell."""
    size, options = geometry.input_size, _options(geometry)
    return bilinear_bound(lambda g, w: locally_connected_input_gradient(g, w, size, **options), g, w)


def locally_connected_weight_gradient_bound(g: Array, x: Array, geometry: Geometry) -> Array:
    """Bound on the error of `locally_connected_weight_gradient`, shape of w; n: the batch."""
    size, options = geometry.kernel_size, _options(geometry)
    return bilinear_bound(lambda g, x: locally_connected_weight_gradient(g, x, size, **options), g, x)


def convolve_bound(x: Array, k: Array, mode: Mode = "full", *, path: str = "auto") -> Array:
    """Bound on the error of `convolve`, shape of its mode; n: the overlap of x and k."""
    return correlate_bound(x, rot180(k), mode, path=path)


def correlate_bound(x: Array, k: Array, mode: Mode = "full", *, path: str = "auto") -> Array:
    """Bound on the error of `correlate`, shape of its mode; n: the overlap of x and k."""
    geometry = Geometry(x.shape, k.shape, padding=[mode_padding(mode, m) for m in k.shape])
    bound: Array = conv_bound(x[None, None], k[None, None], geometry, path=path)[0, 0]
    return bound


def _layer_bound(name: Function, a: Array, b: Array, geometry: Geometry, path: str, bias: Array | None = None) -> Array:
    """Bound on one of the layer's three functions, and on a bias that is added to each of its channels."""
    offset = None if bias is None else bias.reshape(-1, *(1,) * geometry.ndim)
    chosen, samples = _chosen(path, name, a, b, geometry)
    if chosen in SUMS:
        return bilinear_bound(lambda a, b: getattr(im2col, name)(a, b, geometry), a, b, offset)
    if name != "weight_gradient" or samples >= len(a):
        return path_bound(name, a, b, geometry, chosen, offset)
    # blocks of the batch, added up: each adds a rounding of the sum so far
    starts, dtype = range(0, len(a), samples), np.result_type(a, b)
    blocks = [(a[start : start + samples], b[start : start + samples]) for start in starts]
    parts: Array = np.sum([path_bound(name, *block, geometry, chosen) for block in blocks], axis=0)
    sums = im2col.weight_gradient(size(a), size(b), geometry)
    return outward(parts + gamma(len(blocks) - 1, dtype) * (sums + parts), sums, len(blocks) + 4, dtype)


def _chosen(path: str, name: Function, a: Array, b: Array, geometry: Geometry) -> tuple[str, int]:
    """Path that computes this, and how many samples at a time."""
    return plan(path, name, geometry, len(a), np.result_type(a, b))


def _options(geometry: Geometry) -> Any:
    """Keywords that a layer of this geometry takes."""
    return {name: getattr(geometry, name) for name in ("stride", "dilation", "padding", "groups", "boundary")}
