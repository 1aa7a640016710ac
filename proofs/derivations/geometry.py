"""Output size and padding, for all sizes: the formulas are those of `numeric.Axis`, run on symbols."""

from collections.abc import Callable, Iterable
from typing import Any

from sympy import floor

from numeric import Axis
from proofs.derivations.symbols import DILATION, HIGH, KERNEL, LOW, STRIDE, at_sizes, integers
from proofs.evaluate import Model
from proofs.rules import FORMULA, proper_fraction
from proofs.signals import OUTPUT, TAP, Formula
from proofs.tiers.derivation import Derivation, Step, chain


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
            (q + 1, proper_fraction(r), "the number of windows 0 .. q"),
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
        goals, steps, models, "one axis, every size, stride, dilation and padding for which the kernel fits"
    )


def valid_size() -> Derivation:
    """Stride 1, no padding, kernel 2p + 1."""
    m, p = integers("m p", nonnegative=True)
    steps = chain(
        Formula("output_size", Axis(m, 2 * p + 1)),
        (m - 2 * p, FORMULA, "stride 1, no padding, a kernel of 2p + 1"),
    )
    goal = (Formula("output_size", Axis(m, 2 * p + 1)), m - 2 * p)
    return Derivation((goal,), steps, _sizes(m, p), "every m > 2p, on each axis")


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
    goals = ((Formula("padded_size", padded), m + 2 * p), (Formula("output_size", padded), m))
    return Derivation(goals, steps, _sizes(m, p), "every m ≥ 1 and p ≥ 0, on each axis")


def _sizes(m: Any, p: Any) -> Callable[[], Iterable[Model]]:
    return at_sizes({m: range(1, 8), p: range(4)}, where=lambda sizes: sizes[m] > 2 * sizes[p], most=20)
