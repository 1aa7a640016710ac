"""Laws, derivations, verdicts and certificates as a notebook shows them: by MIME type, as text, HTML and LaTeX."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from rich.console import Console

from proofs.conformance.certificate import Report
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
    title = f"{shown.tier}: {shown.verdict}"
    plain = "\n".join([title, *(f"  {name}: {value}" for name, value in rows)])
    return {
        "text/plain": plain,
        "text/html": f"<p><b>{escape(title)}</b></p>{_table((), [tuple(map(escape, row)) for row in rows])}",
        "text/latex": "\n".join(latex.items("Found", [latex.found(shown)])).strip(),
    }


def proved(found: Mapping[str, Sequence[Evidence]]) -> Bundle:
    """Verdicts of laws, a row for each, a column for each tier."""
    tiers = [tier for tier in TIERS if any(item.tier == tier for items in found.values() for item in items)]
    rows = [(name, str(overall(items)), *(_by(tier, items) for tier in tiers)) for name, items in found.items()]
    head = ("law", "verdict", *tiers)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    tabular = [" & ".join(map(latex.prose, row)) + r" \\" for row in (head, *rows)]
    return {
        "text/plain": "\n".join(line.rstrip() for line in lines),
        "text/html": _table(head, [tuple(map(escape, row)) for row in rows]),
        "text/latex": "\n".join([rf"\begin{{tabular}}{{{'l' * len(head)}}}", *tabular, r"\end{tabular}"]),
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
    about = f"{shown.target['name']}, {shown.target['dtype']}"
    table = _table(("function", "layers", "outcome"), [tuple(map(escape, row)) for row in rows])
    return {
        "text/plain": _printed(lambda console: certificate.report(console, shown)),
        "text/html": f"<p><b>{escape(about)}</b></p>{table}{refuted}",
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of entries that are HTML already; no colours, so that it suits a light page and a dark one."""
    left = ' style="text-align:left"'
    titles = "".join(f"<th{left}>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td{left}>{entry}</td>' for entry in row)}</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{titles}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _printed(show: Callable[[Console], None]) -> str:
    file = io.StringIO()
    show(Console(file=file, width=COLUMNS, color_system=None, force_jupyter=False))
    return file.getvalue().rstrip("\n")
