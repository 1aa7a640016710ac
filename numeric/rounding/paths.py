"""Bounds for the layer by algorithms that do not add up its own products: Winograd's filtering and the FFT.

`name` is that of the algorithm's function, `a` and `b` are its arguments. Both bounds are larger than the one of the
layer's sums, as the errors are: where products cancel that are much larger than their result.
"""

from __future__ import annotations

from fractions import Fraction
from math import log2, prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import EVERY, dilated, im2col, pointwise
from numeric.paths.compiled.fused import Fused
from numeric.paths.fft import Fourier, sizes, transform_error
from numeric.paths.tiles import ROLES, Role, Side, Tiling
from numeric.paths.toom_cook import Filtering
from numeric.paths.turned import backward, stuffed, turned
from numeric.paths.winograd import Matrices, Winograd, cut, gathers, norm
from numeric.rounding.model import gamma, outward, size, smallest_subnormal, unit_roundoff


def path_bound(name: str, a: Array, b: Array, geometry: Geometry, path: str, offset: Array | None = None) -> Array:
    """Bound on what a path's function is off by, shape of its result, with an offset that is added at the end."""
    dtype = np.result_type(a, b) if offset is None else np.result_type(a, b, offset)
    unit = unit_roundoff(dtype)  # refuses other types before any work
    algorithm = EVERY[path]
    used = algorithm.matrices(geometry) if isinstance(algorithm, Winograd | Fused) else None
    fused = isinstance(algorithm, Fused)
    if name == "input_gradient" and (fused or (isinstance(algorithm, Winograd) and gathers(geometry))):
        used = algorithm.matrices(geometry, back=True) if isinstance(algorithm, Fused) else used
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
    tiling, roles = cut(geometry, used), ROLES[name]
    exact, result = used.absolute.rounded(np.dtype(np.float64)), roles[2]
    points = Matrices(exact)

    def back(array: Array) -> Array:
        tiles = (len(a), *tiling.count)
        found = points.inverse(result, array, tiles)
        return found if result == "kernel" else tiling.joined(found, result)

    u, v = (
        points.forward(role, size(array) if role == "kernel" else tiling.split(size(array), role))
        for array, role in zip((a, b), roles, strict=False)
    )
    product, last = getattr(pointwise, name), getattr(exact, result).T
    sums = back(product(u, v, geometry))
    count = tiling.terms(name, len(a))
    shared = tiling.overlaps if result == "input" else 1
    n = count + shared - 1 + geometry.ndim * sum(map(_roundings, _matrices(used, name)))
    unit, s = gamma(n, dtype), smallest_subnormal(dtype)
    # what underflow adds, in units of s: by a stage at its end, and by all of them in the result
    first, second, third = (_lost(matrix, geometry) for matrix in _matrices(exact, name))
    eu, ev = np.full_like(u, first), np.full_like(v, second)
    lost = product(eu, v + s * ev, geometry) + product(u, ev, geometry) + count + 1
    lost = back(lost) + shared * third
    bound = outward(unit * sums + s * lost * max(1, (1 + unit) / 2), sums, n + 10, dtype)
    enlarged = (
        largest(x) * max(1, norm(getattr(exact, role))) ** geometry.ndim for x, role in zip((a, b), roles, strict=False)
    )
    reached = max(*enlarged, largest(product(u, v, geometry)) * max(1, norm(last)) ** geometry.ndim * shared)
    return bound if reached * (1 + unit) < float(np.finfo(dtype).max) else np.full_like(bound, np.inf)


def _matrices(used: Filtering, name: str) -> list[Array]:
    """In the roles of both arguments, and of the result."""
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
    wide, tiling = np.result_type(dtype, np.float32), path.tiling(geometry, dtype.itemsize)
    first, second, result = ROLES[name]
    circle, count, whole = sizes(tiling.layer), tiling.terms(name, len(a)), (len(a), *tiling.count)
    points = prod(circle)
    p, g = transform_error(circle, unit_roundoff(wide)), gamma(3 * count, wide)  # 3: of complex products
    s, unit = smallest_subnormal(wide), unit_roundoff(dtype)
    # below this norm underflow is what counts: each of the log2(P) passes adds at most 24 s to an entry
    least = 2 * points**0.5 * s / unit_roundoff(wide)
    cells = (x if role == "kernel" else tiling.split(x, role) for x, role in ((a, first), (b, second)))
    a1, a2, b1, b2 = (norm for x, role in zip(cells, (first, second), strict=True) for norm in _norms(x, role, least))

    def pair(u: Array, v: Array) -> Array:
        found: Array = getattr(pointwise, name)(u, v, geometry)
        return found

    products, young = pair(a2, b2), np.minimum(pair(a1, b2), pair(a2, b1))
    spectrum = ((2 * p + p * p) * (1 + g) + g) * products
    error = spectrum * (1 + p * points**0.5) + p * young + s * ((24 * log2(points) + 4) * points + 3 * count)
    error = error + unit * (products + error) + smallest_subnormal(dtype)  # rounded to its type
    error = np.where(points * pair(a1, b1) < float(np.finfo(wide).max), error, np.inf)
    if result == "kernel":
        error, products = (array.reshape(*array.shape, *(1,) * geometry.ndim) for array in (error, products))
        return np.broadcast_to(outward(error, products, 20 + count, dtype), geometry.weight_shape)
    # the tiles that hold a cell are added up
    error, products = (_joined(array, whole, tiling, result) for array in (error, products))
    shared = tiling.overlaps if result == "input" else 1
    error = error + gamma(shared - 1, dtype) * (products + error)
    return outward(error, products, 20 + count + shared, dtype)


def _joined(numbers: Array, whole: tuple[int, ...], tiling: Tiling, side: Side) -> Array:
    """What one number for each channel and tile adds up to, in each cell of the tile."""
    each = np.moveaxis(numbers.reshape(len(numbers), *whole), 0, 1)
    size = tiling.cut(side).kernel_size
    return tiling.joined(np.broadcast_to(each.reshape(*each.shape, *(1,) * len(size)), (*each.shape, *size)), side)


def _norms(array: Array, role: Role, least: float) -> tuple[Array, Array]:
    """1-norm and 2-norm of tiles, `(channels, tiles)`, or kernels, `(out, in)`, not below the least."""
    values = size(array)
    ndim = values.ndim - 2 if role == "kernel" else values.ndim // 2 - 1
    cells = tuple(range(values.ndim - ndim, values.ndim))
    top = values.max(axis=cells, keepdims=True)
    top = np.where(top > 0, top, 1)  # scaled, so that no square underflows
    euclidean = np.squeeze(top, cells) * np.sqrt(((values / top) ** 2).sum(axis=cells))
    norms = (np.maximum(norm, least) for norm in (values.sum(axis=cells), euclidean))
    if role == "kernel":
        return tuple(norms)
    return tuple(norm.swapaxes(0, 1).reshape(norm.shape[1], -1) for norm in norms)
