"""The command `report`: read what is given, prove what is not, and write the book."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from proofs.law import Evidence, Law, Verdict

NEEDED = ("test_accuracy", "seconds_train", "seconds_total", "recipe", "seed", "parameters", "device")
"""What a training's summary must have for its page."""


class ReportError(Exception):
    """What is wrong with what the book is to be made of, in a line."""


Found = Mapping[str, tuple[Evidence, ...]]


def add(commands: Any, deciding: argparse.ArgumentParser) -> None:
    """Add the command to a command line's grammar, with the options of what decides the laws."""
    report = commands.add_parser(
        "report",
        parents=[deciding],
        help="make the proof book: a site to open from disk",
        description="Make the proof book, a site to open from disk: laws, derivations, certificates, plots.",
    )
    report.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the site is put")
    report.add_argument(
        "--verdicts",
        type=Path,
        metavar="FILE",
        help="what 'prove --json FILE' wrote of all laws (default: they are decided now)",
    )
    report.add_argument(
        "--certificate",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what 'certify TARGET --json FILE' wrote (may be repeated; default: numeric on a few layers, now)",
    )
    report.add_argument(
        "--training",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="what training/train.py left: a run, or a folder of runs (may be repeated)",
    )


def run(args: argparse.Namespace, laws: Mapping[str, Law], decide: Callable[[], Found], console: Console) -> int:
    """Make the book; return the exit status. Raises `ReportError`, before any work, for what is amiss with files."""
    from proofs.book import publish

    try:
        folder = publish.writable(args.output)
    except OSError as error:
        raise ReportError(str(error)) from error
    found = None if args.verdicts is None else _verdicts(args.verdicts, laws)
    reports = [_record(file) for file in args.certificate]
    trainings = [summary for folder in args.training for summary in _summaries(folder)]
    files = _pages(laws, lambda: decide() if found is None else found, _when(args.verdicts), reports, trainings)
    try:
        publish.write(folder, files)
    except OSError as error:
        raise ReportError(f"cannot write {args.output}: {error}") from error
    size = sum(len(text.encode("utf-8")) for text in files.values())
    made = f"{len(files)} files, {size / 1e6:.1f} MB: open {args.output / 'index.html'}"
    console.print(made, markup=False, highlight=False, soft_wrap=True)
    return 0


def _pages(
    laws: Mapping[str, Law],
    decide: Callable[[], Found],
    when: str,
    reports: Sequence[Any],
    trainings: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    try:
        from proofs.book.site import Content, pages
    except ModuleNotFoundError as error:
        raise ReportError(f"the book needs {error.name}: pip install 'convproof[book]'") from error
    from proofs import audit_sheet
    from proofs.conformance.certify import certify
    from proofs.conformance.pieces import REPRESENTATIVES

    certified = reports or [certify("numeric", geometries=list(REPRESENTATIVES.values()))]
    now = _minute(datetime.now(UTC))
    return pages(Content(laws, decide(), list(audit_sheet()), certified, trainings, now, when or f"Decided on {now}"))


def _when(verdicts: Path | None) -> str:
    """When verdicts that are given were written."""
    if verdicts is None:
        return ""
    return f"Decided before {_minute(datetime.fromtimestamp(verdicts.stat().st_mtime, UTC))}, from {verdicts.name}"


def _minute(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def _verdicts(file: Path, laws: Mapping[str, Law]) -> dict[str, tuple[Evidence, ...]]:
    """Verdicts of every law, as `prove --json` writes them. Raises `ReportError`."""
    content = _json(file)
    try:
        found = {
            entry["name"]: tuple(
                Evidence(**{**item, "verdict": Verdict(item["verdict"]), "assumptions": tuple(item["assumptions"])})
                for item in entry["tiers"]
            )
            for entry in content["laws"]
        }
    except (LookupError, TypeError, ValueError) as error:
        raise ReportError(f"{file} holds no verdicts of 'prove --json': {type(error).__name__}: {error}") from error
    missing, unknown = laws.keys() - found.keys(), found.keys() - laws.keys()
    if missing or unknown:
        told = f"it lacks {min(missing)}" if missing else f"there is no law {min(unknown)}"
        raise ReportError(f"{file} is not of these laws: {told}")
    return {name: found[name] for name in laws}


def _record(file: Path) -> Any:
    from proofs.conformance import certificate
    from proofs.conformance.record import RecordError

    try:
        return certificate.read(file)
    except RecordError as error:
        raise ReportError(str(error)) from error


def _summaries(folder: Path) -> list[Mapping[str, Any]]:
    """Summaries of the runs in a folder, or of the folder itself. Raises `ReportError`."""
    own = folder / "summary.json"
    files = [own] if own.is_file() else sorted(folder.glob("*/summary.json"))
    if not files:
        raise ReportError(f"{folder} holds no run: there is no summary.json")
    found = []
    for file in files:
        content = _json(file)
        missing = [name for name in NEEDED if name not in content] if isinstance(content, dict) else list(NEEDED)
        if missing:
            raise ReportError(f"{file} is no summary of training/train.py: it lacks {missing[0]}")
        found.append(content)
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot read {file}: {error}") from error
