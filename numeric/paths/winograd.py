"""Winograd's minimal filtering on tiles: `(m + r - 1)**d` products for `m**d` outputs of a kernel of size r on d axes.

With stride 2 and r = 3 it is `(2 m + 1)**d` products where the definition takes `(3 m)**d`.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks (2016), arXiv 1509.09308. On every axis
the input is cut into tiles of m + r - 1 cells (times the stride, nearly), m strides apart, one for every m outputs;
`numeric.paths.toom_cook` has the matrices, which take tiles and kernels to points. The layer is pointwise there, and
what it gives is taken back. That is a decomposition of the layer's trilinear form, so the gradients are the same three
matrices in other roles.

Floats and complex numbers use the matrices rounded to their type (bound: `numeric.rounding`, with `path`). Integers
and objects use integer matrices and divide once at the end, exactly. Integers that might leave int64 on the way are
refused with a `ValueError`. A NaN or an infinity spreads over the tiles that read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from numbers import Integral
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths import dilated, tiles
from numeric.paths.tiles import ROLES, Role, Tiling
from numeric.paths.toom_cook import Filtering, along, strided
from numeric.paths.turned import backward, turned

BLOCK = 1 << 22  # bytes of points at once
INT64 = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Winograd:
    """The path made of one F(m, r) for each stride, for kernels of size r and the same stride on every axis.

    A dilated layer of stride 1 is one without dilation on the input's residues (`numeric.paths.dilated`).
    """

    filterings: tuple[Filtering, ...]

    @classmethod
    def of_three_taps(cls, outputs: int) -> Winograd:
        """F(outputs, 3) at Lavin and Gray's points: 0, then 1, -1, 2, -2, ... as many as it takes, and infinity."""
        signs = (sign * size for size in range(1, outputs + 1) for sign in (1, -1))
        points = [0, *signs][: outputs + 1]
        return cls(tuple(strided(outputs, 3, stride, points) for stride in (1, 2)))

    def matrices(self, geometry: Geometry) -> Filtering:
        """Those that a layer goes through, which this path supports."""
        return next(used for used in self.filterings if used.stride == geometry.stride[0])

    def supports(self, geometry: Geometry) -> str:
        """Why this path does not take a layer; nothing if it does."""
        (steps, taps), strides = (set(geometry.stride), self.filterings[0].taps), [f.stride for f in self.filterings]
        plain = max(geometry.dilation) == 1 or (geometry.boundary == "zero" and steps == {1})
        if len(steps) == 1 and steps <= set(strides) and plain and set(geometry.kernel_size) == {taps}:
            return ""
        return (
            f"winograd{self.filterings[0].outputs} needs kernels of size {taps} and stride "
            f"{' or '.join(map(str, strides))} on every axis, and for a dilated layer stride 1 and zeros around it, "
            f"got stride {geometry.stride}, size {geometry.kernel_size}, dilation {geometry.dilation}, boundary "
            f"{geometry.boundary!r}"
        )

    def conv(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
        if max(geometry.dilation) > 1:
            plain = dilated.undilated(geometry)
            return dilated.output_of(self.conv(dilated.inputs(x, geometry), w, plain), geometry)
        return self._run("conv", x, w, geometry)

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        if max(geometry.dilation) > 1:
            plain = dilated.undilated(geometry)
            return self.weight_gradient(dilated.outputs(g, geometry), dilated.inputs(x, geometry), plain)
        return self._run("weight_gradient", g, x, geometry)

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        if gathers(geometry):
            return self.conv(g, turned(w, geometry), backward(geometry))
        if max(geometry.dilation) > 1:
            plain = dilated.undilated(geometry)
            return dilated.input_of(self.input_gradient(dilated.outputs(g, geometry), w, plain), geometry)
        return self._run("input_gradient", g, w, geometry)

    def _run(self, name: str, a: Array, b: Array, geometry: Geometry) -> Array:
        a, b = as_numbers(a, b)
        one, dtype, function = self.matrices(geometry), a.dtype, getattr(tiles, name)
        tiling = cut(geometry, one, dtype.itemsize)
        if dtype.kind not in "iuO":
            found: Array = function(a, b, tiling, Matrices(one.rounded(a.real.dtype)))
            return found
        if dtype.kind in "iu":
            _expect_small(name, a, b, one.integers, tiling)
            a, b = a.astype(np.int64), b.astype(np.int64)
        found = function(a, b, tiling, Matrices(one.integers))
        return _quotient(found, one.scale**geometry.ndim).astype(dtype)


@dataclass(frozen=True, eq=False)
class Matrices:
    """Tiles and kernels at points and back, by matrix products along the cells of every axis."""

    used: Filtering

    def forward(self, role: Role, array: Array) -> Array:
        """To points: `(*points, channels, tiles)`, or `(*points, out, in)`."""
        matrix = getattr(self.used, role)
        if role == "kernel":
            ndim = array.ndim - 2
            return along(array.transpose(*range(2, 2 + ndim), 0, 1), matrix, ndim)
        ndim = array.ndim // 2 - 1  # (batch, channels, *tiles, *cells)
        cells = array.transpose(*range(2 + ndim, 2 + 2 * ndim), 1, 0, *range(2, 2 + ndim))
        points = along(cells, matrix, ndim)
        return points.reshape(*points.shape[: ndim + 1], prod(points.shape[ndim + 1 :]))

    def inverse(self, role: Role, points: Array, tiles: Sequence[int]) -> Array:
        """From points, by the transposes."""
        ndim = points.ndim - 2
        cells = along(points, getattr(self.used, role).T, ndim)
        if role == "kernel":
            return cells.transpose(ndim, ndim + 1, *range(ndim))
        cells = cells.reshape(*cells.shape[: ndim + 1], *tiles)
        return cells.transpose(ndim + 1, ndim, *range(ndim + 2, cells.ndim), *range(ndim))


def _expect_small(name: str, a: Array, b: Array, used: Filtering, tiling: Tiling) -> None:
    """Refuse integers whose intermediate values might pass 2**63."""
    first, second, result = ROLES[name]
    reached = norm(getattr(used, first)) * norm(getattr(used, second)) * norm(getattr(used, result).T)
    reached **= tiling.geometry.ndim
    reached *= tiling.terms(name, len(a)) * _largest(a) * _largest(b)
    reached *= tiling.overlaps if result == "input" else 1
    if reached > INT64:
        raise ValueError(
            f"winograd{tiling.size[0]} on integers must stay below 2**63 on the way, but could reach {reached:.3g}; "
            "the other paths need not"
        )


def gathers(geometry: Geometry) -> bool:
    """Whether the input gradient is found as the layer of rotated weights: to read tiles is faster than to add them."""
    return geometry.boundary == "zero" and set(geometry.stride) == {1}


def norm(matrix: Array) -> Any:
    """Largest sum of absolute values in a row: by how much a matrix can enlarge a vector's largest entry."""
    return abs(matrix).sum(axis=1).max()


@lru_cache(maxsize=1024)
def cut(geometry: Geometry, used: Filtering, itemsize: int = 4) -> Tiling:
    """Tiles of m outputs on every axis, as many at once as `BLOCK` bytes hold of points."""
    tiling = Tiling(geometry, (used.outputs,) * geometry.ndim)
    tile = used.points**geometry.ndim * (geometry.in_channels + geometry.out_channels) * itemsize
    return replace(tiling, block=max(BLOCK // tile, 1))


def _largest(array: Array) -> int:
    return max(abs(int(array.max())), abs(int(array.min()))) if array.size else 0


def _quotient(array: Array, divisor: int) -> Array:
    """Division without remainder, of integers, and of other objects by their own `/`."""
    divided: Array = np.frompyfunc(lambda entry: _exactly(entry, divisor), 1, 1)(array)
    return divided


def _exactly(entry: Any, divisor: int) -> Any:
    return entry // divisor if isinstance(entry, Integral) else entry / divisor
