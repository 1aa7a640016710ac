"""What people get wrong in a layer: each mistake by its name, and what a layer that makes it would compute.

A new mistake is a row of `HYPOTHESES`: its name, how it changes the products of the layer, and the functions in which
it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry, GeometryError
from proofs.conformance.functions import FUNCTIONS, Function
from proofs.conformance.mistakes import (
    Change,
    Edit,
    axes_reversed,
    axes_swapped,
    axes_turned,
    border_twice,
    column_major,
    each,
    flipped,
    groups_for_dilation,
    groups_ignored,
    last_of,
    last_part,
    late,
    moved,
    not_transposed,
    padding_counted,
    rotated,
    scaled,
    without_remainder,
)
from proofs.conformance.products import Channel, Fill, Products, cells, compute, products, right

PLACES = {
    "conv": "the forward pass",
    "conv.input_gradient": "the input gradient",
    "conv.weight_gradient": "the weight gradient",
    "conv.bias_gradient": "the bias gradient",
    "conv.double_backward_g": "the second-order gradient for g",
    "conv.double_backward_x": "the second-order gradient for x",
    "conv.double_backward_w": "the second-order gradient for w",
    "conv_transpose": "the transposed convolution",
    "conv_transpose.input_gradient": "the input gradient of the transposed convolution",
    "conv_transpose.weight_gradient": "the weight gradient of the transposed convolution",
    "average_pool": "average pooling",
    "average_pool.input_gradient": "the gradient of average pooling",
    "max_pool": "max pooling",
    "max_pool.input_gradient": "the gradient of max pooling",
}
WINDOWED = tuple(name for name in FUNCTIONS if name != "conv.bias_gradient")
WEIGHTED = tuple(name for name in WINDOWED if name.startswith("conv"))
AVERAGES = tuple(name for name in FUNCTIONS if name.startswith("average_pool"))
MAXIMA = ("max_pool.input_gradient",)
SUMS = tuple(name for name in FUNCTIONS if name != "max_pool")
SUMS_OF_CELLS = tuple(name for name in SUMS if name in WINDOWED)
TO_X = tuple(name for name in SUMS if FUNCTIONS[name].gives == "x")
TO_X_ALL = tuple(name for name in FUNCTIONS if FUNCTIONS[name].gives == "x")
BATCHED = tuple(name for name in FUNCTIONS if FUNCTIONS[name].gives in "xg")
OVER_BATCH = tuple(name for name in FUNCTIONS if FUNCTIONS[name].gives in "wb")
GRADIENTS = tuple(name for name in FUNCTIONS if name.endswith("gradient"))
BIAS = ("conv.bias_gradient",)


@dataclass(frozen=True)
class Hypothesis:
    """A mistake: what it makes of the products, in which functions; `change` is that of the layer, where it is one.

    `called` are its names in some of the functions, where they are other ones; `axes` how many it takes to make it.
    `finish` is what becomes of the result, from what should come out.
    """

    name: str
    edit: Edit
    functions: tuple[str, ...]
    change: Change | None = None
    called: Mapping[str, str] = field(default_factory=dict)
    axes: int = 1
    finish: Callable[[Geometry, Array], Array] = lambda _, result: result

    def concerns(self, function: Function, geometry: Geometry) -> bool:
        """Whether it can be made in a function of a layer."""
        return str(function) in self.functions and geometry.ndim >= self.axes

    def named(self, function: Function) -> str:
        """The mistake and where it is made."""
        return f"{self.called.get(str(function), self.name)} in {PLACES[str(function)]}"

    def predicts(self, function: Function, geometry: Geometry, *arrays: Array) -> Iterator[Array]:
        """What may come out: at the true layer's outputs, and, where it gives these, at as many as the changed has."""
        yield self.finish(geometry, compute(function, self.edit(right(function, geometry)), *arrays))
        if self.change and function.gives == "g":
            try:
                changed = replace(geometry, **self.change(geometry))
            except GeometryError:
                return
            yield compute(function, products(changed), *arrays)


def reading(name: str, change: Change, functions: tuple[str, ...] = WINDOWED) -> Hypothesis:
    """Another layer's index map."""
    return Hypothesis(name, lambda rows: products(rows.geometry, _table(rows, change)), functions, change)


def filling(name: str, boundary: str, fill: Fill) -> Hypothesis:
    """What is read where a window leaves an input of some boundary."""

    def edit(rows: Products) -> Products:
        return products(rows.geometry, cells(rows.geometry, fill=fill)) if rows.geometry.boundary == boundary else rows

    return Hypothesis(name, edit, WINDOWED)


def in_channel(name: str, channel: Channel, functions: tuple[str, ...] = WINDOWED) -> Hypothesis:
    """Another input channel; one that there is."""

    def edit(rows: Products) -> Products:
        def inside(geometry: Geometry, c: Any, j: Any) -> Any:
            return channel(geometry, c, j) % geometry.in_channels

        return products(rows.geometry, None, inside)

    return Hypothesis(name, edit, functions)


def weighing(
    name: str, change: Callable[[Geometry, Array], Any], axes: int = 1, called: Mapping[str, str] = {}
) -> Hypothesis:
    """Another weight for every product: from the index `(c, j, *u)` of each row, in lines."""

    def edit(rows: Products) -> Products:
        index = np.broadcast_arrays(*change(rows.geometry, rows.coordinates("w")))
        return replace(rows, weight=np.ravel_multi_index(tuple(index), rows.geometry.weight_shape))

    return Hypothesis(name, edit, WEIGHTED, called=called, axes=axes)


def dropping(
    name: str, letter: str, lost: Callable[[Array, tuple[int, ...]], Any], functions: tuple[str, ...], axes: int = 1
) -> Hypothesis:
    """Products left out: from the spatial index of each row into y or x, and the sizes there."""

    def edit(rows: Products) -> Products:
        sizes = rows.geometry.output_size if letter == "g" else rows.geometry.input_size
        return rows.keep(~lost(rows.coordinates(letter)[1:], sizes))

    return Hypothesis(name, edit, functions, axes=axes)


def setting(name: str, functions: tuple[str, ...], **fields: Any) -> Hypothesis:
    """What is done with the products."""
    return Hypothesis(name, lambda rows: replace(rows, **fields), functions)


def returning(name: str, functions: tuple[str, ...], finish: Callable[[Geometry, Array], Array]) -> Hypothesis:
    """Something else than what was computed."""
    return Hypothesis(name, lambda rows: rows, functions, finish=finish)


def _table(rows: Products, change: Change) -> Array:
    changed = change(rows.geometry)
    return cells(rows.geometry, changed, changed.get("boundary"))


def _overwriting(letter: str) -> Hypothesis:
    names = tuple(name for name in SUMS if FUNCTIONS[name].gives == letter)
    return Hypothesis("overwrites instead of accumulating", last_of(letter), names)


# as an operation on g it is a true convolution, so that the mistake is the other one
NOT_ROTATED = dict.fromkeys(("conv.input_gradient", "conv_transpose"), "kernel not rotated")

HYPOTHESES: tuple[Hypothesis, ...] = (
    reading("stride ignored", each("stride", 1)),
    reading("dilation ignored", each("dilation", 1)),
    reading("stride and dilation swapped", lambda g: {"stride": g.dilation, "dilation": g.stride}),
    reading("padding ignored", each("padding", (0, 0))),
    reading("low and high padding swapped", lambda g: {"padding": tuple((b, a) for a, b in g.padding)}),
    reading("padding off by one (a cell early)", moved(1)),
    reading("padding off by one (a cell late)", moved(-1)),
    reading("strides of the axes reversed", axes_turned("stride")),
    reading("dilations of the axes reversed", axes_turned("dilation")),
    reading("paddings of the axes reversed", axes_turned("padding")),
    reading("dilation taken from the groups", lambda g: {"dilation": (g.groups,) * g.ndim}, WEIGHTED),
    Hypothesis("groups and dilation swapped", groups_for_dilation, WEIGHTED),
    filling("zero padding read as circular", "zero", "circular"),
    filling("zero padding replicates the edge", "zero", "edge"),
    filling("zero padding reflects the input", "zero", "reflect"),
    filling("zero padding mirrors the input with its edge", "zero", "symmetric"),
    filling("circular padding read as zero", "circular", "zero"),
    filling("circular padding replicates the edge", "circular", "edge"),
    weighing("kernel rotated", rotated, called=NOT_ROTATED),
    weighing("kernel flipped along its last axis", flipped, 2),
    weighing("height and width swapped", axes_swapped, 2),
    weighing("kernel axes in reverse order", axes_reversed, 3),
    weighing("kernel read in column-major order", column_major, 2),
    weighing("channels not transposed", not_transposed),
    in_channel("groups mixed", lambda g, c, j: c % g.groups * g.group_in + j),
    in_channel("input channels dealt out to the groups in turn", lambda g, c, j: j * g.groups + c // g.group_out),
    in_channel("first group for all", lambda _, c, j: j + 0 * c),
    Hypothesis("groups ignored", groups_ignored, WEIGHTED),
    dropping("last output missing", "g", lambda o, n: o[-1] == n[-1] - 1, SUMS),
    dropping("last output of the first axis missing", "g", lambda o, n: o[0] == n[0] - 1, SUMS, 2),
    dropping("far edge missing", "x", lambda a, n: a[-1] == n[-1] - 1, WINDOWED),
    dropping("far edge of the first axis missing", "x", lambda a, n: a[0] == n[0] - 1, WINDOWED, 2),
    *map(_overwriting, "gxwb"),
    Hypothesis("taps overwrite each other", last_part("x", "w"), TO_X),
    Hypothesis("only the last tap counts", last_part("g", "w"), ("conv", "average_pool")),
    setting("first sample only", OVER_BATCH, sample="first"),
    setting("last sample only", OVER_BATCH, sample="last"),
    setting("mean over the batch instead of the sum", GRADIENTS, mean="batch"),
    setting("mean over batch and positions instead of the sum", OVER_BATCH, mean="batch and positions"),
    Hypothesis("output a cell late", late(1), SUMS),
    Hypothesis("output a cell early", late(-1), SUMS),
    Hypothesis("border counted twice", border_twice, SUMS_OF_CELLS),
    Hypothesis("padding counted in the average", padding_counted, AVERAGES),
    Hypothesis("sum instead of the average", lambda rows: replace(rows, counts=np.ones(len(rows.out))), AVERAGES),
    setting("padding's zero wins the maximum", ("max_pool", *MAXIMA), zeros=True),
    setting("minimum instead of the maximum", ("max_pool", *MAXIMA), least=True),
    setting("last of equal maxima wins", MAXIMA, winner="last"),
    setting("every one of equal maxima gets the whole", MAXIMA, winner="all"),
    setting("first tap wins", MAXIMA, winner="first tap"),
    setting("every cell of the window gets the whole", MAXIMA, winner="whole window"),
    setting("spread evenly over the window", MAXIMA, winner="mean of the window"),
    setting("nothing passed back by the weights", ("conv.double_backward_g",), only=0),
    setting("nothing passed back by the input", ("conv.double_backward_g",), only=1),
    returning("remainder dropped", TO_X_ALL, without_remainder),
    returning("last cells cut off", TO_X_ALL, lambda _, result: result[..., :-1] if result.shape[-1] > 1 else result),
    returning("result with its channels last", BATCHED, lambda _, result: np.moveaxis(result, 1, -1)),
    Hypothesis("twice too large", scaled(2), SUMS),
    Hypothesis("half as large", scaled(0.5), SUMS),
    Hypothesis("of the wrong sign", scaled(-1), SUMS),
    Hypothesis("nothing but zeros", scaled(0), SUMS),
)
