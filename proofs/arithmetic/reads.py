"""Which cells windows read: inside or outside of the input, once or more often, apart or overlapping."""

from __future__ import annotations

from typing import Any

from numeric.geometry import Axis
from proofs.arithmetic.layer import layer
from proofs.arithmetic.products import grows, not_negative
from proofs.facts import Claim, fact


@fact("zero boundary: reads(o, u) is s·o + d·u − low where that is from 0 to n − 1, and none elsewhere")
def zero_boundary_reads(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """The index map of a layer is partial."""
    cell = layer(Axis(n, k, s, d, low, high)).reads((o,), (u,))
    place = s * o + d * u - low
    inside = (place >= 0) & (place < n)
    return Claim((), inside == False if cell is None else inside & (cell[0] == place))  # noqa: E712 - a term


@fact("n ≥ 1, circular boundary: reads(o, u) is a cell, that of s·o + d·u − low modulo n")
def circular_boundary_reads(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """The index map of a layer is total."""
    (cell,) = layer(Axis(n, k, s, d, low, high), "circular").reads((o,), (u,))
    circles = (s * o + d * u - low) // n
    return Claim((n >= 1,), (cell >= 0) & (cell < n) & (cell + n * circles == s * o + d * u - low))


@fact("s, d ≥ 1, low ≤ 0, high ≤ remainder: every cell that an output reads lies inside the input")
def nothing_is_outside(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """As without any padding."""
    axis = Axis(n, k, s, d, low, high)
    cell, last = axis.reads(o, u), axis.output_size - 1
    given = (s >= 1, d >= 1, low <= 0, high <= axis.remainder, o >= 0, o <= last, u >= 0, u < k)
    known = (not_negative(s, o), not_negative(s, last - o), not_negative(d, u), not_negative(d, k - 1 - u))
    return Claim(given, (cell >= 0) & (cell < n), known)


@fact(
    "s ≥ 1, where there is an output: low > 0 ⇔ the first output's first cell lies before the input, "
    "high > remainder ⇔ the last output's last cell lies behind it"
)
def something_is_outside(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """So that the condition is needed as well."""
    axis = Axis(n, k, s, d, low, high)
    before, behind = axis.reads(0, 0) < 0, axis.reads(axis.output_size - 1, k - 1) >= n
    return Claim((s >= 1,), (before == (low > 0)) & (behind == (high > axis.remainder)))


@fact("d ≥ 1: a window reads no cell through two taps; s ≥ 1: a tap reads no cell for two outputs")
def reads_once(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, p: Any, v: Any) -> Claim:
    """reads(o, u) is injective in u, and in o."""
    axis = Axis(n, k, s, d, low, high)
    taps = (axis.reads(o, u) == axis.reads(o, v)) == (u == v)
    outputs = (axis.reads(o, u) == axis.reads(p, u)) == (o == p)
    return Claim((s >= 1, d >= 1), taps & outputs)


@fact("outputs o and p read one cell through taps u and v ⇔ s·(p − o) = d·(u − v)")
def one_cell_is_read_twice(
    n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, p: Any, v: Any
) -> Claim:
    """For all sizes."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((), (axis.reads(o, u) == axis.reads(p, v)) == (s * (p - o) == d * (u - v)))


@fact("s ≥ 1, p > o: windows o and p overlap ⇔ s·(p − o) < span")
def windows_overlap(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, p: Any) -> Claim:
    """The later one begins before the earlier one has ended."""
    axis = Axis(n, k, s, d, low, high)
    overlap = axis.reads(p, 0) <= axis.reads(o, k - 1)
    return Claim((s >= 1, p > o), overlap == (s * (p - o) < axis.span))


@fact("s ≥ 1: no two windows overlap ⇔ span ≤ s")
def windows_are_apart(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, p: Any) -> Claim:
    """If neighbours do not, no two do."""
    axis = Axis(n, k, s, d, low, high)
    neighbours = axis.reads(o + 1, 0) > axis.reads(o, k - 1)
    others = axis.reads(p, 0) > axis.reads(o, k - 1)
    return Claim((s >= 1, p > o), (neighbours == (axis.span <= s)) & (others | (axis.span > s)))


@fact("stride k ≥ 1, no padding, dilation 1: cell a is read by output ⌊a/k⌋ alone, through tap a mod k alone")
def windows_tile(n: Any, k: Any, a: Any, o: Any, u: Any) -> Claim:
    """Pooling windows side by side."""
    reads = Axis(n, k, k).reads(o, u) == a
    known = (grows(k, o, a // k), grows(k, a // k, o))
    return Claim((k >= 1, u >= 0, u < k), reads == ((o == a // k) & (u == a % k)), known)
