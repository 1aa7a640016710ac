"""Tier `arithmetic`: facts about the index map, for all integers at once; Z3 refutes the negation of each.

A fact is a Python function of integers that calls numeric's own formulas (`proofs.facts`). It runs on terms of Z3 along
every path through those formulas (`proofs.integers`, `proofs.solver`), and on plain integers, which must confirm
whatever Z3 finds. A query that exceeds its limit leaves the law open.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from proofs.law import Evidence, Law, Verdict

if TYPE_CHECKING:
    from proofs.solver import Found

SCOPE = "each axis: all sizes, strides, dilations, paddings, positions and taps"
SUMS = "what layers give is summed over what their index maps read, as numeric.definition does"


def decide(law: Law) -> Evidence | None:
    """Ask Z3 about each of the law's facts; None for a law without any."""
    if law.arithmetic is None:
        return None
    from proofs import solver  # Z3 is loaded when it is first asked

    start = perf_counter()
    facts = law.arithmetic()
    found = {each.statement: solver.prove(each) for each in facts}
    verdict, reason = _verdict(found)
    return Evidence(
        tier="arithmetic",
        verdict=verdict,
        scope=SCOPE,
        path=f"numeric.geometry on terms of Z3 {solver.VERSION}; {'; '.join(found)}",
        assumptions=(*law.assumptions, SUMS, "Z3, where it says that there is no solution"),
        cases=len(facts),
        seconds=perf_counter() - start,
        counterexample=reason,
    )


def _verdict(found: Mapping[str, Found]) -> tuple[Verdict, str]:
    """Refuted if a fact is; open if one is, or if there is none."""
    for verdict in (Verdict.REFUTED, Verdict.OPEN):
        for statement, each in found.items():
            if each.verdict == verdict:
                return verdict, f"{statement}: {each.reason}"
    return (Verdict.PROVED, "") if found else (Verdict.OPEN, "it has no fact")
