"""Tier `derivation`: chains of named steps with symbolic sizes, from one side of each goal to the other.

Each step is checked twice:

1. SymPy: the step's rule, applied to one side, gives the other side's normal form.
2. By brute force: both sides have the same value (`proofs.evaluate`) at every one of the derivation's small
   sizes. A fault in SymPy's calculus of sums and deltas cannot pass unseen.

What `explain` prints is printed from the very objects that are checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from proofs.evaluate import Model
from proofs.law import LAWS, Evidence, Law, Verdict
from proofs.normal import same
from proofs.rules import Rule

Goal = tuple[Any, Any]


class Models(Protocol):
    """The small sizes of a derivation, drawn at random: always the same for one seed."""

    def __call__(self, seed: int = 0) -> Iterable[Model]:
        """Draw them."""


@dataclass(frozen=True)
class Step:
    """`left = right` by a rule; `because` is the condition that a conditional rule needs, or a remark."""

    left: Any
    right: Any
    rule: Rule
    because: str = ""

    def follows(self) -> bool:
        """Whether the rule turns one side into the other."""
        if self.rule.backwards:
            return same(self.left, self.rule.apply(self.right))
        return same(self.rule.apply(self.left), self.right)


@dataclass(frozen=True)
class Derivation:
    """Goals, and the steps that lead from the left side of each to its right side.

    A step whose left side is the right side before it continues the chain. `models` are the small sizes at which
    every step is evaluated. `where` says what symbols mean that mean something else in `proofs.derivations.meanings`.
    """

    goals: tuple[Goal, ...]
    steps: tuple[Step, ...]
    models: Models
    scope: str = "all sizes"
    assumptions: tuple[str, ...] = ()
    where: Mapping[Any, str] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import derivation

        return derivation(self)

    def reaches(self, goal: Goal, before: int | None = None) -> bool:
        """Whether the steps, or those before a number, lead from the goal's left side to its right side."""
        reached = {goal[0]}
        for step in self.steps[:before]:  # a step stands after those that it builds on
            if step.left in reached:
                reached.add(step.right)
        return goal[1] in reached


def chain(start: Any, *lines: tuple[Any, Rule] | tuple[Any, Rule, str]) -> tuple[Step, ...]:
    """Steps of a chain `start = line = line = ...`."""
    steps = []
    for right, rule, *because in lines:
        steps.append(Step(start, right, rule, *because))
        start = right
    return tuple(steps)


def decide(law: Law, seeds: Iterable[int] = (0,)) -> Evidence | None:
    """Check every step of the law's derivation both ways, at sizes drawn by each seed; None for a law without one."""
    if law.derivation is None:
        return None
    start = perf_counter()
    derivation: Derivation = law.derivation()
    models = [model for seed in seeds for model in derivation.models(seed)]
    verdict, counterexample = _verdict(derivation, models)
    conditions = [step.because for step in derivation.steps if step.rule.conditional]
    used = [step.rule.name for step in derivation.steps if step.rule.law]
    return Evidence(
        tier="derivation",
        verdict=verdict,
        scope=derivation.scope,
        path=f"numeric.Axis and proofs.signals in SymPy; each step also by brute force at {len(models)} sizes",
        assumptions=(
            *dict.fromkeys((*law.assumptions, *derivation.assumptions, *conditions, *used)),
            "SymPy's calculus of sums, where both checks agree",
        ),
        cases=len(derivation.steps),
        seconds=perf_counter() - start,
        counterexample=counterexample,
    )


def _verdict(derivation: Derivation, models: list[Model]) -> tuple[Verdict, str]:
    """Refuted by a size where a step's sides differ; open where anything else is missing."""
    for number, step in enumerate(derivation.steps, start=1):
        for model in models:
            left, right = model.value(step.left), model.value(step.right)
            if left != right:
                sizes = ", ".join(f"{symbol} = {size}" for symbol, size in model.sizes.items())
                return Verdict.REFUTED, f"step {number} ({step.rule.name}) at {sizes}: {left} against {right}"
    missing = "" if models else "nothing was evaluated"
    missing = missing or _gap(derivation)
    return (Verdict.OPEN if missing else Verdict.PROVED), missing


def _gap(derivation: Derivation) -> str:
    """What keeps the steps from being a derivation of the goals; empty if nothing does."""
    for number, step in enumerate(derivation.steps, start=1):
        if not step.follows():
            return f"step {number}: {step.rule.name} does not turn one side into the other"
        if step.rule.conditional and not step.because:
            return f"step {number}: {step.rule.name} needs a condition"
        if step.rule.law and (step.rule.law not in LAWS or LAWS[step.rule.law].derivation is None):
            return f"step {number}: {step.rule.name} is not derived"
        for left, right in step.rule.given:
            if not derivation.reaches((left, right), number - 1):
                return f"step {number}: the steps before it do not lead from {left} to {right}"
    for goal in derivation.goals:
        if not derivation.reaches(goal):
            return f"the steps do not lead from {goal[0]} to {goal[1]}"
    return "" if derivation.goals else "it has no goal"
