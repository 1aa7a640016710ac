"""What `certify` found, for a terminal: a table, premises, what was refuted and why, a count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proofs.conformance.certificate import Report, outcome
from proofs.conformance.geometries import Case, words
from proofs.conformance.outcome import Finding, Outcome

SHOWN = (Outcome.CERTIFIED, Outcome.INEXACT, Outcome.UNSUPPORTED, Outcome.REFUTED)
STYLES = {
    Outcome.CERTIFIED: "green",
    Outcome.INEXACT: "yellow",
    Outcome.UNSUPPORTED: "dim",
    Outcome.NOT_RUN: "dim",
    Outcome.REFUTED: "bold red",
}
LINES = 8
"""Findings that are printed of a kind; the rest are counted, and in the record."""
_NUMBERS = re.compile(r"\([^()]*\)|-?\d+(\.\d+)?(e-?\d+)?")
LEGEND = (
    "certified: bit for bit what the index map says; inexact: within the derived bound",
    "structure: the whole bilinear map, at the probe's batch and channels",
    "integers: at exactly the layer, a wrong one passes with probability 2^-40 at most, if the premises hold",
)


def report(console: Console, found: Report) -> None:
    """Print everything that was found."""
    about = ", ".join(f"{name} {value}" for name, value in found.target["about"].items())
    console.print(Text.assemble((found.target["name"], "bold"), f", {found.target['dtype']}"))
    _indented(console, Text(about, "dim"))
    console.print(_table(found))
    for note in found.notes:
        console.print(Text(note, "yellow"))
    _premises(console, found.premises)
    judged = [finding for piece, result in found.pieces for finding in _decisive(piece.tiers, result.findings)]
    for kind in (Outcome.NOT_RUN, Outcome.UNSUPPORTED, Outcome.INEXACT, Outcome.REFUTED):
        _reasons(console, kind, [finding for finding in judged if finding.outcome == kind])
    for diagnosis in found.diagnoses:
        console.print(Text(f"\n{diagnosis.function}, on {diagnosis.geometry}", "bold"))
        for line in diagnosis.text.splitlines():
            _indented(console, Text(line))
    _count(console, found)


def _table(found: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("function", min_width=26, no_wrap=True)
    for name in ("layers", *SHOWN):
        table.add_column(str(name), justify="right", no_wrap=True)
    for row in (row for row in found.rows if set(row.counts) != {Outcome.NOT_RUN}):
        counts = [row.counts[kind] for kind in SHOWN]
        cells = [Text(str(n), STYLES[kind] if n else "dim") for kind, n in zip(SHOWN, counts, strict=True)]
        table.add_row(row.function, str(row.layers), *cells)
    return table


def _decisive(tiers: Sequence[str], findings: Iterable[Finding]) -> list[Finding]:
    """Findings that decided the outcome of a piece."""
    worst = outcome(findings)
    return [finding for finding in findings if finding.outcome == worst] if tiers != ("premises",) else []


def _premises(console: Console, premises: Sequence[Finding]) -> None:
    if not premises:
        return
    counts = Counter(finding.outcome for finding in premises)
    words = {Outcome.CERTIFIED: "hold", Outcome.REFUTED: "do not"}
    said = ", ".join(f"{counts[kind]} {words.get(kind, kind)}" for kind in Outcome if counts[kind])
    console.print(Text(f"\npremises: {said}"))
    for finding in premises:
        if finding.outcome == Outcome.REFUTED:
            _indented(console, Text(f"{finding.function}: {finding.detail}", "red"))


def _reasons(console: Console, kind: Outcome, findings: Sequence[Finding]) -> None:
    """Print each reason once, numbers aside: which functions, on how many layers, and the first of these."""
    if not findings:
        return
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        function = finding.function if kind in (Outcome.REFUTED, Outcome.INEXACT) else ""
        alike.setdefault((function, finding.tier, _NUMBERS.sub("#", finding.detail)), []).append(finding)
    console.print(Text(f"\n{kind}:", STYLES[kind]))
    for (_, tier, _), each in list(alike.items())[:LINES]:
        said = f"{tier}: {each[0].detail}" if kind in (Outcome.REFUTED, Outcome.INEXACT) else each[0].detail
        _indented(console, Text.assemble(f"{_functions(each)}: {said}", (_where(kind, each), "dim")))
    if len(alike) > LINES:
        _indented(console, Text(f"and {len(alike) - LINES} more", "dim"))


def _functions(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(finding.function for finding in findings))
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"


def _where(kind: Outcome, findings: Sequence[Finding]) -> str:
    if kind == Outcome.NOT_RUN:
        return ""
    layers = list(dict.fromkeys(Case(finding.geometry, finding.batch) for finding in findings))
    first = words(layers[0])
    return f" [{first}]" if len(layers) == 1 else f" [{len(layers)} layers, first {first}]"


def _count(console: Console, found: Report) -> None:
    counts = found.counts
    said = ", ".join(f"{counts[kind]} {kind}" for kind in Outcome if counts[kind]) or "nothing was run"
    run = [row for row in found.rows if set(row.counts) != {Outcome.NOT_RUN}]
    functions, layers = _plural(len(run), "function"), _plural(found.layers, "layer")
    console.print(Text(f"\n{functions} on {layers}: {said}. {found.seconds:.2f} s"))
    for line in LEGEND:
        console.print(Text(line, "dim"))


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _indented(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 2)))
