"""Keras: `keras.ops` on its active backend, whose own differentiation gives the gradients.

Padding is `valid` or `same` where it is that, otherwise done by `keras.ops.pad` before the function (for the transposed
layer, by a crop after it). Flavours: the backend (tensorflow, jax, torch), if Keras has not been imported with another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from numeric.geometry import Geometry
from proofs.conformance.adapters import adapter
from proofs.conformance.adapters.autodiff import Autodiff, Backend
from proofs.conformance.adapters.layouts import Layout
from proofs.conformance.adapters.operations import Operation, Pads, cropped, negated, padding_name, remainder, split
from proofs.conformance.target import TargetError

BACKENDS = ("tensorflow", "jax", "torch")


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Autodiff:
    """Make the target; `device` is in the words of the backend."""
    keras, backend = active(rest, dtype, device)
    name = f"keras:{rest}" if rest else "keras"
    return _target(name, keras, backend, Operation.named(op), "NCHW" if layout == "NCHW" else "NHWC")


def active(name: str, dtype: str, device: str | None) -> tuple[Any, Backend]:
    """Import Keras on the backend of that name, or whichever it has, and make the adapter's backend for it."""
    if name and name not in BACKENDS:
        raise TargetError(f"keras has the backends {', '.join(BACKENDS)}; got {name!r}")
    chosen = name or os.environ.get("KERAS_BACKEND", "")
    if chosen in BACKENDS:
        adapter(chosen)  # says what is missing
    if name and "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = name
    quiet = import_module("proofs.conformance.adapters.quiet")
    with quiet.held_back_messages():
        keras = import_module("keras")
    on = keras.backend.backend()
    if name and on != name:
        raise TargetError(f"keras is imported on {on} already: set KERAS_BACKEND={name} before")
    if on not in BACKENDS:
        raise TargetError(
            f"keras runs on {on}, which has no gradients here: set KERAS_BACKEND to tensorflow, jax or torch"
        )
    return keras, adapter(on).Backend(dtype, device or _default(keras))


def _default(keras: Any) -> str | None:
    """Device that Keras itself would take on PyTorch; elsewhere it is the backend's."""
    if keras.backend.backend() != "torch":
        return None
    return "cuda" if sys.modules["torch"].cuda.is_available() else "cpu"


def on_device(keras: Any, backend: Backend) -> AbstractContextManager[Any]:
    """Scope in which Keras on PyTorch leaves tensors on the device where they are."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    scope: AbstractContextManager[Any] = keras.device(str(backend.device).replace("cuda", "gpu"))  # type: ignore[attr-defined]
    return scope


def _target(name: str, keras: Any, backend: Backend, operation: Operation, layout: Layout) -> Autodiff:
    """Target in that layout; the other one is its variant."""

    def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
        with on_device(keras, backend):
            return _FORWARD[operation](keras.ops, geometry, layout, *operands)

    def variant(which: str) -> Autodiff | None:
        if which != "channels-last" or layout == "NHWC":
            return None
        return _target(f"{name} ({which})", keras, backend, operation, "NHWC")

    notes: Mapping[str, str] = {"keras": keras.__version__, "backend": keras.backend.backend()}
    return Autodiff(name, backend, forward, operation, layout, refuses, variant, notes=notes)


def refuses(operation: str, geometry: Geometry) -> str:
    """What `keras.ops` has no words for."""
    if geometry.ndim > 3:
        return f"1 to 3 spatial axes, got {geometry.ndim}"
    if operation == "conv_transpose" and geometry.groups > 1:
        return "keras.ops.conv_transpose has no groups"
    if operation.endswith("pool") and any(d > 1 for d in geometry.dilation):
        return f"keras.ops.{operation} has no dilation"
    if operation == "average_pool" and padding_name(cropped(geometry)) is None:
        return f"keras.ops.average_pool pads as valid or same, not {geometry.padding}"
    return ""


def _conv(ops: Any, geometry: Geometry, layout: Layout, x: Any, w: Any, b: Any = None) -> Any:
    x, padding = _padded(ops, geometry, layout, x)
    # Keras' kernel is (*kernel, in, out) in both layouts.
    w = w if layout == "NHWC" else ops.moveaxis(w, (0, 1), (-1, -2))
    y = ops.conv(x, w, geometry.stride, padding, _format(layout), geometry.dilation)
    return y if b is None else y + (b if layout == "NHWC" else ops.reshape(b, (-1, *(1,) * geometry.ndim)))


def _conv_transpose(ops: Any, geometry: Geometry, layout: Layout, g: Any, w: Any) -> Any:
    w = w if layout == "NHWC" else ops.moveaxis(w, (0, 1), (-1, -2))
    y = ops.conv_transpose(g, w, geometry.stride, "valid", remainder(geometry), _format(layout), geometry.dilation)
    return _pad(ops, y, negated(geometry.padding), layout)


def _average_pool(ops: Any, geometry: Geometry, layout: Layout, x: Any) -> Any:
    x = _pad(ops, x, split(geometry.padding)[0], layout)
    padding = padding_name(cropped(geometry))
    return ops.average_pool(x, geometry.kernel_size, geometry.stride, padding, _format(layout))


def _max_pool(ops: Any, geometry: Geometry, layout: Layout, x: Any) -> Any:
    x, padding = _padded(ops, geometry, layout, x, -np.inf)
    return ops.max_pool(x, geometry.kernel_size, geometry.stride, padding, _format(layout))


def _padded(ops: Any, geometry: Geometry, layout: Layout, x: Any, value: float = 0.0) -> tuple[Any, str]:
    name = padding_name(geometry)
    return (x, name) if name else (_pad(ops, x, geometry.padding, layout, value), "valid")


def _pad(ops: Any, x: Any, padding: Pads, layout: Layout, value: float = 0.0) -> Any:
    """Pad with a value, crop where it is negative."""
    crop, add = split(padding)
    if any(map(any, crop)):
        spatial = tuple(slice(-low, high or None) for low, high in crop)
        x = x[(slice(None), *spatial)] if layout == "NHWC" else x[(slice(None), slice(None), *spatial)]
    if not any(map(any, add)):
        return x
    pads = [(0, 0), *add, (0, 0)] if layout == "NHWC" else [(0, 0), (0, 0), *add]
    return ops.pad(x, pads, constant_values=value)


def _format(layout: Layout) -> str:
    return "channels_last" if layout == "NHWC" else "channels_first"


_FORWARD: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
}
