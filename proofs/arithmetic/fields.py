"""Receptive fields of two and of three layers: the first and the last cell that the stack reads, and all between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from numeric.geometry import Axis, receptive_field
from proofs.facts import Claim, Fact, fact


@fact("s, d ≥ 0, a ≤ b ≤ c, 0 ≤ u < k: reads(a, 0) ≤ reads(b, u) ≤ reads(c, k − 1)")
def a_layer_keeps_order(k: Any, s: Any, d: Any, low: Any, a: Any, b: Any, c: Any, u: Any) -> Claim:
    """The step from positions above to cells below, and so to stacks of any height."""
    axis = Axis(0, k, s, d, low)
    cell = axis.reads(b, u)
    order = (axis.reads(a, 0) <= cell) & (cell <= axis.reads(c, k - 1))
    return Claim((s >= 0, d >= 0, a <= b, b <= c, u >= 0, u < k), order)


def _field(height: int) -> tuple[Fact, Fact]:
    """What `receptive_field` says of a stack: the ends of what an output reads, and that nothing lies outside."""
    numbers = range(1, height + 1)
    sizes = tuple(f"{letter}{number}" for number, letter in product(numbers, ("k", "s", "d", "low")))
    taps = tuple(f"u{number}" for number in numbers)

    def ends(o: Any, *sizes: Any) -> Claim:
        axes = _stack(sizes)
        size, jump, start = receptive_field(*axes)
        *_, first = _places(axes, o, [0 for _ in axes])
        *_, last = _places(axes, o, [axis.kernel_size - 1 for axis in axes])
        return Claim((), (first == start + jump * o) & (last == start + jump * o + size - 1))

    def between(o: Any, *integers: Any) -> Claim:
        axes, taps = _stack(integers[:-height]), integers[-height:]
        firsts, cells, lasts = (
            list(_places(axes, o, used)) for used in ([0] * height, taps, [axis.kernel_size - 1 for axis in axes])
        )
        above = zip(reversed(axes), reversed(taps), firsts, cells, lasts, strict=False)
        steps = (a_layer_keeps_order(a.kernel_size, a.stride, a.dilation, a.low, *at, u) for a, u, *at in above)
        given = ((a.stride >= 0, a.dilation >= 0, u >= 0, u < a.kernel_size) for a, u in zip(axes, taps, strict=True))
        return Claim(sum(given, ()), (firsts[-1] <= cells[-1]) & (cells[-1] <= lasts[-1]), tuple(steps))

    both = "start + jump·o through the first taps, start + jump·o + size − 1 through the last ones"
    return (
        Fact(f"{height} layers: output o reads cell {both}", ends, ("o", *sizes)),
        Fact(f"{height} layers, s, d ≥ 0: output o reads no cell outside of these two", between, ("o", *sizes, *taps)),
    )


def _stack(sizes: Sequence[Any]) -> list[Axis]:
    """Layers of these kernel sizes, strides, dilations and paddings, four numbers each, the lowest first."""
    return [Axis(0, *sizes[at : at + 4]) for at in range(0, len(sizes), 4)]


def _places(axes: Sequence[Axis], o: Any, taps: Sequence[Any]) -> Iterator[Any]:
    """Output o, and what it reads through these taps in the layer below it, in the next one, and in the input."""
    yield o
    for axis, tap in zip(reversed(axes), reversed(taps), strict=True):
        o = axis.reads(o, tap)
        yield o


fields = (*_field(2), *_field(3))
