"""The convolution theorem: a layer is pointwise between Fourier transforms of the padded input and the kernel.

Source: M. Mathieu, M. Henaff, Y. LeCun, Fast Training of Convolutional Networks through FFTs (2013), arXiv 1312.5851.
On a circle of at least `padded_size` cells nothing that is read wraps around, so that the three sums are

    y[o]  = (x * w placed at -dilation*u)[stride*o]
    dw[u] = (x * g placed at -stride*o)[dilation*u]
    dx    = (g placed at stride*o) * (w placed at dilation*u), the padding undone

with `*` the circular convolution. A layer of more cells than `CELLS` is cut into tiles, each on a circle of its own
that stays in a core's cache with its transform: few of them where the kernel is large, since two tiles both read the
kernel's size, less one, on every axis (overlap-save forward, overlap-add backward; T. Stockham, High-speed convolution
and correlation, 1966).

The error is small against the norms of a tile and the kernel, not against each output (bound: `numeric.rounding`, with
`path`; NumPy 1 transforms every type in float64, longdouble too); a NaN or an infinity reaches every output of the
tiles that read it. Integers are computed in float64 and rounded, exactly as long as the error's bound is below 1/2, and
refused with a `ValueError` otherwise. Object arrays are refused with a `TypeError`:
their elements have no roots of unity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Axis, Geometry
from numeric.paths import tiles
from numeric.paths.tiles import ROLES, Role, Tiling

Circle = Sequence[int]
Places = list[NDArray[np.intp]]  # of each axis
CELLS = 3 << 13  # of a circle: 96 KB in float32
FIXED = 8  # passes over a circle that it takes besides those of its transforms
CALL = 25  # cells of an axis that are transformed in the time of a transform's beginning
BLOCK = 1 << 20  # bytes of circles at once
PASS = 13  # units of roundoff that each doubling of a transform's size costs: see `transform_error`


@dataclass(frozen=True)
class Fourier:
    """The path; `numbers`, `forward` and `inverse` say in which number system, NumPy's floats here.

    The rest holds for every transform with a convolution theorem, exact ones among them. A circle has up to `cells`, or
    on each axis what it takes for so many `kernels` beside each other; what is larger is cut.
    """

    cells: int = CELLS
    kernels: int = 4

    def supports(self, geometry: Geometry) -> str:  # noqa: ARG002 - every path says so of a geometry
        """Every layer: no reason against any."""
        return ""

    def conv(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
        return self._run("conv", x, w, geometry)

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        return self._run("weight_gradient", g, x, geometry)

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        return self._run("input_gradient", g, w, geometry)

    def _run(self, name: str, a: Array, b: Array, geometry: Geometry) -> Array:
        a, b = self.numbers(a, b)
        tiling = self.tiling(geometry, a.itemsize)
        tile = tiling.layer
        circle = sizes(tile)
        if a.dtype.kind in "iu":
            first, second = (
                array if role == "kernel" else tiling.split(array, role)
                for array, role in zip((a, b), ROLES[name], strict=False)
            )
            expect_exact(first, second, circle, tiling.terms(name, len(a)))
        taps, outputs, cells = _taps(tile), _outputs(tile), _cells(tile)
        places: dict[str, dict[Role, tuple[Places, int]]] = {
            "conv": {"input": (cells, 1), "kernel": (taps, -1), "output": (outputs, 1)},
            "weight_gradient": {"input": (cells, 1), "output": (outputs, -1), "kernel": (taps, 1)},
            "input_gradient": {"output": (outputs, 1), "kernel": (taps, 1), "input": (cells, 1)},
        }
        found: Array = getattr(tiles, name)(a, b, tiling, _Circles(self, circle, a.dtype, places[name]))
        return found

    def tiling(self, geometry: Geometry, itemsize: int) -> Tiling:
        """Tiles, as many at once as `BLOCK` bytes of circles hold."""
        tiling = Tiling(geometry, self.outputs(geometry))
        row = max(geometry.in_channels, geometry.out_channels) * prod(sizes(tiling.layer)) * itemsize
        return replace(tiling, block=max(BLOCK // row, 1))

    def outputs(self, geometry: Geometry) -> tuple[int, ...]:
        """Those of a tile on each axis."""
        share = int(self.cells ** (1 / geometry.ndim) + 1e-9)
        largest = (max(share, self.kernels * (axis.span - 1) + 1) for axis in geometry.axes)
        return tuple(map(_outputs_of_tile, geometry.axes, largest))

    def numbers(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Both in their common type. Raises `TypeError` for objects."""
        a, b = as_numbers(a, b)
        if a.dtype == object:
            raise TypeError("fft needs floating-point, complex or integer arrays, got dtype object")
        return a, b

    def forward(self, array: Array) -> Array:
        """Transform of all axes but the first two; of real numbers only the half that determines the other one."""
        transform = np.fft.fftn if array.dtype.kind == "c" else np.fft.rfftn
        return transform(array, array.shape[2:], range(2, array.ndim))

    def inverse(self, points: Array, circle: Circle, dtype: np.dtype[np.generic]) -> Array:
        """Inverse of `forward`, in the type of its argument."""
        transform = np.fft.ifftn if dtype.kind == "c" else np.fft.irfftn
        found = transform(points, circle, range(2, points.ndim))
        return (np.rint(found) if dtype.kind in "iu" else found).astype(dtype, copy=False)


@dataclass(frozen=True)
class _Circles:
    """Tiles and kernels at the points of a circle's transform, each at its places, from the end of it if that is -1."""

    path: Fourier
    circle: Circle
    dtype: np.dtype[Any]
    places: Mapping[Role, tuple[Places, int]]

    def forward(self, role: Role, array: Array) -> Array:
        """To points: `(*points, channels, tiles)`, or `(*points, out, in)`."""
        ndim = len(self.circle)
        if role != "kernel":  # (batch, channels, *tiles, *cells) -> (tiles, channels, *cells)
            array = np.moveaxis(array, 1, ndim + 1)
            array = array.reshape(prod(array.shape[: ndim + 1]), *array.shape[ndim + 1 :])
        points = self.path.forward(_place(array, *self.places[role], self.circle))
        return points.transpose(*range(2, 2 + ndim), *((0, 1) if role == "kernel" else (1, 0)))

    def inverse(self, role: Role, points: Array, tiles: Sequence[int]) -> Array:
        """From points."""
        ndim = len(self.circle)
        order = (ndim, ndim + 1) if role == "kernel" else (ndim + 1, ndim)
        found = self.path.inverse(points.transpose(*order, *range(ndim)), self.circle, self.dtype)
        found = found[_at(self.places[role][0])]
        return found if role == "kernel" else np.moveaxis(found.reshape(*tiles, *found.shape[1:]), ndim + 1, 1)


def transform_error(circle: Circle, unit: float) -> float:
    """Bound on the 2-norm of a computed transform's error, relative to the transform's own; unit is the roundoff.

    Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 24.2, for passes of radix 2
    to 5. A pass of radix p makes each of its entries of p products with roots of unity and a twiddle factor: at most
    p + 7 roundings, of which the complex products take 2 (2**0.5 * 2 + 1). Its matrix has norm p**0.5, the matrix of
    its absolute values p, so it loses `p**0.5 * (p + 7)` units, at most 13 for every doubling of the size. Assumed of
    NumPy's pocketfft: roots of unity within one unit of roundoff, no radix above 5 for sizes without such a factor,
    and transforms of real numbers that lose no more than complex ones. The factor 1 / size of an inverse costs 3 more.
    """
    lost = (PASS * log2(prod(circle)) + 3) * unit
    return lost / (1 - lost) if lost < 1 else float("inf")


def expect_exact(a: Array, b: Array, circle: Circle, terms: int) -> None:
    """Refuse integers, with a `ValueError`, unless the bound on the error of their products is below 1/2.

    That is the one of `numeric.rounding` in float64, with the largest norms of tiles and kernels.
    """
    unit = float(np.finfo(np.float64).eps) / 2
    spatial = tuple(range(-len(circle), 0))
    euclidean = np.sqrt((np.abs(a.astype(np.float64)) ** 2).sum(axis=spatial)).max(initial=0)
    absolute = np.abs(b.astype(np.float64)).sum(axis=spatial).max(initial=0)
    # three transforms and the sums of complex products; twice that covers the terms of second order
    relative = 2 * (3 * transform_error(circle, unit) + 2 * (terms + 5) * unit)
    error = float(relative * terms * euclidean * absolute)
    if not error < 1 / 2:
        raise ValueError(
            f"fft computes integers exactly where the bound on its error is below 1/2, got {error:.3g}; "
            "the other paths are exact"
        )


@lru_cache(maxsize=4096)
def _outputs_of_tile(axis: Axis, largest: int) -> int:
    """All, or those of the circle that costs least for all tiles: a pass for each doubling of its size, and `FIXED`."""
    count = max(int(axis.output_size), 1)
    if axis.stride * (count - 1) + axis.span <= largest:
        return count
    circles = [size for size in range(axis.span, largest + 1) if size == _smooth(size)]
    fit = [(size - axis.span) // axis.stride + 1 for size in circles]
    costs = [-(-count // m) * (size + CALL) * (log2(size) + FIXED) for m, size in zip(fit, circles, strict=True)]
    m = int(fit[costs.index(min(costs))])
    return -(-count // -(-count // m))  # as many tiles, of equal size


def sizes(tile: Geometry) -> tuple[int, ...]:
    """Circles for each axis: the padded size, or the next one without a prime factor above 5."""
    return tuple(_smooth(axis.padded_size) for axis in tile.axes)


def _smooth(size: int) -> int:
    rest = size
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return size if rest == 1 else _smooth(size + 1)


def _taps(geometry: Geometry) -> Places:
    return [d * np.arange(k) for d, k in zip(geometry.dilation, geometry.kernel_size, strict=True)]


def _outputs(geometry: Geometry) -> Places:
    return [s * np.arange(n) for s, n in zip(geometry.stride, geometry.output_size, strict=True)]


def _cells(geometry: Geometry) -> Places:
    return [np.arange(axis.padded_size) for axis in geometry.axes]


def _place(array: Array, places: Places, sign: int, circle: Circle) -> Array:
    """Entries at the places, counted from the end of the circle if the sign is -1, and zeros between them."""
    placed = np.zeros((*array.shape[:2], *circle), array.dtype)
    placed[_at([sign * place % size for place, size in zip(places, circle, strict=True)])] = array
    return placed


def _at(places: Places) -> tuple[Any, ...]:
    """Index of the places on the spatial axes."""
    return (..., *np.ix_(*places))
