"""Certificates as tables: every layer of a record is in one row, with what was seen where it is not certified."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from numeric import Geometry
from proofs import certify
from proofs.book.certificates import tables
from proofs.conformance.outcome import Outcome

LAYERS = [Geometry((4, 5), (3, 2)), Geometry((4, 4), (1, 1))]


def flipped(x, w):
    """A layer whose kernel is rotated: right where it has one tap."""
    n, _, high, wide = x.shape
    out, _, rows, columns = w.shape
    y = np.zeros((n, out, high - rows + 1, wide - columns + 1), x.dtype)
    for i, j in np.ndindex(rows, columns):
        y += np.einsum("ncab,oc->noab", x[:, :, i : i + y.shape[2], j : j + y.shape[3]], w[:, :, -1 - i, -1 - j])
    return y


@pytest.fixture(scope="module")
def report():
    return certify(flipped, operations=["conv2d"], geometries=LAYERS)


def test_the_rows_add_up_to_the_counts(report):
    (table,) = tables([report])["reports"]
    counts = Counter()
    for row in table["rows"]:
        counts[row.outcome] += len(row.each)
    refuted = sum(finding.outcome == Outcome.REFUTED for finding in report.premises)
    assert counts[Outcome.REFUTED] + refuted == report.counts[Outcome.REFUTED]
    assert counts[Outcome.CERTIFIED] == report.counts[Outcome.CERTIFIED]
    assert table["counts"] == [(str(kind), report.counts[kind]) for kind in Outcome if report.counts[kind]]


def test_what_was_seen_stands_beside_the_layer_where_it_is_wrong(report):
    (table,) = tables([report])["reports"]
    rows = {row.outcome: row for row in table["rows"] if row.function == "conv"}
    assert rows[Outcome.CERTIFIED].each == [("4x4, kernel 1x1, channels 1to1, batch 2", "")]
    ((layer, seen),) = rows[Outcome.REFUTED].each
    assert layer == "4x5, kernel 3x2, channels 1to1, batch 2"
    assert any(seen.startswith(f.detail) for f in report.findings if f.outcome == Outcome.REFUTED)


def test_premises_are_there_with_those_that_do_not_hold(report):
    (table,) = tables([report])["reports"]
    (row,) = table["premises"]
    assert [detail for detail, _ in row.each] == [finding.detail for finding in report.premises]
    pieces = [
        (p, replace(j, findings=tuple(replace(f, outcome=Outcome.REFUTED) for f in j.findings)))
        for p, j in report.pieces
        if p.tiers == ("premises",)
    ]
    ((row,),) = (table["premises"] for table in tables([replace(report, pieces=pieces)])["reports"])
    assert row.outcome == Outcome.REFUTED
    assert {word for _, word in row.each} == {"refuted"}


def test_functions_and_outcomes_to_filter_by_are_those_of_the_rows(report):
    found = tables([report, report])
    rows = [row for table in found["reports"] for row in (*table["rows"], *table["premises"])]
    assert found["functions"] == list(dict.fromkeys(row.function for row in rows))
    assert set(found["outcomes"]) == {str(row.outcome) for row in rows}


def test_no_record_gives_an_empty_page():
    assert tables([]) == {"reports": [], "functions": [], "outcomes": []}
