"""This project's own `numeric`, through the functions that users call. Flavours: the paths of `numeric.paths.EVERY`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numeric
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.layout import as_given, channels_first
from numeric.paths import COMPILED, EVERY
from numeric.paths.compiled import pooling
from proofs.conformance.adapters.host import Host, only_host
from proofs.conformance.adapters.operations import Operation, remainder
from proofs.conformance.functions import FUNCTIONS, options
from proofs.conformance.target import TargetError


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Host:
    """Make the target."""
    path = rest or "im2col"
    if path not in EVERY:
        raise TargetError(f"numeric has the paths {', '.join(EVERY)}; got {path!r}")
    types = ("float64", "float32") if path in COMPILED else ("float64", "float32", "float16", "int64")
    only_host("numeric", dtype, device, types)
    name = f"numeric:{rest}" if rest else "numeric"
    last = layout == "NHWC"

    def refuses(function: str, geometry: Geometry) -> str:
        if dtype == "int64" and FUNCTIONS[function].operation == "average_pool":
            return "averages of integers are float64"
        if FUNCTIONS[function].operation == "max_pool" and path == "direct":
            return pooling.supports(geometry)
        return EVERY[path].supports(geometry) if FUNCTIONS[function].operation.startswith("conv") else ""

    return Host(
        name,
        dtype,
        {function: _bound(function, path, last) for function in _RUN},
        Operation.named(op),
        refuses=refuses,
        versions={"path": path, "channels_last": str(last)},
    )


def _bound(function: str, path: str, last: bool) -> Callable[..., Array]:
    """Function on channels-first arrays that are views of others if the channels are to come last; w stays."""
    of = FUNCTIONS[function]

    def run(geometry: Geometry, *arrays: Array) -> Array:
        given = [as_given(a, last) if letter[-1] in "xg" else a for letter, a in zip(of.arguments, arrays, strict=True)]
        layer: dict[str, Any] = {**options(geometry), "channels_last": last}
        if of.operation.endswith("pool"):
            del layer["groups"]
            if of.operation == "max_pool":
                layer["path"] = "direct" if path == "direct" else "windows"
        elif of.name != "bias_gradient":
            layer["path"] = path
        result = _RUN[function](geometry, layer, *given)
        return channels_first(result, last) if of.gives in "xg" else result

    return run


# Each takes the geometry, the options, and its arrays.
_RUN: dict[str, Callable[..., Array]] = {
    "conv": lambda _, layer, x, w: numeric.conv(x, w, **layer),
    "conv.input_gradient": lambda of, layer, g, w: numeric.conv_input_gradient(g, w, of.input_size, **layer),
    "conv.weight_gradient": lambda of, layer, g, x: numeric.conv_weight_gradient(g, x, of.kernel_size, **layer),
    "conv.bias_gradient": lambda _, layer, g: numeric.conv_bias_gradient(g, channels_last=layer["channels_last"]),
    "conv.double_backward_g": lambda _, layer, *arrays: numeric.conv_double_backward(*arrays, **layer)[0],
    "conv.double_backward_x": lambda _, layer, *arrays: numeric.conv_double_backward(*arrays, **layer)[1],
    "conv.double_backward_w": lambda _, layer, *arrays: numeric.conv_double_backward(*arrays, **layer)[2],
    "conv_transpose": lambda of, layer, g, w: numeric.conv_transpose(g, w, output_padding=remainder(of), **layer),
    "conv_transpose.input_gradient": lambda _, layer, x, w: numeric.conv_transpose_input_gradient(x, w, **layer),
    "conv_transpose.weight_gradient": lambda of, layer, x, g: numeric.conv_transpose_weight_gradient(
        x, g, of.kernel_size, **layer
    ),
    "average_pool": lambda of, layer, x: numeric.average_pool(x, of.kernel_size, **layer),
    "average_pool.input_gradient": lambda of, layer, g: numeric.average_pool_input_gradient(
        g, of.input_size, of.kernel_size, **layer
    ),
    "max_pool": lambda of, layer, x: numeric.max_pool(x, of.kernel_size, **layer),
    "max_pool.input_gradient": lambda of, layer, g, x: numeric.max_pool_input_gradient(g, x, of.kernel_size, **layer),
}
