"""The convolution theorem: a layer is pointwise between Fourier transforms of the padded input and the kernel.

Source: M. Mathieu, M. Henaff, Y. LeCun, Fast Training of Convolutional Networks through FFTs (2013), arXiv 1312.5851.
On a circle of at least `padded_size` cells nothing that is read wraps around, so that the three sums are

    y[o]  = (x * w placed at -dilation*u)[stride*o]
    dw[u] = (x * g placed at -stride*o)[dilation*u]
    dx    = (g placed at stride*o) * (w placed at dilation*u), the padding undone

with `*` the circular convolution. The error is small against the norms of the arguments, not against each output
(bound: `numeric.rounding`, with `path`; NumPy 1 transforms every type in float64, longdouble too); a NaN or an
infinity reaches every output of its sample. Integers are computed in float64 and rounded, exactly as long as the
error's bound is below 1/2, and refused with a `ValueError` otherwise. Object arrays are refused with a `TypeError`:
their elements have no roots of unity.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, prod
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths import pointwise
from numeric.paths.windows import pad, unpad

Circle = Sequence[int]
PASS = 13  # units of roundoff that each doubling of a transform's size costs: see `transform_error`


class Fourier:
    """The path; `numbers`, `forward` and `inverse` say in which number system, NumPy's floats here.

    The rest holds for every transform with a convolution theorem, exact ones among them.
    """

    def supports(self, geometry: Geometry) -> str:  # noqa: ARG002 - every path says so of a geometry
        """Every layer: no reason against any."""
        return ""

    def conv(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
        x, w = self.numbers(x, w)
        circle, places = sizes(geometry), _outputs(geometry)
        data, filters = _padded(x, geometry), _place(w, _taps(geometry), -1, circle)
        self.check(data, filters, geometry.group_in)
        points = pointwise.conv(self.forward(data), self.forward(filters), geometry)
        y: Array = self.inverse(points, circle, x.dtype)[_at(places)]
        return y

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        g, x = self.numbers(g, x)
        circle, places = sizes(geometry), _taps(geometry)
        cotangent, data = _place(g, _outputs(geometry), -1, circle), _padded(x, geometry)
        self.check(data, cotangent, len(x))
        points = pointwise.weight_gradient(self.forward(cotangent), self.forward(data), geometry)
        dw: Array = self.inverse(points, circle, g.dtype)[_at(places)]
        return dw

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        g, w = self.numbers(g, w)
        circle = sizes(geometry)
        cotangent, filters = _place(g, _outputs(geometry), 1, circle), _place(w, _taps(geometry), 1, circle)
        self.check(cotangent, filters, geometry.group_out)
        points = pointwise.input_gradient(self.forward(cotangent), self.forward(filters), geometry)
        padded = self.inverse(points, circle, g.dtype)
        return unpad(padded[_at(_cells(geometry))], geometry)

    def numbers(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Both in their common type. Raises `TypeError` for objects."""
        a, b = as_numbers(a, b)
        if a.dtype == object:
            raise TypeError("fft needs floating-point, complex or integer arrays, got dtype object")
        return a, b

    def check(self, a: Array, b: Array, terms: int) -> None:
        """Refuse integers, with a `ValueError`, unless the bound on their products' error is below 1/2."""
        if a.dtype.kind not in "iu":
            return
        error = _integer_error(a, b, terms)
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


def _integer_error(a: Array, b: Array, terms: int) -> float:
    """Bound on the error of integer products in float64: that of `numeric.rounding` with the largest norms."""
    unit = float(np.finfo(np.float64).eps) / 2
    spatial = tuple(range(2, a.ndim))
    euclidean = np.sqrt((np.abs(a.astype(np.float64)) ** 2).sum(axis=spatial)).max(initial=0)
    absolute = np.abs(b.astype(np.float64)).sum(axis=spatial).max(initial=0)
    # three transforms and the sums of complex products; twice that covers the terms of second order
    relative = 2 * (3 * transform_error(a.shape[2:], unit) + 2 * (terms + 5) * unit)
    return float(relative * terms * euclidean * absolute)


def sizes(geometry: Geometry) -> tuple[int, ...]:
    """Circles for each axis: the padded size, or the next one without a prime factor above 5."""
    return tuple(_smooth(axis.padded_size) for axis in geometry.axes)


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


def _padded(x: Array, geometry: Geometry) -> Array:
    return _place(pad(x, geometry), _cells(geometry), 1, sizes(geometry))


def _place(array: Array, places: Sequence[Array], sign: int, circle: Circle) -> Array:
    """Entries at the places, counted from the end of the circle if the sign is -1, and zeros between them."""
    placed = np.zeros((*array.shape[:2], *circle), array.dtype)
    placed[_at([sign * place % size for place, size in zip(places, circle, strict=True)])] = array
    return placed
