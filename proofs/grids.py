"""The cases on which the symbolic tier runs the laws: stated grids of small shapes, smallest first.

Small but not square, not symmetric and not of one channel, since such shapes hide wrong kernels. The order is
by number of array entries; the first case on which a law fails is therefore its smallest in the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from numeric import Axis, Geometry, GeometryError
from numeric.plane import Mode, mode_padding

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerCase:
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
        names = ("stride", "dilation", "padding", "groups", "boundary")
        return {name: getattr(self.geometry, name) for name in names}

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
class DenseCase:
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
class PoolCase:
    """Windows of one channel: x and a cotangent g."""

    geometry: Geometry

    def shapes(self) -> Mapping[str, Shape]:
        """x, g."""
        return {"x": self.geometry.input_shape(1), "g": self.geometry.output_shape(1)}

    @property
    def options(self) -> dict[str, Any]:
        """Keywords that the functions of `numeric.pooling` take for these windows."""
        return {name: getattr(self.geometry, name) for name in ("stride", "dilation", "padding", "boundary")}

    def __str__(self) -> str:
        return str(self.geometry)


@dataclass(frozen=True)
class ArrayCase:
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
class FirstLayerCase:
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
class AxisCase:
    """Sizes along one axis; no arrays."""

    axis: Axis

    def shapes(self) -> Mapping[str, Shape]:
        """One array x, on which the layer runs."""
        return {"x": (1, 1, self.axis.input_size), "w": (1, 1, self.axis.kernel_size)}

    @property
    def options(self) -> dict[str, Any]:
        """Keywords that `numeric.conv` takes for this axis."""
        a = self.axis
        return {"stride": a.stride, "dilation": a.dilation, "padding": ((a.low, a.high),)}

    def __str__(self) -> str:
        return str(self.axis)


def by_size(cases: Iterable[Any]) -> list[Any]:
    """Sort cases by their number of array entries, then by name."""
    return sorted(cases, key=lambda case: (sum(map(prod, case.shapes().values())), str(case)))


LAYERS: tuple[tuple[tuple[Any, ...], int], ...] = (
    # input, kernel, stride, dilation, padding, channels in and out, groups, boundary; batch
    (((1,), (1,), 1, 1, 0, 1, 1, 1, "zero"), 1),
    (((5,), (2,), 2, 1, ((0, 1),), 2, 1, 1, "zero"), 2),
    (((2,), (2,), 1, 1, ((0, 1),), 2, 2, 2, "zero"), 1),
    (((2,), (3,), 1, 2, ((3, 1),), 1, 2, 1, "zero"), 1),  # kernel larger than the input
    (((6,), (2,), 1, 1, ((-1, -2),), 1, 2, 1, "zero"), 1),  # padding crops
    (((4,), (2,), 2, 1, ((5, 0),), 1, 1, 1, "zero"), 2),  # outputs that read padding only
    (((5,), (3,), 1, 2, ((2, 3),), 2, 1, 1, "circular"), 1),
    (((6,), (2,), 3, 1, 0, 4, 4, 2, "zero"), 1),  # stride leaves a remainder, groups of two channels
    (((3, 4), (2, 3), 1, 1, 0, 2, 3, 1, "zero"), 2),
    (((4, 3), (3, 2), 1, 1, ((1, 1), (0, 1)), 1, 2, 1, "zero"), 1),
    (((4, 6), (2, 2), (2, 3), (1, 2), ((0, 1), (1, 0)), 2, 2, 2, "zero"), 1),
    (((1, 5), (1, 3), (1, 2), 1, ((0, 0), (1, 2)), 3, 1, 1, "zero"), 2),  # an axis of size one
    (((3, 4), (2, 3), (1, 2), (2, 1), ((1, 1), (2, 1)), 1, 2, 1, "circular"), 2),
    (((3, 2, 3), (2, 1, 2), (1, 1, 2), 1, ((0, 1), (0, 0), (1, 0)), 1, 2, 1, "zero"), 1),
    (((2, 3, 2), (1, 2, 2), 1, (1, 2, 1), ((0, 0), (1, 0), (0, 1)), 2, 2, 2, "circular"), 1),
)


def layers() -> list[LayerCase]:
    """Layers that cross stride, dilation, asymmetric and negative padding, groups, boundary, one to three axes."""
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in LAYERS)


def linearity() -> list[LinearityCase]:
    """The layers, with two inputs and two weights."""
    return by_size(LinearityCase(case.geometry, case.batch) for case in layers())


def locals_() -> list[LocalCase]:
    """The layers, with weights of their own at every position: those that have at most 72 of them."""
    made = (LocalCase(case.geometry, case.batch) for case in layers())
    return by_size(case for case in made if prod(case.shapes()["w"]) <= 72)


def denses() -> list[DenseCase]:
    """Every batch, number of features and of outputs up to 3."""
    return by_size(DenseCase(*sizes) for sizes in product(range(1, 4), repeat=3))


def pools() -> list[PoolCase]:
    """Windows on at most six cells: overlapping, apart, dilated, padded, cropped, with a remainder, wrapped around."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((1,), (1,), 1, 1, 0),
        ((4,), (2,), 2),
        ((5,), (2,), 3),
        ((4,), (3,), 1, 1, ((1, 1),)),
        ((4,), (2,), 1, 2, ((0, 1),)),
        ((5,), (2,), 1, 1, ((-1, 0),)),
        ((3,), (2,), 1, 1, ((1, 0),), 1, 1, 1, "circular"),
        ((2, 3), (2, 2), (1, 1)),
        ((3, 2), (2, 1), (1, 2), 1, ((1, 0), (0, 0))),
        ((1, 2, 3), (1, 2, 2)),
    )
    return by_size(PoolCase(Geometry(*row)) for row in fields)


def small_layers() -> list[LayerCase]:
    """Layers of at most six outputs: an undefined loss takes all of them as arguments."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((1,), (1,)), 1),
        (((2,), (2,), 1, 1, ((0, 1),), 2, 2, 2), 1),
        (((5,), (2,), 2, 1, ((0, 1),), 2, 1), 1),
        (((5,), (2,), 1, 2, 0, 1, 1), 2),
        (((2,), (3,), 1, 2, ((3, 1),), 1, 2), 1),
        (((3,), (2,), 1, 1, ((1, 0),), 1, 1, 1, "circular"), 1),
        (((2, 3), (1, 2), (1, 2), 1, ((1, 0), (0, 0))), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def arrays(modes: tuple[Mode, ...] = ("full", "same", "valid")) -> list[ArrayCase]:
    """Arrays on a line up to 4 with kernels up to 3, all of them; some on two and three axes; every mode that fits."""
    line = (((n,), (m,)) for n, m in product(range(1, 5), range(1, 4)))
    more = (((3, 4), (2, 3)), ((4, 3), (3, 2)), ((3, 5), (3, 3)), ((2, 3, 2), (1, 2, 2)))
    sizes: tuple[tuple[Shape, Shape], ...] = (*line, *more)
    made = (ArrayCase(n, m, mode) for (n, m), mode in product(sizes, modes))
    return by_size(case for case in made if min(case.output_size) > 0)


def centred() -> list[ArrayCase]:
    """Odd sizes, so that arrays lie on the plane with the origin in their middle."""
    pairs: tuple[tuple[Shape, Shape], ...] = (((3,), (1,)), ((3,), (3,)), ((3, 5), (3, 1)), ((1, 5), (3, 3)))
    return by_size(ArrayCase(n, m) for n, m in (*pairs, ((3, 3), (1, 5)), ((1, 3, 3), (3, 1, 3))))


def translations() -> list[ArrayCase]:
    """Arrays with offsets of either sign."""
    moves: tuple[tuple[Shape, Shape, Shape], ...] = (
        ((3,), (2,), (1,)),
        ((4,), (3,), (-2,)),
        ((3, 4), (2, 3), (1, 2)),
        ((4, 3), (3, 2), (-1, 2)),
        ((2, 3, 2), (1, 2, 2), (1, -1, 2)),
    )
    return by_size(ArrayCase(n, m, "full", offset) for n, m, offset in moves)


def circular_layers() -> list[LayerCase]:
    """Layers whose circular output is as long as the translation group needs: stride divides the input."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((4,), (2,), 2, 1, ((1, 0),), 1, 2, 1),
        ((6,), (3,), 3, 2, ((2, 2),), 2, 1, 1),
        ((4, 3), (2, 3), (2, 1), 1, ((0, 1), (1, 1)), 1, 2, 1),
        ((2, 6), (2, 2), (1, 3), (1, 2), ((1, 0), (0, 1)), 2, 2, 2),
    )
    return by_size(LayerCase(replace(Geometry(*row), boundary="circular")) for row in fields)


def first_layers() -> list[FirstLayerCase]:
    """Images and kernels of the sheet's first layer, p = m and p = 1 among them."""
    return by_size(FirstLayerCase(m, p, kernels) for m, p, kernels in ((2, 2, 1), (2, 1, 2), (3, 2, 2), (4, 3, 1)))


def axes() -> list[AxisCase]:
    """Every axis with input up to 4, kernel up to 3, stride up to 3, dilation up to 2, padding -1 to 2 on each side."""
    ranges = (range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-1, 3), range(-1, 3))
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(*ranges) if _fits(Axis(*sizes)))


def half_widths() -> list[ArrayCase]:
    """Inputs up to 5 x 4 and kernels of half-width up to 2 that fit, so of size up to 5."""
    made = (
        ArrayCase((m, n), (2 * p + 1, 2 * q + 1), "valid")
        for m, n, p, q in product(range(1, 6), range(1, 5), range(3), range(2))
        if m > 2 * p and n > 2 * q
    )
    return by_size(made)


def _fits(axis: Axis) -> bool:
    try:
        Geometry(axis.input_size, axis.kernel_size, axis.stride, axis.dilation, ((axis.low, axis.high),))
    except GeometryError:
        return False
    return True
