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

from dataclasses import dataclass
from math import prod
from numbers import Integral
from typing import Any, Literal

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths import dilated, pointwise, tiles
from numeric.paths.toom_cook import Filtering, along, strided

Role = Literal["input", "kernel", "output"]
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
        return self._run(pointwise.conv, {"input": x, "kernel": w}, "output", geometry)

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        if max(geometry.dilation) > 1:
            plain = dilated.undilated(geometry)
            return self.weight_gradient(dilated.outputs(g, geometry), dilated.inputs(x, geometry), plain)
        return self._run(pointwise.weight_gradient, {"output": g, "input": x}, "kernel", geometry)

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        if max(geometry.dilation) > 1:
            plain = dilated.undilated(geometry)
            return dilated.input_of(self.input_gradient(dilated.outputs(g, geometry), w, plain), geometry)
        return self._run(pointwise.input_gradient, {"output": g, "kernel": w}, "input", geometry)

    def _run(self, product: Any, factors: dict[Role, Array], result: Role, geometry: Geometry) -> Array:
        arrays = as_numbers(*factors.values())
        dtype, filtering = arrays[0].dtype, self.matrices(geometry)
        exact = dtype.kind in "iuO"
        if dtype.kind in "iu":
            _expect_small(dict(zip(factors, arrays, strict=True)), result, filtering.integers, geometry)
            arrays = tuple(array.astype(np.int64) for array in arrays)
        used = filtering.integers if exact else filtering.rounded(arrays[0].real.dtype)
        a, b = (evaluate(array, role, used, geometry) for array, role in zip(arrays, factors, strict=True))
        found = interpolate(product(a, b, geometry), result, used, geometry)
        return _quotient(found, filtering.scale**geometry.ndim).astype(dtype) if exact else found


def _expect_small(factors: dict[Role, Array], result: Role, used: Filtering, geometry: Geometry) -> None:
    """Refuse integers whose intermediate values might pass 2**63."""
    reached = prod(norm(getattr(used, role)) for role in factors) * norm(getattr(used, result).T)
    reached **= geometry.ndim
    reached *= terms(factors, used, geometry) * prod(map(_largest, factors.values()))
    reached *= tiles.overlaps(cut("input", used, geometry)) if result == "input" else 1
    if reached > INT64:
        raise ValueError(
            f"winograd{used.outputs} on integers must stay below 2**63 on the way, but could reach {reached:.3g}; "
            "the other paths need not"
        )


def evaluate(array: Array, role: Role, used: Filtering, geometry: Geometry) -> Array:
    """Take an argument to points: `(rows, channels, *points)`, a row for every tile; kernels have rows already."""
    if role == "kernel":
        return along(array, used.kernel, geometry.ndim)
    rows = along(tiles.split(array, cut(role, used, geometry)), getattr(used, role), geometry.ndim)
    return rows.reshape(prod(rows.shape[: 1 + geometry.ndim]), *rows.shape[1 + geometry.ndim :])


def interpolate(points: Array, role: Role, used: Filtering, geometry: Geometry) -> Array:
    """Adjoint of `evaluate`: take products back from points."""
    parts = along(points, getattr(used, role).T, geometry.ndim)
    return parts if role == "kernel" else tiles.joined(parts, cut(role, used, geometry))


def norm(matrix: Array) -> Any:
    """Largest sum of absolute values in a row: by how much a matrix can enlarge a vector's largest entry."""
    return abs(matrix).sum(axis=1).max()


def terms(factors: dict[Role, Array], used: Filtering, geometry: Geometry) -> int:
    """How many products are added up at a point: channels of a group, or tiles."""
    if "kernel" not in factors:
        return len(factors["output"]) * prod(cut("output", used, geometry).output_size)
    return geometry.group_in if "input" in factors else geometry.group_out


def cut(side: tiles.Side, used: Filtering, geometry: Geometry) -> Geometry:
    """Tiles of m outputs on every axis, or of what they read."""
    return tiles.cut(side, geometry, (used.outputs,) * geometry.ndim)


def _largest(array: Array) -> int:
    return max(abs(int(array.max())), abs(int(array.min()))) if array.size else 0


def _quotient(array: Array, divisor: int) -> Array:
    """Division without remainder, of integers, and of other objects by their own `/`."""
    divided: Array = np.frompyfunc(lambda entry: _exactly(entry, divisor), 1, 1)(array)
    return divided


def _exactly(entry: Any, divisor: int) -> Any:
    return entry // divisor if isinstance(entry, Integral) else entry / divisor
