"""Tier `integers`: at exactly the shape and type asked for, random integers that floats add up without rounding.

Whatever the order, the grouping and the instructions, a path that adds up the layer's own products gives the same
numbers; they are compared bit for bit. Matrix units are exact too, as the integers are short enough for them: telling
those is `inexact`'s business. Winograd's filtering and the FFT may be off, and are judged by their bounds. Here each
function is called alone; `joint` judges what comes out of one call for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from math import ceil, lcm, log2, prod

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.budget import FAILURE, Budget, integer_arrays
from proofs.conformance.exact import bilinear, products, spread, window_sums
from proofs.conformance.functions import FUNCTIONS, Function, shape, table
from proofs.conformance.inexact import DIRECT, explained, looks_like
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.precision import CAUTIOUS, PRECISIONS, Precision, rounded
from proofs.conformance.probes import Found, Probe, Refuted, decide, first_difference, generator, storage, told
from proofs.conformance.target import Target

Trial = tuple[tuple[Array, ...], tuple[Array, ...]]  # arguments, and the results that are right


@dataclass(frozen=True)
class Plan:
    """Trials, what they are in words, and under which premises they decide."""

    trials: Iterator[Trial]
    said: str
    assumed: tuple[str, ...]
    small: Iterator[Trial] | tuple[()] = ()


AT_ONCE = 2**16  # entries of the arguments of trials whose results are computed together
MAXIMA = 8  # trials of a maximum
SMALL = 3  # trials with integers up to 2, where a path that rounds is off by less than 1/2


def integers(target: Target, function: str, geometry: Geometry, batch: int) -> Finding:
    """Tier `integers`: the function on random integers, at exactly this shape and in the target's type."""
    return decide("integers", target, function, geometry, batch, judge(target, function, geometry, batch))


def judge(
    target: Target, function: str, geometry: Geometry, batch: int, most: int | None = None
) -> Callable[[Probe], Found]:
    """What runs the trials; `most` of them, if it is given, whatever is said of their probability."""
    precision = PRECISIONS[CAUTIOUS.get(target.dtype, target.dtype)]

    def run(probe: Probe) -> Found:
        random = generator("integers", function, geometry, batch, target.dtype)
        plan = _PLANS.get(function, _products)(probe, geometry, batch, precision, random)
        return plan if isinstance(plan, Found) else _compared(probe, geometry, plan, most)

    return run


def _products(
    probe: Probe, geometry: Geometry, batch: int, precision: Precision, random: np.random.Generator
) -> Plan | Found:
    """Sums of products, or of one argument's entries."""
    function, dtype = probe.function, probe.target.dtype
    budget = Budget.of(function, geometry, batch, precision)
    of = FUNCTIONS[function]

    def trials(count: int, sizes: Budget) -> Iterator[Trial]:
        entries = sum(prod(shape(letter, geometry, batch)) for letter in of.arguments)
        together = max(1, AT_ONCE // entries)
        for first in range(0, count, together):
            several = range(first, min(first + together, count))
            every = [integer_arrays(function, geometry, batch, dtype, sizes, random) for _ in several]
            yield from (
                (arrays, (right,)) for arrays, right in zip(every, side_by_side(of, geometry, every), strict=True)
            )

    small = replace(budget, first=min(2, budget.first), second=min(2, budget.second))
    return Plan(
        trials(budget.trials, budget), described(budget, function), premises(budget, function), trials(SMALL, small)
    )


def side_by_side(of: Function, geometry: Geometry, trials: list[tuple[Array, ...]]) -> list[Array]:
    """What the function gives in each trial: layers side by side are one with as many groups.

    Exact in float64, in any order, as the sums stay within the budget.
    """
    count = len(trials)
    beside = [
        np.concatenate(arrays, _channels(letter), dtype=np.float64)
        for letter, arrays in zip(of.arguments, zip(*trials, strict=True), strict=True)
    ]
    return np.split(of.expected(_widened(geometry, count), *beside), count, _channels(of.gives))


@lru_cache(256)
def _widened(geometry: Geometry, count: int) -> Geometry:
    sizes = {name: count * getattr(geometry, name) for name in ("in_channels", "out_channels", "groups")}
    return replace(geometry, **sizes)


def _channels(letter: str) -> int:
    """Axis of the channels that a group has for itself: of the weights and the bias the first one."""
    return 0 if letter[-1] in "wb" else 1


def _averages(
    probe: Probe, geometry: Geometry, batch: int, precision: Precision, random: np.random.Generator
) -> Plan | Found:
    """Exact sums, divided with one rounding, or multiplied by the rounded reciprocal."""
    bits = PRECISIONS[probe.target.dtype].output_bits
    cells = np.maximum((table(geometry) >= 0).sum(1), 1).reshape(1, 1, *geometry.output_size)
    size = min(precision.sums // max(1, products(probe.function, geometry, batch)), 2**precision.input_bits)
    if size < 1:
        return Found(Outcome.NOT_RUN, f"no integers fit: a window has more than {precision.sums} cells")

    def trials() -> Iterator[Trial]:
        for _ in range(ceil(FAILURE / log2(2 * size + 1))):
            x = random.integers(-size, size + 1, shape("x", geometry, batch))
            sums = window_sums(x, geometry)
            right = (rounded(sums / cells, bits), rounded(sums * rounded(1 / cells, bits), bits))
            yield (x.astype(storage(probe.target.dtype)),), right

    said = f"integers up to {size}, each average rounded once, or its reciprocal before"
    return Plan(trials(), said, (LINEAR, COEFFICIENTS))


def _average_gradients(
    probe: Probe, geometry: Geometry, batch: int, precision: Precision, random: np.random.Generator
) -> Plan | Found:
    """Multiples of every window's size that come out exactly, divided or multiplied by a rounded reciprocal."""
    bits = PRECISIONS[probe.target.dtype].output_bits
    cells = np.maximum((table(geometry) >= 0).sum(1), 1).reshape(1, 1, *geometry.output_size)
    common = lcm(*map(int, cells.ravel()))
    most = min(precision.sums // max(1, products(probe.function, geometry, batch)), 2**precision.input_bits) // common
    numbers = common * np.arange(-min(most, 2**12), min(most, 2**12) + 1)
    for n in np.unique(cells):
        numbers = numbers[rounded(numbers * rounded(1 / n, bits), bits) == numbers // n]
    if len(numbers) < 2:
        return Found(Outcome.NOT_RUN, f"no integers fit: windows of {sorted(set(cells.ravel().tolist()))} cells")

    def trials() -> Iterator[Trial]:
        for _ in range(ceil(FAILURE / log2(len(numbers)))):
            g = random.choice(numbers, shape("g", geometry, batch))
            yield (g.astype(storage(probe.target.dtype)),), (spread(g // cells, geometry),)

    said = f"{len(numbers)} multiples of {common}, which every window's size divides, up to {numbers[-1]}"
    return Plan(trials(), said, (LINEAR, COEFFICIENTS))


def _maxima(
    probe: Probe, geometry: Geometry, batch: int, precision: Precision, random: np.random.Generator
) -> Plan | Found:
    """Integers with ties, of either sign, and negative ones only."""

    def trials() -> Iterator[Trial]:
        size = min(2**precision.input_bits, int(precision.largest))
        for high in [size + 1, 4, 0, *[size + 1] * (MAXIMA - 3)]:
            x = random.integers(-size if high != 4 else -3, high, shape("x", geometry, batch))
            yield (
                (x.astype(storage(probe.target.dtype)),),
                (FUNCTIONS["max_pool"].expected(geometry, x.astype(np.float64)),),
            )

    said = f"random integers in {MAXIMA} samples: a maximum is no polynomial, so no probability is stated"
    return Plan(trials(), said, ("the maximum of the cells of a window",))


_PLANS: dict[str, Callable[..., Plan | Found]] = {
    "average_pool": _averages,
    "average_pool.input_gradient": _average_gradients,
    "max_pool": _maxima,
}
BILINEAR, LINEAR = "bilinear in its arguments", "linear in its argument"
COEFFICIENTS = "with integer coefficients"


def _compared(probe: Probe, geometry: Geometry, plan: Plan, most: int | None) -> Found:
    """Run every trial. Raises `Refuted` at the first that no kind of path explains."""
    seen = Seen(probe, geometry, plan.said)
    for arrays, right in islice(plan.trials, most):
        seen.trial(arrays, right, probe.run(geometry, *arrays))
    scope = f"this shape in {probe.target.dtype}; {probe.calls} trials"
    if seen.kinds is not None:
        for arrays, right in plan.small:
            seen.small(right[0], probe.run(geometry, *arrays))
    return seen.found(scope, plan.assumed)


@dataclass
class Seen:
    """What a function's trials have shown: `kinds` of path that explain what is off, None while nothing is."""

    probe: Probe
    geometry: Geometry
    said: str
    kinds: dict[str, float] | None = None

    def trial(self, arrays: tuple[Array, ...], right: tuple[Array, ...], computed: Array) -> None:
        """Compare with what is right. Raises `Refuted` if no kind of path explains every trial so far."""
        wrong = np.logical_and.reduce([computed != value for value in right])
        if not wrong.any():
            return
        error = np.min([np.abs(computed.astype(np.float64) - value) for value in right], axis=0)
        found, kinds = self._explained(arrays, error, computed), self.kinds
        self.kinds = (
            found if kinds is None else {kind: max(kinds[kind], found[kind]) for kind in kinds if kind in found}
        )
        if not self.kinds:
            difference = first_difference(right[0], computed, wrong)
            raise Refuted(f"on {self.said}: {told(difference)}", difference)

    def small(self, right: Array, computed: Array) -> None:
        """What rounds is off by less than 1/2 on small integers; raises `Refuted` for what no rounding explains."""
        computed = computed.astype(np.float64)
        wrong = ~(np.abs(computed - right) < 1 / 2)
        if wrong.any():
            difference = first_difference(right, computed, wrong)
            raise Refuted(
                f"off by 1/2 and more on integers up to 2, which no rounding is: {told(difference)}", difference
            )

    def found(self, scope: str, assumed: tuple[str, ...]) -> Found:
        """What is said of it."""
        if self.kinds is None:
            return Found(Outcome.CERTIFIED, f"bit for bit on {self.said}", scope, assumed)
        return Found(Outcome.INEXACT, f"not exact on {self.said}: {looks_like(self.kinds)}", scope, assumed)

    def _explained(self, arrays: tuple[Array, ...], error: Array, computed: Array) -> dict[str, float]:
        """Kinds of path that explain what is off; a direct sum of these integers is not, unless it is divided."""
        function, dtype = self.probe.function, self.probe.target.dtype
        wide = computed if dtype == "float64" else None  # the only type whose integers are long here
        kinds = explained(function, self.geometry, arrays, dtype, error, wide)
        if not function.startswith("average_pool"):
            kinds.pop(DIRECT, None)
        return kinds


def described(budget: Budget, function: str) -> str:
    """The inputs in words."""
    sizes = f"up to {budget.first} and {budget.second}" if bilinear(function) else f"up to {budget.first}"
    if budget.kept is None:
        return f"integers {sizes}, of which {budget.products} products stay exact"
    return (
        f"integers {sizes}, all but {budget.kept} of those that one sum reads being zero since no budget fits otherwise"
    )


def premises(budget: Budget, function: str) -> tuple[str, ...]:
    """What is assumed, and what the probability is then."""
    fixed = ("for each input tried, and none has ties",) if FUNCTIONS[function].fixed else ()
    passes = f"a wrong map passes with probability at most 2**{budget.exponent}"
    return (BILINEAR if bilinear(function) else LINEAR, COEFFICIENTS, *fixed, passes)
