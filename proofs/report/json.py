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
    replace(path, (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode("utf-8"))


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
