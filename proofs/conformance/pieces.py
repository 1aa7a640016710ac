"""A run cut up: one function on one layer each, judged on its own, so anywhere and in any order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numeric.geometry import Geometry
from proofs.conformance import geometries
from proofs.conformance.adapters.operations import Operation
from proofs.conformance.functions import FUNCTIONS, OPERATIONS
from proofs.conformance.geometries import Case, GridError
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.record import Call, Failed, Recorder, RecordError
from proofs.conformance.target import Target, Unsupported

TIERS = ("structure", "integers", "bound", "premises")
"""In the order in which they run; `premises` once for a function, the others on every layer."""

REPRESENTATIVES: Mapping[int, Geometry] = {
    2: Geometry((6, 5), (3, 3), padding=1, in_channels=2, out_channels=3),
    1: Geometry((7,), (3,), padding=1, in_channels=2, out_channels=3),
    3: Geometry((4, 5, 3), (3, 3, 3), padding=1, in_channels=2, out_channels=3),
}
"""Layers on which premises are probed: plain, so that every implementation takes one."""


@dataclass(frozen=True)
class Piece:
    """One function on one layer, and the tiers that judge it."""

    function: str
    case: Case
    tiers: tuple[str, ...]

    cases = 1

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        return self.function

    def __str__(self) -> str:
        """As JSON: equal pieces have equal texts, whatever their geometries have computed so far."""
        layer = geometries.fields(self.case.geometry)
        return json.dumps([self.function, layer, self.case.batch, self.tiers])

    @classmethod
    def parse(cls, text: str) -> Piece:
        """Read a piece from its text."""
        function, layer, batch, tiers = json.loads(text)
        return cls(function, Case(geometries.geometry(layer), batch), tuple(tiers))


@dataclass(frozen=True)
class Judged:
    """What was found about a piece, the calls, if they were kept, and what the target says about itself afterwards."""

    findings: tuple[Finding, ...]
    calls: tuple[Call, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)


def plan(
    target: Target,
    operations: Sequence[str] | None,
    grid: str | Path | Sequence[Geometry | Case],
    tiers: Sequence[str] | None,
) -> list[Piece]:
    """Every piece of a run, function by function: those of the operations named, or of all that the target has any of.

    Raises `GridError`, `TargetError` for an operation that there is not, `ValueError` for a tier that there is not.
    """
    unknown = set(tiers or ()) - set(TIERS)
    if unknown:
        raise ValueError(f"tier must be one of {', '.join(TIERS)}; got {', '.join(sorted(unknown))}")
    chosen = tuple(tier for tier in TIERS if tiers is None or tier in tiers)
    return list(_pieces(target, _asked(target, operations), grid, chosen))


def _asked(target: Target, operations: Sequence[str] | None) -> list[Operation]:
    if operations:
        return [Operation.named(name) for name in operations]
    has = {FUNCTIONS[name].operation for name in target.functions}
    return [Operation((name,)) for name in OPERATIONS if name in has]


def _pieces(
    target: Target,
    operations: Sequence[Operation],
    grid: str | Path | Sequence[Geometry | Case],
    tiers: tuple[str, ...],
) -> Iterator[Piece]:
    each = tuple(tier for tier in tiers if tier != "premises")
    for operation in operations:
        (name,) = operation.names
        cases = geometries.cases(grid, name, operation.ndim)
        if not cases:
            raise GridError(f"the grid has no layer of {operation.ndim} axes")
        for function in operation.functions():
            if function not in target.functions:  # said once
                yield Piece(function, cases[0], tiers)
                continue
            yield from (Piece(function, case, each) for case in cases if each)
            if "premises" in tiers:
                yield Piece(function, _representative(target, function, operation.ndim, cases), ("premises",))


def _representative(target: Target, function: str, ndim: int | None, cases: Sequence[Case]) -> Case:
    """The first layer that the target takes, as far as it says beforehand; one of the grid's if no plain one."""
    plain = [geometry for axes, geometry in REPRESENTATIVES.items() if ndim in (None, axes)]
    operation = FUNCTIONS[function].operation
    tried = (*geometries.cases(plain, operation), *cases)
    return next((case for case in tried if not target.supports(function, case.geometry)), tried[0])


def run(target: Target, piece: Piece, keep: bool) -> Judged:
    """Judge a piece on a target, and keep the calls if asked to."""
    calls: list[Call] | None = [] if keep else None
    findings = judge(Recorder(target, calls), piece)
    return Judged(tuple(findings), tuple(calls or ()), dict(target.about()))


def judge(target: Any, piece: Piece) -> list[Finding]:
    """What each tier finds; nothing more is asked of a target once it is refuted or has refused."""
    if piece.function not in target.functions:
        return [_finding(piece, piece.tiers[0], Outcome.NOT_RUN, "the target does not have this function")]
    if FUNCTIONS[piece.function].operation in geometries.POOLING and not geometries.reads_a_cell(piece.case.geometry):
        return [_finding(piece, piece.tiers[0], Outcome.NOT_RUN, "a window reads padding only: it has no value")]
    reason = target.supports(piece.function, piece.case.geometry)
    if reason:
        return [_finding(piece, piece.tiers[0], Outcome.UNSUPPORTED, reason)]
    found: list[Finding] = []
    for tier in piece.tiers:
        found += _tier(target, piece, tier)
        if tier != "premises" and found[-1].outcome in (Outcome.REFUTED, Outcome.UNSUPPORTED):
            break
    return found


def _tier(target: Any, piece: Piece, tier: str) -> list[Finding]:
    try:
        return _RUN[tier](target, piece.function, piece.case)
    except Unsupported as error:
        return [_finding(piece, tier, Outcome.UNSUPPORTED, str(error))]
    except RecordError as error:
        return [_finding(piece, tier, Outcome.REFUTED, f"the record does not bear its verdict: {error}")]
    except Exception as error:
        if not isinstance(error, Failed) and error not in getattr(target, "failures", ()):
            raise
        return [_finding(piece, tier, Outcome.REFUTED, f"it raised {type(error).__name__}: {error}")]


def _finding(piece: Piece, tier: str, outcome: Outcome, detail: str) -> Finding:
    return Finding(tier, piece.function, piece.case.geometry, piece.case.batch, outcome, detail)


def _structure(target: Any, function: str, case: Case) -> list[Finding]:
    from proofs.conformance.basis import structure

    return [structure(target, function, case.geometry)]


def _integers(target: Any, function: str, case: Case) -> list[Finding]:
    from proofs.conformance.integers import integers
    from proofs.conformance.joint import jointly, together

    found = integers(target, function, case.geometry, case.batch)
    if found.outcome not in (Outcome.CERTIFIED, Outcome.INEXACT):
        return [found]
    every = together(target, function, case.geometry)
    return [found, *(jointly(target, every, case.geometry, case.batch, only=function) if every else ())]


def _bound(target: Any, function: str, case: Case) -> list[Finding]:
    from proofs.conformance.inexact import bound

    return [bound(target, function, case.geometry, case.batch)]


def _premises(target: Any, function: str, case: Case) -> list[Finding]:
    from proofs.conformance.premises import premises

    return list(premises(target, function, case.geometry))


_RUN: dict[str, Callable[[Any, str, Case], list[Finding]]] = {
    "structure": _structure,
    "integers": _integers,
    "bound": _bound,
    "premises": _premises,
}
