"""How mistakes change the products of a layer, its fields, or the weights that they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.products import Products, cells, products

Edit = Callable[[Products], Products]
Change = Callable[[Geometry], dict[str, Any]]


def each(name: str, value: Any) -> Change:
    """The same value of a field on every axis."""
    return lambda geometry: {name: (value,) * geometry.ndim}


def axes_turned(name: str) -> Change:
    """A field of the layer with its axes in reverse order."""
    return lambda geometry: {name: getattr(geometry, name)[::-1]}


def moved(step: int) -> Change:
    """Every window starts some cells before where it should."""
    return lambda geometry: {"padding": tuple((low + step, high - step) for low, high in geometry.padding)}


def late(step: int) -> Edit:
    """Each output is what belongs to the one before it: those before the first one read nothing."""

    def edit(rows: Products) -> Products:
        c, *o = rows.coordinates("g")
        moved = np.array(o) + step
        sizes = rows.geometry.output_size
        kept = np.all([(a >= 0) & (a < n) for a, n in zip(moved, sizes, strict=True)], axis=0)
        out = np.ravel_multi_index((c, *np.where(kept, moved, 0)), (rows.geometry.out_channels, *sizes))
        return replace(rows, out=out).keep(kept)

    return edit


def rotated(geometry: Geometry, index: Array) -> Any:
    """By 180 degrees: as a true convolution has it."""
    c, j, *u = index
    return c, j, *(k - 1 - i for i, k in zip(u, geometry.kernel_size, strict=True))


def not_transposed(geometry: Geometry, index: Array) -> Any:
    """A matrix of channels (in, out) read as if it were (out, in)."""
    c, j, *u = index
    return *np.divmod(j * geometry.out_channels + c, geometry.group_in), *u


def flipped(geometry: Geometry, index: Array) -> Any:
    """Along the last axis."""
    return *index[:-1], geometry.kernel_size[-1] - 1 - index[-1]


def axes_swapped(geometry: Geometry, index: Array) -> Any:
    """The last two axes."""
    c, j, *u = index
    return c, j, *u[:-2], u[-1] % geometry.kernel_size[-2], u[-2] % geometry.kernel_size[-1]


def axes_reversed(geometry: Geometry, index: Array) -> Any:
    """All axes in reverse order."""
    c, j, *u = index
    return (c, j, *(i % k for i, k in zip(u[::-1], geometry.kernel_size, strict=True)))


def column_major(geometry: Geometry, index: Array) -> Any:
    """Taps counted in the order of Fortran."""
    c, j, *u = index
    flat = np.ravel_multi_index(tuple(u), geometry.kernel_size, order="F")
    return c, j, *np.unravel_index(flat, geometry.kernel_size)


def last_of(letter: str) -> Edit:
    """Of the products for one entry only the last counts."""

    def edit(rows: Products) -> Products:
        last = dict(zip(rows.flat(letter).tolist(), range(len(rows.out)), strict=True))
        kept = np.zeros(len(rows.out), bool)
        kept[list(last.values())] = True
        return rows.keep(kept)

    return edit


def last_part(letter: str, by: str) -> Edit:
    """As `last_of`, where each part, of all products of one tap or output position, is summed as it should be."""

    def edit(rows: Products) -> Products:
        sizes = rows.geometry.kernel_size if by == "w" else rows.geometry.output_size
        index = rows.coordinates(by)[-len(sizes) :]
        part = np.ravel_multi_index(tuple(index), sizes)
        last = np.zeros(rows.flat(letter).max(initial=0) + 1, int)
        np.maximum.at(last, rows.flat(letter), part)
        return rows.keep(part == last[rows.flat(letter)])

    return edit


def on_border(index: Array, sizes: tuple[int, ...]) -> Any:
    """Whether a cell is the first or the last one on an axis."""
    return np.any([(a == 0) | (a == n - 1) for a, n in zip(index, sizes, strict=True)], axis=0)


def border_twice(rows: Products) -> Products:
    """Cells on the border count twice."""
    border = on_border(rows.coordinates("x")[1:], rows.geometry.input_size)
    return replace(rows, times=rows.times * (1 + border))


def groups_ignored(rows: Products) -> Products:
    """Every output channel sums over the channels of all groups, with the weights it has for its own."""
    geometry = rows.geometry
    parts = [reading_group(geometry, k) for k in range(geometry.groups)]
    out, cell, weight, times, counts = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("out", "cell", "weight", "times", "counts")
    )
    return replace(rows, out=out, cell=cell, weight=weight, times=times, counts=counts)


def reading_group(geometry: Geometry, group: int) -> Products:
    """Every output channel reads one group's channels."""
    return products(geometry, None, lambda geometry, c, j: group * geometry.group_in + j + 0 * c)


def groups_for_dilation(rows: Products) -> Products:
    """Groups taken for the dilation, and the other way round."""
    geometry = rows.geometry
    table = cells(geometry, {"dilation": (geometry.groups,) * geometry.ndim})
    groups = geometry.dilation[0]

    def channel(geometry: Geometry, c: Any, j: Any) -> Any:
        return (c * groups // geometry.out_channels * (geometry.in_channels // groups) + j) % geometry.in_channels

    return products(geometry, table, channel)


def padding_counted(rows: Products) -> Products:
    """Every window counts all of its taps."""
    return replace(rows, counts=np.full(len(rows.out), int(np.prod(rows.geometry.kernel_size))))


def without_remainder(geometry: Geometry, result: Array) -> Array:
    """As many cells as the transposed layer has without output padding."""
    for number, axis in enumerate(geometry.axes, 2):
        result = np.take(result, range(max(axis.input_size - axis.remainder, 1)), number)
    return result


def scaled(factor: float) -> Edit:
    """A constant factor."""
    return lambda rows: replace(rows, times=factor * rows.times)
