"""Unbounded integers for Z3 that Python's own formulas run on, branches included.

An `Integer` has Python's `+ - * // %` and comparisons. Where a formula branches (`if`, `and`, `max`, `all`), it is run
again for each way that it can go, and what was decided on the way is known on that path. Quotient and remainder are
what defines them: dividend = divisor * quotient + remainder, 0 <= remainder < divisor. That is Python's floor division
for divisors from 1 up, so each `Division` says what was known when it was reached, for this to be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import z3

MOST_PATHS = 64
MOST_BRANCHES = 64
"""On one path; a loop over an unbounded range has no last one."""
T = TypeVar("T")


class PathsError(RuntimeError):
    """A formula that branches too often."""


@dataclass(frozen=True)
class Division:
    """A divisor, and how many of the path's conditions and divisions were there before."""

    divisor: Any
    conditions: int
    divisions: int


@dataclass
class Path:
    """One way through a formula: the decisions taken, the conditions they amount to, the divisions met."""

    ahead: Sequence[bool] = ()
    decisions: list[bool] = field(default_factory=list)
    conditions: list[Any] = field(default_factory=list)
    divisions: list[Division] = field(default_factory=list)
    definitions: list[Any] = field(default_factory=list)
    _decided: dict[int, bool] = field(default_factory=dict)
    _divided: dict[tuple[int, int], tuple[Integer, Integer]] = field(default_factory=dict)

    def decide(self, condition: Any) -> bool:
        """Go the way that is laid down for this branch, or if none is, where the condition is true."""
        if condition.get_id() not in self._decided:
            number = len(self.decisions)
            if number == MOST_BRANCHES:
                raise PathsError(f"expected at most {MOST_BRANCHES} branches on a path through a formula, found more")
            choice = self.ahead[number] if number < len(self.ahead) else True
            self.decisions.append(choice)
            self.conditions.append(condition if choice else z3.Not(condition))
            self._decided[condition.get_id()] = choice
        return self._decided[condition.get_id()]

    def divide(self, dividend: Any, divisor: Any) -> tuple[Integer, Integer]:
        """Quotient and remainder: two new numbers, and what defines them."""
        at = dividend.get_id(), divisor.get_id()
        if at not in self._divided:
            number = len(self.divisions)
            quotient, remainder = z3.Int(f"quotient {number}"), z3.Int(f"remainder {number}")
            self.divisions.append(Division(divisor, len(self.conditions), number))
            self.definitions.append(
                z3.And(dividend == divisor * quotient + remainder, remainder >= 0, remainder < divisor)
            )
            self._divided[at] = Integer(quotient, self), Integer(remainder, self)
        return self._divided[at]

    def variable(self, name: str) -> Integer:
        """Any integer."""
        return Integer(z3.Int(name), self)


def paths(formula: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    """Run a formula along every path through it. Raises `PathsError` where there are too many."""
    todo: list[Sequence[bool]] = [()]
    number = 0
    while todo:
        number += 1
        if number > MOST_PATHS:
            raise PathsError(f"expected at most {MOST_PATHS} paths through a formula, found more")
        path = Path(ahead := todo.pop())
        yield path, formula(path)
        todo += [(*path.decisions[:turn], False) for turn in range(len(ahead), len(path.decisions))]


class Truth:
    """A condition on integers; asking for its truth value is a branch."""

    def __init__(self, term: Any, path: Path) -> None:
        self.term = term
        self.path = path

    def __bool__(self) -> bool:
        return self.path.decide(self.term)

    def __and__(self, other: Any) -> Truth:
        return Truth(z3.And(self.term, truth(other)), self.path)

    def __or__(self, other: Any) -> Truth:
        return Truth(z3.Or(self.term, truth(other)), self.path)

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term == truth(other), self.path)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term != truth(other), self.path)

    __rand__ = __and__
    __ror__ = __or__
    __hash__ = None  # type: ignore[assignment]


class Integer:
    """A term of Z3 with Python's arithmetic; combined with ints and with others of its path."""

    def __init__(self, term: Any, path: Path) -> None:
        self.term = term
        self.path = path

    def __add__(self, other: Any) -> Integer:
        return Integer(self.term + _term(other), self.path)

    def __sub__(self, other: Any) -> Integer:
        return Integer(self.term - _term(other), self.path)

    def __mul__(self, other: Any) -> Integer:
        return Integer(self.term * _term(other), self.path)

    def __floordiv__(self, other: Any) -> Integer:
        return self.path.divide(self.term, _term(other))[0]

    def __mod__(self, other: Any) -> Integer:
        return self.path.divide(self.term, _term(other))[1]

    def __radd__(self, other: int) -> Integer:
        return Integer(_term(other) + self.term, self.path)

    def __rsub__(self, other: int) -> Integer:
        return Integer(_term(other) - self.term, self.path)

    def __rmul__(self, other: int) -> Integer:
        return Integer(_term(other) * self.term, self.path)

    def __rfloordiv__(self, other: int) -> Integer:
        return self.path.divide(_term(other), self.term)[0]

    def __rmod__(self, other: int) -> Integer:
        return self.path.divide(_term(other), self.term)[1]

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __neg__(self) -> Integer:
        return Integer(-self.term, self.path)

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term == _term(other), self.path)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term != _term(other), self.path)

    def __lt__(self, other: Any) -> Truth:
        return Truth(self.term < _term(other), self.path)

    def __le__(self, other: Any) -> Truth:
        return Truth(self.term <= _term(other), self.path)

    def __gt__(self, other: Any) -> Truth:
        return Truth(self.term > _term(other), self.path)

    def __ge__(self, other: Any) -> Truth:
        return Truth(self.term >= _term(other), self.path)

    __hash__ = None  # type: ignore[assignment]


def truth(value: Any) -> Any:
    """Z3's term of a condition, or of Python's True or False. Raises `TypeError` for anything else."""
    if isinstance(value, Truth):
        return value.term
    if isinstance(value, bool):
        return z3.BoolVal(value)
    raise TypeError(f"expected a condition on integers, got {value!r}")


def _term(value: Any) -> Any:
    if isinstance(value, Integer):
        return value.term
    if isinstance(value, int) and not isinstance(value, bool):
        return z3.IntVal(value)
    raise TypeError(f"expected an integer, got {value!r}")
