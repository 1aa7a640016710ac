"""Facts about integers: what the laws' arithmetic rests on, programs that run on integers and on Z3's terms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """What a fact says of some integers: `then` follows from `given`. `by`: facts about them that Z3 is told."""

    given: tuple[Any, ...]
    then: Any
    by: tuple[Instance, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A statement about all integers, the same as a program, and the names of the integers that this takes."""

    statement: str
    claim: Callable[..., Claim]
    integers: tuple[str, ...]

    def __call__(self, *integers: Any) -> Instance:
        """Say it of these integers, for another fact to rest on."""
        return Instance(self, self.claim(*integers))


@dataclass(frozen=True)
class Instance:
    """A fact, said of some integers."""

    fact: Fact
    claim: Claim


def fact(statement: str) -> Callable[[Callable[..., Claim]], Fact]:
    """Make the decorated function the fact that this statement says, about the integers that are its parameters."""
    return lambda claim: Fact(statement, claim, tuple(inspect.signature(claim).parameters))
