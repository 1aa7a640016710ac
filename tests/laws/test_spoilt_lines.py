"""Every line of every derivation, spoilt in turn, is refused; so is every operator's definition."""

from dataclasses import replace
from itertools import product

import pytest
from sympy import Indexed, Integer, KroneckerDelta, Sum, oo

from proofs import LAWS
from proofs.report.terms import text
from proofs.rules import unfold
from proofs.signals import At, Signal
from proofs.tiers.derivation import Step
from tests.meta.test_false_laws import ABOUT_ZERO

DERIVED = [name for name, law in LAWS.items() if law.derivation]


def _shifted(e):
    """The term with the last index of its first entry one further."""
    entry = min(e.atoms(Indexed), key=str, default=None)
    if entry is None:
        return e
    return e.xreplace({entry: entry.base[(*entry.indices[:-1], entry.indices[-1] + 1)]})


def _shortened(e):
    """The term with the first of its sums one short."""
    sums = sorted((s for s in e.atoms(Sum) if s.limits[0][2] != oo), key=str)
    if not sums:
        return e
    (index, low, high), *rest = sums[0].limits
    return e.xreplace({sums[0]: Sum(sums[0].function, (index, low, high - 1), *rest)})


def _without_a_delta(e):
    """The term with one of its deltas forgotten."""
    found = min(e.atoms(KroneckerDelta), key=str, default=None)
    return e if found is None else e.xreplace({found: Integer(1)})


SPOILT = {
    "the other sign": lambda e: -e,
    "a term too many": lambda e: e + 1,
    "an index beside it": _shifted,
    "a range one short": _shortened,
    "a delta forgotten": _without_a_delta,
}


@pytest.mark.parametrize("fault", SPOILT)
@pytest.mark.parametrize("name", DERIVED)
def test_a_spoilt_line_is_refused_wherever_it_stands(name, fault):
    """Each line of each derivation in turn: SymPy refuses the step that leads to it.

    Where it is only a range that is wrong, for which a conditional rule takes its step's word, evaluation does.
    """
    found, spoilt = LAWS[name].derivation(), 0
    for step in found.steps:
        wrong = SPOILT[fault](step.right)
        if wrong != step.right:
            follows = _follows(replace(step, right=wrong))
            refuted = follows and any(model.value(step.left) != model.value(wrong) for model in found.models())
            assert step.rule.conditional and refuted if follows else True, (step.rule.name, text(wrong))
            spoilt += 1
    assert spoilt or fault not in ("the other sign", "a term too many")


def _follows(step):
    try:
        return step.follows()
    except ValueError:  # a sum runs over an index that it is applied to: refused as well
        return False


@pytest.mark.parametrize("name", DERIVED)
def test_a_wrong_sign_is_refuted_by_evaluation_alone(name):
    """Without SymPy's word: at some size every line has another value than with the other sign."""
    found = LAWS[name].derivation()
    models = list(found.models())
    for step in found.steps:
        if step.right != 0 and step.left.free_symbols:
            values = [(model.value(step.left), model.value(step.right)) for model in models]
            zero = all(left == 0 for left, _ in values)
            assert zero or any(left != right * -1 for left, right in values), step.rule.name
            assert not zero or name in ABOUT_ZERO


def _operators(kind=Signal):
    for each in kind.__subclasses__():
        yield each
        yield from _operators(each)


OPERATORS = sorted({each for each in _operators() if each.__module__.startswith("proofs.")}, key=lambda k: k.__name__)


def _differs(step, found):
    """Whether some size shows it, where indices that only a sum gives a value are 0, 1 or 2."""
    for model, place in product(found.models(), range(3)):
        bound = dict.fromkeys(step.left.free_symbols - set(model.sizes), place)
        if model.value(step.left, bound) != model.value(step.right, bound):
            return True
    return False


@pytest.mark.parametrize("kind", OPERATORS, ids=lambda kind: kind.__name__)
def test_a_wrong_definition_of_any_operator_is_refused(kind):
    """Some step of some derivation unfolds or folds it; with the definition negated, both checks refuse that step."""
    for name in DERIVED:
        found = LAWS[name].derivation()
        values = {at for step in found.steps for side in (step.left, step.right) for at in side.atoms(At)}
        for value in sorted((at for at in values if type(at.signal) is kind), key=str):
            try:
                step = Step(value, -value.unfold(), unfold(kind, kind.__name__))
            except ValueError:  # an index would be captured
                continue
            if _differs(step, found):
                assert not step.follows()
                return
    pytest.fail(f"no derivation evaluates {kind.__name__} by itself")
