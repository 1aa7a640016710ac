"""Bounds for the layer by algorithms that do not add up its own products: Winograd's filtering and the FFT.

`name` is that of the algorithm's function, `a` and `b` are its arguments. Both bounds are larger than the one of the
layer's sums, as the errors are: where products cancel that are much larger than their result.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import log2, prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import EVERY, dilated, im2col, pointwise, tiles
from numeric.paths.compiled.fused import Fused
from numeric.paths.fft import Fourier, sizes, transform_error
from numeric.paths.toom_cook import Filtering
from numeric.paths.turned import backward, stuffed, turned
from numeric.paths.winograd import Role, Winograd, cut, evaluate, interpolate, norm, terms
from numeric.rounding.model import gamma, outward, size, smallest_subnormal, unit_roundoff

ROLES: Mapping[str, tuple[Role, Role, Role]] = {  # of both arguments, and of the result
    "conv": ("input", "kernel", "output"),
    "weight_gradient": ("output", "input", "kernel"),
    "input_gradient": ("output", "kernel", "input"),
}


def path_bound(name: str, a: Array, b: Array, geometry: Geometry, path: str, offset: Array | None = None) -> Array:
    """Bound on what a path's function is off by, shape of its result, with an offset that is added at the end."""
    dtype = np.result_type(a, b) if offset is None else np.result_type(a, b, offset)
    unit = unit_roundoff(dtype)  # refuses other types before any work
    algorithm = EVERY[path]
    used = algorithm.matrices(geometry) if isinstance(algorithm, Winograd | Fused) else None
    if isinstance(algorithm, Fused) and name == "input_gradient":
        used = algorithm.matrices(geometry, back=True)
        name, a, b, geometry = "conv", stuffed(a, geometry), turned(b, geometry), backward(geometry)
    with np.errstate(over="ignore", invalid="ignore"):  # no promise is made there
        if used is not None:
            bound = _residues_bound(name, a, b, geometry, used, dtype)
        elif isinstance(algorithm, Fourier):
            bound = fourier_bound(name, a, b, geometry, dtype, algorithm)
        else:
            raise TypeError(f"there is no bound for the path {path!r}")
        if offset is None:
            return bound
        sums = getattr(im2col, name)(size(a), size(b), geometry) + size(offset)
        return outward(bound + unit * (sums + bound), sums, 4, dtype)


def _residues_bound(name: str, a: Array, b: Array, geometry: Geometry, used: Filtering, dtype: Any) -> Array:
    """Of a dilated layer: the bound of its residues, each of which is a layer of its own."""
    if max(geometry.dilation) == 1:
        return winograd_bound(name, a, b, geometry, used, dtype)
    plain, split = dilated.undilated(geometry), {"input": dilated.inputs, "output": dilated.outputs}
    first, second, result = ROLES[name]
    a, b = (split[role](array, geometry) if role in split else array for array, role in ((a, first), (b, second)))
    bound = winograd_bound(name, a, b, plain, used, dtype)
    joined = {"input": dilated.input_of, "output": dilated.output_of}
    return joined[result](bound, geometry) if result in joined else bound


def winograd_bound(name: str, a: Array, b: Array, geometry: Geometry, used: Filtering, dtype: Any) -> Array:
    """`gamma(N)` times the algorithm run on absolute values, with N the roundings on the way from a product's factors.

    Componentwise. Source: as for any sum of products (N. J. Higham, section 3.1), stage by stage: a sum counts one
    rounding less than it has terms, a product with a matrix's entry one unless that is a power of two, and the entry
    itself one if it is none of the type's numbers; a zero entry counts nothing. A product that underflows is off by up
    to s/2, which the later stages enlarge.
    """
    first, second, result = ROLES[name]
    exact = used.absolute.rounded(np.dtype(np.float64))
    u, v = (evaluate(size(array), role, exact, geometry) for array, role in ((a, first), (b, second)))
    product, back = getattr(pointwise, name), getattr(exact, result).T
    sums = interpolate(product(u, v, geometry), result, exact, geometry)
    count = terms({first: a, second: b}, used, geometry)
    shared = tiles.overlaps(cut("input", used, geometry)) if result == "input" else 1
    n = count + shared - 1 + geometry.ndim * sum(map(_roundings, _stages(used, name)))
    unit, s = gamma(n, dtype), smallest_subnormal(dtype)
    # what underflow adds, in units of s: by a stage at its end, and by all of them in the result
    eu, ev = (np.full_like(x, _lost(getattr(exact, role), geometry)) for x, role in ((u, first), (v, second)))
    lost = product(eu, v + s * ev, geometry) + product(u, ev, geometry) + count + 1
    lost = interpolate(lost, result, exact, geometry) + shared * _lost(back, geometry)
    bound = outward(unit * sums + s * lost * max(1, (1 + unit) / 2), sums, n + 10, dtype)
    enlarged = (
        largest(x) * max(1, norm(getattr(exact, role))) ** geometry.ndim for x, role in ((a, first), (b, second))
    )
    reached = max(*enlarged, largest(product(u, v, geometry)) * max(1, norm(back)) ** geometry.ndim * shared)
    return bound if reached * (1 + unit) < float(np.finfo(dtype).max) else np.full_like(bound, np.inf)


def _stages(used: Filtering, name: str) -> list[Array]:
    """Matrices that are applied on each axis."""
    first, second, result = ROLES[name]
    return [getattr(used, first), getattr(used, second), getattr(used, result).T]


def _roundings(matrix: Array) -> int:
    """Roundings on the way to an entry of `matrix @ vector`, at most: of sums, a product, and the matrix itself."""
    return max(int((row != 0).sum()) - 1 + max(map(_inexact, row)) for row in matrix)


def _inexact(entry: Fraction) -> int:
    """Roundings of the product with an entry: none for powers of two, one for other integers, two for fractions."""
    top, bottom = abs(entry.numerator), entry.denominator
    return int(top & (top - 1) != 0 or bottom & (bottom - 1) != 0) + int(bottom & (bottom - 1) != 0)


def _lost(matrix: Array, geometry: Geometry) -> float:
    """What underflow adds when a matrix is applied on every axis: each of its products is off by at most 1."""
    lost = 0.0
    for _ in range(geometry.ndim):
        lost = norm(matrix) * lost + matrix.shape[1]
    return lost


def largest(array: Array) -> float:
    """Largest absolute value."""
    return float(size(array).max(initial=0))


def fourier_bound(name: str, a: Array, b: Array, geometry: Geometry, dtype: Any, path: Fourier) -> Array:
    """Normwise: the same bound for every entry of a tile and channel.

    With P points, p the error of a transform relative to its norm (`transform_error`, with its assumptions), a and b
    the 2-norms of the factors: the points of a product are off by `(2p + p**2) * a * b * P` in all, and by the sums'
    roundings; no entry of an inverse is off by more than 1/P of that. The inverse's own error is p times the norm of
    the circular convolution, which is at most a 2-norm times a 1-norm (Young). float16 is transformed in float32.
    """
    wide, tiling = np.result_type(dtype, np.float32), path.outputs(geometry)
    tile = tiles.layer(geometry, tiling)
    first, second, result = ROLES[name]
    a, b = (_rows(size(x), role, geometry, tiling) for x, role in ((a, first), (b, second)))
    circle, count = sizes(tile), _count(name, a, geometry)
    points = prod(circle)
    p, g = transform_error(circle, unit_roundoff(wide)), gamma(3 * count, wide)  # 3: of complex products
    s, unit = smallest_subnormal(wide), unit_roundoff(dtype)
    # below this norm underflow is what counts: each of the log2(P) passes adds at most 24 s to an entry
    least = 2 * points**0.5 * s / unit_roundoff(wide)
    a1, a2, b1, b2 = (n for x in (a, b) for n in _norms(x, least))
    pair = _pairing(name, geometry)
    products, young = pair(a2, b2), np.minimum(pair(a1, b2), pair(a2, b1))
    spectrum = ((2 * p + p * p) * (1 + g) + g) * products
    error = spectrum * (1 + p * points**0.5) + p * young + s * ((24 * log2(points) + 4) * points + 3 * count)
    error = error + unit * (products + error) + smallest_subnormal(dtype)  # rounded to its type
    error = np.where(points * pair(a1, b1) < float(np.finfo(wide).max), error, np.inf)
    if result == "kernel":
        return np.broadcast_to(outward(error, products, 20 + count, dtype), geometry.weight_shape)
    whole = tiles.cut(result, geometry, tiling)  # the tiles that hold a cell are added up
    error, products = (_joined(rows, whole) for rows in (error, products))
    shared = tiles.overlaps(whole)
    error = error + gamma(shared - 1, dtype) * (products + error)
    return outward(error, products, 20 + count + shared, dtype)


def _rows(array: Array, role: Role, geometry: Geometry, tiling: tuple[int, ...]) -> Array:
    """Tiles as rows; a kernel has them already."""
    if role == "kernel":
        return array
    found = tiles.split(array, tiles.cut(role, geometry, tiling))
    return found.reshape(prod(found.shape[: 1 + geometry.ndim]), *found.shape[1 + geometry.ndim :])


def _joined(rows: Array, tiling: Geometry) -> Array:
    """What one number for each row and channel adds up to."""
    return tiles.joined(np.broadcast_to(rows, (*rows.shape[:2], *tiling.kernel_size)), tiling)


def _count(name: str, a: Array, geometry: Geometry) -> int:
    """How many products are added up at a point."""
    return {"conv": geometry.group_in, "weight_gradient": len(a), "input_gradient": geometry.group_out}[name]


def _norms(values: Array, least: float) -> tuple[Array, Array]:
    """1-norm and 2-norm over the spatial axes, not below the least, of what is nowhere negative."""
    spatial = tuple(range(2, values.ndim))
    top = values.max(axis=spatial, keepdims=True)
    top = np.where(top > 0, top, 1)  # scaled, so that no square underflows
    euclidean = top * np.sqrt(((values / top) ** 2).sum(axis=spatial, keepdims=True))
    return np.maximum(values.sum(axis=spatial, keepdims=True), least), np.maximum(euclidean, least)


def _pairing(name: str, geometry: Geometry) -> Any:
    """The layer on one cell: norms of pairs of factors, multiplied and added up as their points are."""
    ones, names = (1,) * geometry.ndim, ("in_channels", "out_channels", "groups")
    cell = Geometry(ones, ones, **{field: getattr(geometry, field) for field in names})
    return lambda a, b: getattr(im2col, name)(a, b, cell)
