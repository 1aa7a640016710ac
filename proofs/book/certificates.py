"""Certificates as tables: one row for each function and outcome, with the layers on which it came out so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from proofs.conformance.certificate import Report, outcome
from proofs.conformance.geometries import words
from proofs.conformance.outcome import Finding, Outcome


@dataclass(frozen=True)
class Row:
    """A function and an outcome, the tiers that ran, and each layer with what was seen there, if it is not certified.

    Of premises, `each` are the premises, with the outcome where one does not hold.
    """

    function: str
    outcome: Outcome
    tiers: str
    each: list[tuple[str, str]] = field(default_factory=list)


def tables(reports: Sequence[Report]) -> dict[str, Any]:
    """What the page shows: tables, and the functions and outcomes that are in them."""
    found = [_table(report) for report in reports]
    rows = [row for table in found for row in (*table["rows"], *table["premises"])]
    outcomes = {row.outcome for row in rows}
    return {
        "reports": found,
        "functions": list(dict.fromkeys(row.function for row in rows)),
        "outcomes": [str(kind) for kind in Outcome if kind in outcomes],
    }


def _table(report: Report) -> dict[str, Any]:
    return {
        "name": f"{report.target['name']}, {report.target['dtype']}",
        "about": report.target["about"],
        "grid": report.grid,
        "layers": report.layers,
        "seconds": report.seconds,
        "counts": [(str(kind), report.counts[kind]) for kind in Outcome if report.counts[kind]],
        "notes": report.notes,
        "diagnoses": report.diagnoses,
        "rows": _rows(report),
        "premises": _premises(report),
    }


def _rows(report: Report) -> list[Row]:
    found: dict[tuple[str, Outcome], Row] = {}
    for piece, judged in report.pieces:
        if piece.tiers != ("premises",):
            kind = outcome(judged.findings)
            row = found.setdefault((piece.function, kind), Row(piece.function, kind, ", ".join(piece.tiers)))
            row.each.append((words(piece.case), "" if kind == Outcome.CERTIFIED else _seen(judged.findings, kind)))
    return list(found.values())


def _seen(findings: Sequence[Finding], kind: Outcome) -> str:
    """What decided an outcome, tier by tier."""
    return "; ".join(dict.fromkeys(f.detail for f in findings if f.outcome == kind and f.detail))


def _premises(report: Report) -> list[Row]:
    probed = [(piece, judged.findings) for piece, judged in report.pieces if piece.tiers == ("premises",)]
    return [
        Row(piece.function, outcome(found), f"premises, on {words(piece.case)}", [_premise(one) for one in found])
        for piece, found in probed
    ]


def _premise(finding: Finding) -> tuple[str, str]:
    return finding.detail, "" if finding.outcome == Outcome.CERTIFIED else str(finding.outcome)
