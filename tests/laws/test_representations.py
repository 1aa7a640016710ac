"""What a notebook shows of laws, derivations, verdicts, certificates and layers: what is known, in three forms."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from numeric import Geometry
from numeric.display import MOST
from proofs import LAWS, Evidence, Verdict, certify, prove
from proofs.conformance.outcome import Finding, Outcome
from proofs.law import Proved
from proofs.report.latex import COMMANDS, prose
from proofs.report.terms import text

NAME = "weight-gradient-is-rotated-input-convolved-with-cotangent"
LAYER = Geometry((5,), (3,), 2)
EVIDENCE = Evidence("symbolic", Verdict.REFUTED, "a < b & c", "numeric.conv", ("real numbers",), 3, 0.25, "x of (1,)")


class Table(HTMLParser):
    """Rows of entries; tags that are not closed as they were opened are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows, self.words, self._open = [], [], []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag, attributes):  # noqa: ARG002, D102 - HTMLParser calls it
        if tag == "br":
            return
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):  # noqa: D102
        assert self._open.pop() == tag

    def handle_data(self, data):  # noqa: D102
        self.words.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


def shown(thing):
    """The three forms; LaTeX of known commands only, for all."""
    bundle = thing._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) <= {"text/plain", "text/html", "text/latex"}
    assert set(re.findall(r"\\([A-Za-z]+)", bundle.get("text/latex", ""))) <= {*COMMANDS, "mathrm"}
    return bundle["text/plain"], Table(bundle["text/html"]), bundle.get("text/latex", "")


def test_a_law_is_its_name_statement_source_and_assumptions():
    for law in LAWS.values():
        plain, html, latex = shown(law)
        assert plain == f"{law.name}: {law.statement} ({law.source})"
        words = "".join(html.words)
        for said in (law.name, law.statement, law.source, *law.assumptions):
            assert said in words
        assert law.name in latex


def test_what_is_markup_in_a_text_is_text():
    law = replace(next(iter(LAWS.values())), statement="<b>x</b>")
    assert "&lt;b&gt;x&lt;/b&gt;" in law._repr_mimebundle_()["text/html"]
    assert "a &lt; b &amp; c" in EVIDENCE._repr_mimebundle_()["text/html"]


def test_a_derivation_is_shown_line_by_line_with_its_rules():
    derivation = LAWS[NAME].derivation()
    plain, html, latex = shown(derivation)
    assert len(html.rows) == len(derivation.steps) + 1
    for number, step in enumerate(derivation.steps, start=1):
        assert html.rows[number][0] == f"({number}) ="
        assert html.rows[number][2].startswith(step.rule.named(text))
        assert f"({number}) {step.rule.named(text)}" in plain
        assert rf"\tag*{{({number})" in latex


def test_evidence_is_shown_with_scope_path_and_assumptions():
    plain, html, latex = shown(EVIDENCE)
    assert plain.splitlines() == [
        "symbolic: refuted",
        "  scope: a < b & c",
        "  ran: numeric.conv",
        "  assumes: real numbers",
        "  cases: 3, 0.25 s",
        "  fails: x of (1,)",
    ]
    assert ["scope", "a < b & c"] in html.rows
    assert ["fails", "x of (1,)"] in html.rows
    assert r"a $<$ b \& c" in latex


def test_verdicts_are_a_table_of_laws_and_tiers():
    found = prove("gradients-are-adjoints", "zero-same-padding-is-not-equivariant", tiers=["derivation", "symbolic"])
    assert isinstance(found, Proved)
    plain, html, latex = shown(found)
    assert html.rows == [
        ["law", "verdict", "derivation", "symbolic"],
        ["gradients-are-adjoints", "proved", "proved, 7", "proved, 15"],
        ["zero-same-padding-is-not-equivariant", "proved", "–", "proved, 26"],
    ]
    assert [line.split() for line in plain.splitlines()] == [" ".join(row).split() for row in html.rows]
    assert latex.count(r" \\") == 3


def wrong(x, w):
    return 2 * x[:, :, 1:-1, 1:-1] * w.sum()


def test_a_certificate_is_a_table_of_functions_with_what_was_wrong():
    report = certify(wrong, operations=["conv2d"], geometries=[Geometry((4, 4), (3, 3))])
    plain, html, latex = shown(report)
    assert html.rows[0] == ["function", "layers", "outcome"]
    assert ["conv", "1", "1 refuted"] in html.rows
    for diagnosed in report.diagnoses:
        assert diagnosed.text in "".join(html.words)
    assert "refuted" in plain
    assert "\x1b" not in plain
    assert all(line == line.rstrip() for line in plain.splitlines())
    assert r"conv & 1 & 1 refuted \\" in latex
    assert all(prose(diagnosed.text.splitlines()[0]) in latex for diagnosed in report.diagnoses)


def test_a_finding_is_shown_with_its_layer_scope_and_premises():
    found = Finding("integers", "conv", LAYER, 2, Outcome.CERTIFIED, "a < b", "this layer", ("bilinear", "<b>"))
    plain, html, latex = shown(found)
    assert plain.splitlines() == [
        "conv, integers: certified",
        f"  layer: {LAYER!r}, batch 2",
        "  seen: a < b",
        "  scope: this layer",
        "  assumes: bilinear",
        "  assumes: <b>",
    ]
    assert ["seen", "a < b"] in html.rows
    assert ["assumes", "<b>"] in html.rows
    assert r"\item seen: a $<$ b" in latex


@pytest.mark.parametrize(
    "layer",
    [
        Geometry((5,), (3,), 2, padding=((1, 0),)),
        Geometry((5, 7), (3, 2), (2, 1), (1, 2), padding=((1, 0), 1)),
        Geometry((4,), (3,), padding=1, boundary="circular", in_channels=4, out_channels=6, groups=2),
        Geometry((3, 4, 5), (1, 2, 3), padding=((0, 0), (-1, 0), (0, 2))),
    ],
    ids=str,
)
def test_a_layer_is_shown_with_what_each_output_reads(layer):
    plain, html, latex = shown(layer)
    assert plain == repr(layer)
    rows = iter(html.rows)
    for number, axis in enumerate(layer.axes):
        assert next(rows) == ["o", *(f"u = {u}" for u in range(axis.kernel_size))]
        for o in range(axis.output_size):
            cells = []
            for u in range(axis.kernel_size):
                cell = axis.reads(o, u)
                inside = cell % axis.input_size if layer.boundary == "circular" else cell
                cells.append(str(inside) if 0 <= inside < axis.input_size else "·")
            assert next(rows) == [str(o), *cells]
        for output, tap in np.random.default_rng(0).integers(-9, 9, (5, 2)):
            formula = latex.partition(r"\left(")[2].rpartition(r"\right)")[0].split(r",\; ")[number]
            value = formula.replace(r"\,", "*").replace(f"o_{{{number}}}", f"({output})")
            assert eval(value.replace(f"u_{{{number}}}", f"({tap})")) == axis.reads(output, tap)  # noqa: S307 - our own
    assert next(rows, None) is None


def test_a_large_layer_is_cut_short():
    _, html, _ = shown(Geometry((100,), (3,)))
    assert len(html.rows) == MOST + 2
    assert html.rows[-1] == ["… 98 outputs, 3 taps"]
