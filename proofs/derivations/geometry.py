"""Output size and padding, for all sizes: the formulas are those of `numeric.Axis`, run on symbols."""

from typing import Any

from sympy import Symbol, floor

from numeric import Axis
from numeric.geometry import receptive_field
from proofs.derivations.symbols import DILATION, HIGH, LOW, STRIDE, at_sizes, integers
from proofs.layer_signals import INPUT, KERNEL, OUTPUT, TAP
from proofs.rules import FORMULA, proper_fraction
from proofs.signals import Formula
from proofs.tiers.derivation import Derivation, Models, Step, chain

(TAP1,) = integers("u1")


def output_size() -> Derivation:
    """Windows grow with u and move with o; windows 0 .. q are inside, window q + 1 is not; the formula is q + 1."""
    q, r = integers("q r", nonnegative=True)
    span = Axis(0, KERNEL, STRIDE, DILATION).span
    axis = Axis(q * STRIDE + r + span - LOW - HIGH, KERNEL, STRIDE, DILATION, LOW, HIGH)
    o, u = OUTPUT, TAP

    def reads(o: Any, u: Any) -> Any:
        return Formula("reads", axis, o, u)

    last = Formula("padded_size", axis) - LOW - 1  # last cell of the padded input, which begins at -low
    steps = (
        Step(
            Formula("padded_size", axis) - Formula("span", axis),
            q * STRIDE + r,
            FORMULA,
            "division with remainder: q ≥ 0 and 0 ≤ r < s",
        ),
        Step(reads(o, u + 1) - reads(o, u), DILATION, FORMULA, "≥ 1, so a window lies between its end taps"),
        Step(reads(o + 1, u) - reads(o, u), STRIDE, FORMULA, "≥ 1, so later windows lie further right"),
        Step(reads(0, 0), -LOW, FORMULA, "so window 0 begins with the padded input"),
        Step(last - reads(q, KERNEL - 1), r, FORMULA, "≥ 0, so window q ends inside"),
        Step(reads(q + 1, KERNEL - 1) - last, STRIDE - r, FORMULA, "≥ 1, so window q + 1 does not"),
        *chain(
            Formula("output_size", axis),
            (q + floor(r / STRIDE) + 1, FORMULA),
            (q + 1, proper_fraction(r, STRIDE), "the number of windows 0 .. q"),
        ),
    )
    ranges = {
        q: range(3),
        r: range(3),
        KERNEL: range(1, 4),
        STRIDE: range(1, 4),
        DILATION: range(1, 3),
        LOW: range(-1, 3),
        HIGH: range(-1, 3),
        o: range(3),
        u: range(3),
    }
    models = at_sizes(ranges, where=lambda sizes: sizes[r] < sizes[STRIDE], most=40)
    goals = (
        (reads(0, 0), -LOW),
        (last - reads(q, KERNEL - 1), r),
        (reads(q + 1, KERNEL - 1) - last, STRIDE - r),
        (Formula("output_size", axis), q + 1),
    )
    return Derivation(
        goals,
        steps,
        models,
        "one axis, every size, stride, dilation and padding for which the kernel fits",
        (),
        {q: "the last window that lies inside", r: "remainder of the division by the stride"},
    )


def valid_size() -> Derivation:
    """Stride 1, no padding, kernel 2p + 1."""
    m, p = integers("m p", nonnegative=True)
    steps = chain(
        Formula("output_size", Axis(m, 2 * p + 1)),
        (m - 2 * p, FORMULA, "stride 1, no padding, a kernel of 2p + 1"),
    )
    goal = (Formula("output_size", Axis(m, 2 * p + 1)), m - 2 * p)
    return Derivation(
        (goal,), steps, _sizes(m, p), "every m > 2p, on each axis", (), {m: "input size", p: "half-width of the kernel"}
    )


def same_size() -> Derivation:
    """Stride 1, p cells of padding on each side, kernel 2p + 1."""
    m, p = integers("m p", nonnegative=True)
    padded = Axis(m, 2 * p + 1, low=p, high=p)
    steps = (
        Step(Formula("padded_size", padded), m + 2 * p, FORMULA, "p cells on each side"),
        Step(Formula("output_size", padded), m, FORMULA, "a kernel of 2p + 1"),
        Step(
            Formula("output_size", Axis(m + 2 * p, 2 * p + 1)),
            m,
            FORMULA,
            "the same, of an input that is m + 2p already",
        ),
    )
    means = {m: "input size", p: "half-width of the kernel"}
    goals = ((Formula("padded_size", padded), m + 2 * p), (Formula("output_size", padded), m))
    return Derivation(goals, steps, _sizes(m, p), "every m ≥ 1 and p ≥ 0, on each axis", (), means)


def same_padding() -> Derivation:
    """Padding for exactly m = ⌈n / s⌉ windows; or none, where less than s cells are left after the last one."""
    m = Symbol("m", integer=True, positive=True)
    e, r = integers("e r", nonnegative=True)
    plain = Axis(0, KERNEL, STRIDE, DILATION)
    needed = (m - 1) * STRIDE + plain.span - INPUT
    padded = Axis(INPUT, KERNEL, STRIDE, DILATION, LOW, needed - LOW)
    roomy = Axis((m - 1) * STRIDE + plain.span + r, KERNEL, STRIDE, DILATION)
    windows = -floor(-(m * STRIDE - e) / STRIDE)
    steps = (
        *chain(
            windows,
            (m, proper_fraction(e, STRIDE), "m = ⌈n / s⌉ for n = s·m − e with 0 ≤ e < s"),
        ),
        Step(Formula("padded_size", padded) - Formula("span", padded), (m - 1) * STRIDE, FORMULA, "padded as needed"),
        Step(Formula("output_size", padded), m, FORMULA, "so m windows fit exactly"),
        Step(
            Formula("padded_size", roomy) - Formula("span", roomy), (m - 1) * STRIDE + r, FORMULA, "nothing is needed"
        ),
        *chain(
            Formula("output_size", roomy),
            (m + floor(r / STRIDE), FORMULA),
            (m, proper_fraction(r, STRIDE), "r < s, since n ≤ s·m and the span is 1 at least"),
        ),
    )
    ranges = {
        m: range(1, 4),
        e: range(3),
        r: range(3),
        INPUT: range(1, 6),
        KERNEL: range(1, 4),
        STRIDE: range(1, 4),
        DILATION: range(1, 3),
        LOW: range(3),
    }
    models = at_sizes(ranges, where=lambda sizes: max(sizes[e], sizes[r]) < sizes[STRIDE], most=20)
    where = {e: "cells that the last window of s lacks", r: "cells after the last window"}
    goals = ((windows, m), (Formula("output_size", padded), m), (Formula("output_size", roomy), m))
    return Derivation(goals, steps, models, "each axis: every size, kernel, stride and dilation", (), where)


def receptive_field_of_two() -> Derivation:
    """The index map of the first layer after that of the second, at the first taps and at the last ones."""
    k, s, d, low = integers("k1 s1 d1 l1", positive=True)
    first, second = Axis(INPUT, KERNEL, STRIDE, DILATION, LOW, HIGH), Axis(INPUT, k, s, d, low, 0)
    size, jump, start = receptive_field(first, second)

    def reads(o: Any, v: Any, u: Any) -> Any:
        return Formula("reads", first, Formula("reads", second, o, v), u)

    o = OUTPUT
    last = reads(o, k - 1, KERNEL - 1)
    steps = (
        Step(reads(o, 0, 0), start + jump * o, FORMULA, "the first cell: start + jump·o"),
        Step(last - reads(o, 0, 0) + 1, size, FORMULA, "cells from the first to the last one"),
        Step(reads(o, TAP1 + 1, TAP) - reads(o, TAP1, TAP), STRIDE * d, FORMULA, "≥ 1, so no cell is before or after"),
        Step(reads(o, TAP1, TAP + 1) - reads(o, TAP1, TAP), DILATION, FORMULA, "≥ 1, likewise"),
    )
    names = (KERNEL, STRIDE, DILATION, LOW, k, s, d, low)
    models = at_sizes(
        {
            **{n: range(1, 4) for n in names},
            o: range(3),
            TAP: range(3),
            TAP1: range(3),
            HIGH: range(2),
            INPUT: range(3, 5),
        },
        most=12,
    )
    goals = tuple((step.left, step.right) for step in steps[:2])
    words = ("kernel size", "stride", "dilation", "padding at the low end")
    where = {symbol: f"{word} of the second layer" for symbol, word in zip((k, s, d, low), words, strict=True)}
    return Derivation(
        goals, steps, models, "two layers, each axis: every kernel, stride, dilation and padding", (), where
    )


def _sizes(m: Any, p: Any) -> Models:
    return at_sizes({m: range(1, 8), p: range(4)}, where=lambda sizes: sizes[m] > 2 * sizes[p], most=20)
