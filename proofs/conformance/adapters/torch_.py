"""PyTorch: `torch.nn.functional`, with gradients by `torch.autograd`.

Padding that is the same at both ends of an axis is the function's own; other padding is done by `F.pad` before it (for
the transposed layer, after it). Flavours, several with a comma between them: channels-last (the memory format),
tf32, no-tf32, no-cudnn, no-mkldnn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.autodiff import Autodiff
from proofs.conformance.adapters.layouts import VARIANTS, laid_out
from proofs.conformance.adapters.operations import (
    Operation,
    Pads,
    first_line,
    negated,
    no_padding,
    remainder,
    split,
    symmetric,
)
from proofs.conformance.target import TargetError

FLAVOURS = ("channels-last", "tf32", "no-tf32", "no-cudnn", "no-mkldnn")
_LAYOUTS = {name: name for name in VARIANTS if name != "negative strides"}  # PyTorch has no negative strides


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Autodiff:
    """Make the target; `device` is cpu, cuda, cuda:1, mps, ..."""
    if layout == "NHWC":
        raise TargetError("PyTorch's layout is NCHW; its memory format for NHWC is torch:channels-last")
    backend = Backend(dtype, device, tuple(filter(None, rest.split(","))))
    return target(f"torch:{rest}" if rest else "torch", backend, Operation.named(op))


def target(name: str, backend: Backend, operation: Operation) -> Autodiff:
    """Target on that backend, which its variants in memory share but for the layout."""

    def variant(layout: str) -> Autodiff | None:
        return target(f"{name} ({layout})", backend.laid_out(layout), operation) if layout in _LAYOUTS else None

    return Autodiff(name, backend, forward, operation, refuses=refuses, make_variant=variant)


class Backend:
    """PyTorch's tensors on a device, under some flags, perhaps laid out otherwise in memory."""

    def __init__(self, dtype: str, device: str | None, flavours: tuple[str, ...] = (), variant: str = "") -> None:
        unknown = set(flavours) - set(FLAVOURS)
        if unknown:
            raise TargetError(f"torch has the flavours {', '.join(FLAVOURS)}; got {', '.join(sorted(unknown))}")
        self.dtype, self.flavours = dtype, flavours
        self.variant = "channels-last" if "channels-last" in flavours else variant
        self.ran: set[str] = set()
        try:
            self.device = torch.device(device) if device else torch.get_default_device()
            torch.ones(1, device=self.device)
        except (RuntimeError, AssertionError) as error:  # an AssertionError if it was built without CUDA
            raise TargetError(f"torch has no device {device!r} here: {first_line(error)}") from error

    def laid_out(self, variant: str) -> Backend:
        """Return the same with tensors laid out otherwise."""
        return Backend(self.dtype, str(self.device), self.flavours, variant)

    def settings(self) -> ExitStack:
        """Flags of the flavours; the others stay what they are."""
        stack = ExitStack()
        if "no-mkldnn" in self.flavours:
            stack.callback(setattr, torch.backends.mkldnn, "enabled", torch.backends.mkldnn.enabled)
            torch.backends.mkldnn.enabled = False  # its `flags` would set TF32 too, and warn of that
        if {"no-cudnn", "tf32", "no-tf32"} & set(self.flavours):
            cudnn = torch.backends.cudnn
            flags = {name: getattr(cudnn, name) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")}
            for flavour, name in (("no-cudnn", "enabled"), ("no-tf32", "allow_tf32"), ("tf32", "allow_tf32")):
                flags[name] = flavour == "tf32" if flavour in self.flavours else flags[name]
            stack.enter_context(cudnn.flags(**flags))
        return stack

    def tensor(self, array: Array) -> Any:
        """Tensor in the same memory where PyTorch can: same type and device, writable, no negative strides."""
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()
        made = torch.from_numpy(array).to(self.device, getattr(torch, self.dtype))
        if not self.variant:
            return made
        # Views of a copy with the strides of NumPy's.
        places = torch.from_numpy(laid_out(np.zeros(array.shape), self.variant))
        size = 1 + sum((n - 1) * stride for n, stride in zip(places.shape, places.stride(), strict=True))
        other = made.new_full((max(size, 0),), torch.nan if made.is_floating_point() else 1 << 20)
        return other.as_strided(places.shape, places.stride()).copy_(made) if made.numel() else made

    def array(self, tensor: Any) -> Array:
        """NumPy array in the same memory where it can be."""
        self.ran.add(_device_name(tensor.device))
        found = tensor.detach().cpu()
        if found.dtype == torch.bfloat16:
            return np.asarray(found.float().numpy())
        return seen(np.asarray(found.numpy()), self.dtype)

    def apply(self, f: Callable[..., Any], at: Sequence[Any]) -> Any:
        """Eagerly."""
        return f(*at)

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """`torch.autograd.grad`."""
        at = [tensor.detach().requires_grad_() if i == index else tensor for i, tensor in enumerate(at)]
        return torch.autograd.grad(f(*at), at[index], cotangent)[0]

    def pullbacks(self, f: Callable[..., Any], at: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """`torch.autograd.grad` for all operands."""
        at = [tensor.detach().requires_grad_() for tensor in at]
        y = f(*at)
        return y, torch.autograd.grad(y, at, cotangent)

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """`torch.autograd.grad` of its own graph."""
        g, *operands = at = [tensor.detach().requires_grad_() for tensor in at]
        gradients = torch.autograd.grad(f(*operands), operands, g, create_graph=True)
        return torch.autograd.grad(gradients, at[index], given)[0]

    def about(self) -> Mapping[str, str]:
        """Versions, devices, and the flags that choose algorithms."""
        cudnn, mkldnn = torch.backends.cudnn, torch.backends.mkldnn
        with self.settings():
            return {
                "torch": torch.__version__,
                "device": ", ".join(sorted(self.ran)) or f"{self.device}, not run yet",
                "cuda": str(torch.version.cuda),
                "cudnn": f"{cudnn.version()}, enabled={cudnn.enabled}, benchmark={cudnn.benchmark}, "
                f"deterministic={cudnn.deterministic}, allow_tf32={cudnn.allow_tf32}",
                "mkldnn": f"available={mkldnn.is_available()}, enabled={mkldnn.enabled}",
                "float32_matmul_precision": torch.get_float32_matmul_precision(),
                "threads": str(torch.get_num_threads()),
                "memory": self.variant or "contiguous",
            }


def seen(array: Array, dtype: str) -> Array:
    """Widen a float32 result where bfloat16, which goes out as float32, was due: so its wrong type is seen."""
    return array.astype(np.float64) if dtype == "bfloat16" and array.dtype == np.float32 else array


def refuses(operation: str, geometry: Geometry) -> str:
    """What `torch.nn.functional` has no words for."""
    if geometry.ndim > 3:
        return f"1 to 3 spatial axes, got {geometry.ndim}"
    if operation == "average_pool":
        if any(d > 1 for d in geometry.dilation):
            return "avg_pool has no dilation"
        if symmetric(split(geometry.padding)[1]) is None:
            return f"avg_pool pads both ends alike, not {geometry.padding}"
    return ""


def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
    """Call the function of `torch.nn.functional` for the operation and its number of axes."""
    return _FORWARD[operation](geometry, *operands)


def _conv(geometry: Geometry, x: Any, w: Any, b: Any = None) -> Any:
    padding = symmetric(geometry.padding)
    if padding is None:
        x, padding = _pad(x, geometry.padding), (0,) * geometry.ndim
    conv = (F.conv1d, F.conv2d, F.conv3d)[geometry.ndim - 1]
    return conv(x, w, b, geometry.stride, padding, geometry.dilation, geometry.groups)


def _conv_transpose(geometry: Geometry, g: Any, w: Any) -> Any:
    padding, after = symmetric(geometry.padding), no_padding(geometry)
    if padding is None:
        padding, after = (0,) * geometry.ndim, negated(geometry.padding)
    transpose = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[geometry.ndim - 1]
    y = transpose(g, w, None, geometry.stride, padding, remainder(geometry), geometry.groups, geometry.dilation)
    return _pad(y, after)


def _average_pool(geometry: Geometry, x: Any) -> Any:
    crop, add = split(geometry.padding)
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[geometry.ndim - 1]
    return pool(_pad(x, crop), geometry.kernel_size, geometry.stride, symmetric(add), False, False)


def _max_pool(geometry: Geometry, x: Any) -> Any:
    padding = symmetric(geometry.padding)
    if padding is None:
        x, padding = _pad(x, geometry.padding, -torch.inf), (0,) * geometry.ndim
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[geometry.ndim - 1]
    return pool(x, geometry.kernel_size, geometry.stride, padding, geometry.dilation)


def _pad(x: Any, padding: Pads, value: float = 0.0) -> Any:
    """Pad with a value, crop where it is negative; PyTorch names the last axis first."""
    flat = [n for pair in reversed(padding) for n in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def _device_name(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


_FORWARD: dict[str, Callable[..., Any]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
}
