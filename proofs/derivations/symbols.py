"""Symbols that the derivations share, and the small sizes at which they are evaluated."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Any

import numpy as np
from sympy import IndexedBase, Symbol

from numeric import Axis
from proofs.evaluate import Forward, Model
from proofs.layer_signals import INPUT, KERNEL
from proofs.multi_index import MultiIndex, box
from proofs.tiers.derivation import Models


def integers(names: str, **assumptions: bool) -> list[Any]:
    """Integer symbols."""
    return [Symbol(name, integer=True, **assumptions) for name in names.split()]


def arrays(names: str) -> list[Any]:
    """Leaves: arrays with an entry at every position, zero outside of a finite range."""
    return [IndexedBase(name) for name in names.split()]


# One axis of a layer, every field a symbol; read with multi-indices, all of its axes.
STRIDE, DILATION = integers("s d", positive=True)
LOW, HIGH = integers("l h")
AXIS = Axis(INPUT, KERNEL, STRIDE, DILATION, LOW, HIGH)
PLANE_MEANS = {
    **dict.fromkeys(integers("x y"), "position on the plane"),
    **dict.fromkeys(integers("u v"), "kernel tap"),
    **dict.fromkeys(integers("s t"), "translation"),
    **dict.fromkeys(integers("p q", nonnegative=True), "half-width of the kernel"),
}


def at_sizes(
    ranges: Mapping[Any, range],
    arrays: Callable[[dict[Any, int]], Mapping[str, Sequence[Any]]] = lambda _: {},
    where: Callable[[dict[Any, int]], bool] = lambda _: True,
    forward: Forward | None = None,
    most: int = 8,
    expressions: bool = False,
    maps: Mapping[str, Callable[..., Any]] | None = None,
    compared: Mapping[str, Sequence[int]] | None = None,
) -> Models:
    """Models for the first `most` of the combinations that satisfy `where`, in a fixed random order.

    The entries of arrays that are `compared` compare as one of these numbers does, each drawn for itself.
    """

    def model(sizes: dict[Any, int], pick: random.Random) -> Model:
        axes = arrays(sizes)
        drawn = {
            name: np.array(pick.choices(numbers, k=prod(map(len, axes[name])))).reshape([*map(len, axes[name])])
            for name, numbers in (compared or {}).items()
        }
        return Model(sizes, axes, forward, maps, expressions=expressions, sample=drawn)

    def models(seed: int = 0) -> list[Model]:
        total = prod(map(len, ranges.values()))
        pick = random.Random(seed)  # noqa: S311 - nothing secret
        drawn = pick.sample(range(total), min(total, 40 * most))
        allowed = filter(where, (_combination(ranges, number) for number in drawn))
        return [model(sizes, pick) for sizes in islice(allowed, most)]

    return models


def _combination(ranges: Mapping[Any, range], number: int) -> dict[Any, int]:
    sizes = {}
    for symbol, values in ranges.items():
        number, place = divmod(number, len(values))
        sizes[symbol] = values[place]
    return sizes


def centred(*half_widths: int) -> list[range]:
    """Index ranges `-p .. p`."""
    return [range(-p, p + 1) for p in half_widths]


def on_grid(names: str, *free: Any) -> Models:
    """Models of small arrays on one and two axes, with multi-indices for the free symbols.

    The arrays lie from 0 to 1 or 2 along an axis; sums over the grid run as far as a product of them reaches.
    """

    def models(seed: int = 0) -> list[Model]:
        pick = random.Random(seed)  # noqa: S311 - nothing secret
        return [_on_grid(size, names.split(), free, pick) for size in ((3,), (2,), (3,), (2, 1), (1, 2))]

    return models


def _on_grid(size: tuple[int, ...], names: Sequence[str], free: Sequence[Any], pick: random.Random) -> Model:
    places = {symbol: MultiIndex(tuple(pick.choice(range(n)) for n in size)) for symbol in free}
    cells = box(MultiIndex((0,) * len(size)), MultiIndex(tuple(n - 1 for n in size)))
    far = box(MultiIndex((-1,) * len(size)), MultiIndex(tuple(2 * n - 1 for n in size)))
    return Model(places, {name: [cells] for name in names}, grid=far)
