"""Symbols that the derivations share, and the small sizes at which they are evaluated."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import prod
from typing import Any

from sympy import IndexedBase, Symbol

from numeric import Axis
from proofs.evaluate import Model
from proofs.signals import POSITIONS


def integers(names: str, **assumptions: bool) -> list[Any]:
    """Integer symbols."""
    return [Symbol(name, integer=True, **assumptions) for name in names.split()]


def arrays(names: str) -> list[Any]:
    """Leaves: arrays with an entry at every position, zero outside of a finite range."""
    return [IndexedBase(name) for name in names.split()]


# One axis of a layer, every field a symbol; POSITIONS, its output size, follows from them.
INPUT, KERNEL, STRIDE, DILATION = integers("n k s d", positive=True)
LOW, HIGH = integers("l h")
AXIS = Axis(INPUT, KERNEL, STRIDE, DILATION, LOW, HIGH)
AXIS_RANGES: dict[Any, range] = {
    INPUT: range(1, 5),
    KERNEL: range(1, 4),
    STRIDE: range(1, 4),
    DILATION: range(1, 3),
    LOW: range(-1, 3),
    HIGH: range(-1, 3),
}

LINE_SCOPE = "one axis, every size, kernel, stride, dilation and padding"
LINE_ASSUMES = (
    "zero outside of x (zero boundary)",
    "one axis, sample and channel; batch, channels and groups add up such layers, further axes repeat the step",
)


def at_sizes(
    ranges: Mapping[Any, range],
    arrays: Callable[[dict[Any, int]], Mapping[str, list[range]]] = lambda _: {},
    where: Callable[[dict[Any, int]], bool] = lambda _: True,
    forward: Callable[..., Any] | None = None,
    most: int = 8,
) -> Callable[[], Iterable[Model]]:
    """Models for the first `most` of the combinations that satisfy `where`, in a fixed random order."""

    def models() -> list[Model]:
        total = prod(map(len, ranges.values()))
        drawn = random.Random(0).sample(range(total), min(total, 40 * most))  # noqa: S311 - nothing secret
        allowed = filter(where, (_combination(ranges, number) for number in drawn))
        return [Model(sizes, arrays(sizes), forward) for sizes in islice(allowed, most)]

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


def layer_sizes(
    names: str,
    free: Mapping[Any, range] | None = None,
    forward: Callable[..., Any] | None = None,
    where: Callable[[dict[Any, int]], bool] = lambda _: True,
    most: int = 8,
) -> Callable[[], Iterable[Model]]:
    """Models of a layer on one axis: sizes that have an output, and ranges for the arrays x, x2, w, w2, g, b."""

    def concrete(sizes: Mapping[Any, int]) -> Axis:
        return Axis(*(sizes[symbol] for symbol in AXIS_RANGES))

    def spaces(sizes: dict[Any, int]) -> dict[str, list[range]]:
        sizes[POSITIONS] = concrete(sizes).output_size
        lengths = {"x": sizes[INPUT], "w": sizes[KERNEL], "g": sizes[POSITIONS], "b": 1}
        return {name: [range(lengths[name[0]])] for name in names.split()}

    return at_sizes(
        {**AXIS_RANGES, **(free or {})},
        spaces,
        lambda sizes: where(sizes) and concrete(sizes).span <= concrete(sizes).padded_size,
        forward,
        most,
    )
