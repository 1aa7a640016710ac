"""Run the property suite and the symbolic tier on a planted fault, up to the first check that fails."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, Phase, settings

import numeric
from numeric import GeometryError
from proofs import LAWS, Law, Verdict
from proofs.tiers import symbolic
from tests.meta.planted.fault import Fault

EXAMPLES = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
# how a check fails; any other error is one of the fault itself, which then is none that people would ship
FAILURES = (AssertionError, pytest.fail.Exception, RuntimeWarning, GeometryError)


@dataclass(frozen=True)
class Check:
    """One property test with the values of its parameters, the `number`th of them."""

    name: str
    test: Any
    number: int
    arguments: dict[str, Any]

    @property
    def label(self) -> str:
        """Which one it is."""
        return f"{self.name}[{self.number}]"

    def rank(self, fault: Fault) -> tuple[bool, bool, bool, int]:
        """First what names the fault, then what is fast; every test once before any with its other parameters."""
        code = getattr(getattr(self.test, "hypothesis", None), "inner_test", self.test).__code__
        given = [value for value in self.arguments.values() if isinstance(value, str)]
        about = fault.attribute in code.co_names or any(value in fault.place for value in given)
        return not about, "exhaustively" in self.name, hasattr(self.test, "hypothesis"), self.number

    def passes(self, fault: Fault | None = None) -> bool:
        """Whether the test does not fail; a function among its parameters may be the one that is faulty."""
        arguments = {
            name: fault.replacement if fault and value is fault.true else value
            for name, value in self.arguments.items()
        }
        try:
            self.test(**arguments)
        except FAILURES:
            return False
        except pytest.skip.Exception:  # TensorFlow's word is not asked for
            return True
        return True


def checks(module: str) -> Iterator[Check]:
    """Every test of a module of `tests/properties` that asks for no fixture, once for each value of its parameters."""
    for name, test in vars(import_module(f"tests.properties.test_{module}")).items():
        if name.startswith("test_"):
            for number, arguments in enumerate(_parameters(test)):
                if set(inspect.signature(test).parameters) == set(arguments):
                    yield Check(f"{module}.{name}", test, number, arguments)


def killer(fault: Fault) -> Check | None:
    """Property test that fails first; none if the fault survives them all."""
    found = [check for module in fault.suite for check in checks(module)]
    with _run(found, fault):
        return next(
            (check for check in sorted(found, key=lambda check: check.rank(fault)) if not check.passes(fault)), None
        )


def passes_as_shipped(check: Check) -> bool:
    """Whether a check that kills a fault is silent where nothing is planted."""
    with _run([check]):
        return check.passes()


def refuted(fault: Fault) -> str:
    """Name of the law that the symbolic tier refutes first; empty if it refutes none."""
    with _run((), fault):
        for law in _laws(fault):
            try:
                if symbolic.decide(law).verdict == Verdict.REFUTED:
                    return law.name
            except ValueError:  # a case is refused, or shapes no longer fit
                return law.name
    return ""


@contextmanager
def _run(found: Iterable[Check], fault: Fault | None = None) -> Iterator[None]:
    """Plant the fault; few examples, the same ones each time; warnings are errors."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(pytest, "importorskip", _skip)
        for check in found:
            if hasattr(check.test, "hypothesis"):
                patch.setattr(check.test, "_hypothesis_internal_use_settings", EXAMPLES)
        if fault:
            fault.plant(patch)
        yield


def _skip(name: str) -> NoReturn:
    pytest.skip(f"{name}'s word is not asked for")


def _laws(fault: Fault) -> list[Law]:
    """Laws that hold: first those that name the function, or what is public in its module; then all, if one speaks."""
    public = {f"numeric.{name}" for name in numeric.__all__ if _module(name) == fault.module}
    names = {f"numeric.{fault.attribute}"} | (set() if fault.owner is numeric else {fault.module, *public})
    holding = [law for law in LAWS.values() if not law.fails]
    named = [law for law in holding if names & set(law.path.replace(",", " ").split())]
    return named + holding if fault.symbolic else named


def _module(name: str) -> str:
    return getattr(getattr(numeric, name), "__module__", "")


def _parameters(test: Any) -> Iterator[dict[str, Any]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    columns = [[_row(*mark.args, value) for value in mark.args[1]] for mark in marks]
    for rows in product(*columns):
        yield {name: value for row in rows for name, value in row.items()}


def _row(names: Any, _: Any, value: Any) -> dict[str, Any]:
    return {names: value} if isinstance(names, str) else dict(zip(names, value, strict=True))
