"""A law's derivation and theorems as its page shows them: the checked objects in MathML."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from proofs.coq.statements import register
from proofs.law import Law
from proofs.report.lecture import lecture
from proofs.report.mathml import mathml
from proofs.tiers.derivation import Step


def derived(law: Law) -> dict[str, Any] | None:
    """Scope, assumptions, symbols, definitions, chains of steps with reasons, goals; None for a law without one."""
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


def theorems(law: Law) -> list[tuple[str, str]]:
    """Name and statement of the theorems that Coq proves."""
    registered = register() if law.theorems else {}
    return [(name, registered[name]["statement"]) for name in law.theorems]


def _reason(step: Step) -> Markup:
    """Rule and condition of a step, terms in MathML."""
    return _mixed(step.rule.named(_between) + (f" ({step.because})" if step.because else ""))


def _between(term: Any) -> str:
    return f"\0{mathml(term)}\0"


def _mixed(marked: str) -> Markup:
    """Prose with MathML in it, which stands between marks."""
    parts = marked.split("\0")
    return Markup().join(Markup(part) if place % 2 else escape(part) for place, part in enumerate(parts))  # noqa: S704
