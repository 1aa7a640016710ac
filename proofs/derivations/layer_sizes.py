"""The small layers at which derivations about layers are evaluated: real geometries, with batch, channels and groups.

`reads` and `channel` are `numeric.Geometry`'s own. The layers are drawn at random, once and for all, among all that
have few products: one and two axes, both boundaries, strides, dilations, padding that widens or crops, groups.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from numeric import Axis, Geometry, GeometryError
from numeric.definition import terms
from numeric.dtypes import Array
from numeric.pooling import winners
from proofs.derivations.symbols import DILATION, HIGH, LOW, STRIDE, integers
from proofs.evaluate import Forward, Model
from proofs.layer_signals import (
    BATCH,
    CELL,
    CHANNEL,
    GROUP_IN,
    IN_CHANNELS,
    INPUT,
    INPUT_CHANNEL,
    KERNEL,
    LENGTH,
    OUT_CHANNELS,
    OUTPUT,
    POSITIONS,
    SAMPLE,
    SLICE,
    TAP,
    WINDOW,
    WINNER,
)
from proofs.multi_index import MultiIndex, box, spread
from proofs.tiers.derivation import Models

# Where a gradient is taken: sample, output channel, slice, output position, tap; (i, a) is an input cell.
AT_SAMPLE, AT_CHANNEL, AT_SLICE, AT_OUTPUT, AT_TAP = integers("r p q e v")
AT_FEATURE, AT_INPUT_CHANNEL, AT_CELL = integers("f i2 a2")
# A channel in its group, its group, and output channels of a group.
IN_GROUP, GROUP = integers("c1 γ")
(GROUP_OUT,) = integers("D", positive=True)
STRIDE1, KERNEL1, GROUP_IN1 = integers("s1 k1 J1", positive=True)
"""Of a second layer."""
LAYER_SCOPE = "every batch, channels, groups, number of axes and index map, so stride, dilation, padding and boundary"
LAYER_ASSUMES = ("x, w and g vanish outside of their arrays",)
MOST = 16
"""Products of a layer that is drawn, for each sample."""
DRAWN = 10_000
"""How many layers are drawn for a seed."""


@cache
def _drawn(seed: int) -> Geometry | None:
    """Layer with all of its options drawn at random; None if there is no such layer or it is too large."""
    pick = random.Random(seed)  # noqa: S311 - nothing secret
    ndim, groups = pick.choice((1, 1, 2)), pick.choice((1, 1, 2))

    def each(*values: int) -> tuple[int, ...]:
        return tuple(pick.choice(values) for _ in range(ndim))

    try:
        geometry = Geometry(
            each(1, 2, 3, 4),
            each(1, 2, 3),
            each(1, 2, 3),
            each(1, 2),
            tuple(zip(each(-1, 0, 1, 2), each(-1, 0, 1), strict=True)),
            in_channels=groups * pick.choice((1, 2)),
            out_channels=groups * pick.choice((1, 2)),
            groups=groups,
            boundary=pick.choice(("zero", "circular")),
        )
    except GeometryError:
        return None
    if next(terms(geometry), None) is None:
        return None  # it reads nothing
    products = geometry.out_channels * geometry.group_in * prod(geometry.output_size) * prod(geometry.kernel_size)
    return geometry if 4 <= products <= MOST else None


def layers(
    names: str,
    forward: Forward | None = None,
    most: int = 3,
    where: Callable[[Geometry], bool] = lambda _: True,
    of: Sequence[Geometry] | None = None,
    free: Mapping[Any, range] | None = None,
    grid: bool = False,
    own: Callable[[Axis], Axis] | None = None,
) -> Models:
    """Models of `most` drawn layers that satisfy `where`, or of those given.

    The arrays are named, `x`, or with other indices than theirs, `x:nca`. `free` are multi-indices of their own, with
    the range of their entries. On a `grid` nothing is outside, so that a shift loses nothing; `own` makes of each axis
    that of a second layer on it.
    """

    @cache
    def models(seed: int = 0) -> list[Model]:
        numbers = range(DRAWN * seed, DRAWN * (seed + 1))
        drawn = (found for number in numbers if (found := _drawn(number)) is not None and where(found))
        chosen = islice(drawn, most) if of is None else of
        return [_model(found, seed + number) for number, found in enumerate(chosen)]

    def _model(geometry: Geometry, seed: int) -> Model:
        pick = random.Random(seed)  # noqa: S311 - nothing secret
        axes = ranges(geometry, batch=pick.choice((1, 2)))
        moves = {symbol: MultiIndex(tuple(pick.choice(span) for _ in geometry.axes)) for symbol, span in moving}
        named = (name.partition(":") for name in names.split())
        arrays = {name: [axes[letter] for letter in letters or SHAPES[name]] for name, _, letters in named}
        values = {**sizes(geometry, len(axes["n"])), **_places(geometry, axes, pick), **moves}
        found = {**maps(geometry), **({"reads": index_map(geometry.axes)} if grid else {})}
        if own is not None:
            found["reads1"] = index_map(tuple(map(own, geometry.axes)), "" if grid else geometry.boundary)
        return Model(values, arrays, forward, found)

    moving = (free or {}).items()
    return models


def _places(geometry: Geometry, axes: Mapping[str, Sequence[Any]], pick: random.Random) -> dict[Any, Any]:
    """Values of the indices at which something is looked at: those of one product of the layer, so that it is there."""
    (c, *o), (i, *a), (_, j, *u) = pick.choice(list(terms(geometry)))
    sample, group, output, tap, cell = pick.choice(axes["n"]), c // geometry.group_out, *map(_position, (o, u, a))
    return {
        **dict.fromkeys((SAMPLE, AT_SAMPLE), sample),
        **dict.fromkeys((CHANNEL, AT_CHANNEL), c),
        **dict.fromkeys((SLICE, AT_SLICE), j),
        **dict.fromkeys((OUTPUT, AT_OUTPUT), output),
        **dict.fromkeys((TAP, AT_TAP), tap),
        **dict.fromkeys((INPUT_CHANNEL, AT_INPUT_CHANNEL, AT_FEATURE), i),
        **dict.fromkeys((CELL, AT_CELL), cell),
        GROUP: group,
        IN_GROUP: c - group * geometry.group_out,
    }


def _position(entries: Iterable[int]) -> MultiIndex:
    return MultiIndex(tuple(entries))


SHAPES = {
    **dict.fromkeys(("x", "x2", "ddx"), "nia"),
    **dict.fromkeys(("w", "w2", "ddw", "v"), "cju"),
    "g": "nco",
    "b": "c",
}
"""Indices of each array that is not named with its own, as in `x:nca`."""


def ranges(geometry: Geometry, batch: int) -> dict[str, Sequence[Any]]:
    """Values of each index: sample, channels, slice, output, tap, cell."""
    boxes = {"o": geometry.output_size, "u": geometry.kernel_size, "a": geometry.input_size}
    counts = {"n": batch, "c": geometry.out_channels, "j": geometry.group_in, "i": geometry.in_channels}
    counts |= {"y": geometry.groups, "z": geometry.group_out, "f": geometry.in_channels * prod(geometry.input_size)}
    return {
        **{letter: range(count) for letter, count in counts.items()},
        **{letter: box(0, MultiIndex(tuple(n - 1 for n in size))) for letter, size in boxes.items()},
    }


def sizes(geometry: Geometry, batch: int) -> dict[Any, Any]:
    """Value of every symbol of a layer's sizes."""
    lows, highs = zip(*geometry.padding, strict=True)
    return {
        BATCH: batch,
        WINDOW: prod(geometry.kernel_size),
        OUT_CHANNELS: geometry.out_channels,
        IN_CHANNELS: geometry.in_channels,
        GROUP_IN: geometry.group_in,
        GROUP_OUT: geometry.group_out,
        LENGTH: geometry.in_channels * prod(geometry.input_size),
        INPUT: MultiIndex(geometry.input_size),
        KERNEL: MultiIndex(geometry.kernel_size),
        POSITIONS: MultiIndex(geometry.output_size),
        STRIDE: MultiIndex(geometry.stride),
        DILATION: MultiIndex(geometry.dilation),
        LOW: MultiIndex(lows),
        HIGH: MultiIndex(highs),
    }


def index_map(axes: Sequence[Axis], boundary: str = "") -> Callable[..., Any]:
    """The map `reads` of a layer of these axes; without a boundary that of the whole grid, where nothing is outside."""

    def reads(o: Any, u: Any) -> MultiIndex | None:
        places = zip(axes, spread(o, len(axes)), spread(u, len(axes)), strict=True)
        cell = MultiIndex(tuple(axis.reads(*pair) for axis, *pair in places))
        size = MultiIndex(tuple(axis.input_size for axis in axes))
        if boundary == "circular":
            return cell % size
        return None if boundary and cell % size != cell else cell

    return reads


def maps(geometry: Geometry, which: str = "") -> Mapping[str, Callable[..., Any]]:
    """The layer's index maps, by the name that terms call them."""

    def reads(o: Any, u: Any) -> MultiIndex | None:
        cell = geometry.reads(spread(o, geometry.ndim).entries, spread(u, geometry.ndim).entries)
        return None if cell is None else MultiIndex(cell)

    def count(o: Any) -> int:
        at = spread(o, geometry.ndim).entries
        return max(1, sum(geometry.reads(at, u) is not None for u in geometry.taps()))

    @cache
    def won() -> Any:
        return winners(ordered(geometry), geometry)

    def winner(n: int, c: int, o: Any) -> MultiIndex:
        tap = won()[n, c, *spread(o, geometry.ndim)]
        return _position(map(int, np.unravel_index(tap, geometry.kernel_size)))

    def number(i: int, a: Any) -> int:
        return int(np.ravel_multi_index((i, *a), (geometry.in_channels, *geometry.input_size)))

    return {
        f"reads{which}": reads,
        f"channel{which}": geometry.reads_channel,
        f"{WINNER}{which}": winner,
        "count": count,
        "number": number,
    }


def ordered(geometry: Geometry) -> Array:
    """Two samples of numbers, no two of them equal, in whose windows the derivations' winners win."""
    shape = (2, geometry.out_channels, *geometry.input_size)
    return np.random.default_rng(prod(shape)).permutation(prod(shape)).reshape(shape)


def every_window_reads(geometry: Geometry) -> bool:
    """Whether every output reads a cell of the input, so that its window has a winner."""
    return all(any(geometry.reads(o, u) is not None for u in geometry.taps()) for o in geometry.outputs())


DEPTHWISE = tuple(
    Geometry(size, kernel, stride, padding=padding, in_channels=2, out_channels=2, groups=2)
    for size, kernel, stride, padding in (((4,), (2,), 2, 0), ((3,), (2,), 1, 1), ((2, 3), (2, 1), (1, 2), 0))
)
"""A group for each channel."""
ONE_TAP = tuple(
    Geometry(size, (1,) * len(size), in_channels=i, out_channels=c)
    for size, i, c in (((3,), 2, 1), ((4,), 1, 2), ((2, 3), 2, 2))
)
"""Kernels of one tap."""
WHOLE = tuple(
    Geometry(size, size, in_channels=i, out_channels=c) for size, i, c in (((3,), 2, 1), ((4,), 1, 2), ((2, 3), 2, 2))
)
"""Kernels as large as the input."""
STACKS = (
    (
        Geometry((4,), (2,), 2, in_channels=2, boundary="circular"),
        Geometry((2,), (3,), 2, padding=((1, 0),), boundary="circular"),
    ),
    (
        Geometry((4,), (3,), 1, 2, padding=((1, 3),), out_channels=2, groups=1, boundary="circular"),
        Geometry((4,), (2,), 2, padding=((1, 0),), in_channels=2, boundary="circular"),
    ),
    (
        Geometry((2, 3), (1, 2), (2, 1), padding=((0, 0), (1, 0)), boundary="circular"),
        Geometry((1, 3), (1, 1), (1, 3), boundary="circular"),
    ),
)
"""Two circular layers, the second on what the first gives."""


def stacks(names: str, shift: Any) -> Models:
    """Models of two layers with weights w and v, at a shift."""

    def models(seed: int = 0) -> list[Model]:
        return [_stack(seed + number, *pair, names.split(), shift) for number, pair in enumerate(STACKS)]

    return models


def _stack(number: int, first: Geometry, second: Geometry, names: Sequence[str], shift: Any) -> Model:
    below, above, pick = ranges(first, 1), ranges(second, 1), random.Random(number)  # noqa: S311 - nothing secret
    upper = {
        GROUP_IN1: second.group_in,
        KERNEL1: MultiIndex(second.kernel_size),
        STRIDE1: MultiIndex(second.stride),
        POSITIONS: MultiIndex(second.output_size),
        shift: MultiIndex(tuple(pick.choice(range(1, 4)) for _ in second.axes)),
    }
    places = {SAMPLE: 0, CHANNEL: pick.choice(above["c"]), OUTPUT: pick.choice(above["o"])}
    arrays = {name: [(above if name == "v" else below)[letter] for letter in SHAPES[name]] for name in names}
    return Model({**sizes(first, 1), **upper, **places}, arrays, None, {**maps(first), **maps(second, "1")})
