"""The transposed size, special kernels, and the channels of groups."""

from __future__ import annotations

from typing import Any

from numeric.geometry import Axis
from proofs.arithmetic.layer import layer
from proofs.arithmetic.products import divides, grows, times
from proofs.facts import Claim, fact


@fact("s ≥ 1: an input of size n has m outputs ⇔ transposed(m) ≤ n < transposed(m) + s")
def transposed_size_inverts(m: Any, n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """So transposed(m) is the least such input, and output padding from 0 to s − 1 gives each of them once."""
    least = Axis(m, k, s, d, low, high).transposed_size
    outputs = Axis(n, k, s, d, low, high).output_size
    known = (grows(s, outputs, m), grows(s, m, outputs))
    return Claim((s >= 1,), (outputs == m) == ((least <= n) & (n < least + s)), known)


@fact("s ≥ 1: n = transposed(output(n)) + remainder, 0 ≤ remainder < s")
def remainder_is_the_output_padding(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """So the size comes back without output padding exactly if the remainder is 0."""
    axis = Axis(n, k, s, d, low, high)
    back, left = Axis(axis.output_size, k, s, d, low, high).transposed_size, axis.remainder
    return Claim((s >= 1,), (n == back + left) & (left >= 0) & (left < s))


@fact("kernel of one tap, stride 1: n outputs, output o reads cell o")
def one_tap(n: Any, d: Any, o: Any) -> Claim:
    """For any dilation."""
    axis = Axis(n, 1, 1, d)
    return Claim((), (axis.output_size == n) & (axis.reads(o, 0) == o))


@fact("kernel as large as the input, s ≥ 1: one output, tap u reads cell u")
def whole_kernel(n: Any, s: Any, u: Any) -> Claim:
    """For any stride."""
    axis = Axis(n, n, s)
    return Claim((s >= 1,), (axis.output_size == 1) & (axis.reads(0, u) == u))


@fact(
    "G groups of I input and C output channels: output channel c reads channels of its own group ⌊c / C⌋, "
    "each through one slice"
)
def groups_read_their_own(G: Any, I: Any, C: Any, c: Any, i: Any, j: Any) -> Claim:  # noqa: N803, E741
    """As `Geometry` numbers them."""
    grouped = layer(Axis(1, 1), in_channels=G * I, out_channels=G * C, groups=G)
    read = grouped.reads_channel(c, j)
    group = c // grouped.group_out
    known = (
        divides(G, I),
        divides(G, C),
        times(group, grouped.group_in, I),
        times(group, grouped.group_out, C),
        times(I, group, c // C),
        *(grows(C, *pair) for pair in ((group, c // C), (c // C, group))),
        *(grows(I, *pair) for pair in ((i // I, group), (group, i // I))),
    )
    given = (G >= 1, I >= 1, C >= 1, c >= 0, c < G * C, i >= 0, i < G * I, j >= 0, j < I)
    return Claim(given, (read == i) == ((i // I == c // C) & (j == i % I)), known)
