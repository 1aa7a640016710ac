"""The grids of `--grid full`: every combination of stated sizes, and the layers of the trained networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from numeric import Geometry, GeometryError
from proofs.grids import regions
from proofs.grids.cases import DenseCase, LayerCase, LinearityCase, LocalCase, SecondOrderCase, ShapeCase, by_size
from proofs.grids.samples import MaskCase, PointsCase, PoolCase

LINES: dict[str, Sequence[Any]] = {
    "input_size": ((2,), (3,), (5,), (6,)),
    "kernel_size": ((1,), (2,), (3,)),
    "stride": (1, 2, 3),
    "dilation": (1, 2),
    "padding": (0, ((1, 0),), ((0, 2),), ((-1, 1),)),
}
PLANES: dict[str, Sequence[Any]] = {
    "input_size": ((3, 4), (5, 2)),
    "kernel_size": ((1, 2), (2, 3), (3, 2)),
    "stride": (1, (2, 1), (1, 3)),
    "dilation": (1, (1, 2)),
    "padding": (0, ((1, 0), (0, 2)), ((0, 1), (-1, 1))),
}
SPACES: dict[str, Sequence[Any]] = {
    "input_size": ((2, 3, 2), (3, 2, 4)),
    "kernel_size": ((1, 2, 2), (2, 1, 2)),
    "stride": (1, (1, 2, 1)),
    "dilation": (1, (1, 1, 2)),
    "padding": (0, ((0, 1), (1, 0), (0, 0))),
}
CHANNELS: dict[str, Sequence[Any]] = {"groups": (1, 2), "boundary": ("zero", "circular")}
LAYERS_SCOPE = (
    "every combination that fits of: 1 axis, input 2 3 5 6, kernel 1 2 3, stride 1 2 3, dilation 1 2, four paddings; "
    "2 axes, two inputs, three kernels, three strides, two dilations, three paddings; 3 axes, two of each; groups 1 "
    "and 2, both boundaries"
)
NETWORK_SCOPE = (
    "the convolutions of the trained MNIST networks at their real sizes: 5 × 5 on 28 × 28; 3 × 3 on 28, 26, 13, 12, 10 "
    "and 4 squared; same 5 × 5 on 28 × 28 and 14 × 14; their channels, 1 in or up to 64 in and 64 out, were reduced to "
    "1 to 2 and 2 to 3"
)

SCOPE = f"{LAYERS_SCOPE}; {NETWORK_SCOPE}"


@cache
def geometries() -> tuple[Geometry, ...]:
    """Every combination that fits, one to three axes; channels in and out differ."""
    return tuple(geometry for ranges in (LINES, PLANES, SPACES) for geometry in _crossed({**ranges, **CHANNELS}))


def _crossed(ranges: dict[str, Sequence[Any]]) -> Iterator[Geometry]:
    for choice in product(*ranges.values()):
        fields = dict(zip(ranges, choice, strict=True))
        groups = fields["groups"]
        try:
            yield Geometry(**fields, in_channels=groups, out_channels=2 * groups if groups > 1 else 3)
        except GeometryError:  # the kernel does not fit
            continue


NETWORKS: tuple[tuple[Any, ...], ...] = (
    # input, kernel, padding, channels in and out, reduced
    ((28, 28), (5, 5), "valid", 1, 2),
    ((28, 28), (3, 3), "valid", 1, 2),
    *(((size, size), (3, 3), "valid", 2, 3) for size in (26, 13, 12, 10, 4)),
    ((28, 28), (5, 5), "same", 1, 2),
    ((14, 14), (5, 5), "same", 2, 3),
)
"""Convolutions of the networks in `training.recipes`; the channels are those that were proved."""

POOLS: tuple[tuple[int, int], ...] = tuple((size, size) for size in (28, 26, 24, 14, 11, 10, 8, 2))
"""Inputs of their 2 x 2 poolings."""
POOLS_SCOPE = (
    "the windows of every combination of the layers' grid; 2 × 2 windows on 28, 26, 24, 14, 11, 10, 8 and 2 squared, "
    "as in the trained MNIST networks"
)


@cache
def networks() -> tuple[Geometry, ...]:
    """The convolutions of the trained networks."""
    return tuple(
        Geometry(size, kernel, padding=padding, in_channels=c, out_channels=out)
        for size, kernel, padding, c, out in NETWORKS
    )


def layers() -> list[LayerCase]:
    """One sample and two of every other geometry, and the networks'."""
    made = (LayerCase(geometry, 1 + number % 2) for number, geometry in enumerate(geometries()))
    return by_size((*made, *map(LayerCase, networks())))


def denses() -> list[DenseCase]:
    """Every batch, number of features and of outputs up to 4; the networks', of 5 x 5 and 7 x 7 positions."""
    sizes = (*product(range(1, 5), repeat=3), *((1, n * n * 2, out) for n in (5, 7) for out in (3, 10)))
    return by_size(DenseCase(*size) for size in sizes)


def flat_shapes() -> list[ShapeCase]:
    """One to four axes of up to 3; what the networks flatten."""
    made = (shape for axes in range(2, 6) for shape in product((1, 3, 2), repeat=axes) if prod(shape) <= 36)
    return by_size(map(ShapeCase, (*made, (2, 2, 5, 5), (2, 2, 7, 7))))


def points() -> list[PointsCase]:
    """Three numbers, each below 0, between 0 and 6, or above 6; a number for every output of the networks' layers."""
    sizes = (24 * 24, 10 * 10, 28 * 28, 14 * 14)
    large = (tuple((-2, 3, 8)[i % 3] for i in range(size)) for size in sizes)
    return by_size(map(PointsCase, (*product((-2, 3, 8), repeat=3), *large)))


def masks() -> list[MaskCase]:
    """The default ones, and one of 128 numbers."""
    return by_size((*regions.masks(), MaskCase((tuple(int(i % 5 > 1) for i in range(128)),))))


def winograd_layers() -> list[LayerCase]:
    """Kernels of three taps: every combination of inputs, strides, paddings, groups and boundaries; the network's."""
    ranges: tuple[dict[str, Sequence[Any]], ...] = (
        {"input_size": [(n,) for n in range(3, 12)], "kernel_size": ((3,),), "padding": LINES["padding"]},
        {"input_size": ((3, 5), (6, 4)), "kernel_size": ((3, 3),), "padding": PLANES["padding"]},
        {"input_size": ((3, 4, 3),), "kernel_size": ((3, 3, 3),), "padding": (0, ((0, 0), (0, 0), (1, 0)))},
    )
    both = ({**r, **CHANNELS, "stride": (1, 2)} for r in ranges)
    made = (LayerCase(g, 1 + number % 2) for r in both for number, g in enumerate(_crossed(r)))
    return by_size((*made, LayerCase(Geometry((12, 12), (3, 3), in_channels=1, out_channels=2))))


def linearity() -> list[LinearityCase]:
    """The layers, with two inputs and two weights."""
    return by_size(LinearityCase(case.geometry, case.batch) for case in layers())


def second_orders() -> list[SecondOrderCase]:
    """The layers, with cotangents of both gradients."""
    return by_size(SecondOrderCase(case.geometry, case.batch) for case in layers())


def locals_() -> list[LocalCase]:
    """The layers, with weights of their own at every position; the networks have none such."""
    return by_size(LocalCase(geometry) for geometry in geometries())


def pools() -> list[PoolCase]:
    """Windows of every geometry, and the networks' 2 x 2 windows."""
    return by_size(PoolCase(geometry) for geometry in (*_windows(), *_network_windows()))


def ordered_pools() -> list[PoolCase]:
    """The same windows: four orders of the cells each, drawn; in the networks', each tap wins every window once."""
    random = np.random.default_rng(0)
    drawn = {
        PoolCase(geometry, tuple(map(int, random.permutation(cells) - cells)))
        for geometry in _windows()
        for cells in (prod(geometry.input_size),)
        for _ in range(4)
    }
    won = (PoolCase(g, _won_by(tap, g)) for g in _network_windows() for tap in np.ndindex(*g.kernel_size))
    return by_size((*drawn, *won))


def _windows() -> list[Geometry]:
    """Windows of one channel that read at least one cell each."""
    fields = ("input_size", "kernel_size", "stride", "dilation", "padding", "boundary")
    found = {Geometry(**{name: getattr(geometry, name) for name in fields}) for geometry in geometries()}
    return sorted(filter(_reads_a_cell, found), key=str)


def _reads_a_cell(geometry: Geometry) -> bool:
    return all(any(geometry.reads(o, u) is not None for u in geometry.taps()) for o in geometry.outputs())


def _network_windows() -> list[Geometry]:
    return [Geometry(size, (2, 2), 2) for size in POOLS]


def _won_by(tap: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
    """Values of which that tap's is the largest in each window; no two cells are equal."""
    values = -1 - np.arange(prod(geometry.input_size)).reshape(geometry.input_size)
    values[tap[0] :: 2, tap[1] :: 2] += values.size
    return tuple(map(int, values.flat))
