"""JAX: `jax.lax.conv_general_dilated` and `reduce_window`, with gradients by `jax.vjp`.

The transposed layer is what `jax.lax.conv_transpose` is made of, a convolution of the dilated input (lhs_dilation) with
the kernel turned round, since that function takes neither groups nor every padding. An average is a sum of windows over
a count of the cells that they hold. Flavours: a precision (default, high, highest).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.autodiff import Autodiff
from proofs.conformance.adapters.layouts import Layout
from proofs.conformance.adapters.operations import Operation, Pads, first_line, remainder
from proofs.conformance.target import TargetError

PRECISIONS = ("default", "high", "highest")


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Autodiff:
    """Make the target; `device` is cpu, gpu, gpu:1, tpu."""
    if rest and rest not in PRECISIONS:
        raise TargetError(f"jax has the flavours {', '.join(PRECISIONS)}; got {rest!r}")
    name, backend = f"jax:{rest}" if rest else "jax", Backend(dtype, device)
    return target(name, backend, Operation.named(op), "NHWC" if layout == "NHWC" else "NCHW", rest or None)


def target(name: str, backend: Backend, operation: Operation, layout: Layout, precision: str | None) -> Autodiff:
    """Target in that layout; the other one is its variant."""

    def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
        return _FORWARD[operation](geometry, layout, precision, *operands)

    def variant(which: str) -> Autodiff | None:
        if which != "channels-last" or layout == "NHWC":
            return None
        return target(f"{name} ({which})", backend, operation, "NHWC", precision)

    notes = {"precision": str(precision or jax.config.jax_default_matmul_precision or "default")}
    return Autodiff(name, backend, forward, operation, layout, make_variant=variant, notes=notes)


class Backend:
    """JAX's arrays on a device; 64-bit types are switched on where they are asked for."""

    def __init__(self, dtype: str, device: str | None) -> None:
        self.dtype = dtype
        self.ran: set[str] = set()
        kind, _, number = (device or "").partition(":")
        try:
            self.device = jax.devices(kind.lower() or None)[int(number or 0)]
        except (RuntimeError, IndexError, ValueError) as error:
            raise TargetError(f"jax has no device {device!r} here: {first_line(error)}") from error

    def settings(self) -> ExitStack:
        """Device, and 64 bits if the type has them."""
        stack = ExitStack()
        stack.enter_context(jax.default_device(self.device))
        stack.enter_context(jax.enable_x64(self.dtype.endswith("64")))
        return stack

    def tensor(self, array: Array) -> Any:
        """Array on the device."""
        return jax.device_put(jnp.asarray(array, dtype=self.dtype), self.device)

    def array(self, tensor: Any) -> Array:
        """NumPy array."""
        self.ran.update(f"{device} ({device.device_kind})" for device in tensor.devices())
        found = np.asarray(tensor)
        if found.dtype == jnp.bfloat16:
            return found.astype(np.float32)
        return found.astype(np.float64) if self.dtype == "bfloat16" else found  # so that its wrong type is seen

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """`jax.vjp` with respect to one operand."""
        _, gradient = jax.vjp(lambda operand: f(*at[:index], operand, *at[index + 1 :]), at[index])
        return gradient(cotangent)[0]

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """`jax.vjp` of `jax.vjp`."""

        def first(g: Any, *operands: Any) -> Any:
            return jax.vjp(f, *operands)[1](g)

        return jax.vjp(first, *at)[1](tuple(given))[index]

    def about(self) -> Mapping[str, str]:
        """Versions and devices."""
        return {
            "jax": jax.__version__,
            "device": ", ".join(sorted(self.ran)) or f"{self.device}, not run yet",
            "x64": str(self.dtype.endswith("64")),
        }


def _numbers(geometry: Geometry, layout: Layout) -> tuple[str, str, str]:
    spatial = "".join(chr(ord("a") + axis) for axis in range(geometry.ndim))
    if layout == "NHWC":
        return f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"
    return f"NC{spatial}", f"OI{spatial}", f"NC{spatial}"


def _conv(geometry: Geometry, layout: Layout, precision: str | None, x: Any, w: Any, b: Any = None) -> Any:
    y = lax.conv_general_dilated(
        x,
        w,
        geometry.stride,
        geometry.padding,
        rhs_dilation=geometry.dilation,
        dimension_numbers=_numbers(geometry, layout),
        feature_group_count=geometry.groups,
        precision=precision,
    )
    return y if b is None else y + (b if layout == "NHWC" else b.reshape(-1, *(1,) * geometry.ndim))


def _conv_transpose(geometry: Geometry, layout: Layout, precision: str | None, g: Any, w: Any) -> Any:
    if layout == "NHWC":
        w = jnp.moveaxis(w, (-1, -2), (0, 1))
    grouped = w.reshape(geometry.groups, geometry.group_out, *w.shape[1:])
    turned = jnp.flip(jnp.swapaxes(grouped, 1, 2), range(3, 3 + geometry.ndim))
    kernel = turned.reshape(geometry.in_channels, geometry.group_out, *w.shape[2:])
    spans = (axis.span - 1 for axis in geometry.axes)
    padding: Pads = tuple(
        (span - low, span - high + rest)
        for span, (low, high), rest in zip(spans, geometry.padding, remainder(geometry), strict=True)
    )
    numbers = _numbers(geometry, layout)
    return lax.conv_general_dilated(
        g,
        kernel,
        (1,) * geometry.ndim,
        padding,
        lhs_dilation=geometry.stride,
        rhs_dilation=geometry.dilation,
        dimension_numbers=(numbers[0], _numbers(geometry, "NCHW")[1], numbers[2]),
        feature_group_count=geometry.groups,
        precision=precision,
    )


def _windows(geometry: Geometry, layout: Layout, x: Any, start: Any, combine: Any) -> Any:
    def full(values: Sequence[Any], other: Any) -> tuple[Any, ...]:
        return (other, *values, other) if layout == "NHWC" else (other, other, *values)

    return lax.reduce_window(
        x,
        start,
        combine,
        full(geometry.kernel_size, 1),
        full(geometry.stride, 1),
        full(geometry.padding, (0, 0)),
        window_dilation=full(geometry.dilation, 1),
    )


def _average_pool(geometry: Geometry, layout: Layout, _precision: str | None, x: Any) -> Any:
    zero = np.zeros((), x.dtype)
    counts = _windows(geometry, layout, jnp.ones_like(x), zero, lax.add)
    return _windows(geometry, layout, x, zero, lax.add) / jnp.maximum(counts, 1)


def _max_pool(geometry: Geometry, layout: Layout, _precision: str | None, x: Any) -> Any:
    return _windows(geometry, layout, x, np.array(-np.inf, x.dtype), lax.max)


_FORWARD: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
}
