"""The transposed convolution layer: the input gradient of a convolution layer, as a layer of its own.

Where a convolution takes n cells to m positions, its transpose takes m cells to n positions. Arrays: x `(batch,
in_channels, *spatial)`, w `(in_channels, out_channels // groups, *kernel)`, y and its cotangent g `(batch,
out_channels, *output)`. Each function is one of the convolution's, read with x and g in each other's place, so it
takes the same options and raises the same errors.

Several sizes n have the same m when the stride is above 1; the smallest is meant, and `output_padding`, a number
below the stride (or one per axis), adds to it. With `padding="same"` the output has `stride * m` positions.
"""

from __future__ import annotations

from typing import Any, Unpack

from numpy.typing import ArrayLike

from numeric.conv import Options, conv, conv_input_gradient, conv_weight_gradient
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Axis, Geometry, GeometryError, Ints, is_integer, settled

LARGE = 1 << 40  # cells of an input into which any kernel fits


def conv_transpose(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    output_padding: Ints = 0,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """Output of the layer: every x[o] adds `x[o] * w[u]` to the cell `reads(o, u)`; then the bias `(out_channels,)`."""
    x, w, *biases = as_numbers(x, w) if bias is None else as_numbers(x, w, bias)
    geometry = _geometry(x, w, output_padding, channels_last, options)
    settled: Any = {**options, "padding": geometry.padding}
    y = conv_input_gradient(x, w, geometry.input_size, channels_last=channels_last, path=path, **settled)
    for b in biases:
        geometry.expect("bias", b.shape, (geometry.in_channels,))
        y = y + (b if channels_last else b.reshape(-1, *(1,) * geometry.ndim))
    return y


def conv_transpose_input_gradient(
    g: ArrayLike, w: ArrayLike, *, channels_last: bool = False, path: str = "auto", **options: Unpack[Options]
) -> Array:
    """dL/dx for the cotangent g = dL/dy: the convolution of g with w."""
    return conv(g, w, channels_last=channels_last, path=path, **options)


def conv_transpose_weight_gradient(
    g: ArrayLike,
    x: ArrayLike,
    kernel_size: Ints,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """dL/dw for the cotangent g = dL/dy: the convolution's weight gradient, x being its cotangent and g its input."""
    return conv_weight_gradient(x, g, kernel_size, channels_last=channels_last, path=path, **options)


def _geometry(x: Array, w: Array, output_padding: Ints, channels_last: bool, options: Options) -> Geometry:
    """Convolution whose transpose this is, with its padding as numbers."""
    if x.ndim < 3 or w.ndim != x.ndim:
        raise GeometryError(
            "x must be (batch, in_channels, *spatial) and w (in_channels, out_channels // groups, *kernel) with as "
            f"many axes; got x {x.shape} and w {w.shape}"
        )
    sizes = x.shape[1:-1] if channels_last else x.shape[2:]
    groups: Any = options.get("groups", 1)
    whole = is_integer(groups) and groups > 0  # otherwise Geometry says what is wrong
    channels = {"in_channels": w.shape[1] * groups if whole else 1, "out_channels": w.shape[0]}
    kernel = Geometry((LARGE,) * len(sizes), w.shape[2:], **channels, **options)
    extras = _extras(output_padding, kernel.stride)
    if options.get("padding") == "same":
        large = tuple(m * s for m, s in zip(sizes, kernel.stride, strict=True))
        if any(extras):
            raise GeometryError(f"output_padding must be 0 with padding 'same', got {output_padding!r}")
    else:
        axes = (Axis(m, *fields) for m, fields in zip(sizes, _fields(kernel), strict=True))
        large = tuple(axis.transposed_size + extra for axis, extra in zip(axes, extras, strict=True))
    return Geometry(large, w.shape[2:], **channels, **options)


def _fields(geometry: Geometry) -> list[tuple[int, ...]]:
    return [(axis.kernel_size, axis.stride, axis.dilation, axis.low, axis.high) for axis in geometry.axes]


def _extras(output_padding: Ints, stride: tuple[int, ...]) -> tuple[int, ...]:
    extras = settled("output_padding", output_padding, len(stride), 0)
    if not all(extra < s for extra, s in zip(extras, stride, strict=True)):
        raise GeometryError(f"output_padding must be below the stride on each axis, got {extras} for {stride}")
    return extras
