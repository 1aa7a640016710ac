"""The index maps of the gradients: which layer each of them is, and what rot180 does to positions."""

from __future__ import annotations

from typing import Any, get_args

from numeric.geometry import Axis
from numeric.plane import Mode, mode_padding, mode_start
from proofs.arithmetic.products import grows
from proofs.facts import Claim, fact


@fact("weight gradient, s ≥ 1: with stride and dilation exchanged, tap u reads through o what output o reads through u")
def weight_gradient_exchanges(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """A layer whose kernel is the cotangent."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((s >= 1,), Axis(n, axis.output_size, d, s, low, high).reads(u, o) == axis.reads(o, u))


@fact("weight gradient, s, d ≥ 1: that layer has k + ⌊remainder / d⌋ outputs, of which the first k are taps")
def weight_gradient_has_more(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """Where the stride leaves d cells or more, what comes last is no tap."""
    axis = Axis(n, k, s, d, low, high)
    outputs, more = Axis(n, axis.output_size, d, s, low, high).output_size, axis.remainder // d
    known = (grows(d, outputs, k + more), grows(d, k + more, outputs))
    return Claim((s >= 1, d >= 1), outputs == k + more, known)


@fact("input gradient, s ≥ 1: reads(o, u) = a ⇔ s divides a + low − d·u and o = (a + low − d·u) / s")
def input_gradient_gathers(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, a: Any) -> Claim:
    """One output at most through each tap."""
    reads = Axis(n, k, s, d, low, high).reads(o, u) == a
    place = a + low - d * u
    known = (grows(s, o, place // s), grows(s, place // s, o))
    return Claim((s >= 1,), reads == ((place % s == 0) & (o == place // s)), known)


def _spread(axis: Axis) -> Axis:
    """Layer of the cotangent with s − 1 zeros between its cells: stride 1, padded by what the kernel spans beyond."""
    beyond = axis.span - 1
    size = axis.stride * (axis.output_size - 1) + 1
    return Axis(size, axis.kernel_size, 1, axis.dilation, beyond - axis.low, beyond - axis.high + axis.remainder)


@fact("input gradient, s ≥ 1: through tap k − 1 − u, cell a reads the spread cotangent's cell s·o ⇔ reads(o, u) = a")
def input_gradient_rotates(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any, a: Any) -> Claim:
    """A layer of stride 1 whose kernel is rotated."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((s >= 1,), (_spread(axis).reads(a, k - 1 - u) == s * o) == (axis.reads(o, u) == a))


@fact("input gradient, s ≥ 1: that layer has n outputs, the remainder added to its padding at the high end")
def input_gradient_size(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """The cells that the stride leaves are cells of the input as well."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((s >= 1,), _spread(axis).output_size == n)


def _convolved(mode: Mode) -> Any:
    @fact(f"mode {mode}: through tap m − 1 − u of the rotated kernel, output o reads cell o + start − u")
    def reads(n: Any, m: Any, o: Any, u: Any) -> Claim:
        """`numeric.convolve` is a layer of the rotated kernel."""
        axis = Axis(n, m, 1, 1, *mode_padding(mode, m))
        return Claim((), axis.reads(o, m - 1 - u) == o + mode_start(mode, m) - u)

    return reads


convolution_reads = tuple(map(_convolved, get_args(Mode)))


@fact(
    "x of n and w of m cells, y = x * w in full: y[u + a] reads x[a] through w[u], and valid(G * rot180(x))[u] reads "
    "G[u + a] through x[a]"
)
def rotation_turns_the_sum(n: Any, m: Any, a: Any, u: Any) -> Claim:
    """The weight gradient on finite arrays."""
    forward = Axis(n, m, 1, 1, *mode_padding("full", m)).reads(u + a, m - 1 - u)
    back = Axis(n + m - 1, n, 1, 1, *mode_padding("valid", n))
    return Claim((), (forward == a) & (back.reads(u, a) == u + a) & (back.output_size == m))
