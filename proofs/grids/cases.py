"""What a law is run on: one choice of sizes, strides, modes, and where a law branches, of a sample of its region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from numeric import Axis, Geometry
from numeric.paths.toom_cook import Filtering, strided, stuffed
from numeric.plane import Mode, mode_padding

Shape = tuple[int, ...]
OPTIONS = ("stride", "dilation", "padding", "groups", "boundary")


def by_size(cases: Iterable[Any]) -> list[Any]:
    """Sort cases by their number of array entries, then by name."""
    return sorted(cases, key=lambda case: (entries(case), str(case)))


def entries(case: Any) -> int:
    """Array entries of a case."""
    return sum(map(prod, case.shapes().values()))


class Unsampled:
    """A case on which no law branches."""

    def sample(self) -> Mapping[str, Any]:
        """No array is compared with anything."""
        return {}


@dataclass(frozen=True)
class LayerCase(Unsampled):
    """A layer with a batch: x, w, its bias b and a cotangent g."""

    geometry: Geometry
    batch: int = 1

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, b, g."""
        geometry = self.geometry
        x, g = geometry.input_shape(self.batch), geometry.output_shape(self.batch)
        return {"x": x, "w": geometry.weight_shape, "b": (geometry.out_channels,), "g": g}

    @property
    def options(self) -> dict[str, Any]:
        """Keywords that `numeric.conv` and its gradients take for this layer."""
        return {name: getattr(self.geometry, name) for name in OPTIONS}

    @property
    def remainders(self) -> Shape:
        """Cells at the high end of each axis that no window reads: the transposed layer's output padding."""
        return tuple(axis.remainder for axis in self.geometry.axes)

    def __str__(self) -> str:
        return f"batch {self.batch}, {self.geometry}"


@dataclass(frozen=True)
class LinearityCase(LayerCase):
    """A layer with two inputs and two weights, and a factor."""

    def shapes(self) -> Mapping[str, Shape]:
        """x, w; x2 and w2 shaped like them; c, one number."""
        x, w = self.geometry.input_shape(self.batch), self.geometry.weight_shape
        return {"x": x, "w": w, "x2": x, "w2": w, "c": (1,)}


@dataclass(frozen=True)
class LocalCase(LayerCase):
    """A locally connected layer: weights of their own at every position."""

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, g."""
        shared, geometry = super().shapes(), self.geometry
        own = (*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size)
        return {"x": shared["x"], "w": own, "g": shared["g"]}


@dataclass(frozen=True)
class SecondOrderCase(LayerCase):
    """A layer with cotangents of its two gradients."""

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, g; ddx and ddw shaped like x and w."""
        shared = super().shapes()
        return {"x": shared["x"], "w": shared["w"], "g": shared["g"], "ddx": shared["x"], "ddw": shared["w"]}


@dataclass(frozen=True)
class StackCase(Unsampled):
    """Two layers, one on top of the other: x, the first one's weights w, the second one's v."""

    first: Geometry
    second: Geometry

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, v."""
        return {"x": self.first.input_shape(1), "w": self.first.weight_shape, "v": self.second.weight_shape}

    @property
    def options(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Keywords that `numeric.conv` takes for each of them."""
        first, second = ({name: getattr(g, name) for name in OPTIONS} for g in (self.first, self.second))
        return first, second

    def __str__(self) -> str:
        return f"{self.first}, then {self.second}"


@dataclass(frozen=True)
class DenseCase(Unsampled):
    """A dense layer with a batch: x, w, its bias b and a cotangent g."""

    batch: int
    features: int
    outputs: int

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, b, g."""
        n, i, c = self.batch, self.features, self.outputs
        return {"x": (n, i), "w": (c, i), "b": (c,), "g": (n, c)}

    def __str__(self) -> str:
        return f"batch {self.batch}, {self.features} features, {self.outputs} outputs"


@dataclass(frozen=True)
class ArrayCase(Unsampled):
    """An array x, a kernel k and a mode; g is the cotangent of their convolution, offset a translation."""

    input_size: Shape
    kernel_size: Shape
    mode: Mode = "full"
    offset: Shape = ()

    @property
    def output_size(self) -> Shape:
        """Size of the convolution in this mode."""
        sizes = zip(self.input_size, self.kernel_size, strict=True)
        return tuple(Axis(n, m, 1, 1, *mode_padding(self.mode, m)).output_size for n, m in sizes)

    def shapes(self) -> Mapping[str, Shape]:
        """x, k, g."""
        return {"x": self.input_size, "k": self.kernel_size, "g": self.output_size}

    def __str__(self) -> str:
        offset = f", offset {self.offset}" if self.offset else ""
        return f"x of {self.input_size}, k of {self.kernel_size}, mode {self.mode}{offset}"


@dataclass(frozen=True)
class ThreeArraysCase(Unsampled):
    """Arrays x, k and l on as many axes."""

    sizes: tuple[Shape, Shape, Shape]

    def shapes(self) -> Mapping[str, Shape]:
        """x, k, l."""
        return dict(zip("xkl", self.sizes, strict=True))

    def __str__(self) -> str:
        return "x of {}, k of {}, l of {}".format(*self.sizes)


@dataclass(frozen=True)
class FilterCase(Unsampled):
    """A filter of so many outputs and taps and a stride, computed at some points: x, k.

    Or one that reads every `apart`-th input from the `first` on, and zeros between them, with that many times the
    outputs.
    """

    outputs: int
    taps: int
    points: tuple[int | Fraction, ...]
    stride: int = 1
    apart: int = 1
    first: int = 0

    def filtering(self) -> Filtering:
        """Its matrices."""
        if self.apart > 1:
            return stuffed(self.outputs, self.taps, self.apart, self.points, self.first)
        return strided(self.outputs, self.taps, self.stride, self.points)

    def shapes(self) -> Mapping[str, Shape]:
        """x, k."""
        size = self.stride * (self.apart * self.outputs - 1) + self.taps
        return {"x": (size,), "k": (self.taps,)}

    def __str__(self) -> str:
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        apart = f", inputs {self.first}, {self.first + self.apart}, ..." if self.apart > 1 else ""
        points = f"({', '.join(map(str, self.points))}) and infinity"
        return f"F({self.apart * self.outputs}, {self.taps}){stride}{apart} at {points}"


@dataclass(frozen=True)
class FirstLayerCase(Unsampled):
    """The sheet's first layer: K kernels of p x p, each applied to each of 3 channels of an m x m image."""

    m: int
    p: int
    kernels: int
    channels: int = 3

    def shapes(self) -> Mapping[str, Shape]:
        """The image x, its channels as a batch so that they share the kernels, and the kernels w."""
        return {"x": (self.channels, 1, self.m, self.m), "w": (self.kernels, 1, self.p, self.p)}

    def __str__(self) -> str:
        return f"m = {self.m}, p = {self.p}, K = {self.kernels}"


@dataclass(frozen=True)
class AxisCase(Unsampled):
    """Sizes along one axis."""

    axis: Axis

    def shapes(self) -> Mapping[str, Shape]:
        """X and w of one channel, on which the layer runs."""
        return {"x": (1, 1, self.axis.input_size), "w": (1, 1, self.axis.kernel_size)}

    @property
    def options(self) -> dict[str, Any]:
        """Keywords that `numeric.conv` takes for this axis."""
        a = self.axis
        return {"stride": a.stride, "dilation": a.dilation, "padding": ((a.low, a.high),)}

    def __str__(self) -> str:
        return str(self.axis)


@dataclass(frozen=True)
class ShapeCase(Unsampled):
    """An array x with a cotangent g of its flattened form."""

    shape: Shape

    def shapes(self) -> Mapping[str, Shape]:
        """x, g."""
        return {"x": self.shape, "g": (self.shape[0], prod(self.shape[1:]))}

    def __str__(self) -> str:
        return f"x of {self.shape}"
