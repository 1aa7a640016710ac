"""Shifts of the input that are shifts of the output."""

from __future__ import annotations

from typing import Any

from numeric.geometry import Axis
from proofs.arithmetic.layer import layer
from proofs.arithmetic.products import congruent, grows, times
from proofs.facts import Claim, fact


@fact("reads(o + t, u) = reads(o, u) + s·t")
def shifts_by_the_stride(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, t: Any) -> Claim:
    """For all integers."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((), axis.reads(o + t, u) == axis.reads(o, u) + s * t)


@fact("s ≥ 1: reads(o + t, u) = reads(o, u) + c ⇔ s divides c and t = c / s")
def matched_shifts(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, t: Any, c: Any) -> Claim:
    """A shift of the input by c is one of the output exactly for multiples of the stride."""
    axis = Axis(n, k, s, d, low, high)
    matched = axis.reads(o + t, u) == axis.reads(o, u) + c
    known = (grows(s, t, c // s), grows(s, c // s, t))
    return Claim((s >= 1,), matched == ((c % s == 0) & (t == c // s)), known)


@fact("s ≥ 1: m outputs with s·m = n ⇔ s divides n and span − s ≤ low + high < span")
def circle_closes(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """Of a circular layer: the window after the last one is the first one."""
    axis = Axis(n, k, s, d, low, high)
    total, windows = low + high, n // s
    closes = s * axis.output_size == n
    fits = (n % s == 0) & (axis.span - s <= total) & (total < axis.span)
    known = (grows(s, axis.output_size, windows), grows(s, windows, axis.output_size))
    return Claim((s >= 1,), closes == fits, known)


@fact("circular boundary, m ≥ 1 outputs, n = s·m, s ≥ 1: output (o + t) mod m reads cell (reads(o, u) + s·t) mod n")
def circular_shifts(m: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, t: Any) -> Claim:
    """A circular shift of the output by t is one of the input by s·t."""
    n = s * m
    axis = Axis(n, k, s, d, low, high)
    circle, there = layer(axis, "circular"), (o + t) % m
    (cell,), (moved,) = circle.reads((o,), (u,)), circle.reads((there,), (u,))
    still = cell + s * t
    turns = axis.reads(o, u) // n - (o + t) // m
    known = (times(s, o + t, m * ((o + t) // m) + there), congruent(n, axis.reads(there, u), still, turns))
    return Claim((s >= 1, m >= 1), moved == still % n, known)


@fact("reads₁(reads₂(o + t, v), u) = reads₁(reads₂(o, v), u) + s₁·s₂·t")
def stack_shifts_by_the_product(
    s1: Any, d1: Any, low1: Any, s2: Any, d2: Any, low2: Any, o: Any, u: Any, v: Any, t: Any
) -> Claim:
    """Two layers, the first one below."""
    first, second = Axis(0, 0, s1, d1, low1), Axis(0, 0, s2, d2, low2)
    moved, still = (first.reads(second.reads(place, v), u) for place in (o + t, o))
    return Claim((), moved == still + s1 * s2 * t)


@fact(
    "stride 1, zero boundary, shift by t: a product is the same before and after, or in neither ⇔ its cell "
    "a = reads(o, u), where a − t is inside, is inside exactly if o − t is an output"
)
def zero_padding_agrees(n: Any, k: Any, low: Any, high: Any, o: Any, u: Any, t: Any) -> Claim:
    """Shift the input and read it at o; or read it at o − t, where there is such an output."""
    axis = Axis(n, k, 1, 1, low, high)
    line, a = layer(axis), axis.reads(o, u)
    here = line.reads((o,), (u,))
    shifted = None if here is None or not 0 <= here[0] - t < n else here[0] - t
    there = line.reads((o - t,), (u,)) if 0 <= o - t < axis.output_size else None
    agree = (shifted is None) == (there is None) and (there is None or bool(shifted == there[0]))
    undisturbed = not 0 <= a - t < n or bool(0 <= a < n) == bool(0 <= o - t < axis.output_size)
    return Claim((), agree == undisturbed)
