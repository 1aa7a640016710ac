"""The index map of a convolution layer: which input cell an output position reads through a kernel tap.

`Axis` holds the formulas for one spatial axis. They are plain arithmetic (`+ - * // %`), so that integers,
SymPy symbols and solver terms all go through the code that ships: what is proved about a formula is proved
about the one that the kernels use. `Geometry` validates: it is the layer on integers, on every axis at once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from numbers import Integral
from typing import Any, Literal, get_args

Boundary = Literal["zero", "circular"]
PaddingName = Literal["valid", "same", "full"]
Ints = int | Sequence[int]
Padding = int | Sequence[int | tuple[int, int]] | PaddingName


class GeometryError(ValueError):
    """A layer that cannot be: sizes, strides, padding, channels or array shapes that do not fit together."""


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a layer, in plain arithmetic and without any check.

    Every field may be an integer, a SymPy expression or a solver term. `low` and `high` are the padding
    before and after the input; a negative value crops.
    """

    input_size: Any
    kernel_size: Any
    stride: Any = 1
    dilation: Any = 1
    low: Any = 0
    high: Any = 0

    @property
    def span(self) -> Any:
        """Cells from the first to the last one that a window reads, both included."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def padded_size(self) -> Any:
        """Cells of the padded input."""
        return self.input_size + self.low + self.high

    @property
    def output_size(self) -> Any:
        """Number of windows that lie inside the padded input."""
        return (self.padded_size - self.span) // self.stride + 1

    @property
    def remainder(self) -> Any:
        """Cells at the high end of the padded input that no window reads since the stride does not divide."""
        return (self.padded_size - self.span) % self.stride

    @property
    def transposed_size(self) -> Any:
        """Smallest input whose output has `input_size` positions: the output of the transposed convolution."""
        return (self.input_size - 1) * self.stride + self.span - self.low - self.high

    def reads(self, o: Any, u: Any) -> Any:
        """Input position that output `o` reads through tap `u`; it may lie outside the input."""
        return self.stride * o + self.dilation * u - self.low


def receptive_field(*axes: Axis) -> tuple[Any, Any, Any]:
    """Cells of the input on which one output of a stack of layers depends, on one axis, the lowest layer first.

    Returns `(size, jump, start)`: output o depends on cells from `start + jump * o`, `size` of them from the first to
    the last one. Plain arithmetic like `Axis`; cells outside of the input are padding. Source: A. Araujo, W. Norris,
    J. Sim, Computing Receptive Fields of Convolutional Neural Networks (2019).
    """
    size: Any = 1
    jump: Any = 1
    start: Any = 0
    for axis in axes:
        size += (axis.span - 1) * jump
        start -= axis.low * jump
        jump *= axis.stride
    return size, jump, start


def named_padding(
    name: PaddingName, input_size: int, kernel_size: int, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Padding `(low, high)` that a name stands for on one axis.

    valid: none. full: every window that touches the input. same: output size `ceil(input / stride)`, the odd
    cell at the high end; this is TensorFlow's rule, and at stride 1 PyTorch's as well.
    """
    span = dilation * (kernel_size - 1) + 1
    if name == "valid":
        return 0, 0
    if name == "full":
        return span - 1, span - 1
    windows = -(-input_size // stride)
    total = max((windows - 1) * stride + span - input_size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Geometry:
    """A convolution layer without its numbers: sizes, stride, dilation, padding, channels, groups, boundary.

    Integers are accepted where every axis agrees (`stride=2`), and padding also as one of the names of
    `named_padding`; after construction each is a tuple with one entry per axis, and `padding` a tuple of
    `(low, high)`. Raises `GeometryError` for anything that is not a layer, a kernel that does not fit into
    the padded input among them.

        >>> Geometry(input_size=(5, 7), kernel_size=(2, 3), stride=2, padding=((0, 1), 1)).output_size
        (3, 4)
    """

    input_size: Any
    kernel_size: Any
    stride: Any = 1
    dilation: Any = 1
    padding: Any = 0
    in_channels: int = 1
    out_channels: int = 1
    groups: int = 1
    boundary: Boundary = "zero"

    def __post_init__(self) -> None:
        def settle(name: str, value: Any) -> None:  # the record is frozen from here on
            object.__setattr__(self, name, value)

        settle("input_size", settled("input_size", self.input_size, None, 1))
        for name in ("kernel_size", "stride", "dilation"):
            settle(name, settled(name, getattr(self, name), self.ndim, 1))
        for name in ("in_channels", "out_channels", "groups"):
            settle(name, _integer(name, getattr(self, name), 1))
        settle("padding", self._settled_padding())
        self._check()

    def _settled_padding(self) -> tuple[tuple[int, int], ...]:
        per_axis = zip(self.input_size, self.kernel_size, self.stride, self.dilation, strict=True)
        if isinstance(self.padding, str):
            if self.padding not in get_args(PaddingName):
                raise GeometryError(
                    f"padding must be a number, pairs, or one of {_names(PaddingName)}; got {self.padding!r}"
                )
            return tuple(named_padding(self.padding, *sizes) for sizes in per_axis)  # type: ignore[arg-type]
        entries = [self.padding] * self.ndim if is_integer(self.padding) else _sequence("padding", self.padding)
        if len(entries) != self.ndim:
            raise GeometryError(f"padding has {len(entries)} entries for {self.ndim} axes: {self.padding!r}")
        return tuple(_pair(entry) for entry in entries)

    def _check(self) -> None:
        if not isinstance(self.boundary, str) or self.boundary not in get_args(Boundary):
            raise GeometryError(f"boundary must be one of {_names(Boundary)}; got {self.boundary!r}")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise GeometryError(f"{name}={getattr(self, name)} is not divisible by groups={self.groups}")
        for number, axis in enumerate(self.axes):
            if axis.span > axis.padded_size:
                raise GeometryError(
                    f"the kernel does not fit: on spatial axis {number} it spans {axis.span} cells (size "
                    f"{axis.kernel_size}, dilation {axis.dilation}), but the padded input has {axis.padded_size} "
                    f"(size {axis.input_size}, padding {axis.low} and {axis.high})"
                )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from numeric.display import bundle

        return bundle(self)

    @classmethod
    def of(cls, x_shape: Sequence[int], w_shape: Sequence[int], **options: Any) -> Geometry:
        """Layer that takes `x_shape` `(batch, channels, *spatial)` and `w_shape` `(out, in // groups, *kernel)`.

        `options`: stride, dilation, padding, groups, boundary.
        """
        if len(x_shape) < 3 or len(w_shape) != len(x_shape):
            raise GeometryError(
                "x must be (batch, channels, *spatial) and w (out_channels, channels // groups, *kernel) with as "
                f"many axes; got x {tuple(x_shape)} and w {tuple(w_shape)}"
            )
        geometry = cls(
            tuple(x_shape[2:]), tuple(w_shape[2:]), in_channels=x_shape[1], out_channels=w_shape[0], **options
        )
        geometry.expect("w", w_shape, geometry.weight_shape)
        return geometry

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.input_size)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The formulas of each spatial axis."""
        columns = zip(self.input_size, self.kernel_size, self.stride, self.dilation, self.padding, strict=True)
        return tuple(Axis(n, k, s, d, low, high) for n, k, s, d, (low, high) in columns)

    @cached_property
    def output_size(self) -> tuple[int, ...]:
        """Output positions along each spatial axis."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def group_in(self) -> int:
        """Input channels that one output channel reads."""
        return self.in_channels // self.groups

    @property
    def group_out(self) -> int:
        """Output channels of one group."""
        return self.out_channels // self.groups

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of `w`: `(out_channels, in_channels // groups, *kernel)`."""
        return (self.out_channels, self.group_in, *self.kernel_size)

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Shape of `x`: `(batch, in_channels, *input)`."""
        return (batch, self.in_channels, *self.input_size)

    def output_shape(self, batch: int) -> tuple[int, ...]:
        """Shape of `y` and of its cotangent `g`: `(batch, out_channels, *output)`."""
        return (batch, self.out_channels, *self.output_size)

    def reads(self, o: Sequence[int], u: Sequence[int]) -> tuple[int, ...] | None:
        """Input cell that output position `o` reads through tap `u`, or None where there is none.

        A zero boundary makes the map partial (cells of the padding are not read), a circular one total.
        """
        cell = tuple(axis.reads(*pair) for axis, *pair in zip(self.axes, o, u, strict=True))
        if self.boundary == "circular":
            return tuple(a % n for a, n in zip(cell, self.input_size, strict=True))
        return cell if all(0 <= a < n for a, n in zip(cell, self.input_size, strict=True)) else None

    def reads_channel(self, out_channel: int, j: int) -> int:
        """Input channel that `out_channel` reads with its `j`-th slice of weights."""
        return out_channel // self.group_out * self.group_in + j

    def outputs(self) -> Iterator[tuple[int, ...]]:
        """Every output position, in row-major order."""
        return product(*map(range, self.output_size))

    def taps(self) -> Iterator[tuple[int, ...]]:
        """Every kernel tap, in row-major order."""
        return product(*map(range, self.kernel_size))

    def expect(self, name: str, shape: Sequence[int], expected: Sequence[int]) -> None:
        """Raise `GeometryError` unless an array's shape is the one that this layer takes."""
        if tuple(shape) != tuple(expected):
            raise GeometryError(f"{name} must have shape {tuple(expected)}, got {tuple(shape)}, for {self}")


def _names(literal: Any) -> str:
    return ", ".join(map(repr, get_args(literal)))


def is_integer(value: Any) -> bool:
    """Whether a value is one whole number, of Python's or NumPy's; a bool is none."""
    # the usual case first: asking an abstract type takes longer than all else
    return type(value) is int or (isinstance(value, Integral) and not isinstance(value, bool))


def _integer(name: str, value: Any, least: int | None) -> int:
    if not is_integer(value):
        raise GeometryError(f"{name} must be an integer, got {value!r}")
    if least is not None and value < least:
        raise GeometryError(f"{name} must be at least {least}, got {value}")
    return operator.index(value)


def _sequence(name: str, value: Any) -> list[Any]:
    try:
        return list(value)
    except TypeError:
        raise GeometryError(f"{name} must be an integer or one entry per axis, got {value!r}") from None


def settled(name: str, value: Any, ndim: int | None, least: int | None) -> tuple[int, ...]:
    """Return one whole number per axis, `least` or more; a single number stands for each. Raises `GeometryError`."""
    entries = [value] * (ndim or 1) if is_integer(value) else _sequence(name, value)
    if not entries or ndim not in (None, len(entries)):
        raise GeometryError(f"{name} has {len(entries)} entries for {ndim or 'at least one'} axes: {value!r}")
    return tuple(_integer(name, entry, least) for entry in entries)


def _pair(entry: Any) -> tuple[int, int]:
    pair = [entry, entry] if is_integer(entry) else _sequence("padding", entry)
    if len(pair) != 2:
        raise GeometryError(f"padding of an axis is a number or (low, high), got {entry!r}")
    return _integer("padding", pair[0], None), _integer("padding", pair[1], None)


def kept(make: Callable[..., Geometry], shape: Sequence[int], other: Ints, **options: Any) -> Geometry:
    """Layer that `make` makes; the last ones are kept, since to check one takes longer than to compute a small one."""
    keep = _plain(other) and all(map(_plain, options.values()))
    return (_kept if keep else make)(*((make,) if keep else ()), shape, other, **options)


@lru_cache(maxsize=1024)
def _kept(make: Callable[..., Geometry], *shapes: Any, **options: Any) -> Geometry:
    return make(*shapes, **options)


def _plain(value: Any) -> bool:
    """Whether values that are equal mean the same: of integers, names and tuples of them, but 1.0 and True are no 1."""
    return type(value) in (int, str) or (type(value) is tuple and all(map(_plain, value)))
