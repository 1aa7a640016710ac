"""TensorFlow: `tf.nn`, NHWC, with gradients by `tf.GradientTape`.

Padding is `VALID` or `SAME` where it is that, explicit where the function takes it (conv2d, conv2d_transpose,
max_pool2d), otherwise done by `tf.pad` before the function (for the transposed layer, by a crop after it). Flavours:
xla compiles function and gradient with XLA, in which TensorFlow's CPU has layers that it lacks otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.autodiff import Autodiff
from proofs.conformance.adapters.operations import (
    Operation,
    Pads,
    cropped,
    first_line,
    negated,
    padded_size,
    padding_name,
    split,
)
from proofs.conformance.adapters.quiet import held_back_messages
from proofs.conformance.target import TargetError

with held_back_messages():
    import tensorflow as tf

    for _gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # it is in use already, as it was set up by others
            tf.config.experimental.set_memory_growth(_gpu, True)


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Autodiff:
    """Make the target; `device` is CPU:0, GPU:0, ..."""
    if layout == "NCHW":
        raise TargetError("TensorFlow's functions run on NHWC here: NCHW is not supported on its CPU")
    if rest not in ("", "xla"):
        raise TargetError(f"tensorflow has the flavour xla; got {rest!r}")
    backend = Backend(dtype, device, xla=rest == "xla")
    name = f"tensorflow:{rest}" if rest else "tensorflow"
    return Autodiff(name, backend, forward, Operation.named(op), "NHWC", refuses)


class Backend:
    """TensorFlow's tensors on a device."""

    def __init__(self, dtype: str, device: str | None, xla: bool = False) -> None:
        self.dtype, self.device, self.xla = dtype, device, xla
        self.ran: set[str] = set()
        try:
            with self.settings():
                if device and device.upper().split(":")[0] not in str(tf.ones(1).device).upper():
                    raise TargetError(f"tensorflow has no device {device!r} here")
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            raise TargetError(f"tensorflow has no device {device!r} here: {first_line(error)}") from error

    def settings(self) -> ExitStack:
        """Device."""
        stack = ExitStack()
        if self.device:
            stack.enter_context(tf.device(self.device))
        return stack

    def tensor(self, array: Array) -> Any:
        """Tensor; TensorFlow takes NumPy's memory where it can."""
        return tf.cast(tf.convert_to_tensor(array), self.dtype)

    def array(self, tensor: Any) -> Array:
        """NumPy array."""
        self.ran.add(tensor.device.rpartition("device:")[2])
        found = np.asarray(tensor.numpy())
        if tensor.dtype == tf.bfloat16:
            return found.astype(np.float32)
        return found.astype(np.float64) if self.dtype == "bfloat16" else found  # so that its wrong type is seen

    def apply(self, f: Callable[..., Any], at: Sequence[Any]) -> Any:
        """Eagerly, or compiled."""
        return self.compiled(f)(*at)

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """`tf.GradientTape` with respect to one operand."""

        def gradient(*at: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(at[index])
                y = f(*at)
            return tape.gradient(y, at[index], cotangent, unconnected_gradients="zero")

        return self.compiled(gradient)(*at)

    def pullbacks(self, f: Callable[..., Any], at: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """`tf.GradientTape` with respect to all operands."""

        def gradients(*at: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(at)
                y = f(*at)
            return y, tape.gradient(y, at, cotangent, unconnected_gradients="zero")

        found: tuple[Any, Sequence[Any]] = self.compiled(gradients)(*at)
        return found

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """Nested tapes."""

        def gradient(g: Any, x: Any, w: Any, *given: Any) -> Any:
            of = (g, x, w)[index]
            with tf.GradientTape() as outer:
                outer.watch(of)
                with tf.GradientTape() as inner:
                    inner.watch((x, w))
                    y = f(x, w)
                first = inner.gradient(y, [x, w], g)
            return outer.gradient(first, of, given, unconnected_gradients="zero")

        return self.compiled(gradient)(*at, *given)

    def compiled(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Compile by XLA, if that is the flavour."""
        compiled: Callable[..., Any] = tf.function(f, jit_compile=True) if self.xla else f
        return compiled

    def about(self) -> Mapping[str, str]:
        """Versions, devices and flags."""
        return {
            "tensorflow": tf.__version__,
            "device": ", ".join(sorted(self.ran)) or f"{self.device or 'default'}, not run yet",
            "tf32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
            "xla": str(self.xla),
        }


def refuses(operation: str, geometry: Geometry) -> str:
    """What `tf.nn` has no words for."""
    if geometry.ndim > 3:
        return f"1 to 3 spatial axes, got {geometry.ndim}"
    if operation == "average_pool" and padding_name(cropped(geometry)) is None:
        return f"tf.nn.avg_pool pads as VALID or SAME, not {geometry.padding}"
    return ""


def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
    """Call the function of `tf.nn` for the operation and its number of axes."""
    return _FORWARD[operation](geometry, *operands)


def _conv(geometry: Geometry, x: Any, w: Any, b: Any = None) -> Any:
    x, padding = _padded(geometry, x, explicit=geometry.ndim == 2)
    conv = (tf.nn.conv1d, tf.nn.conv2d, tf.nn.conv3d)[geometry.ndim - 1]
    strides, dilations = _per_axis(geometry, geometry.stride), _per_axis(geometry, geometry.dilation)
    y = conv(x, w, strides, padding, dilations=dilations)
    return y if b is None else tf.nn.bias_add(y, b)


def _conv_transpose(geometry: Geometry, g: Any, w: Any) -> Any:
    name, after, size = padding_name(geometry), _NONE * geometry.ndim, geometry.input_size
    padding: Any = name and name.upper()
    if name is None and geometry.ndim == 2 and not _crops(geometry.padding):
        padding = _batch_and_channels(geometry.padding)
    elif name is None:
        padding, after, size = "VALID", negated(geometry.padding), padded_size(geometry)
    transpose = (tf.nn.conv1d_transpose, tf.nn.conv2d_transpose, tf.nn.conv3d_transpose)[geometry.ndim - 1]
    strides, dilations = _per_axis(geometry, geometry.stride), _per_axis(geometry, geometry.dilation)
    shape = (g.shape[0], *size, geometry.in_channels)
    return _pad(transpose(g, w, shape, strides, padding, dilations=dilations), after)


def _average_pool(geometry: Geometry, x: Any) -> Any:
    inner = cropped(geometry)
    return _pool(inner, _pad(x, split(geometry.padding)[0]), "AVG", str(padding_name(inner)).upper())


def _max_pool(geometry: Geometry, x: Any) -> Any:
    plain = geometry.ndim == 2 and all(d == 1 for d in geometry.dilation)
    x, padding = _padded(geometry, x, explicit=plain, value=-np.inf)
    if isinstance(padding, list):
        return tf.nn.max_pool2d(x, geometry.kernel_size, geometry.stride, padding)
    return _pool(geometry, x, "MAX", padding)


def _pool(geometry: Geometry, x: Any, kind: str, padding: str) -> Any:
    """`tf.nn.pool` where there is dilation, which the plain functions do not have."""
    if any(d > 1 for d in geometry.dilation):
        return tf.nn.pool(x, geometry.kernel_size, kind, geometry.stride, padding, dilations=geometry.dilation)
    pools = {
        "AVG": (tf.nn.avg_pool1d, tf.nn.avg_pool2d, tf.nn.avg_pool3d),
        "MAX": (tf.nn.max_pool1d, tf.nn.max_pool2d, tf.nn.max_pool3d),
    }
    kernel = _per_axis(geometry, geometry.kernel_size)
    return pools[kind][geometry.ndim - 1](x, kernel, _per_axis(geometry, geometry.stride), padding)


def _padded(geometry: Geometry, x: Any, explicit: bool, value: float = 0.0) -> tuple[Any, Any]:
    """Input and padding for a function that takes VALID, SAME and, if `explicit`, pairs."""
    name = padding_name(geometry)
    if name:
        return x, name.upper()
    if explicit and not _crops(geometry.padding):
        return x, _batch_and_channels(geometry.padding)
    return _pad(x, geometry.padding, value), "VALID"


def _pad(x: Any, padding: Pads, value: float = 0.0) -> Any:
    """Pad with a value, crop where it is negative."""
    crop, add = split(padding)
    if any(map(any, crop)):
        x = x[(slice(None), *(slice(-low, high or None) for low, high in crop))]
    return tf.pad(x, _batch_and_channels(add), constant_values=tf.cast(value, x.dtype)) if any(map(any, add)) else x


def _crops(padding: Pads) -> bool:
    return any(low < 0 or high < 0 for low, high in padding)


def _batch_and_channels(padding: Pads) -> list[list[int]]:
    return [[0, 0], *map(list, padding), [0, 0]]


def _per_axis(geometry: Geometry, values: Sequence[int]) -> Any:
    """One number for 1-D functions, which take no more, and five for 3-D ones."""
    return {1: values[0], 2: list(values), 3: [1, *values, 1]}[geometry.ndim]


_NONE: Pads = ((0, 0),)
_FORWARD: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
}
