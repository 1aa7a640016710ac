"""Max and average pooling over the windows of each channel, and their gradients.

Arrays: x `(batch, channels, *spatial)`, y and its cotangent g = dL/dy `(batch, channels, *output)`; with
`channels_last=True` the channels come last. `kernel_size` is a number or one per axis; `stride` is the kernel's size
if it is not given; dilation, padding and boundary are those of `numeric.conv`. Cells of zero padding take no part:
they are never a maximum, and an average counts them only if `count_padding` is set. Arguments that do not fit raise
`GeometryError`, arrays that hold no numbers `TypeError`, before any work is done.

Ties: the first maximum in the window's row-major order is the one, and takes the whole gradient. A NaN counts as
larger than any number. Averages of integers are float64.

Max pooling has two paths, which choose the same maxima: "windows", in NumPy, takes every number type; "direct" is
compiled for float32 and float64, where Numba is installed. "auto" is "direct" for all that it takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Boundary, Geometry, GeometryError, Ints, Padding, kept, settled
from numeric.layout import as_given, channels_first
from numeric.masks import keep
from numeric.paths.compiled import expect_floats
from numeric.paths.compiled import pooling as direct
from numeric.paths.windows import overlap_add, reached, unpad, windows


class Options(TypedDict, total=False):
    """Which windows there are, beside their size."""

    stride: Ints
    dilation: Ints
    padding: Padding
    boundary: Boundary


def max_pool(
    x: ArrayLike, kernel_size: Ints, *, channels_last: bool = False, path: str = "auto", **options: Unpack[Options]
) -> Array:
    """Largest entry of each window."""
    (x,) = as_numbers(x)
    x = channels_first(x, channels_last)
    geometry = _geometry(x.shape, kernel_size, options)
    run = direct.max_pool if _compiled(path, geometry, x) else _largest
    return as_given(run(x, geometry), channels_last)


def max_pool_input_gradient(
    g: ArrayLike,
    x: ArrayLike,
    kernel_size: Ints,
    *,
    channels_last: bool = False,
    path: str = "auto",
    **options: Unpack[Options],
) -> Array:
    """dL/dx for the cotangent g = dL/dy: each entry of g goes to the cell that won its window."""
    (g,), (x,) = as_numbers(g), as_numbers(x)  # apart: x in g's type might have other maxima
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    geometry = _geometry(x.shape, kernel_size, options)
    geometry.expect("g", g.shape, (*x.shape[:2], *geometry.output_size))
    if _compiled(path, geometry, g, x):
        dx = direct.max_pool_input_gradient(g, x, geometry)
    else:
        dx = give(g, winners(x, geometry), geometry)
    return as_given(dx, channels_last)


def average_pool(
    x: ArrayLike,
    kernel_size: Ints,
    *,
    count_padding: bool = False,
    channels_last: bool = False,
    **options: Unpack[Options],
) -> Array:
    """Mean of each window."""
    (x,) = as_numbers(x)
    x = channels_first(x, channels_last)
    geometry = _geometry(x.shape, kernel_size, options)
    sums = windows(x, geometry).sum(axis=_taps(geometry), dtype=x.dtype)
    return as_given(sums / _counts(geometry, count_padding, x.dtype), channels_last)


def average_pool_input_gradient(
    g: ArrayLike,
    input_size: Ints,
    kernel_size: Ints,
    *,
    count_padding: bool = False,
    channels_last: bool = False,
    **options: Unpack[Options],
) -> Array:
    """dL/dx for the cotangent g = dL/dy: each entry of g goes in equal parts to the cells of its window."""
    (g,) = as_numbers(g)
    g = channels_first(g, channels_last)
    size = settled("input_size", input_size, g.ndim - 2, 1) if g.ndim > 2 else ()
    geometry = _geometry((*g.shape[:2], *size), kernel_size, options)
    geometry.expect("g", g.shape, (*g.shape[:2], *geometry.output_size))
    parts = g / _counts(geometry, count_padding, g.dtype)
    shape = (*parts.shape, *geometry.kernel_size)
    return as_given(overlap_add(np.broadcast_to(_with_taps(parts, geometry), shape), geometry), channels_last)


def winners(x: Array, geometry: Geometry) -> Array:
    """Number of the tap, in row-major order, through which each output reads its window's maximum.

    Raises `GeometryError` if a window reads nothing but padding.
    """
    _expect_cells(geometry)
    parts = _parts(x, geometry)
    best = _maximum(parts)
    unlike = np.asarray(best != best, bool).any()  # only a NaN differs from itself, and any NaN is the maximum
    found = np.zeros(best.shape, bool)
    winner = np.zeros(best.shape, np.min_scalar_type(len(parts)))
    for value, inside in parts[:-1]:  # what is not found before is in the last
        here = np.asarray(value == best, bool)
        if unlike:
            here |= np.asarray(value != value, bool)
        found |= here & inside
        winner += ~found
    return winner.astype(np.intp)


def give(g: Array, winner: Array, geometry: Geometry) -> Array:
    """Pass each entry of g back through the tap of that number."""
    dx = np.zeros((*g.shape[:2], *(axis.padded_size for axis in geometry.axes)), g.dtype)
    for number, u in enumerate(geometry.taps()):
        dx[reached(u, geometry)] += keep(g, winner == number)
    return unpad(dx, geometry)


def _compiled(path: str, geometry: Geometry, *arrays: Array) -> bool:
    """Whether it is the compiled path that runs."""
    if path not in ("auto", "windows", "direct"):
        raise GeometryError(f"path must be one of 'auto', 'windows', 'direct'; got {path!r}")
    _expect_cells(geometry)
    reason = direct.supports(geometry)
    if path == "direct":
        for array in arrays:
            expect_floats(path, array, instead="windows")
        if reason:
            raise GeometryError(f"{reason}, for {geometry}")
    return path != "windows" and not reason and all(array.dtype.char in "fd" for array in arrays)


def _expect_cells(geometry: Geometry) -> None:
    if not _read(geometry):
        raise GeometryError(f"max pooling has a window that reads padding only, for {geometry}")


@lru_cache(maxsize=1024)
def _read(geometry: Geometry) -> bool:
    """Whether every window reads a cell."""
    return bool(_inside(geometry).any(axis=_taps(geometry)).all())


def _largest(x: Array, geometry: Geometry) -> Array:
    """Maximum of each window."""
    return _maximum(_parts(x, geometry))


def _parts(x: Array, geometry: Geometry) -> list[tuple[Array, Array]]:
    """What is read through each tap, and whether it is."""
    read, inside = windows(x, geometry), _inside(geometry)
    taps: list[tuple[Any, ...]] = [(..., *u) for u in geometry.taps()]
    return [(read[tap], inside[tap]) for tap in taps]


def _maximum(parts: list[tuple[Array, Array]]) -> Array:
    """Maximum over pairs of values and whether they take part."""
    best, begun = parts[0]
    for value, inside in parts[1:]:
        larger = _larger(best, value)
        if not (begun & inside).all():
            larger = np.where(begun, np.where(inside, larger, best), value)
        best, begun = larger, begun | inside
    return best


def _larger(a: Array, b: Array) -> Array:
    """Maximum, NaN if one is; NumPy's own lets go of NaNs that are objects."""
    if a.dtype != object:
        return np.asarray(np.maximum(a, b))
    return np.where(np.asarray(a >= b, bool) | np.asarray(a != a, bool), a, b)


def _geometry(x_shape: tuple[int, ...], kernel_size: Ints, options: Options) -> Geometry:
    """Windows of one channel."""
    if len(x_shape) < 3:
        raise GeometryError(f"expected a batch, a channel and at least one spatial axis; got shape {x_shape}")
    return kept(_windows, x_shape[2:], kernel_size, **options)


def _windows(input_size: tuple[int, ...], kernel_size: Ints, **options: Any) -> Geometry:
    kernel = settled("kernel_size", kernel_size, len(input_size), 1)
    fields: dict[str, Any] = {"stride": kernel, **options}
    return Geometry(input_size, kernel, **fields)


def _inside(geometry: Geometry) -> Array:
    """Whether each output reads a cell of the input through each tap, `(1, 1, *output, *kernel)`."""
    return windows(np.ones((1, 1, *geometry.input_size), bool), geometry)


def _counts(geometry: Geometry, count_padding: bool, dtype: np.dtype[Any]) -> Array:
    """Cells that each output averages over, `(1, 1, *output)`; at least 1, so that a window of padding gives 0."""
    inside = np.ones_like(_inside(geometry)) if count_padding else _inside(geometry)
    cells: Array = np.maximum(inside.sum(axis=_taps(geometry)), 1)
    return cells.astype(dtype) if dtype.kind in "fcO" else cells  # a float stays what it is


def _taps(geometry: Geometry) -> tuple[int, ...]:
    return tuple(range(2 + geometry.ndim, 2 + 2 * geometry.ndim))


def _with_taps(array: Array, geometry: Geometry) -> Array:
    return array.reshape(*array.shape, *(1,) * geometry.ndim)
