"""A fault: what is wrong, where it is planted, and the wrong code that takes the place of the true one."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pkgutil import resolve_name
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

READERS = ("numeric", "proofs.laws", "tests.properties")
ORACLES = ("numeric.definition", "numeric.rounding")  # what a fault is compared with stays true


@dataclass(frozen=True)
class Fault:
    """One fault, at a dotted place: a function of a module, a method or property of a class, or a dictionary's entry.

    `wrong` takes that place. A pair of texts is an edit of the shipped source: the first, which must be there exactly
    once, becomes the second. `suite` names the modules of `tests/properties` that must see it. `symbolic`: whether a
    law of the symbolic tier must, too: none speaks of kinks, number types, rounding, or what its cases leave out.
    """

    family: str
    what: str
    place: str
    wrong: Any
    suite: tuple[str, ...]
    symbolic: bool = True

    @property
    def name(self) -> str:
        """Family, place and fault in one line."""
        return f"{self.family}: {self.attribute}: {self.what}"

    @property
    def attribute(self) -> str:
        """Last part of the place."""
        return self.place.rpartition(".")[2]

    @property
    def owner(self) -> Any:
        """Module, class or dictionary of the place."""
        return resolve_name(self.place.rpartition(".")[0])

    @property
    def module(self) -> str:
        """Name of the module whose code is wrong."""
        found = self.true if isinstance(self.owner, dict) else self.owner
        if inspect.ismodule(found):
            return self.true.__module__ if found is sys.modules["numeric"] else found.__name__
        return (found if isinstance(found, type) else type(found)).__module__

    @cached_property
    def true(self) -> Any:
        """What ships."""
        owner = self.owner
        return owner[self.attribute] if isinstance(owner, dict) else inspect.getattr_static(owner, self.attribute)

    @cached_property
    def replacement(self) -> Any:
        """What is planted."""
        return edited(self.true, *self.wrong) if isinstance(self.wrong, tuple) else self.wrong

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Put it in the place of the true one, under every name by which the tests, the laws and `numeric` reach it.

        As long as it is there, `numeric` keeps nothing between calls: what was computed before would hide the fault,
        and what is computed with it would outlast it.
        """
        for module in _readers():
            for name, found in list(vars(module).items()):
                if hasattr(found, "cache_clear") and _within(module.__name__, ("numeric",)):
                    patch.setattr(module, name, found.__wrapped__)
        owner, true = self.owner, self.true
        if isinstance(owner, dict):
            patch.setitem(owner, self.attribute, self.replacement)
            return
        patch.setattr(owner, self.attribute, self.replacement)
        for module in _readers():
            for name in [name for name, found in vars(module).items() if found is true]:
                patch.setattr(module, name, self.replacement)


def edited(true: Any, old: str, new: str) -> Any:
    """Return a function, method or property of the shipped source with one change.

    Raises `ValueError` unless the changed text is there exactly once.
    """
    function = true.fget if isinstance(true, property) else true
    source = dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise ValueError(f"{function.__qualname__}: expected {old!r} once, got it {source.count(old)} times")
    code = compile(
        source.replace(old, new), f"<planted in {function.__qualname__}>", "exec", annotations.compiler_flag, True
    )
    made: dict[str, Any] = {}
    exec(code, sys.modules[function.__module__].__dict__, made)  # noqa: S102 - our own source
    return made[function.__name__]


def _readers() -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        if _within(name, READERS) and not _within(name, ORACLES):
            yield module


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def edits(family: str, suite: str, *rows: tuple[str, str, str, str], symbolic: bool = True) -> list[Fault]:
    """Faults of one family that are edits: rows of place, what is wrong, old and new text; the suite in words."""
    modules = tuple(suite.split())
    return [Fault(family, what, place, (old, new), modules, symbolic) for place, what, old, new in rows]
