"""Tables and derivations for a terminal: colours where it is one, plain text in a pipe, 80 columns suffice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proofs.audit import Finding, Status
from proofs.law import Evidence, Law, Verdict, overall
from proofs.report.lecture import lecture
from proofs.report.terms import text
from proofs.tiers.derivation import Derivation

STYLES: dict[str, str] = {
    Verdict.PROVED: "green",
    Verdict.TESTED: "cyan",
    Verdict.REFUTED: "bold red",
    Verdict.OPEN: "yellow",
    Verdict.NOT_RUN: "dim",
    Status.HOLDS: "green",
    Status.HOLDS_IF: "yellow",
    Status.NOT_AS_PRINTED: "bold red",
    Status.UNDECIDED: "bold red",
    Status.CANNOT_BE_CHECKED: "magenta",
    Status.NOTHING_TO_CHECK: "dim",
}
SAID = {Verdict.PROVED: "seen at", Verdict.OPEN: "because", Verdict.NOT_RUN: "because"}
"""What a counterexample is, or the reason in its place, by the verdict."""
Proved = Mapping[str, tuple[Evidence, ...]]


HOLDS_FOR = {
    "derivation": "for all sizes",
    "arithmetic": "for all integers",
    "coq": "for every index map",
    "symbolic": "for every real input, at each shape of the grid",
}
COUNTED = {"derivation": "step", "arithmetic": "fact", "coq": "theorem", "symbolic": "shape"}


def verdicts(console: Console, laws: Mapping[str, Law], found: Proved, seconds: float) -> None:
    """Print each law with its tiers, the sizes that they cover and their time; then the count."""
    for number, (name, evidence) in enumerate(found.items(), start=1):
        verdict = overall(evidence)
        heading = Table.grid(expand=True)
        heading.add_column(ratio=1)
        heading.add_column(justify="right", no_wrap=True)
        heading.add_row(Text.assemble((f"{number:2}  ", "dim"), (name, "bold")), Text(verdict, STYLES[verdict]))
        console.print(heading)
        console.print(_indented(Text(laws[name].statement), 4, 0))
        console.print(_indented(_rows(evidence), 4, 0))
        for item in evidence:
            if item.counterexample and item.verdict != Verdict.NOT_RUN:
                console.print(_indented(_counterexample(item), 4, 0))
    every = [item for evidence in found.values() for item in evidence]
    cases = sum(item.cases for item in every if item.tier == "symbolic")
    on = f", on {_plural(cases, 'shape')}" if cases else ""
    counts = _count(overall(evidence) for evidence in found.values())
    console.print(Text(f"\n{_plural(len(found), 'law')}: {counts}{on}. {seconds:.2f} s"))
    ran = {item.tier for item in every}
    console.print(Text("; ".join(f"{tier}: {meaning}" for tier, meaning in HOLDS_FOR.items() if tier in ran), "dim"))
    idle = Counter((item.tier, item.counterexample) for item in every if item.verdict == Verdict.NOT_RUN)
    for (tier, why), number in idle.items():
        console.print(Text(f"{tier}: not run for {_plural(number, 'law')}; {why}", "dim"))


def _counterexample(item: Evidence) -> Text:
    """Where a law fails; or where one that says that something fails is seen to be right."""
    if item.verdict == Verdict.PROVED:
        return Text(f"by {item.counterexample}", "dim")
    return Text(f"{item.tier}: {item.counterexample}", "red")


def _rows(evidence: Iterable[Evidence]) -> Table:
    """One row per tier: its verdict where that is not `proved`, the sizes covered, how many cases, how long."""
    rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
    rows.add_column(width=max(map(len, COUNTED)))
    rows.add_column(ratio=1)
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(justify="right", no_wrap=True)
    for item in evidence:
        style = STYLES[item.verdict]
        rows.add_row(
            Text(item.tier, style),
            Text(_holds_for(item), "dim"),
            Text(_plural(item.cases, COUNTED.get(item.tier, "case")), "dim"),
            Text("" if item.verdict == Verdict.NOT_RUN else f"{item.seconds:.2f} s", "dim"),
        )
    return rows


def _holds_for(item: Evidence) -> str:
    """Return the scope, after a verdict other than `proved`."""
    if item.verdict == Verdict.NOT_RUN:
        return "not run"
    return item.scope if item.verdict == Verdict.PROVED else f"{item.verdict}: {item.scope}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _count(values: Iterable[str]) -> str:
    return ", ".join(f"{number} {value}" for value, number in Counter(values).items())


def catalogue(console: Console, laws: Mapping[str, Law], tiers: Mapping[str, Iterable[str]]) -> None:
    """Print the laws in reading order: name, the tiers that can decide it, statement, source."""
    for name, law in laws.items():
        marks = [*tiers[name], *(["full grid"] if law.full else []), *(["counterexample"] if law.fails else [])]
        console.print(Text(name, "bold"), soft_wrap=True)
        console.print(_indented(Text(", ".join(marks), "cyan"), 4, 0))
        console.print(_indented(Text(law.statement), 4, 0))
        console.print(_indented(Text(law.source, "dim"), 4, 0))


def explanation(console: Console, law: Law, evidence: Iterable[Evidence]) -> None:
    """Print a law with its derivation, line by line, and what each tier ran."""
    console.print(Text(law.name, "bold"))
    console.print(_indented(Text(law.statement), 2, 0))
    _field(console, "source", law.source)
    for assumption in law.assumptions:
        _field(console, "assumes", assumption)
    if law.derivation is not None:
        console.print()
        derivation(console, law.derivation())
    for item in evidence:
        console.print()
        console.print(
            Text.assemble(
                (item.tier, "bold"), ": ", (str(item.verdict), STYLES[item.verdict]), f" in {item.seconds:.2f} s"
            )
        )
        _field(console, "scope", item.scope)
        _field(console, "path", item.path)
        _field(console, "assumes", "; ".join(item.assumptions))
        if item.counterexample:
            _field(console, SAID.get(item.verdict, "fails"), item.counterexample)


def derivation(console: Console, steps: Derivation) -> None:
    """Print the symbols, the definitions, every line with its rule, and what follows."""
    found = lecture(steps)
    console.print(Text(f"Derivation: {steps.scope}", "bold"))
    for assumption in steps.assumptions:
        _field(console, "assumes", assumption)
    console.print()
    for terms, words in found.symbols:
        console.print(_indented(Text.assemble(", ".join(map(text, terms)), (f"  {words}", "dim")), 2))
    console.print()
    for left, right in found.definitions:
        console.print(_indented(Text(f"{text(left)} := {text(right)}"), 2))
    for chain in found.chains:
        console.print(_indented(Text(text(chain.start)), 4, 1))
        for number, step in chain.steps:
            console.print(_indented(Text(f"= {text(step.right)}"), 2))
            reason = step.rule.named(text) + (f" ({step.because})" if step.because else "")
            console.print(_indented(Text(f"({number}) {reason}", "cyan"), 8))
    console.print()
    for left, right in steps.goals:
        console.print(_indented(Text.assemble(("so ", "dim"), f"{text(left)} = {text(right)}"), 2))
    _field(console, "each line also evaluated at", found.tried(text, ".."))


def sheet(console: Console, findings: Iterable[Finding]) -> None:
    """Print the sheet's lines with their status; below each what is missing, mended or shown."""
    findings = list(findings)
    rows = Table.grid(padding=(0, 1, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column()
    for finding in findings:
        line = finding.line
        heading = Text.assemble((f"{finding.status}", STYLES[finding.status]), f"  {line.text}")
        rows.add_row(Text(line.part, "dim"), heading)
        for name, value in remarks(finding).items():
            if value:
                rows.add_row("", _indented(Text.assemble((f"{name}: ", "dim"), value), 2))
    console.print(rows)
    counts = ", ".join(f"{number} × {status}" for status, number in Counter(f.status for f in findings).items())
    console.print(Text(f"\n{_plural(len(findings), 'line')}: {counts}"))


def remarks(finding: Finding) -> dict[str, str]:
    """What is said below a line of the sheet, by its name; empty where there is nothing."""
    line = finding.line
    if finding.status == Status.HOLDS_IF:
        found = {"if": line.needs, "otherwise": finding.counterexample}
    else:
        found = {"correct": line.correction, "counterexample": finding.counterexample}
    return {**found, "because": line.unchecked, "note": line.note, "proved by": ", ".join(line.laws)}


def _indented(content: Text | Table, indent: int, above: int = 0) -> Padding:
    return Padding(content, (above, 0, 0, indent), expand=False)


def _field(console: Console, name: str, value: str, indent: int = 2) -> None:
    console.print(_indented(Text.assemble((f"{name}: ", "dim"), value), indent, 0))
