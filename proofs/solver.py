"""Ask Z3 whether a fact holds for all integers: refute its negation along every path through the formulas.

Z3's word is taken for one answer alone, that something has no solution. What it says is a solution is believed once the
fact, run on plain integers, says so as well; and it must find numbers that satisfy what the fact is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import z3

from proofs.facts import Claim, Fact
from proofs.integers import Integer, Path, PathsError, paths, truth
from proofs.law import Verdict

Range = tuple[int, int]
LIMIT = 1_000_000
"""Steps (Z3's `rlimit`) that a query may take: the same on every machine, where seconds are not."""
SIZES = (1, 2, 3, 4, 6, 8)
RANGES: tuple[Range | None, ...] = (*((0, size) for size in SIZES), *((-size, size) for size in SIZES), None)
"""Where a counterexample is looked for, in this order: among integers from 0 to each size, of either sign, all."""
CONTRADICTION = "what it is given cannot all hold"
VERSION: str = z3.get_version_string()


@dataclass(frozen=True)
class Found:
    """What Z3 says of a fact. `reason`: its counterexample, or why it is open; `seen`: where it says something."""

    verdict: Verdict
    reason: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Run:
    """A fact, run along one path through it."""

    path: Path
    claim: Claim

    def given(self) -> list[Any]:
        """What the fact is given."""
        return [truth(condition) for condition in self.claim.given]

    def here(self) -> list[Any]:
        """What holds on this path where the fact says something."""
        return [*self.given(), *self.path.conditions, *self.path.definitions]

    def negation(self) -> list[Any]:
        """What would have to hold for the fact to fail on this path."""
        known = [_implication(instance.claim) for instance in self.claim.by]
        return [*self.here(), *known, z3.Not(truth(self.claim.then))]

    def bad_divisors(self) -> Iterator[list[Any]]:
        """For each division, what would have to hold for its divisor to be 0 or less when it is reached."""
        given = self.given()
        for number, division in enumerate(self.path.divisions):
            positive = truth(Integer(division.divisor, self.path) >= 1)
            plain = z3.is_int_value(division.divisor) and division.divisor.as_long() > 0
            if not plain and not any(positive.eq(condition) for condition in given):
                before = (*self.path.conditions[: division.conditions], *self.path.definitions[:number])
                yield [*given, *before, division.divisor <= 0]


@cache
def prove(fact: Fact) -> Found:
    """Decide a fact, and those that it rests on; once per process."""
    try:
        runs = [Run(*run) for run in paths(lambda path: fact.claim(*map(path.variable, fact.integers)))]
    except PathsError as error:
        return Found(Verdict.OPEN, str(error))
    missing = _unproved(runs) or _undivided(runs)
    if missing:
        return Found(Verdict.OPEN, missing)
    negations = [run.negation() for run in runs if run.claim.then is not True]  # else Python has decided it
    if any(check(negation)[0] != z3.unsat for negation in negations):
        shown, why_not = _numbers(fact, negations, _fails, RANGES)
        return Found(Verdict.REFUTED, shown) if shown else Found(Verdict.OPEN, why_not or "Z3 does not know")
    seen, why_not = _numbers(fact, [run.here() for run in runs], _holds, (None, *RANGES))
    return Found(Verdict.PROVED, seen=seen) if seen else Found(Verdict.OPEN, why_not or CONTRADICTION)


def check(conditions: Sequence[Any]) -> tuple[Any, Any]:
    """Z3's answer; with `sat` its model, with `unknown` its reason."""
    solver = z3.SimpleSolver()
    solver.set("rlimit", LIMIT)
    solver.add(*conditions)
    answer = solver.check()
    if answer == z3.sat:
        return answer, solver.model()
    return answer, solver.reason_unknown() if answer == z3.unknown else None


def _numbers(
    fact: Fact, queries: list[list[Any]], wanted: Callable[[Claim], bool], ranges: Sequence[Range | None]
) -> tuple[str, str]:
    """Integers that solve one of the queries and are what is wanted in Python too; or why there may yet be some."""
    some = z3.Or([z3.And(query) for query in queries])
    why_not = ""
    for within in ranges:
        box = [] if within is None else [_between(name, within) for name in fact.integers]
        answer, found = check([some, *box])
        if answer == z3.sat:
            numbers: Mapping[str, int] = {
                name: found.eval(z3.Int(name), model_completion=True).as_long() for name in fact.integers
            }
            if within is not None:
                numbers = _first([some, *box], within, numbers)
            if wanted(fact.claim(*numbers.values())):
                return _text(numbers), ""
            why_not = f"Z3 names {_text(numbers)}, and plain integers disagree"
        elif answer == z3.unknown:
            why_not = why_not or f"Z3 does not know: {found}"
        elif within is None:
            break
    return "", why_not


def _first(query: list[Any], within: Range, numbers: Mapping[str, int]) -> Mapping[str, int]:
    """Of all solutions within a range the first one: each integer as early in 0, 1, 2, ..., -1, -2, ... as can be."""
    first: dict[str, int] = {}
    for name in numbers:
        order = (*range(within[1] + 1), *range(-1, within[0] - 1, -1))
        tried = (value for value in order if check([*query, z3.Int(name) == value])[0] == z3.sat)
        value = next(tried, None)
        if value is None:
            return numbers  # Z3 did not know
        query, first[name] = [*query, z3.Int(name) == value], value
    return first


def _between(name: str, within: Range) -> Any:
    return z3.And(within[0] <= z3.Int(name), z3.Int(name) <= within[1])


def _holds(claim: Claim) -> bool:
    """Whether plain integers are what a fact is given, and the fact holds for them."""
    return all(claim.given) and bool(claim.then)


def _fails(claim: Claim) -> bool:
    return all(claim.given) and not claim.then


def _text(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in numbers.items())


def _implication(claim: Claim) -> Any:
    return z3.Implies(z3.And([truth(condition) for condition in claim.given]), truth(claim.then))


def _unproved(runs: list[Run]) -> str:
    """A fact among those rested on that is not proved itself; empty if there is none."""
    for used in dict.fromkeys(instance.fact for run in runs for instance in run.claim.by):
        found = prove(used)
        if found.verdict != Verdict.PROVED:
            return f"it rests on '{used.statement}', which is {found.verdict}: {found.reason}"
    return ""


def _undivided(runs: list[Run]) -> str:
    """A division whose divisor is not seen to be 1 or more; empty if there is none."""
    for run in runs:
        for query in run.bad_divisors():
            if check(query)[0] != z3.unsat:
                return f"the divisor {query[-1].arg(0)} is not seen to be positive"
    return ""
