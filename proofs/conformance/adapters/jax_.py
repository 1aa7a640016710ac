"""JAX: `jax.lax.conv_general_dilated` and `reduce_window`, with gradients by `jax.vjp`.

The transposed layer is what `jax.lax.conv_transpose` is made of, a convolution of the dilated input (lhs_dilation) with
the kernel turned round, since that function takes neither groups nor every padding. An average is a sum of windows over
a count of the cells that they hold. Everything runs under `jax.jit`, as it does where it is used. Flavours: eager runs
it operation by operation; a precision (default, high, highest).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
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
    if rest and rest not in ("eager", *PRECISIONS):
        raise TargetError(f"jax has the flavours eager, {', '.join(PRECISIONS)}; got {rest!r}")
    name, backend = f"jax:{rest}" if rest else "jax", Backend(dtype, device, jit=rest != "eager")
    precision = rest if rest in PRECISIONS else None
    return target(name, backend, Operation.named(op), "NHWC" if layout == "NHWC" else "NCHW", precision)


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
    """JAX's arrays on a device; 64-bit types are switched on where they are asked for.

    With `jit` equal functions are compiled once: only for functions that are pure and can be compared.
    """

    def __init__(self, dtype: str, device: str | None, *, jit: bool = False) -> None:
        self.dtype, self._compiled = dtype, _jitted if jit else _eager
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

    def apply(self, f: Callable[..., Any], at: Sequence[Any]) -> Any:
        """Compiled or eagerly."""
        return self._compiled(_apply, f)(at)

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """`jax.vjp` with respect to one operand."""
        return self._compiled(_pullback, f, index)(at, cotangent)

    def pullbacks(self, f: Callable[..., Any], at: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """`jax.vjp` with respect to all operands."""
        found: tuple[Any, Sequence[Any]] = self._compiled(_pullbacks, f)(at, cotangent)
        return found

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """`jax.vjp` of `jax.vjp`."""
        return self._compiled(_second, f, index)(at, tuple(given))

    def about(self) -> Mapping[str, str]:
        """Versions and devices."""
        return {
            "jax": jax.__version__,
            "device": ", ".join(sorted(self.ran)) or f"{self.device}, not run yet",
            "x64": str(self.dtype.endswith("64")),
            "jit": str(self._compiled is _jitted),
        }


def _apply(f: Callable[..., Any], at: Sequence[Any]) -> Any:
    return f(*at)


def _pullback(f: Callable[..., Any], index: int, at: Sequence[Any], cotangent: Any) -> Any:
    _, gradient = jax.vjp(lambda operand: f(*at[:index], operand, *at[index + 1 :]), at[index])
    return gradient(cotangent)[0]


def _pullbacks(f: Callable[..., Any], at: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
    y, gradients = jax.vjp(f, *at)
    return y, gradients(cotangent)


def _second(f: Callable[..., Any], index: int, at: Sequence[Any], given: Sequence[Any]) -> Any:
    def first(moving: Any) -> Any:
        g, *operands = [moving if number == index else tensor for number, tensor in enumerate(at)]
        return jax.vjp(f, *operands)[1](g)

    return jax.vjp(first, at[index])[1](given)[0]


_eager = partial


@lru_cache(64)  # what is compiled takes memory
def _jitted(run: Callable[..., Any], *of: Any) -> Callable[..., Any]:
    compiled: Callable[..., Any] = jax.jit(partial(run, *of))
    return compiled


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
    one = (1, *x.shape[1:-1], 1) if layout == "NHWC" else (1, 1, *x.shape[2:])
    counts = _windows(geometry, layout, jnp.ones(one, x.dtype), zero, lax.add)
    return _windows(geometry, layout, x, zero, lax.add) / jnp.maximum(counts, 1)


def _max_pool(geometry: Geometry, layout: Layout, _precision: str | None, x: Any) -> Any:
    return _windows(geometry, layout, x, np.array(-np.inf, x.dtype), lax.max)


_FORWARD: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
}
