"""Tier `coq`: theorems about every index map, in `proofs/coq/*.v`, checked by `coqc`.

A theorem counts if three things hold: its statement, with every definition of ours that it mentions, is the one that a
person has read and registered; `Print Assumptions` says that it rests on no axiom; and the `reads` that it speaks of is
numeric's, as tables of both show. All files are compiled anew, once per process; no earlier pass is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

from proofs.coq import compiler, statements, tables
from proofs.law import Evidence, Law, Verdict

LAYER = "layers of any number of axes, all sizes, strides, dilations, paddings, groups"
MAP = "every index map"
SCOPES = {
    "Arrays": "all linear maps of arrays",
    "IndexMap": MAP,
    "Basis": MAP,
    "Stack": "every two index maps",
    "Sizes": "all sizes, strides, dilations, paddings",
    "ReceptiveField": "any number of layers, all sizes, strides, dilations, paddings",
    "Layer": LAYER,
    "Equivariance": LAYER,
    "Instances": LAYER,
    "Plane": "the plane of any number of axes, all arrays of any support",
}
"""What the theorems of a file hold for; everywhere numbers of any commutative ring."""

COMPARED = ("Sizes", "ReceptiveField", "Layer", "Equivariance", "Instances")
"""Files whose theorems speak of what the tables compare; what the others speak of is for a person to recognise."""


HINT = "coqc takes some seconds: python -m proofs prove --tier coq"
SAME = "Coq's reads and sizes are numeric's beyond the tables too, where both were compared"


@dataclass(frozen=True)
class Judgement:
    """What one run of `coqc` showed: per theorem why it is not to be believed (empty: it is), and what was compared."""

    version: str
    why_not: Mapping[str, str]
    compared: int = 0
    failed: str = ""

    def of(self, theorem: str) -> str:
        """Why a theorem is not to be believed; empty if it is."""
        missing = f"{theorem} is not registered in {statements.REGISTER.name}: no one has read its statement"
        return self.failed or self.why_not.get(tables.LINK, "") or self.why_not.get(theorem, missing)


def judge(coqc: str, files: Mapping[str, str], register: Mapping[str, Any]) -> Judgement:
    """Compile these files, and ask about every registered theorem."""
    try:
        with compiler.compiled(coqc, files) as ready:
            return ask(ready, register)
    except compiler.CoqError as error:
        return Judgement(compiler.version(coqc), {}, failed=str(error))


def ask(ready: compiler.Compiled, register: Mapping[str, Any]) -> Judgement:
    """Ask compiled files about every registered theorem, and for the tables. Raises `CoqError`."""
    found = statements.stated(ready, list(register))
    compared, disagreement = tables.compare(ready)
    why_not = {name: statements.why_not(name, found, register) for name in register}
    return Judgement(compiler.version(ready.coqc), why_not, compared, disagreement)


@cache
def judgement(coqc: str) -> Judgement:
    """What `coqc` says of the files that ship; once per process."""
    return judge(coqc, compiler.sources(), statements.register())


def prepare() -> None:
    """Run `coqc`, where there is one: before a fork, so that each process need not."""
    coqc = compiler.program()
    if coqc is not None:
        judgement(coqc)


def decide(law: Law) -> Evidence | None:
    """Check the law's theorems; None for a law without any, `not run` where there is no `coqc`."""
    if not law.theorems:
        return None
    coqc = compiler.program()
    if coqc is None:
        return _evidence(law, Verdict.NOT_RUN, f"coqc is not installed: {compiler.INSTALL}")
    start = perf_counter()
    found = judgement(coqc)
    why_not = next(filter(None, map(found.of, law.theorems)), "")
    return _evidence(
        law,
        Verdict.OPEN if why_not else Verdict.PROVED,
        why_not,
        f"; coqc {found.version}, {found.compared} entries of tables",
        perf_counter() - start,
    )


def postponed(law: Law) -> Evidence | None:
    """`not run`, with how to run it: for where `coqc`'s seconds are too many. None for a law without theorems."""
    if not law.theorems:
        return None
    return _evidence(law, Verdict.NOT_RUN, HINT if compiler.program() else f"coqc is not installed: {compiler.INSTALL}")


def _evidence(law: Law, verdict: Verdict, why: str, ran: str = "", seconds: float = 0.0) -> Evidence:
    """Evidence whose scope is that of each file that the law's theorems are in."""
    files = list(dict.fromkeys(theorem.partition(".")[0] for theorem in law.theorems))
    return Evidence(
        tier="coq",
        verdict=verdict,
        scope="; ".join(dict.fromkeys(SCOPES.get(file, f"as {file}.v says") for file in files)),
        path=f"proofs/coq: {', '.join(law.theorems)}{ran}",
        assumptions=(
            *law.assumptions,
            "Coq's kernel; MathComp's definitions; that the registered statements say what the law says",
            *((SAME,) if set(files) & set(COMPARED) else ()),
        ),
        cases=len(law.theorems),
        seconds=seconds,
        counterexample=why,
    )
