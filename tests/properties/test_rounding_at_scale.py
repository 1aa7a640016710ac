"""Every bound of `numeric.rounding` on 100,000 random and directed cases and more: never violated, and how close.

    .venv/bin/python -m tests.properties.test_rounding_at_scale

prints the largest error / bound for each bound and class of cases; with `pytest -s` each test prints its line. A case
is one computed entry, one sum with its bound. `tests.scale` has the classes, the rows, and how an error is known
exactly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from numeric import rounding
from tests.scale import smooth, sums
from tests.scale.cases import KINDS, Found, Row, flat, run

CASES = 100_000
MODEL = {"gamma", "smallest_subnormal", "unit_roundoff"}  # what bounds are made of
ROWS = [*sums.ROWS, *smooth.ROWS]


def measured(row: Row) -> dict[str, Found]:
    """Every class of cases in equal parts."""
    return {kind: run(row, kind, CASES // len(row.kinds) + 1) for kind in row.kinds}


def line(row: Row, found: dict[str, Found]) -> list[str]:
    """Name, cases, largest error / bound for each class."""
    cases = sum(one.cases for one in found.values())
    return [row.name, f"{cases:,}", *(f"{found[kind].closest:.3f}" if kind in found else "" for kind in KINDS)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_case_violates_the_bound_and_directed_ones_come_close(row):
    found = measured(row)
    Console(width=140).print(*line(row, found))
    assert sum(one.cases for one in found.values()) >= CASES
    assert {kind: one.violations for kind, one in found.items() if one.violations} == {}
    assert max(one.closest for one in found.values()) > row.least


def test_every_bound_has_a_row():
    assert {row.name.split()[0] for row in ROWS} == set(rounding.__all__) - MODEL


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_of_a_twentieth_of_a_percent_is_seen(row):
    """No bound is so wide that it would hide one in float32; most entries show it that are not 0."""

    def wrong(*arrays):
        result = flat(row.function(*arrays))
        return result * result.dtype.type(1.0005)

    found = run(replace(row, function=wrong, exact=row.exact or row.function, floats=(np.float32,)), "ordinary", 1000)
    assert found.violations > found.cases / 10


DENSE = next(row for row in ROWS if row.name == "dense_bound")
FORGETFUL = {  # a bound that forgets something, and the class of cases that shows it
    "one product of seven": ("products", lambda x, w, bias: rounding.dense_bound(x, w, bias) * 6 / 7),
    "the bias": ("order", lambda x, w, _: rounding.dense_bound(x, w)),
    "underflow": (
        "subnormals",
        lambda x, w, bias: np.maximum(rounding.dense_bound(x, w, bias) - 7 * rounding.smallest_subnormal(x.dtype), 0),
    ),
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_a_bound_that_forgets_something_is_violated(name):
    kind, bound = FORGETFUL[name]
    assert run(replace(DENSE, bound=bound), kind, 1000).violations > 0


def table() -> Table:
    """What every row came to."""
    shown = Table("bound", "cases", *KINDS, title="largest error / bound")
    for row in ROWS:
        shown.add_row(*line(row, measured(row)))
    return shown


if __name__ == "__main__":
    Console().print(table())
