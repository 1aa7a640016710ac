"""Multi-indices: positions on several axes at once, as analysis writes them.

Every formula of `numeric.Axis` is made of sums, products, quotients and remainders, axis by axis. So a derivation on
one axis is one on any number of axes, read with multi-indices; its steps are evaluated on them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product, repeat
from typing import Any


@dataclass(frozen=True)
class MultiIndex:
    """One integer for each axis, added and multiplied axis by axis; a plain number is the same on every axis."""

    entries: tuple[int, ...]

    def __iter__(self) -> Iterator[int]:
        return iter(self.entries)

    def __str__(self) -> str:
        return ",".join(map(str, self.entries))

    def __add__(self, other: Any) -> MultiIndex:
        return _by_axis(operator.add, self, other)

    def __mul__(self, other: Any) -> MultiIndex:
        return _by_axis(operator.mul, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> MultiIndex:
        return _by_axis(operator.sub, self, other)

    def __floordiv__(self, other: Any) -> MultiIndex:
        return _by_axis(operator.floordiv, self, other)

    def __mod__(self, other: Any) -> MultiIndex:
        return _by_axis(operator.mod, self, other)


def _by_axis(operation: Callable[[int, int], int], a: MultiIndex, b: Any) -> MultiIndex:
    if not isinstance(b, MultiIndex):
        return MultiIndex(tuple(operation(i, b) for i in a))
    return MultiIndex(tuple(operation(i, j) for i, j in zip(a, b, strict=True)))


def box(low: Any, high: Any) -> list[Any]:
    """Every integer from `low` to `high`, or every multi-index if one of them is one; empty where an axis is."""
    if not isinstance(low, MultiIndex) and not isinstance(high, MultiIndex):
        return list(range(low, high + 1))
    lows: Any = low if isinstance(low, MultiIndex) else repeat(low)
    highs: Any = high if isinstance(high, MultiIndex) else repeat(high)
    spans = (range(first, last + 1) for first, last in zip(lows, highs, strict=False))  # one of them may be endless
    return [MultiIndex(at) for at in product(*spans)]


def agree(a: Any, b: Any) -> bool:
    """Whether two positions are the same, on every axis; None is no position, and so none of them."""
    if a is None or b is None:
        return False
    if isinstance(a, MultiIndex) == isinstance(b, MultiIndex):
        return bool(a == b)
    return all(i == j for i, j in zip(*((x if isinstance(x, MultiIndex) else repeat(x)) for x in (a, b)), strict=False))


def spread(i: Any, ndim: int) -> MultiIndex:
    """Multi-index on that many axes; a plain number is the same on each."""
    return i if isinstance(i, MultiIndex) else MultiIndex((i,) * ndim)
