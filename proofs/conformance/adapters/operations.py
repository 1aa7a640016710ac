"""What the adapters share: an operation's operands, the words of `op`, padding taken apart, an error's line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from numeric.geometry import Geometry, named_padding
from proofs.conformance.functions import FUNCTIONS, OPERATIONS
from proofs.conformance.target import TargetError

Pads = tuple[tuple[int, int], ...]

# What the forward function of an operation takes.
OPERANDS: dict[str, tuple[str, ...]] = {
    function.operation: function.arguments for function in FUNCTIONS.values() if function.name == "forward"
}


@dataclass(frozen=True)
class Operation:
    """An operation, and the number of spatial axes if it has but one: `conv2d`; each of them if no name is given."""

    names: tuple[str, ...] = OPERATIONS
    ndim: int | None = None

    @classmethod
    def named(cls, op: str | None) -> Operation:
        """Read `op`. Raises `TargetError` for another word."""
        if op is None:
            return cls()
        found = re.fullmatch(r"(\w+?)_?(?:([123])d)?", op)
        if not found or found[1] not in OPERATIONS:
            raise TargetError(
                f"op must be one of {', '.join(OPERATIONS)}, or one with its axes as in conv2d; got {op!r}"
            )
        return cls((found[1],), int(found[2]) if found[2] else None)

    def functions(self, names: Sequence[str] = tuple(FUNCTIONS)) -> tuple[str, ...]:
        """Those of the functions that are of this operation."""
        return tuple(name for name in names if FUNCTIONS[name].operation in self.names)

    def supports(self, function: str, geometry: Geometry) -> str:
        """Why a function is not one of this operation on a layer."""
        if FUNCTIONS[function].operation not in self.names:
            return f"it is {' and '.join(self.names)}, not {FUNCTIONS[function].operation}"
        if self.ndim not in (None, geometry.ndim):
            return f"it has {self.ndim} spatial axes, the layer has {geometry.ndim}"
        return ""


def first_line(error: BaseException) -> str:
    """Return an error's own first line that says something, without TensorFlow's marks; its class if there is none."""
    text = re.sub(r"^\{\{.*?\}\}\s*|\s+name:\s*$", "", str(error).strip())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines[:1] == ["in user code:"]:  # AutoGraph's: a trace follows, and the error itself at its end
        lines.reverse()
    return lines[0] if lines else type(error).__name__


def refuse_circular(geometry: Geometry) -> str:
    """Why an implementation that pads with zeros alone does not take a layer."""
    return "no circular boundary" if geometry.boundary == "circular" else ""


def no_padding(geometry: Geometry) -> Pads:
    """Padding of nothing."""
    return ((0, 0),) * geometry.ndim


def padding_name(geometry: Geometry) -> str | None:
    """`valid` or `same`, where the padding is what TensorFlow means by that."""
    if not any(map(any, geometry.padding)):
        return "valid"
    sizes = zip(geometry.input_size, geometry.kernel_size, geometry.stride, geometry.dilation, strict=True)
    return "same" if geometry.padding == tuple(named_padding("same", *axis) for axis in sizes) else None


def cropped(geometry: Geometry) -> Geometry:
    """Layer after its input was cropped, where padding is negative."""
    crop, add = split(geometry.padding)
    size = tuple(n + low + high for n, (low, high) in zip(geometry.input_size, crop, strict=True))
    return replace(geometry, input_size=size, padding=add)


def split(padding: Pads) -> tuple[Pads, Pads]:
    """Padding taken apart: what is cropped, as negative numbers, and what is added."""
    crop = tuple((min(low, 0), min(high, 0)) for low, high in padding)
    return crop, tuple((max(low, 0), max(high, 0)) for low, high in padding)


def symmetric(padding: Pads) -> tuple[int, ...] | None:
    """One number per axis where both ends of each are padded alike, and none is cropped."""
    return tuple(low for low, _ in padding) if all(low == high >= 0 for low, high in padding) else None


def remainder(geometry: Geometry) -> tuple[int, ...]:
    """Cells at the high end that no window reads: the transposed layer's output padding."""
    return tuple(axis.remainder for axis in geometry.axes)


def padded_size(geometry: Geometry) -> tuple[int, ...]:
    """Spatial size of the padded input."""
    return tuple(axis.padded_size for axis in geometry.axes)


def negated(padding: Pads) -> Pads:
    """Padding that undoes another."""
    return tuple((-low, -high) for low, high in padding)
