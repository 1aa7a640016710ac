"""The convolution layer (cross-correlation, what frameworks call "conv") and its gradients.

Arrays: x `(batch, channels, *spatial)`, w `(out_channels, channels // groups, *kernel)`, y and its cotangent
g = dL/dy `(batch, out_channels, *output)`, for any number of spatial axes. With `channels_last=True` x, y and g
are `(batch, *spatial, channels)`; w keeps its layout. Number types: see `numeric.dtypes`.

The options that all of them take say what layer it is:

    stride, dilation    a number, or one per axis (default 1)
    padding             a number, per axis a number or (low, high), or "valid", "same", "full" as in
                        `numeric.geometry.named_padding` (default 0); negative padding crops
    groups              channels are split into that many groups, each with its own weights (default 1)
    boundary            "zero", or "circular": what is read outside of the input (default "zero")

`path` says by which algorithm: one of `numeric.paths.EVERY` by its name, or as `numeric.paths.auto` chooses, which has
the errors of each: "auto" (the default) of those that only add up the layer's own products, "auto-fast" and
"auto-fastest" also of less accurate ones. A batch whose work space would pass `numeric.paths.auto.SPACE` is done in
blocks of samples.

Cells that no window reads, as when the stride does not divide, get gradient zero. Arguments that do not fit raise
`GeometryError` (a `ValueError`), arrays that hold no numbers `TypeError`, before any work is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Boundary, Geometry, GeometryError, Ints, Padding, is_integer, kept, settled
from numeric.layout import as_given, channels_first
from numeric.paths import COMPILED, EVERY
from numeric.paths.auto import AUTOMATIC, Function, plan


class Options(TypedDict, total=False):
    """What a layer is, beside its arrays."""

    stride: Ints
    dilation: Ints
    padding: Padding
    groups: int
    boundary: Boundary


def conv(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """Output `y[c, o] = bias[c] + sum over (j, u) of x[reads_channel(c, j), reads(o, u)] * w[c, j, u]`.

    `bias` has shape `(out_channels,)`.
    """
    x, w, *biases = as_numbers(x, w) if bias is None else as_numbers(x, w, bias)
    x = channels_first(x, channels_last)
    geometry = kept(Geometry.of, x.shape, w.shape, **options)
    for b in biases:
        geometry.expect("bias", b.shape, (geometry.out_channels,))
    return as_given(_run(path, "conv", x, w, geometry, *biases), channels_last)


def conv_input_gradient(
    g: ArrayLike,
    w: ArrayLike,
    input_size: Ints,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """dL/dx for the cotangent g = dL/dy: `dx[i, a] = sum over (c, o, u) reading (i, a) of g[c, o] * w[c, j, u]`.

    `input_size` is the spatial size of x, which g does not determine when the stride does not divide.
    """
    g, w = as_numbers(g, w)
    g = channels_first(g, channels_last)
    _expect_layer("g", g)
    geometry = _geometry(g, input_size, w.shape, options)
    geometry.expect("g", g.shape, geometry.output_shape(len(g)))
    return as_given(_run(path, "input_gradient", g, w, geometry), channels_last)


def conv_weight_gradient(
    g: ArrayLike,
    x: ArrayLike,
    kernel_size: Ints,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """dL/dw for the cotangent g = dL/dy: `dw[c, j, u] = sum over (n, o) of g[n, c, o] * x[n, i, reads(o, u)]`.

    `kernel_size` is the spatial size of w, which g does not determine when the stride does not divide.
    """
    g, x = as_numbers(g, x)
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    _expect_layer("g", g)
    _expect_layer("x", x)
    channels = {"in_channels": x.shape[1], "out_channels": g.shape[1]}
    geometry = kept(Geometry, x.shape[2:], kernel_size, **channels, **options)
    geometry.expect("g", g.shape, geometry.output_shape(len(x)))
    return _run(path, "weight_gradient", g, x, geometry)


def conv_bias_gradient(g: ArrayLike, *, channels_last: bool = False) -> Array:
    """dL/db for the cotangent g = dL/dy: its sum over batch and positions, shape `(out_channels,)`."""
    (g,) = as_numbers(g)
    g = channels_first(g, channels_last)
    _expect_layer("g", g)
    return np.asarray(g.sum(axis=(0, *range(2, g.ndim)), dtype=g.dtype))


def conv_double_backward(
    ddx: ArrayLike,
    ddw: ArrayLike,
    g: ArrayLike,
    x: ArrayLike,
    w: ArrayLike,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> tuple[Array, Array, Array]:
    """Gradients of the gradients: those of `<ddx, conv_input_gradient(g, w)> + <ddw, conv_weight_gradient(g, x)>`.

    They are returned for g, x and w: `dg = conv(ddx, w) + conv(x, ddw)`, `dx = conv_input_gradient(g, ddw)` and `dw =
    conv_weight_gradient(g, ddx)`. ddx is the cotangent of dL/dx and has the shape of x, ddw that of dL/dw and w.
    PyTorch calls this the double backward pass.
    """
    ddx, ddw, g, x, w = as_numbers(ddx, ddw, g, x, w)
    shapes = [channels_first(array, channels_last).shape for array in (x, g, ddx)]
    geometry = kept(Geometry.of, shapes[0], w.shape, **options)
    geometry.expect("g", shapes[1], geometry.output_shape(len(x)))
    geometry.expect("ddx", shapes[2], shapes[0])
    geometry.expect("ddw", ddw.shape, w.shape)
    layer: Any = {"channels_last": channels_last, "path": path, **options}
    dg = conv(ddx, w, **layer) + conv(x, ddw, **layer)
    dx = conv_input_gradient(g, ddw, geometry.input_size, **layer)
    return dg, dx, conv_weight_gradient(g, ddx, geometry.kernel_size, **layer)


def _geometry(g: Array, input_size: Ints, w_shape: Sequence[int], options: Options) -> Geometry:
    if len(w_shape) < 3:
        raise GeometryError(f"w must be (out_channels, channels // groups, *kernel), got shape {tuple(w_shape)}")
    groups: Any = options.get("groups", 1)
    channels = w_shape[1] * groups if is_integer(groups) and groups > 0 else 1
    size = settled("input_size", input_size, len(w_shape) - 2, 1)
    return kept(Geometry.of, (len(g), channels, *size), w_shape, **options)


def _run(path: str, function: Function, a: Array, b: Array, geometry: Geometry, *biases: Array) -> Array:
    """One of the layer's functions, by the algorithm of that name if it takes the layer, in blocks of the batch.

    Compiled ones add a bias while its sums are in the cache.
    """
    if not isinstance(path, str) or (path not in EVERY and path not in AUTOMATIC):
        raise GeometryError(f"path must be one of {', '.join(map(repr, (*AUTOMATIC, *EVERY)))}; got {path!r}")
    batch = len(a)
    name, samples = plan(path, function, geometry, batch, a.dtype)
    reason = EVERY[name].supports(geometry)
    if reason:
        raise GeometryError(f"{reason}, for {geometry}")
    algorithm: Callable[..., Array] = getattr(EVERY[name], function)

    def run(a: Array, b: Array, geometry: Geometry) -> Array:
        if name in COMPILED:
            return algorithm(a, b, geometry, *biases)
        y = algorithm(a, b, geometry)
        for bias in biases:
            y += bias.reshape(-1, *(1,) * geometry.ndim)
        return y

    if samples >= batch:
        return run(a, b, geometry)
    blocks = [slice(start, start + samples) for start in range(0, batch, samples)]
    if function == "weight_gradient":
        return sum(
            (run(a[block], b[block], geometry) for block in blocks[1:]), run(a[blocks[0]], b[blocks[0]], geometry)
        )
    shape = geometry.output_shape(batch) if function == "conv" else geometry.input_shape(batch)
    result = np.empty(shape, a.dtype)
    for block in blocks:
        result[block] = run(a[block], b, geometry)
    return result


def _expect_layer(name: str, array: Array) -> None:
    if array.ndim < 3:
        raise GeometryError(
            f"{name} must have a batch, a channel and at least one spatial axis; got shape {array.shape}"
        )
