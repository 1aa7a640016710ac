"""Deciding what a text claims: it holds, holds under a condition it leaves out, or does not hold as printed.

A claim is run on cases in a stated order, smallest first. The status is found, not written down: it follows
from where the claim, its condition and its corrected form hold. The first failing case is the smallest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any


class Status(StrEnum):
    """What became of a line."""

    HOLDS = "holds"
    HOLDS_IF = "holds if"
    NOT_AS_PRINTED = "as printed it does not"
    UNDECIDED = "undecided"
    CANNOT_BE_CHECKED = "cannot be checked"
    NOTHING_TO_CHECK = "nothing to check"


Test = Callable[[Any], str]
"""Run a claim on a case: empty if it holds there, otherwise what came out instead."""


@dataclass(frozen=True)
class Claim:
    """What a line says, as a program.

    `condition` is a premise that the text leaves out; `corrected` the test of the corrected line.
    """

    cases: Iterable[Any]
    test: Test
    condition: Callable[[Any], bool] | None = None
    corrected: Test | None = None


@dataclass(frozen=True)
class Line:
    """One equality sign, number or sentence of the text, quoted.

    `needs` words the condition, `correction` the corrected line, `note` anything that a reader wants to know;
    `laws` prove the line, or its corrected form, for all sizes. A line without a claim is a heading or setting,
    or one that cannot be checked for the reason given in `unchecked`.
    """

    part: str
    text: str
    claim: Callable[[], Claim] | None = None
    needs: str = ""
    correction: str = ""
    note: str = ""
    laws: tuple[str, ...] = ()
    unchecked: str = ""


@dataclass(frozen=True)
class Finding:
    """Status of a line, the number of cases tried, and the smallest counterexample if there is one."""

    line: Line
    status: Status
    cases: int = 0
    counterexample: str = ""


@dataclass
class _Tally:
    cases: int = 0
    first: str = ""
    met: int = 0
    met_failed: bool = False
    corrected_failed: bool = False


def decide(line: Line) -> Finding:
    """Find out the line's status by running its claim."""
    if line.claim is None:
        return Finding(line, Status.CANNOT_BE_CHECKED if line.unchecked else Status.NOTHING_TO_CHECK)
    claim = line.claim()
    tally = _run(claim)
    return Finding(line, _status(claim, tally), tally.cases, tally.first)


def _run(claim: Claim) -> _Tally:
    tally = _Tally()
    for case in claim.cases:
        tally.cases += 1
        found = claim.test(case)
        if found and not tally.first:
            tally.first = f"{_words(case)}: {found}"
        met = claim.condition is None or claim.condition(case)
        tally.met += met
        tally.met_failed |= met and bool(found)
        if claim.corrected is not None and met:
            tally.corrected_failed |= bool(claim.corrected(case))
    return tally


def _status(claim: Claim, tally: _Tally) -> Status:
    if not tally.met:
        return Status.UNDECIDED  # an empty condition proves nothing
    if not tally.first:
        return Status.HOLDS
    if not tally.met_failed:
        return Status.HOLDS_IF
    corrected = claim.corrected is not None and not tally.corrected_failed
    return Status.NOT_AS_PRINTED if corrected else Status.UNDECIDED


def smallest_first(
    where: Callable[[dict[Any, Any]], bool] = lambda _: True, **ranges: Iterable[Any]
) -> list[dict[str, Any]]:
    """All combinations that satisfy `where`, by the sum of their numbers' absolute values, then in the order given."""
    every = (dict(zip(ranges, choice, strict=True)) for choice in product(*ranges.values()))
    return sorted((case for case in every if where(case)), key=_weight)


def _weight(case: dict[str, Any]) -> int:
    return sum(abs(size) for size in case.values() if isinstance(size, int))


def equals(left: Callable[[Any], Any], right: Callable[[Any], Any]) -> Test:
    """Test that two things computed from a case are the same."""

    def test(case: Any) -> str:
        ours, theirs = left(case), right(case)
        return "" if ours == theirs else f"{ours}, not {theirs}"

    return test


def _words(case: Any) -> str:
    if isinstance(case, Mapping):
        return ", ".join(f"{name} = {value}" if isinstance(value, int) else str(value) for name, value in case.items())
    return str(case)
