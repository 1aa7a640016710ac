"""Tier `symbolic`: run the shipped NumPy code on arrays of polynomials, so on all real inputs at once.

Every array entry is a generator of one SymPy polynomial ring over the integers. Ring elements are normal forms:
two of them are equal exactly if they are the same polynomial, so an equality that holds here holds for every
real input of that shape. Gradients to compare with come from SymPy, which differentiates the executed forward
pass; none of our gradient functions takes part in them.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from sympy.polys.rings import PolyElement

from proofs.law import Evidence, Law, Verdict
from proofs.polynomials import Polynomials

ASSUMPTIONS = ("real arithmetic: floats are numeric.rounding's business", "SymPy's polynomial rings")


def decide(law: Law) -> Evidence:
    """Run the law's check on its grid; stop at the first, so smallest, case on which an equality fails."""
    start = perf_counter()
    cases = entries = 0
    counterexample = ""
    for case in law.cases():
        numbers = Polynomials(case.shapes(), law.rational)
        cases += 1
        equations = list(law(case, numbers))
        if not equations or not all(np.size(left) for _, left, _ in equations):
            raise ValueError(f"law {law.name!r} asserts nothing on {case}")
        for label, left, right in equations:
            entries += np.size(left)
            counterexample = counterexample or _difference(f"{case}: {label}", left, right)
        if counterexample:
            break
    return Evidence(
        tier="symbolic",
        verdict=Verdict.REFUTED if counterexample else Verdict.PROVED if cases else Verdict.OPEN,
        scope=law.scope,
        path=f"{law.path}; {entries} entries compared",
        assumptions=(*law.assumptions, *ASSUMPTIONS),
        cases=cases,
        seconds=perf_counter() - start,
        counterexample=counterexample,
    )


def _difference(where: str, left: Any, right: Any) -> str:
    """Describe the first entry in which two results differ, with numbers; empty if there is none."""
    left, right = np.asarray(left), np.asarray(right)
    if left.shape != right.shape:
        return f"{where}: shape {left.shape} on the left, {right.shape} on the right"
    for index in np.ndindex(left.shape):
        ours, theirs = left[index], right[index]
        if not bool(ours == theirs):
            entry = f" entry {index}" if index else ""
            return f"{where}:{entry} left = {ours}, right = {theirs}{instance(ours, theirs)}"
    return ""


def instance(left: Any, right: Any) -> str:
    """Numbers for which two polynomials differ: ones where a shortest monomial of the difference has variables."""
    difference = left - right
    if not isinstance(difference, PolyElement) or difference.is_ground:
        return ""
    shortest = min(difference, key=lambda powers: sum(map(bool, powers)))
    point = [(x, int(power > 0)) for x, power in zip(difference.ring.gens, shortest, strict=True)]
    values = [element.evaluate(point) if isinstance(element, PolyElement) else element for element in (left, right)]
    if values[0] == values[1]:  # ones cancel, as in x**2 - x
        return ""
    ones = ", ".join(str(x) for x, value in point if value)
    return f"; with {ones} = 1 and all else 0: {values[0]} and {values[1]}"
