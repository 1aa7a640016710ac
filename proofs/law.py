"""What a law is, what counts as evidence for it, and the registry of all laws in reading order.

A statement that people believe and that is false is registered as the law that it fails (`fails=True`): its cases are
all there are up to some size, smallest first, and the first on which it fails proves that law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from numeric.dtypes import Array


class Verdict(StrEnum):
    """Outcome of a tier, and of a law: `refuted` if any tier refutes it, else the strongest one."""

    PROVED = "proved"
    TESTED = "tested"
    REFUTED = "refuted"
    OPEN = "open"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Evidence:
    """What one tier found out about one law: the scope, the code that ran, and under which assumptions.

    `counterexample` is where a refuted law fails, or where a law that says that something fails is seen to be right.
    """

    tier: str
    verdict: Verdict
    scope: str
    path: str
    assumptions: tuple[str, ...]
    cases: int
    seconds: float
    counterexample: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import evidence

        return evidence(self)


@dataclass(frozen=True)
class Proved(Mapping[str, tuple[Evidence, ...]]):
    """Evidence of each law by its name; no `dict`, since notebooks have a form of their own for those."""

    found: Mapping[str, tuple[Evidence, ...]]

    def __getitem__(self, name: str) -> tuple[Evidence, ...]:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import proved

        return proved(self)


class Case(Protocol):
    """One choice of everything in a law that is not a real number: sizes, strides, offsets, modes.

    Where a law compares numbers, also of one region of them: those that compare as the sample does.
    """

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each array that the law speaks of, by name."""

    def sample(self) -> Mapping[str, Any]:
        """Numbers for the arrays whose entries are compared, by name."""

    def __str__(self) -> str: ...


class Numbers(Protocol):
    """Values for the arrays of a case: symbols in the symbolic tier, drawn numbers in the fuzz tests."""

    def __getitem__(self, name: str) -> Array: ...

    def gradient(self, loss: Callable[[Array], Any], at: str) -> Array:
        """Gradient of `loss` with respect to the array named `at`, by means independent of our gradients."""


Equation = tuple[str, Any, Any]
Statement = Callable[[Any, Numbers], Iterator[Equation]]
Cases = Callable[[], Iterable[Any]]
Engine = Literal["forms", "rings", "expressions"]
"""What a law runs on: `proofs.forms`, `proofs.polynomials` or `proofs.expressions`."""


@dataclass(frozen=True)
class Law:
    """A statement, and what each tier needs in order to decide it.

    `check(case, numbers)` is the law as a program: it yields `(label, left, right)` for every equality that
    the law asserts on that case, computed by the code that ships. `derivation()` derives it for all sizes,
    `arithmetic()` are the facts about the index map on which it rests, for a solver, and `theorems` the names of those
    that Coq proves.
    `path` names the code that `check` runs; `cases` the stated grid, smallest case first, and `full` the larger one of
    `--grid full`. A law that `needs_symbols` looks at polynomials as such, or takes a derivative that differences of
    numbers do not give; every other one also runs on plain numbers.
    """

    name: str
    statement: str
    source: str
    check: Statement
    cases: Cases
    scope: str
    path: str
    assumptions: tuple[str, ...] = ()
    derivation: Callable[[], Any] | None = None
    arithmetic: Callable[[], Any] | None = None
    theorems: tuple[str, ...] = ()
    needs_symbols: bool = False
    engine: Engine = "forms"
    fails: bool = False
    full: Cases | None = None
    full_scope: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import law

        return law(self)

    def __call__(self, case: Any, numbers: Numbers) -> Iterator[Equation]:
        """Run the law as a program."""
        return self.check(case, numbers)


LAWS: dict[str, Law] = {}


def law(**fields: Any) -> Callable[[Statement], Law]:
    """Register the decorated check as a law. Raises `ValueError` if the name is taken."""

    def register(check: Statement) -> Law:
        made = Law(check=check, **fields)
        if made.name in LAWS:
            raise ValueError(f"there already is a law named {made.name!r}")
        LAWS[made.name] = made
        return made

    return register


def overall(evidence: Iterable[Evidence]) -> Verdict:
    """Verdict of a law from those of its tiers: one refutation refutes it, otherwise the strongest counts."""
    found = {item.verdict for item in evidence}
    order = (Verdict.REFUTED, Verdict.PROVED, Verdict.TESTED, Verdict.OPEN)
    return next((verdict for verdict in order if verdict in found), Verdict.NOT_RUN)
