"""The second half of tier `integers`: every function out of one call, one forward pass and one backward pass.

A framework may compute all gradients at once by other kernels than one alone, so what `run` gives does not say what
`loss.backward()` gives. Both are judged, each by trials of its own and to the same probability. Here the functions
share their trials: the integers are as short as the function with the longest sums needs them, and each result is
compared with what is right in exact arithmetic. Where no budget fits one of them but a sparse one, each function has
its own trials, as it has alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.budget import Budget, integer_arrays
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.inexact import bounds
from proofs.conformance.integers import AT_ONCE, SMALL, Seen, described, premises, side_by_side
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.precision import CAUTIOUS, PRECISIONS
from proofs.conformance.probes import (
    Found,
    Probe,
    Refuted,
    decide,
    first_difference,
    generator,
    judged,
    storage,
    told,
)
from proofs.conformance.target import Joint, Target, Unsupported

Arrays = Mapping[str, Array]  # by their letters
Trial = tuple[Arrays, Mapping[str, Array]]  # and the results that are right, by their functions

LETTERS = ("x", "w", "g")


def together(target: Target, function: str, geometry: Geometry) -> tuple[str, ...]:
    """The functions that come out of one call with that one, itself among them; nothing if it comes alone."""
    operation = FUNCTIONS[function].operation
    every = [name for name in getattr(target, "jointly", ()) if FUNCTIONS[name].operation == operation]
    found = tuple(name for name in every if not target.supports(name, geometry))
    return found if function in found and len(found) > 1 else ()


def jointly(
    target: Any, functions: Sequence[str], geometry: Geometry, batch: int, only: str | None = None
) -> list[Finding]:
    """What one call for functions of an operation, some of those that come `together`, gives on random integers.

    A finding for each, or for one of them `only`, though the call is for all; `not run` if the target refuses it.
    """
    run = _Run(target, tuple(functions), geometry, batch)
    parts = run.parts([only] if only else functions)

    def found(probe: Probe) -> Found:
        if not run.done:
            run.run(parts)
        return run.found(parts[probe.function], probe)

    return [decide("integers", target, name, geometry, batch, found) for name in parts]


def as_alone(probe: Probe, geometry: Geometry, arrays: Mapping[str, Array]) -> str:
    """Compare what one call for all gives with what the function alone does, and say whether the bits are the same.

    Raises `Refuted` for what no two paths that round differ by.
    """
    every = together(probe.target, probe.function, geometry)
    if not every:
        return "not run: one function at a time is all that the target gives"
    alone = probe.run(geometry, *(array.copy() for array in _of(probe.function, arrays)))
    target: Any = probe.target
    results = _called(target, every, geometry, {letter: array.copy() for letter, array in arrays.items()})
    if isinstance(results, Refuted):
        raise results
    found = results[probe.function]
    probe.check(found, alone.shape)
    if found.tobytes() == alone.tobytes():
        return "one call for all gives the same bits as the function alone"
    limits = [limit for _, limit in bounds(probe.function, geometry, _of(probe.function, arrays), target.dtype, True)]
    error = np.abs(found.astype(np.float64) - alone.astype(np.float64))
    wrong = ~(error <= 2 * np.max([np.where(np.isfinite(limit), limit, 0) for limit in limits], axis=0))
    if wrong.any():
        difference = first_difference(alone, found, wrong)
        raise Refuted(f"one call for all gives something else than the function alone: {told(difference)}", difference)
    return f"one call for all gives other bits in {np.count_nonzero(error)} of {error.size} entries, within the bounds"


def _called(target: Joint, functions: Sequence[str], geometry: Geometry, arrays: Arrays) -> Mapping[str, Any] | Refuted:
    """One call: the results by their functions, or what is wrong with all of them."""
    try:
        results = judged(lambda: target.joint(functions, geometry, arrays))
    except Refuted as wrong:
        return wrong
    if not isinstance(results, list | tuple) or len(results) != len(functions):
        came = f"{len(results)} results" if isinstance(results, list | tuple) else f"a {type(results).__name__}"
        return Refuted(f"it gave {came}, expected a sequence of {len(functions)} results")
    return dict(zip(functions, results, strict=True))


@dataclass
class _Part:
    """What is known of one function: its budget, what its trials have shown, and what was wrong."""

    seen: Seen
    budget: Budget
    wrong: Refuted | None = None


Parts = dict[str, _Part]


@dataclass
class _Run:
    """Trials of functions out of one call for `every` one; `shared` if each trial is for all that are judged."""

    target: Joint
    every: tuple[str, ...]
    geometry: Geometry
    batch: int
    shared: bool = True
    done: bool = False
    refused: str = ""

    def parts(self, functions: Sequence[str]) -> Parts:
        """Budgets of functions, those of all narrowed to one size, or, if there is none, their own."""
        precision = PRECISIONS[CAUTIOUS.get(self.target.dtype, self.target.dtype)]
        budgets = {name: Budget.of(name, self.geometry, self.batch, precision) for name in self.every}
        self.shared = all(budget.kept is None for budget in budgets.values())
        if self.shared:
            size = min(min(budget.first, budget.second) for budget in budgets.values())
            budgets = {name: budget.narrowed(name, size) for name, budget in budgets.items()}
        return {
            name: _Part(Seen(Probe(self.target, name), self.geometry, described(budgets[name], name)), budgets[name])
            for name in functions
        }

    def found(self, part: _Part, probe: Probe) -> Found:
        """What the trials have shown of a function. Raises `Refuted`."""
        beside = f"in one call with {', '.join(name for name in self.every if name != probe.function)}"
        probe.calls = part.seen.probe.calls
        if part.wrong:  # also where a later call was refused
            raise Refuted(f"{beside}: {part.wrong.detail}", part.wrong.difference)
        if self.refused:
            return Found(Outcome.NOT_RUN, f"{beside}: {self.refused}")
        scope = f"this shape in {self.target.dtype}; {probe.calls} trials, one forward and one backward pass for all"
        found = part.seen.found(scope, premises(part.budget, probe.function))
        return replace(found, detail=f"{beside}: {found.detail}")

    def run(self, parts: Parts) -> None:
        """Run the trials, and, where a path rounds, small ones."""
        random = generator("jointly", FUNCTIONS[self.every[0]].operation, self.geometry, self.batch, self.target.dtype)
        self.done = True
        try:
            for group in [parts] if self.shared else [{name: part} for name, part in parts.items()]:
                count = max(part.budget.trials for part in group.values())
                self._trials(count, group, random, None, lambda seen, *given: seen.trial(*given))
                rounds = {name: part for name, part in group.items() if part.seen.kinds}
                self._trials(SMALL, rounds, random, 2, lambda seen, _, right, got: seen.small(right[0], got))
        except Unsupported as reason:
            self.refused = str(reason)

    def _trials(
        self, count: int, parts: Parts, random: np.random.Generator, most: int | None, compare: Callable[..., None]
    ) -> None:
        """Compare the results of trials, of each function up to the first that is wrong."""
        asked = {name: part for name, part in parts.items() if part.wrong is None}
        for arrays, right in self._drawn(count if asked else 0, asked, random, most):
            results = _called(self.target, self.every, self.geometry, arrays)
            for name, part in asked.items():
                part.seen.probe.calls += 1
                try:
                    if isinstance(results, Refuted):
                        raise results
                    part.seen.probe.check(results[name], shape(FUNCTIONS[name].gives, self.geometry, self.batch))
                    compare(part.seen, _of(name, arrays), (right[name],), results[name])
                except Refuted as wrong:
                    part.wrong = wrong
            asked = {name: part for name, part in asked.items() if part.wrong is None}
            if not asked:
                return

    def _drawn(self, count: int, parts: Parts, random: np.random.Generator, most: int | None) -> Iterator[Trial]:
        """Trials, with what is right of several at a time."""
        entries = sum(prod(shape(letter, self.geometry, self.batch)) for letter in LETTERS)
        at_once = max(1, AT_ONCE // entries)
        for first in range(0, count, at_once):
            several = [self._arrays(parts, random, most) for _ in range(first, min(first + at_once, count))]
            right = {
                name: side_by_side(FUNCTIONS[name], self.geometry, [_of(name, arrays) for arrays in several])
                for name in parts
            }
            for number, arrays in enumerate(several):
                yield arrays, {name: values[number] for name, values in right.items()}

    def _arrays(self, parts: Parts, random: np.random.Generator, most: int | None) -> dict[str, Array]:
        """Uniform integers, up to `most`; for a function alone its own ones, and small ones where it does not look."""
        name, part = next(iter(parts.items()))
        size = min(part.budget.first, part.budget.second, most or part.budget.first) if self.shared else 2
        narrow = np.int32 if size < 2**31 - 1 else np.int64  # quicker to draw
        found = {
            letter: random.integers(-size, size + 1, shape(letter, self.geometry, self.batch), narrow)
            for letter in LETTERS
            if self.shared or letter not in FUNCTIONS[name].arguments
        }
        found = {letter: array.astype(storage(self.target.dtype)) for letter, array in found.items()}
        if self.shared:
            return found
        limit = most or max(part.budget.first, part.budget.second)
        budget = replace(part.budget, first=min(limit, part.budget.first), second=min(limit, part.budget.second))
        own = integer_arrays(name, self.geometry, self.batch, self.target.dtype, budget, random)
        return found | dict(zip(FUNCTIONS[name].arguments, own, strict=True))


def _of(function: str, arrays: Arrays) -> tuple[Array, ...]:
    return tuple(arrays[letter] for letter in FUNCTIONS[function].arguments)
