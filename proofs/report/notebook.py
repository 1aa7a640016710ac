"""Laws, derivations, verdicts and certificates as a notebook shows them: by MIME type, as text, HTML and LaTeX."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from rich.console import Console

from proofs.conformance.certificate import Report
from proofs.conformance.outcome import Finding
from proofs.law import Evidence, Law, overall
from proofs.report import certificate, latex, text
from proofs.report.lecture import lecture
from proofs.report.mathml import mathml
from proofs.report.terms import text as in_text
from proofs.tiers import TIERS
from proofs.tiers.derivation import Derivation

Bundle = dict[str, str]
COLUMNS = 80


def law(shown: Law) -> Bundle:
    """A law: its name, statement, source and assumptions."""
    about = "".join(f"<br><small>assumes {escape(assumption)}</small>" for assumption in shown.assumptions)
    named = f"<b>{escape(shown.name)}</b><br>{escape(shown.statement)}<br><small>{escape(shown.source)}</small>"
    return {
        "text/plain": f"{shown.name}: {shown.statement} ({shown.source})",
        "text/html": f"<p>{named}{about}</p>",
        "text/latex": latex.headline(shown),
    }


def derivation(shown: Derivation) -> Bundle:
    """A derivation, line by line, as it was checked."""
    return {
        "text/plain": _printed(lambda console: text.derivation(console, shown)),
        "text/html": "".join(_steps(shown)),
        "text/latex": "\n".join(latex.derived(shown)),
    }


def _steps(shown: Derivation) -> Iterable[str]:
    found = lecture(shown)
    yield f"<p>For {escape(shown.scope)}.</p>"
    for left, right in found.definitions:
        yield f"<p>{mathml(left, ':=', right)}</p>"
    for chain in found.chains:
        rows = [("", mathml(chain.start, displayed=True), "")]
        for number, step in chain.steps:
            because = f" ({step.because})" if step.because else ""
            reason = escape(step.rule.named(in_text) + because)
            rows.append((f"({number}) =", mathml(step.right, displayed=True), reason))
        yield _table((), rows)
    for left, right in shown.goals:
        yield f"<p>So {mathml(left, '=', right, displayed=True)}</p>"


def evidence(shown: Evidence) -> Bundle:
    """What one tier found: scope, path, assumptions."""
    rows = [
        ("scope", shown.scope),
        ("ran", shown.path),
        *(("assumes", assumption) for assumption in shown.assumptions),
        ("cases", f"{shown.cases}, {shown.seconds:.2f} s"),
        *([(text.SAID.get(shown.verdict, "fails"), shown.counterexample)] if shown.counterexample else []),
    ]
    return _fields(f"{shown.tier}: {shown.verdict}", rows)


def finding(shown: Finding) -> Bundle:
    """What one tier found about a function on a layer: what was seen, for what, under which premises."""
    rows = [
        ("layer", f"{shown.geometry!r}, batch {shown.batch}"),
        ("seen", shown.detail),
        *([("scope", shown.scope)] if shown.scope else []),
        *(("assumes", assumption) for assumption in shown.assumptions),
    ]
    return _fields(f"{shown.function}, {shown.tier}: {shown.outcome}", rows)


def _fields(title: str, rows: Sequence[tuple[str, str]]) -> Bundle:
    listed = [rf"\item {name}: {latex.prose(value)}" for name, value in rows]
    return {
        "text/plain": "\n".join([title, *(f"  {name}: {value}" for name, value in rows)]),
        "text/html": f"<p><b>{escape(title)}</b></p>{_table((), [tuple(map(escape, row)) for row in rows])}",
        "text/latex": "\n".join([rf"\textbf{{{latex.prose(title)}}}", r"\begin{itemize}", *listed, r"\end{itemize}"]),
    }


def proved(found: Mapping[str, Sequence[Evidence]]) -> Bundle:
    """Verdicts of laws, a row for each, a column for each tier."""
    tiers = [tier for tier in TIERS if any(item.tier == tier for items in found.values() for item in items)]
    rows = [(name, str(overall(items)), *(_by(tier, items) for tier in tiers)) for name, items in found.items()]
    head = ("law", "verdict", *tiers)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return {
        "text/plain": "\n".join(line.rstrip() for line in lines),
        "text/html": _table(head, [tuple(map(escape, row)) for row in rows]),
        "text/latex": _tabular(head, rows),
    }


def _by(tier: str, items: Sequence[Evidence]) -> str:
    return next((f"{item.verdict}, {item.cases}" for item in items if item.tier == tier), "–")


def report(shown: Report) -> Bundle:
    """A certificate: how many layers came to which outcome, for each function; what was refuted, and why."""
    rows = [
        (row.function, str(row.layers), ", ".join(f"{number} {kind}" for kind, number in row.counts.items()))
        for row in shown.rows
    ]
    refuted = "".join(f"<pre>{escape(diagnosed.text)}</pre>" for diagnosed in shown.diagnoses)
    told = [latex.prose(diagnosed.text.partition("\n")[0]) + "." for diagnosed in shown.diagnoses]  # what is wrong
    about = f"{shown.target['name']}, {shown.target['dtype']}"
    head = ("function", "layers", "outcome")
    table = _table(head, [tuple(map(escape, row)) for row in rows])
    return {
        "text/plain": _printed(lambda console: certificate.report(console, shown)),
        "text/html": f"<p><b>{escape(about)}</b></p>{table}{refuted}",
        "text/latex": "\n\n".join([rf"\textbf{{{latex.prose(about)}}}", _tabular(head, rows), *told]),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of entries that are HTML already; no colours, so that it suits a light page and a dark one."""
    left = ' style="text-align:left"'
    titles = "".join(f"<th{left}>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td{left}>{entry}</td>' for entry in row)}</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{titles}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _tabular(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" & ".join(map(latex.prose, row)) + r" \\" for row in (head, *rows)]
    return "\n".join([rf"\begin{{tabular}}{{{'l' * len(head)}}}", *lines, r"\end{tabular}"])


def _printed(show: Callable[[Console], None]) -> str:
    file = io.StringIO()
    show(Console(file=file, width=COLUMNS, color_system=None, force_jupyter=False))
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().splitlines())
