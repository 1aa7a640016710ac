"""The pages of the book, made from laws, verdicts, records and summaries; nothing on them is written a second time."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from proofs.audit import Finding
from proofs.book import figure, rounding, still
from proofs.conformance.certificate import Report, outcome
from proofs.conformance.geometries import words
from proofs.law import Evidence, Law, overall
from proofs.report.lecture import lecture
from proofs.report.mathml import mathml
from proofs.report.text import COUNTED, HOLDS_FOR, SAID, remarks
from proofs.tiers import TIERS

PAGES = (
    ("laws.html", "Laws"),
    ("figure.html", "Index map"),
    ("sheet.html", "Sheet"),
    ("certificates.html", "Certificates"),
    ("rounding.html", "Rounding"),
    ("training.html", "Training"),
)
STATIC = ("book.css", "figure.css", "figure.js", "filter.js")


@dataclass(frozen=True)
class Content:
    """What a book is made of. `made` is when, in words; `trainings` are summaries of runs."""

    laws: Mapping[str, Law]
    found: Mapping[str, tuple[Evidence, ...]]
    sheet: Sequence[Finding]
    reports: Sequence[Report]
    trainings: Sequence[Mapping[str, Any]]
    made: str


def pages(content: Content) -> dict[str, str]:
    """Every file of the book by its name. What is on a page depends on `content` and the versions alone."""
    site = _environment(content)

    def page(name: str, here: str = "", **more: Any) -> str:
        root = "../" * here.count("/")
        return site.get_template(f"{name}.html.j2").render(here=here, root=root, **more)

    drawn = Markup(still.svg())  # noqa: S704 - made here, of numbers
    found = {
        "index.html": page("index", "index.html", content=content, still=drawn, counts=_counts(content)),
        "laws.html": page("laws", "laws.html", families=_families(content), tiers=list(TIERS)),
        "figure.html": page("figure", "figure.html", still=drawn, data=_embedded(figure.data())),
        "sheet.html": page("sheet", "sheet.html", findings=[(each, remarks(each)) for each in content.sheet]),
        "certificates.html": page("certificates", "certificates.html", reports=[_report(r) for r in content.reports]),
        "rounding.html": page("rounding", "rounding.html", plots=rounding.plots()),
        "training.html": page("training", "training.html", trainings=content.trainings),
    }
    names = list(content.laws)
    for place, (name, law) in enumerate(content.laws.items()):
        beside = (names[place - 1] if place else None, names[place + 1] if place + 1 < len(names) else None)
        found[f"laws/{name}.html"] = page(
            "law", f"laws/{name}.html", law=law, evidence=content.found[name], derived=_derived(law), beside=beside,
            theorems=_theorems(law),
        )  # fmt: skip
    static = files("proofs.book") / "static"
    return {**found, **{name: (static / name).read_text(encoding="utf-8") for name in STATIC}}


def _environment(content: Content) -> Environment:
    site = Environment(
        loader=PackageLoader("proofs.book"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    site.globals.update(
        pages=PAGES,
        made=content.made,
        versions=f"Python {platform.python_version()}, NumPy {version('numpy')}, SymPy {version('sympy')}",
        mathml=lambda *terms, displayed=False: Markup(mathml(*terms, displayed=displayed)),  # noqa: S704 - escaped
        overall=overall,
        holds_for=HOLDS_FOR,
        counted=COUNTED,
        said=SAID,
        known=set(content.laws),
    )
    site.filters["kind"] = lambda verdict: str(verdict).replace(" ", "-")
    return site


def _embedded(data: Any) -> Markup:
    """JSON inside a script element, which `<` could end."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))  # noqa: S704


def _counts(content: Content) -> dict[str, int]:
    return {
        "laws": len(content.laws),
        "proved": sum(str(overall(content.found[name])) == "proved" for name in content.laws),
        "refuting": sum(law.fails for law in content.laws.values()),
        "derived": sum(law.derivation is not None for law in content.laws.values()),
        "cases": sum(e.cases for evidence in content.found.values() for e in evidence if e.tier == "symbolic"),
    }


def _families(content: Content) -> list[tuple[str, list[tuple[Law, Mapping[str, Evidence]]]]]:
    """Laws by the file that states them, with the first line of what it says of itself, in reading order."""
    found: dict[str, list[tuple[Law, Mapping[str, Evidence]]]] = {}
    for name, law in content.laws.items():
        said = (sys.modules[law.check.__module__].__doc__ or law.check.__module__).strip().split("\n")[0]
        found.setdefault(said.rstrip("."), []).append((law, {e.tier: e for e in content.found[name]}))
    return list(found.items())


def _derived(law: Law) -> dict[str, Any] | None:
    """The derivation as the page shows it: the checked objects in MathML."""
    if law.derivation is None:
        return None
    derivation = law.derivation()
    read = lecture(derivation)
    return {
        "scope": derivation.scope,
        "assumptions": derivation.assumptions,
        "symbols": read.symbols,
        "definitions": read.definitions,
        "chains": [(c.start, [(number, step, _reason(step)) for number, step in c.steps]) for c in read.chains],
        "goals": derivation.goals,
        "tried": _mixed(read.tried(_between, " to ")),
    }


def _reason(step: Any) -> Markup:
    """Rule and condition of a step, terms in MathML."""
    return _mixed(step.rule.named(_between) + (f" ({step.because})" if step.because else ""))


def _between(term: Any) -> str:
    return f"\0{mathml(term)}\0"


def _mixed(marked: str) -> Markup:
    """Prose with MathML in it, which stands between marks."""
    parts = marked.split("\0")
    return Markup().join(Markup(part) if place % 2 else escape(part) for place, part in enumerate(parts))  # noqa: S704


def _theorems(law: Law) -> list[tuple[str, str]]:
    """Name and statement of the theorems that Coq proves."""
    registered = json.loads((files("proofs.coq") / "statements.json").read_text(encoding="utf-8"))
    return [(name, registered[name]["statement"]) for name in law.theorems]


def _report(report: Report) -> dict[str, Any]:
    """A record as a table: one row for each function on each layer, premises after them."""
    return {
        "target": report.target,
        "grid": report.grid,
        "seconds": report.seconds,
        "counts": report.counts,
        "notes": report.notes,
        "rows": list(_rows(report)),
        "diagnoses": report.diagnoses,
    }


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    for piece, judged in report.pieces:
        worst = outcome(judged.findings)
        details: Iterable[str] = dict.fromkeys(f.detail for f in judged.findings if f.outcome == worst and f.detail)
        yield {
            "function": piece.function,
            "layer": words(piece.case),
            "tiers": ", ".join(piece.tiers),
            "outcome": worst,
            "detail": "; ".join(details),
        }
