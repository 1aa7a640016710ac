"""What a run of `certify` found: findings, counts, an exit status; and its record as JSON, to be judged again."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from numeric.geometry import Geometry, GeometryError
from proofs.conformance import geometries
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.geometries import Case
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.pieces import Judged, Piece, judge
from proofs.conformance.record import (
    Pool,
    RecordError,
    Replayed,
    call_from_json,
    call_to_json,
    packed_from_json,
    packed_to_json,
)

FORMAT = "convproof conformance record, version 1"
NOTE = "What came out, to be judged again. It is a record, not a proof against a forger."


@dataclass(frozen=True)
class Row:
    """One function: how many layers it was tried on, and how many came to each outcome."""

    function: str
    layers: int
    counts: Mapping[Outcome, int]


@dataclass(frozen=True)
class Diagnosed:
    """A refuted function on a layer, and what is wrong with it."""

    function: str
    geometry: Geometry
    text: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """What was found about a target.

    `target` has its name, dtype, functions, those that come `jointly`, and `about`; `pieces` is what was judged, in
    order, with what was found about each; `notes` are things to know about the run.
    """

    target: Mapping[str, Any]
    grid: str
    pieces: Sequence[tuple[Piece, Judged]]
    seconds: float
    diagnoses: tuple[Diagnosed, ...] = ()
    notes: tuple[str, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import report

        return report(self)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in order."""
        return tuple(finding for _, judged in self.pieces for finding in judged.findings)

    @property
    def layers(self) -> int:
        """How many different layers, numbers of samples included, there were."""
        return len({piece.case for piece, _ in self.pieces if piece.tiers != ("premises",)})

    @property
    def rows(self) -> tuple[Row, ...]:
        """One for each function, in order: the layers on which it was tried, premises aside."""
        found: dict[str, list[Outcome]] = {}
        for piece, judged in self.pieces:
            if piece.tiers != ("premises",):
                found.setdefault(piece.function, []).append(outcome(judged.findings))
        return tuple(Row(name, len(each), Counter(each)) for name, each in found.items())

    @property
    def premises(self) -> tuple[Finding, ...]:
        """What was found of each premise."""
        return tuple(f for piece, judged in self.pieces if piece.tiers == ("premises",) for f in judged.findings)

    @property
    def counts(self) -> Counter[Outcome]:
        """How many functions on layers came to each outcome; a premise that fails is one refuted more."""
        total = Counter({Outcome.REFUTED: sum(f.outcome == Outcome.REFUTED for f in self.premises)})
        for row in self.rows:
            total.update(row.counts)
        return +total

    def exit_status(self, strict: bool = False) -> int:
        """0 if nothing is refuted and something certified, 2 if nothing could be run, otherwise 1.

        If `strict`, what is inexact or unsupported makes it 1 as well.
        """
        counts = self.counts
        if not any(counts[kind] for kind in (Outcome.CERTIFIED, Outcome.INEXACT, Outcome.REFUTED)):
            return 2
        wrong = [Outcome.REFUTED, *((Outcome.INEXACT, Outcome.UNSUPPORTED) if strict else ())]
        return int(any(counts[kind] for kind in wrong) or not counts[Outcome.CERTIFIED])

    def record(self) -> dict[str, Any]:
        """The run as JSON has it, with every call that was kept; `replay` reads it."""
        layers, arrays = Pool(), Pool()
        pieces = [
            {
                "function": piece.function,
                "layer": layers.number(piece.case.geometry),
                "batch": piece.case.batch,
                "tiers": piece.tiers,
                "outcome": outcome(judged.findings),
                "findings": [_finding(finding, layers) for finding in judged.findings],
                "calls": [call_to_json(call, layers, arrays) for call in judged.calls],
            }
            for piece, judged in self.pieces
        ]
        diagnoses = [
            {"function": d.function, "layer": layers.number(d.geometry), "text": d.text, "diagnosis": _plain(d.content)}
            for d in self.diagnoses
        ]
        return {
            "format": FORMAT,
            "note": NOTE,
            "target": {**self.target, "about": dict(self.target["about"])},
            "judge": _versions(),
            "grid": self.grid,
            "seconds": round(self.seconds, 3),
            "counts": {str(kind): number for kind, number in self.counts.items()},
            "pieces": pieces,
            "diagnoses": diagnoses,
            "notes": self.notes,
            "layers": [geometries.fields(layer) for layer in layers.values()],
            "arrays": [packed_to_json(array) for array in arrays.values()],
        }


_ORDER = (Outcome.REFUTED, Outcome.INEXACT, Outcome.UNSUPPORTED, Outcome.CERTIFIED)


def outcome(findings: Iterable[Finding]) -> Outcome:
    """Outcome of a piece: the worst that a tier found, `not run` only if none ran."""
    found = {finding.outcome for finding in findings}
    return next((kind for kind in _ORDER if kind in found), Outcome.NOT_RUN)


def _versions() -> dict[str, str]:
    try:
        own = version("convproof")
    except PackageNotFoundError:  # run from a source tree that is not installed
        own = "unknown"
    return {"convproof": own, "numpy": version("numpy"), "python": platform.python_version()}


def _finding(finding: Finding, layers: Pool) -> dict[str, Any]:
    return {
        "tier": finding.tier,
        "layer": layers.number(finding.geometry),
        "batch": finding.batch,
        "outcome": finding.outcome,
        "detail": finding.detail,
        "scope": finding.scope,
        "assumptions": finding.assumptions,
        "calls": finding.calls,
        "seconds": round(finding.seconds, 6),
        "difference": _plain(finding.difference),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers as numbers, arrays as lists, anything else as its text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def read(path: Path) -> Report:
    """Read a record; no code in it is run. Raises `RecordError` for what is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RecordError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecordError(f"{path} is no {FORMAT}")
    try:
        return _report(content)
    except (LookupError, TypeError, ValueError, GeometryError, AttributeError) as error:
        raise RecordError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _report(content: dict[str, Any]) -> Report:
    layers = [geometries.geometry(layer) for layer in content["layers"]]
    arrays = [packed_from_json(array) for array in content["arrays"]]
    pieces = []
    for entry in content["pieces"]:
        if entry["function"] not in FUNCTIONS:
            raise RecordError(f"there is no function {entry['function']!r}")
        piece = Piece(entry["function"], Case(layers[entry["layer"]], int(entry["batch"])), tuple(entry["tiers"]))
        calls = tuple(call_from_json(call, layers, arrays) for call in entry["calls"])
        findings = tuple(
            Finding(
                found["tier"],
                piece.function,
                layers[found["layer"]],
                found["batch"],
                Outcome(found["outcome"]),
                found["detail"],
                found["scope"],
                tuple(found["assumptions"]),
                found["calls"],
                found["seconds"],
                found["difference"],
            )
            for found in entry["findings"]
        )
        pieces.append((piece, Judged(findings, calls)))
    diagnoses = tuple(
        Diagnosed(told["function"], layers[told["layer"]], told["text"], told["diagnosis"])
        for told in content["diagnoses"]
    )
    target = {name: content["target"][name] for name in ("name", "dtype", "functions", "about")}
    target["jointly"] = content["target"].get("jointly", [])  # records made before it ask for nothing of the kind
    return Report(target, content["grid"], pieces, content["seconds"], diagnoses, tuple(content["notes"]))


def replay(path: Path) -> Report:
    """Judge a record again, without what was recorded. Raises `RecordError` for what is no record.

    A piece is refuted, too, where the record does not answer what is asked or its verdict is another one.
    """
    start = perf_counter()
    recorded = read(path)
    pieces = [(piece, _again(recorded.target, piece, judged)) for piece, judged in recorded.pieces]
    return replace(recorded, pieces=pieces, seconds=perf_counter() - start)


def _again(head: Mapping[str, Any], piece: Piece, recorded: Judged) -> Judged:
    rest = iter(recorded.calls)
    findings = tuple(judge(Replayed(head, rest), piece))
    said, found = outcome(recorded.findings), outcome(findings)
    left = next(rest, None)
    wrong = (
        f"the record says {said}, judged again it is {found}"
        if said != found
        else f"the record holds calls that are not asked for: {left}"
        if left is not None
        else ""
    )
    if not wrong or found == Outcome.REFUTED:
        return Judged(findings, recorded.calls)
    case = piece.case
    finding = Finding("record", piece.function, case.geometry, case.batch, Outcome.REFUTED, wrong)
    return Judged((*findings, finding), recorded.calls)
