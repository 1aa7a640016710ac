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

The error is small against the norms of the arguments, not against each output
(bound: `numeric.rounding`, with `path`; NumPy 1 transforms every type in float64, longdouble too); a NaN or an
infinity reaches every output of its sample. Integers are computed in float64 and rounded, exactly as long as the
error's bound is below 1/2, and refused with a `ValueError` otherwise. Object arrays are refused with a `TypeError`:
their elements have no roots of unity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import log2, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Axis, Geometry
from numeric.paths import pointwise, tiles
from numeric.paths.memory import empty
from numeric.threads import each

Circle = Sequence[int]
Block = tuple[NDArray[np.intp], ...]  # indices of some tiles: of their samples, and on each axis
CELLS = 3 << 13  # of a circle: 96 KB in float32
FIXED = 8  # passes over a circle that it takes besides those of its transforms
CALL = 25  # cells of an axis that are transformed in the time of a transform's beginning
BLOCK = 1 << 20  # bytes of circles at once
SHARES = 8  # sums of tiles, as many for any number of threads: no result depends on that
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
        x, w = self.numbers(x, w)
        size = self.outputs(geometry)
        tile, data = tiles.layer(geometry, size), tiles.split(x, tiles.cut("input", geometry, size))
        circle = sizes(tile)
        filters = _place(w, _taps(tile), -1, circle)
        self.check(data, filters, circle, geometry.group_in)
        spectrum = self.forward(filters)
        y = empty(geometry.output_shape(len(x)), x.dtype)

        def run(block: Block) -> None:
            points = pointwise.conv(self.forward(_place(data[block], _cells(tile), 1, circle)), spectrum, tile)
            found = self.inverse(points, circle, x.dtype)[_at(_outputs(tile))]
            for part, (n, *number) in zip(found, np.transpose(block), strict=True):
                there = y[(n, slice(None), *tiles.place(number, size))]
                there[...] = part[tuple(map(slice, there.shape))]

        each(run, _blocks(data, tile), _moved(data, tile))
        return y

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        g, x = self.numbers(g, x)
        size = self.outputs(geometry)
        tile, circle = tiles.layer(geometry, size), sizes(tiles.layer(geometry, size))
        data = tiles.split(x, tiles.cut("input", geometry, size))
        cotangents = tiles.split(g, tiles.cut("output", geometry, size))
        self.check(data, cotangents, circle, prod(data.shape[: 1 + geometry.ndim]))

        def product(block: Block) -> Array:
            cotangent = _place(cotangents[block], _outputs(tile), -1, circle)
            points = self.forward(cotangent), self.forward(_place(data[block], _cells(tile), 1, circle))
            return pointwise.weight_gradient(*points, tile)

        blocks = _blocks(data, tile)
        shares = [blocks[first::SHARES] for first in range(min(SHARES, len(blocks)))]
        found = each(lambda share: reduce(np.add, map(product, share)), shares, _moved(data, tile))
        dw: Array = self.inverse(reduce(np.add, found), circle, g.dtype)[_at(_taps(tile))]
        return dw

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        g, w = self.numbers(g, w)
        size = self.outputs(geometry)
        tile, whole = tiles.layer(geometry, size), tiles.cut("input", geometry, size)
        circle, data = sizes(tile), tiles.split(g, tiles.cut("output", geometry, size))
        filters = _place(w, _taps(tile), 1, circle)
        self.check(data, filters, circle, geometry.group_out)
        spectrum = self.forward(filters)
        x = np.zeros((*data.shape[: 1 + geometry.ndim], geometry.in_channels, *tile.input_size), g.dtype)

        def run(block: Block) -> None:
            cotangent = _place(data[block], _outputs(tile), 1, circle)
            points = pointwise.input_gradient(self.forward(cotangent), spectrum, tile)
            x[block] = self.inverse(points, circle, g.dtype)[_at(_cells(tile))]

        each(run, _blocks(data, tile), _moved(data, tile))
        return tiles.joined(x, whole)

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

    def check(self, a: Array, b: Array, circle: Circle, terms: int) -> None:
        """Refuse integers, with a `ValueError`, unless the bound on their products' error is below 1/2."""
        if a.dtype.kind not in "iu":
            return
        error = _integer_error(a, b, circle, terms)
        if not error < 1 / 2:
            raise ValueError(
                f"fft computes integers exactly where the bound on its error is below 1/2, got {error:.3g}; "
                "the other paths are exact"
            )

    def forward(self, array: Array) -> Array:
        """Transform of all axes but the first two; of real numbers only the half that determines the other one."""
        transform = np.fft.fftn if array.dtype.kind == "c" else np.fft.rfftn
        return transform(array, array.shape[2:], range(2, array.ndim))

    def inverse(self, points: Array, circle: Circle, dtype: np.dtype[np.generic]) -> Array:
        """Inverse of `forward`, in the type of its argument."""
        transform = np.fft.ifftn if dtype.kind == "c" else np.fft.irfftn
        found = transform(points, circle, range(2, points.ndim))
        return (np.rint(found) if dtype.kind in "iu" else found).astype(dtype, copy=False)


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


def _integer_error(a: Array, b: Array, circle: Circle, terms: int) -> float:
    """Bound on the error of integer products in float64: that of `numeric.rounding` with the largest norms."""
    unit = float(np.finfo(np.float64).eps) / 2
    spatial = tuple(range(-len(circle), 0))
    euclidean = np.sqrt((np.abs(a.astype(np.float64)) ** 2).sum(axis=spatial)).max(initial=0)
    absolute = np.abs(b.astype(np.float64)).sum(axis=spatial).max(initial=0)
    # three transforms and the sums of complex products; twice that covers the terms of second order
    relative = 2 * (3 * transform_error(circle, unit) + 2 * (terms + 5) * unit)
    return float(relative * terms * euclidean * absolute)


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


def _taps(geometry: Geometry) -> list[Array]:
    return [d * np.arange(k) for d, k in zip(geometry.dilation, geometry.kernel_size, strict=True)]


def _outputs(geometry: Geometry) -> list[Array]:
    return [s * np.arange(n) for s, n in zip(geometry.stride, geometry.output_size, strict=True)]


def _cells(geometry: Geometry) -> list[Array]:
    return [np.arange(axis.padded_size) for axis in geometry.axes]


def _at(places: Sequence[Array]) -> tuple[Any, ...]:
    """Index of the places on the spatial axes."""
    return (..., *np.ix_(*places))


def _blocks(data: Array, tile: Geometry) -> list[Block]:
    """Tiles that go at once: as many as `BLOCK` bytes of circles hold, or one; a batch of none is a block, too."""
    shape = data.shape[: 1 + tile.ndim]
    channels, count = max(tile.in_channels, tile.out_channels), prod(shape)
    step = max(BLOCK // (channels * prod(sizes(tile)) * data.itemsize), 1)
    starts = range(0, max(count, 1), step)
    return [np.unravel_index(np.arange(start, min(start + step, count)), shape) for start in starts]


def _moved(data: Array, tile: Geometry) -> int:
    """Bytes of all circles that threads may share: of floats."""
    return prod(data.shape[: 2 + tile.ndim]) * prod(sizes(tile)) * data.itemsize if data.dtype.kind in "fc" else 0


def _place(array: Array, places: Sequence[Array], sign: int, circle: Circle) -> Array:
    """Entries at the places, counted from the end of the circle if the sign is -1, and zeros between them."""
    placed = np.zeros((*array.shape[:2], *circle), array.dtype)
    placed[_at([sign * place % size for place, size in zip(places, circle, strict=True)])] = array
    return placed
