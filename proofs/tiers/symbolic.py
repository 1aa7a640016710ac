"""Tier `symbolic`: run the shipped NumPy code on arrays of symbols, so on all real inputs at once.

Every array entry is a polynomial in normal form (`proofs.forms`), or where a layer divides or takes roots and
exponentials, an expression that has one (`proofs.expressions`). Two of them are equal exactly if they are the same
function, so an equality that holds here holds for every real input of that shape. Gradients to compare with come from
differentiating the executed forward pass; none of our gradient functions takes part in them.

Our own polynomials are not trusted alone: SymPy runs the small cases too, with rings and derivatives of its own, and
every entry must come out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from sympy.polys.rings import PolyElement

from proofs.expressions import Expression, Expressions
from proofs.forms import Form, Forms, KinkError
from proofs.grids import entries
from proofs.law import Equation, Evidence, Law, Verdict
from proofs.polynomials import Polynomials

ASSUMPTIONS = ("real arithmetic: floats are numeric.rounding's business",)
TRUSTED = {
    "forms": "proofs.forms, whose results on the smaller cases are also SymPy's",
    "rings": "SymPy's polynomial rings",
    "expressions": "SymPy's derivatives, expansion and pseudo-division",
}
CROSS_CHECKED = 3
"""How many cases of a run SymPy runs as well: the first ones with at most `SMALL` array entries."""
SMALL = 24


@dataclass(frozen=True)
class Found:
    """What running some cases gave: how many, the entries compared, how many cases SymPy ran too.

    `counterexample` is the first case that fails, `undecided` why one is neither right nor wrong.
    """

    cases: int = 0
    entries: int = 0
    checked: int = 0
    seconds: float = 0.0
    counterexample: str = ""
    undecided: str = ""

    def __add__(self, later: Found) -> Found:
        """Both, where `later` ran the cases that come after."""
        return Found(
            self.cases + later.cases,
            self.entries + later.entries,
            self.checked + later.checked,
            self.seconds + later.seconds,
            self.counterexample or later.counterexample,
            self.undecided or later.undecided,
        )


def decide(law: Law) -> Evidence:
    """Run the law's check on its grid; stop at the first, so smallest, case on which an equality fails."""
    return evidence(law, run(law, law.cases()), law.scope)


def run(law: Law, cases: Iterable[Any]) -> Found:
    """Run the law's check on these cases, up to the first on which it fails."""
    start = perf_counter()
    found = Found()
    for case in cases:
        found += _run(law, case, law.engine == "forms" and found.checked < CROSS_CHECKED and entries(case) <= SMALL)
        if found.counterexample or found.undecided:
            break
    return Found(**{**vars(found), "seconds": perf_counter() - start})


def evidence(law: Law, found: Found, scope: str) -> Evidence:
    """Verdict on a law from what running its cases gave."""
    also = f", {found.checked} of the cases by SymPy too" if found.checked else ""
    return Evidence(
        tier="symbolic",
        verdict=_verdict(law, found),
        scope=scope,
        path=f"{law.path}; {found.entries} entries compared{also}",
        assumptions=(*law.assumptions, *ASSUMPTIONS, TRUSTED[law.engine]),
        cases=found.cases,
        seconds=found.seconds,
        counterexample=found.undecided or found.counterexample,
    )


def _verdict(law: Law, found: Found) -> Verdict:
    """A law is proved by all of its cases; one that says that something fails, by the first where it does."""
    if found.undecided or not found.cases:
        return Verdict.OPEN
    if law.fails:
        return Verdict.PROVED if found.counterexample else Verdict.OPEN
    return Verdict.REFUTED if found.counterexample else Verdict.PROVED


def _run(law: Law, case: Any, check: bool) -> Found:
    try:
        asserted = list(equations(law, case))
    except KinkError as error:
        return Found(cases=1, undecided=f"{case}: {error}")
    if not asserted or not all(np.size(left) for _, left, _ in asserted):
        raise ValueError(f"law {law.name!r} asserts nothing on {case}")
    compared = sum(np.size(left) for _, left, _ in asserted)
    differences = (_difference(f"{case}: {label}", left, right) for label, left, right in asserted)
    checked = check and any(
        isinstance(side, Form) for _, *sides in asserted for array in sides for side in np.ravel(array)
    )
    return Found(
        cases=1,
        entries=compared,
        checked=int(checked),
        counterexample=next(filter(None, differences), ""),
        undecided=_disagreement(law, case, asserted) if checked else "",
    )


def equations(law: Law, case: Any) -> Iterator[Equation]:
    """What the law asserts on a case, on the symbols of its engine."""
    if law.engine == "rings":
        return law(case, Polynomials(case.shapes()))
    engine = Forms if law.engine == "forms" else Expressions
    return law(case, engine(case.shapes(), case.sample()))


def _disagreement(law: Law, case: Any, asserted: list[Equation]) -> str:
    """Where SymPy, running the same check, computes something else than our polynomials; empty if nowhere."""
    sampled = bool(case.sample())  # rings order their elements by degree, which says nothing about numbers
    numbers: Any = Expressions(case.shapes(), case.sample()) if sampled else Polynomials(case.shapes(), rational=True)
    theirs = list(law(case, numbers))
    for (label, *ours), (_, *sides) in zip(asserted, theirs, strict=True):
        for one, other in zip(ours, sides, strict=True):
            one, other = np.asarray(one), np.asarray(other)
            if one.shape != other.shape:
                return f"{case}: {label}: proofs.forms and SymPy disagree on a shape"
            for index in np.ndindex(one.shape):
                if not bool(other[index] == numbers.converted(one[index])):
                    return f"{case}: {label}: proofs.forms computes {one[index]}, SymPy {other[index]}"
    return ""


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
    """Numbers for which two results differ; empty if there are none to be shown.

    Polynomials: ones where a shortest monomial of the difference has variables. Where a sample stands for a region: the
    sample, and ones for what it leaves open.
    """
    if not any(isinstance(side, Form | PolyElement | Expression) for side in (left, right)):
        return ""  # numbers, or truth values: they are shown as they are
    difference = left - right
    if isinstance(difference, Expression):
        return _shown("at the sample and 1 elsewhere", *(difference.of.number(side) for side in (left, right)))
    if isinstance(difference, Form) and difference.space.sample:
        values = [difference.space.number(side) for side in (left, right)]
        return _shown("at the sample and 1 elsewhere", *values)
    if isinstance(difference, Form):
        names, supports = difference.space.names, [set(monomial) for monomial in difference.terms]
    elif isinstance(difference, PolyElement):
        names = [str(x) for x in difference.ring.gens]
        supports = [{v for v, power in enumerate(monomial) if power} for monomial in difference]
    else:
        return ""
    ones = min(supports, key=len)
    named = ", ".join(names[v] for v in sorted(ones))
    return _shown(f"with {named} = 1 and all else 0", *(_at(side, ones) for side in (left, right))) if ones else ""


def _shown(where: str, left: Any, right: Any) -> str:
    return "" if left == right else f"; {where}: {left} and {right}"  # equal: terms cancel, as in x**2 - x


def _at(side: Any, ones: set[int]) -> Any:
    if isinstance(side, Form):
        return side.at({v: int(v in ones) for v in range(len(side.space.names))})
    if isinstance(side, PolyElement):
        return side.evaluate([(x, int(v in ones)) for v, x in enumerate(side.ring.gens)])
    return side
