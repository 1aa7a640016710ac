"""A layer as the list of its products, so that a wrong one is another list: rows read elsewhere, left out, or doubled.

What a mistake would compute is then one sum over its own list, for each function of the layer alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.functions import PAIRS, Function, shape

Fill = Literal["zero", "circular", "edge", "reflect", "symmetric"]
Sample = Literal["all", "first", "last"]
Mean = Literal["", "batch", "batch and positions"]
Winner = Literal["first", "last", "all", "first tap", "whole window", "mean of the window"]


@dataclass(frozen=True)
class Products:
    """One row for each product, in the order of `numeric.definition.terms`.

    `out`, `cell` and `weight` are flat indices into one sample of y, one of x, and into w; a row counts `times`.
    The rest is for what is no product: `counts`, the cells that a row's output averages over; `sample`, those that a
    sum over the batch takes; `mean`, what a sum is divided by; `only`, the one of
    several terms that there is; `winner`, who gets the gradient of a maximum; `least`,
    whether the minimum wins; `zeros`, whether a window's cells of padding compete as zeros.
    """

    geometry: Geometry
    out: Array
    cell: Array
    weight: Array
    times: Array
    counts: Array
    sample: Sample = "all"
    mean: Mean = ""
    only: int | None = None
    winner: Winner = "first"
    least: bool = False
    zeros: bool = False

    def keep(self, kept: Array) -> Products:
        """The rows of a mask."""
        out, cell, weight, times, counts = (
            rows[kept] for rows in (self.out, self.cell, self.weight, self.times, self.counts)
        )
        return replace(self, out=out, cell=cell, weight=weight, times=times, counts=counts)

    def coordinates(self, letter: str) -> Array:
        """Index of every row into the array of a letter without its batch: one line for each axis."""
        flat = {"g": self.out, "x": self.cell, "w": self.weight}[letter]
        return np.array(np.unravel_index(flat, one(letter, self.geometry)))

    def flat(self, letter: str) -> Array:
        """Flat index of every row into the array of a letter; b is the channel of y."""
        if letter == "b":
            return self.out // prod(self.geometry.output_size)
        return {"g": self.out, "x": self.cell, "w": self.weight}[letter]


def one(letter: str, geometry: Geometry) -> tuple[int, ...]:
    """Shape of one sample of an array, or of the weights."""
    whole = shape(letter, geometry, 1)
    return whole[1:] if letter in "xg" else whole


def cells(geometry: Geometry, changed: Mapping[str, Any] = {}, fill: Fill | None = None) -> Array:
    """The cell that each output reads through each tap, `(outputs, taps)`, row-major, or -1: with some fields changed.

    Outputs, taps and cells are those of the true layer, so the changed one need not fit. `fill` says what is read
    where a window leaves the input, the layer's boundary unless given.
    """
    stride, dilation, padding = (
        changed.get(name, getattr(geometry, name)) for name in ("stride", "dilation", "padding")
    )
    found = np.zeros((1, 1), int)
    inside = np.ones((1, 1), bool)
    for n, k, o, s, d, (low, _) in zip(
        geometry.input_size, geometry.kernel_size, geometry.output_size, stride, dilation, padding, strict=True
    ):
        read = _filled(s * np.arange(o)[:, None] + d * np.arange(k) - low, n, fill or geometry.boundary)
        found = _outer(found * n, read, np.add)
        inside = _outer(inside, (read >= 0) & (read < n), np.logical_and)
    return np.where(inside, found, -1)


def _outer(first: Array, second: Array, join: Any) -> Array:
    """Join two tables `(outputs, taps)` of some axes and of the next one."""
    both = join(first[:, None, :, None], second[None, :, None, :])
    return np.asarray(both.reshape(len(first) * len(second), -1))


def _filled(read: Array, size: int, fill: Fill) -> Array:
    if fill == "circular":
        return read % size
    if fill == "edge":
        return np.clip(read, 0, size - 1)
    if fill == "zero":
        return read
    period = 2 * size - 2 * (fill == "reflect")
    folded = read % max(period, 1)
    return np.asarray(np.where(folded < size, folded, period - folded - (fill == "symmetric")))


Channel = Callable[[Geometry, Any, Any], Any]


def products(
    geometry: Geometry,
    table: Array | None = None,
    channel: Channel = lambda geometry, c, j: geometry.reads_channel(c, j),
) -> Products:
    """Products of a layer that reads the cells of a table, by default its own; `channel` says in which channel."""
    table = cells(geometry) if table is None else table
    sizes = (geometry.out_channels, len(table), geometry.group_in, table.shape[1])
    c, o, j, u = np.ogrid[tuple(map(slice, sizes))]
    found = table[o, u]
    flat = (
        c * sizes[1] + o,
        channel(geometry, c, j) * prod(geometry.input_size) + found,
        (c * sizes[2] + j) * sizes[3] + u,
    )
    kept = np.broadcast_to(found >= 0, sizes)
    out, cell, weight = (np.broadcast_to(index, sizes)[kept] for index in flat)
    counts = np.bincount(out, minlength=sizes[0] * sizes[1])[out]
    return Products(geometry, out, cell, weight, np.ones(len(out)), counts)


def right(function: Function, geometry: Geometry) -> Products:
    """Products of the true layer in a function; a bias is added once to every output, whatever that reads."""
    if function.gives != "b":
        return products(geometry)
    out = np.arange(prod(one("g", geometry)))
    none = np.zeros(len(out), int)
    return Products(geometry, out, none, none, np.ones(len(out)), none + 1)


def compute(function: Function, rows: Products, *arrays: Array) -> Array:
    """What a function gives if these are the layer's products, in float64: exact on integers that stay small enough.

    An average is divided after the sum, so that entries that are multiples of every window's size stay integers.
    """
    given = dict(zip(function.arguments, arrays, strict=True))
    if function.operation == "max_pool":
        return _maximum(rows, given["x"]) if function.name == "forward" else _to_winners(rows, given["g"], given["x"])
    batch = next((len(array) for letter, array in given.items() if letter[-1] in "xg"), 1)
    terms = PAIRS[str(function)] if rows.only is None else PAIRS[str(function)][rows.only :][:1]
    values = np.zeros((batch, len(rows.times)))
    for letters in terms:
        values = values + prod((_read(rows, letter, given[letter]) for letter in letters), start=rows.times)
    if function.operation == "average_pool":
        values = values / rows.counts
    if function.gives not in "xg":
        values = values[_TAKEN[rows.sample]].sum(0, keepdims=True)
    found = _gather(values, rows.flat(function.gives), prod(one(function.gives, rows.geometry)))
    over = {"": 1, "batch": batch, "batch and positions": batch * prod(rows.geometry.output_size)}[rows.mean]
    return found.reshape(shape(function.gives, rows.geometry, batch)) / over


_TAKEN: dict[Sample, slice] = {"all": slice(None), "first": slice(1), "last": slice(-1, None)}


def _read(rows: Products, letter: str, array: Array) -> Array:
    """What every row takes from an array, a line for each sample."""
    return _samples(array if letter[-1] in "xg" else array[None])[:, rows.flat(letter[-1])]


def _samples(array: Array) -> Array:
    return array.reshape(len(array), -1).astype(float)


def _gather(values: Array, index: Array, size: int) -> Array:
    """Sums of the columns that go to each entry, a line for each sample."""
    return np.array([np.bincount(index, line, size) for line in values])


def _largest(rows: Products, x: Array) -> tuple[Array, Array]:
    """What every row reads, and the maximum of each output; of the negated values where the minimum wins."""
    values = (-1 if rows.least else 1) * _samples(x)[:, rows.cell]
    outputs = prod(one("g", rows.geometry))
    best = np.full((len(x), outputs), -np.inf)
    for line, value in zip(best, values, strict=True):
        np.maximum.at(line, rows.out, value)
    if rows.zeros:
        padded = np.bincount(rows.out, minlength=outputs) < prod(rows.geometry.kernel_size)
        best[:, padded] = np.maximum(best[:, padded], 0)
    return values, best


def _maximum(rows: Products, x: Array) -> Array:
    best = _largest(rows, x)[1].reshape(rows.geometry.output_shape(len(x)))
    return -best if rows.least else best


def _to_winners(rows: Products, g: Array, x: Array) -> Array:
    values, best = _largest(rows, x)
    if rows.winner == "first tap":
        equal = np.broadcast_to(rows.weight % prod(rows.geometry.kernel_size) == 0, values.shape)
    elif rows.winner in ("whole window", "mean of the window"):
        equal = np.ones(values.shape, bool)
    else:
        equal = values == best[:, rows.out]
    if rows.winner in ("first", "last"):
        equal = np.array([_only(line, rows.out, -1 if rows.winner == "last" else 1) for line in equal])
    passed = np.where(equal, _samples(g)[:, rows.out], 0) * rows.times
    passed = passed / rows.counts if rows.winner == "mean of the window" else passed
    return _gather(passed, rows.cell, prod(one("x", rows.geometry))).reshape(x.shape)


def _only(equal: Array, out: Array, step: int) -> Array:
    """Of the rows that won, the first one of each output; the last one if the step is -1."""
    won = np.flatnonzero(equal)[::step]
    kept = np.zeros(len(equal), bool)
    kept[won[np.unique(out[won], return_index=True)[1]]] = True
    return kept
