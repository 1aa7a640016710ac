"""Every law depends on every function that it is about: spoil one, and that law is refuted."""

import inspect
from types import CodeType

import numpy as np
import pytest
from sympy.polys.rings import PolyElement

import numeric
from numeric.dtypes import Array
from proofs import LAWS, Verdict
from proofs.expressions import Expression
from proofs.forms import Form
from proofs.tiers import symbolic

FUNCTIONS = {name for name in numeric.__all__ if inspect.isfunction(getattr(numeric, name))}


def _names(code: CodeType) -> set[str]:
    """Every name that a piece of code or the functions in it mention."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _used(law) -> set[str]:
    """Functions of `numeric` that the law's check calls, itself or through its module's helpers."""
    module = inspect.getmodule(law.check)
    seen, todo = set(), [law.check]
    used: set[str] = set()
    while todo:
        function = todo.pop()
        seen.add(function)
        for name in _names(function.__code__):
            found = getattr(module, name, None)
            if name in FUNCTIONS and found is getattr(numeric, name):
                used.add(name)
            elif inspect.isfunction(found) and found not in seen and found.__module__ == module.__name__:
                todo.append(found)
    return used


def _each(spoil):
    """Spoil a result, or every one of several."""
    return lambda y: tuple(map(spoil, y)) if isinstance(y, tuple) else spoil(y)


@_each
def _doubled(y: Array) -> Array:
    y = y.copy()
    y.flat[-1:] = y.flat[-1:] * 2
    return y


@_each
def _shortened(y: Array) -> Array:
    return y[..., :-1]


HOLDING = [name for name, law in LAWS.items() if not law.fails]  # what fails is not to be had by spoiling
PAIRS = [(law, function) for law in HOLDING for function in sorted(_used(LAWS[law]))]


@pytest.mark.parametrize(("name", "function"), PAIRS)
def test_a_law_is_refuted_when_a_function_that_it_calls_is_wrong(name, function, monkeypatch):
    law = LAWS[name]
    module = inspect.getmodule(law.check)
    true = getattr(module, function)
    refuted = False
    for spoil in (_doubled, _shortened):
        monkeypatch.setattr(module, function, lambda *args, spoil=spoil, **options: spoil(true(*args, **options)))
        try:
            refuted |= symbolic.decide(law).verdict == Verdict.REFUTED
        except (ValueError, IndexError):  # shapes that no longer fit: seen as well
            refuted |= spoil is _shortened
    assert refuted


@pytest.mark.parametrize("name", LAWS)
def test_the_path_names_what_the_check_runs(name):
    """What a verdict says ran did run: the functions named in `path` are those that the check calls."""
    law = LAWS[name]
    named = {word.strip(",()").removeprefix("numeric.") for word in law.path.split()}
    assert named & FUNCTIONS == _used(law)


def test_every_equation_of_a_law_is_about_two_different_computations():
    """A tautology such as `form, form` gives back the very object that it was given."""
    for law in LAWS.values():
        for label, left, right in symbolic.equations(law, law.cases()[-1]):
            same = left is right and isinstance(left, np.ndarray | Form | PolyElement | Expression)
            assert not same, f"{law.name}: {label}"


def test_spoiling_is_seen():
    y = np.arange(4)
    assert _doubled(y).tolist() == [0, 1, 2, 6]
    assert _shortened(y).tolist() == [0, 1, 2]
