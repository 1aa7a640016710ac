"""Verdicts as JSON, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proofs.audit import Finding
from proofs.law import Evidence, Law, overall


def verdicts(laws: Mapping[str, Law], found: Mapping[str, tuple[Evidence, ...]]) -> dict[str, Any]:
    """One object: `laws`, each with name, statement, source, whether it is about a failure, verdict, tiers."""
    return {
        "laws": [
            {
                "name": name,
                "statement": laws[name].statement,
                "source": laws[name].source,
                "fails": laws[name].fails,
                "verdict": overall(evidence),
                "tiers": [asdict(item) for item in evidence],
            }
            for name, evidence in found.items()
        ]
    }


def catalogue(laws: Mapping[str, Law], tiers: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """One object: `laws`, each with name, statement, source, whether it is about a failure, tiers, full grid or not."""
    return {
        "laws": [
            {
                "name": name,
                "statement": law.statement,
                "source": law.source,
                "fails": law.fails,
                "tiers": list(tiers[name]),
                "full_grid": law.full is not None,
            }
            for name, law in laws.items()
        ]
    }


def explanation(law: Law, evidence: tuple[Evidence, ...]) -> dict[str, Any]:
    """A law as in `verdicts`, with its assumptions, and its derivation or null: each line as text and in LaTeX."""
    (told,) = verdicts({law.name: law}, {law.name: evidence})["laws"]
    derived = None if law.derivation is None else _derivation(law.derivation())
    return {**told, "assumptions": law.assumptions, "derivation": derived}


def _derivation(derivation: Any) -> dict[str, Any]:
    from proofs.report.latex import latex
    from proofs.report.lecture import lecture
    from proofs.report.terms import text

    def both(term: Any) -> dict[str, str]:
        return {"text": text(term), "latex": latex(term)}

    read = lecture(derivation)
    return {
        "scope": derivation.scope,
        "assumptions": derivation.assumptions,
        "symbols": [{"terms": list(map(both, terms)), "meaning": words} for terms, words in read.symbols],
        "definitions": [{"left": both(left), "right": both(right)} for left, right in read.definitions],
        "chains": [
            {
                "start": both(chain.start),
                "steps": [
                    {"number": number, "rule": step.rule.named(text), "because": step.because, "line": both(step.right)}
                    for number, step in chain.steps
                ],
            }
            for chain in read.chains
        ],
        "goals": [{"left": both(left), "right": both(right)} for left, right in derivation.goals],
    }


def sheet(findings: Iterable[Finding]) -> dict[str, Any]:
    """One object: `lines`, each with part, text, status and what belongs to it."""
    return {
        "lines": [
            {
                "part": finding.line.part,
                "text": finding.line.text,
                "status": finding.status,
                "needs": finding.line.needs,
                "correction": finding.line.correction,
                "counterexample": finding.counterexample,
                "note": finding.line.note or finding.line.unchecked,
                "laws": list(finding.line.laws),
                "cases": finding.cases,
            }
            for finding in findings
        ]
    }


def writable(path: Path) -> Path:
    """Return the file that `path` leads to; raise `OSError` if none could be put there, before any work is done."""
    target = path.resolve()  # a link stays, and what it leads to is written
    special = path.absolute().parts[1:2] in (("dev",), ("proc",))  # links to whatever stdout is
    if special or (target.exists() and not target.is_file()):
        raise OSError(f"{path} is not a regular file")
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}."):
        pass
    return target


def write(path: Path, content: dict[str, Any], indent: int | None = 2) -> None:
    """Write it as JSON, whole or not at all. Raises `OSError`."""
    replace(path, encoded(content, indent))


def encoded(content: dict[str, Any], indent: int | None = 2) -> bytes:
    """It as JSON in UTF-8."""
    return (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode("utf-8")


def replace(path: Path, content: bytes) -> None:
    """Write a temporary file beside `path`, then rename it. Raises `OSError`."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.close()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
