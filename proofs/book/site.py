"""The pages of the book, made from laws, verdicts, records and summaries; nothing on them is written a second time."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from proofs.audit import Finding, Status
from proofs.book import certificates, figure, rounding, still
from proofs.book.derivation import derived, theorems
from proofs.conformance.certificate import Report
from proofs.conformance.outcome import Outcome
from proofs.law import Evidence, Law, Verdict, overall
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
SIGNS: dict[str, tuple[str, str]] = {
    Verdict.PROVED: ("✓", "good"),
    Verdict.TESTED: ("≈", "part"),
    Verdict.REFUTED: ("✗", "bad"),
    Verdict.OPEN: ("?", "part"),
    Verdict.NOT_RUN: ("○", "idle"),
    Status.HOLDS: ("✓", "good"),
    Status.HOLDS_IF: ("◐", "part"),
    Status.NOT_AS_PRINTED: ("✗", "bad"),
    Status.UNDECIDED: ("?", "part"),
    Status.CANNOT_BE_CHECKED: ("○", "idle"),
    Status.NOTHING_TO_CHECK: ("·", "idle"),
    Outcome.CERTIFIED: ("✓", "good"),
    Outcome.INEXACT: ("≈", "part"),
    Outcome.UNSUPPORTED: ("–", "idle"),
}
"""Sign and colour of each word that says what was found; the other outcomes have the words of verdicts."""
RUNS = {
    "derivation": "SymPy, step by step with symbolic sizes; each step also by brute force at small ones",
    "arithmetic": "Z3 refutes the negation of facts about the index map, on numeric's own formulas",
    "coq": "Coq's kernel checks theorems about index maps, without any axiom",
    "symbolic": "the NumPy code that ships, on arrays of symbols; its forward pass is differentiated",
}


@dataclass(frozen=True)
class Content:
    """What a book is made of. `made` is when, in words, `decided` by what run; `trainings` are summaries of runs."""

    laws: Mapping[str, Law]
    found: Mapping[str, tuple[Evidence, ...]]
    sheet: Sequence[Finding]
    reports: Sequence[Report]
    trainings: Sequence[Mapping[str, Any]]
    made: str
    decided: str


@dataclass(frozen=True)
class Counted:
    """Laws of a family that a tier takes, those that it proves, and what became of the first other one."""

    total: int
    proved: int
    otherwise: str


@dataclass(frozen=True)
class Family:
    """The laws of one file, each with its evidence by tier."""

    id: str
    title: str
    laws: list[tuple[Law, dict[str, Evidence]]]

    @property
    def proved(self) -> int:
        """How many are."""
        return sum(overall(evidence.values()) == Verdict.PROVED for _, evidence in self.laws)

    @property
    def by(self) -> dict[str, Counted]:
        """Counts of each tier."""
        found = {tier: [evidence[tier].verdict for _, evidence in self.laws if tier in evidence] for tier in TIERS}
        return {
            tier: Counted(
                len(verdicts),
                verdicts.count(Verdict.PROVED),
                next((str(word) for word in verdicts if word != Verdict.PROVED), ""),
            )
            for tier, verdicts in found.items()
        }


def pages(content: Content) -> dict[str, str]:
    """Every file of the book by its name. What is on a page depends on `content` and the versions alone."""
    site = _environment(content)

    def page(name: str, **more: Any) -> dict[str, str]:
        template = "law" if "/" in name else name.removesuffix(".html")
        root = "../" * name.count("/")
        return {name: site.get_template(f"{template}.html.j2").render(here=name, root=root, **more)}

    families, words = _families(content), _verdicts(content)
    drawn = Markup(still.svg())  # noqa: S704 - made here, of numbers
    static = files("proofs.book") / "static"
    found = {
        **page(
            "index.html",
            content=content,
            still=drawn,
            counts=_counts(content),
            families=families,
            runs=RUNS,
            verdicts=words,
        ),
        **page("laws.html", families=families, verdicts=words),
        **page("figure.html", still=drawn, data=_embedded(figure.data())),
        **page("sheet.html", findings=[(line, remarks(line)) for line in content.sheet], statuses=_statuses(content)),
        **page("certificates.html", **certificates.tables(content.reports)),
        **page("rounding.html", **rounding.seen()),
        **page("training.html", trainings=content.trainings),
        **{name: (static / name).read_text(encoding="utf-8") for name in STATIC},
    }
    for more in _laws(content, families):
        found |= page(f"laws/{more['law'].name}.html", **more)
    return found


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
        decided=content.decided,
        versions=f"Python {platform.python_version()}, NumPy {version('numpy')}, SymPy {version('sympy')}",
        mathml=lambda *terms, displayed=False: Markup(mathml(*terms, displayed=displayed)),  # noqa: S704 - escaped
        overall=overall,
        tiers=list(TIERS),
        holds_for=HOLDS_FOR,
        nouns=COUNTED,
        said=SAID,
        signs={word: sign for word, (sign, _) in SIGNS.items()},
        kinds={word: kind for word, (_, kind) in SIGNS.items()},
        known=set(content.laws),
    )
    site.filters["title"] = title
    return site


def title(name: str) -> str:
    """A law's name as a sentence."""
    return name[0].upper() + name[1:].replace("-", " ")


def _embedded(data: Any) -> Markup:
    """JSON inside a script element, which `<` could end."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))  # noqa: S704


def _counts(content: Content) -> dict[str, int]:
    every = [item for evidence in content.found.values() for item in evidence]
    return {
        "laws": len(content.laws),
        "proved": sum(overall(content.found[name]) == Verdict.PROVED for name in content.laws),
        "refuting": sum(
            law.fails and overall(content.found[name]) == Verdict.PROVED for name, law in content.laws.items()
        ),
        "derived": sum(item.tier == "derivation" and item.verdict == Verdict.PROVED for item in every),
        "cases": sum(item.cases for item in every if item.tier == "symbolic"),
    }


def _verdicts(content: Content) -> list[str]:
    """Words of the table of laws, in the order of the enumeration."""
    words = {item.verdict for evidence in content.found.values() for item in evidence}
    words |= {overall(evidence) for evidence in content.found.values()}
    return [str(word) for word in Verdict if word in words]


def _statuses(content: Content) -> list[tuple[str, int]]:
    counts = Counter(finding.status for finding in content.sheet)
    return [(str(status), counts[status]) for status in Status if counts[status]]


def _families(content: Content) -> list[Family]:
    """Laws by the file that states them, with the first line of what it says of itself, in reading order."""
    found: dict[str, Family] = {}
    for name, law in content.laws.items():
        module = law.check.__module__
        said = (sys.modules[module].__doc__ or module).strip().split("\n")[0].rstrip(".")
        family = found.setdefault(module, Family(module.rpartition(".")[2], said, []))
        family.laws.append((law, {item.tier: item for item in content.found[name]}))
    return list(found.values())


def _laws(content: Content, families: Sequence[Family]) -> Iterator[dict[str, Any]]:
    """What the page of each law shows."""
    of = {law.name: family for family in families for law, _ in family.laws}
    names = [None, *content.laws, None]
    for before, (name, law), after in zip(names, content.laws.items(), names[2:], strict=False):
        yield {
            "law": law,
            "family": of[name],
            "evidence": content.found[name],
            "derived": derived(law),
            "theorems": theorems(law),
            "beside": (before, after),
        }
