"""False laws and false steps: refuted, each with its smallest counterexample."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Sum

from numeric import Axis, conv, conv_weight_gradient, convolve, correlate, rot180, shift
from proofs import LAWS, Law, Verdict, grids, prove
from proofs.__main__ import main
from proofs.derivations.symbols import arrays, at_sizes, centred, integers
from proofs.normal import same
from proofs.rules import ADD_UP, ARITHMETIC, collapse, negate_index, unfold
from proofs.signals import At, Convolution, Rot180, Shift
from proofs.tiers import derivation, symbolic
from proofs.tiers.derivation import Derivation, Step


def _strided_commutes_with_every_shift(case, of):
    geometry = case.geometry
    y = conv(of["x"], of["w"], **case.options)
    spatial = range(2, 2 + geometry.ndim)
    for t in np.ndindex(geometry.output_size):
        moved = conv(shift(of["x"], t, "circular", spatial), of["w"], **case.options)
        yield f"shift by {t}", moved, shift(y, t, "circular", spatial)


def _zero_same_padding_is_equivariant(case, of):
    moved = convolve(shift(of["x"], 1), of["k"], "same")
    yield "shift by 1", moved, shift(convolve(of["x"], of["k"], "same"), 1)


def _weight_gradient_needs_no_flip(case, of):
    gradient = of.gradient(lambda k: (of["g"] * convolve(of["x"], k, case.mode)).sum(), "k")
    yield "dw", correlate(of["x"], of["g"], "valid") if case.mode == "valid" else gradient, gradient


def _correlation_is_commutative(case, of):
    yield "swap", correlate(of["x"], of["k"], "full"), correlate(of["k"], of["x"], "full")


def _output_size_forgets_the_first_window(case, of):
    axis = case.axis
    yield "size", conv(of["x"], of["w"], **case.options).shape[-1], (axis.padded_size - axis.span) // axis.stride


def _weight_gradient_is_the_mean_over_the_batch(case, of):
    x, g = of["x"], of["g"]
    gradient = of.gradient(lambda w: (g * conv(x, w, **case.options)).sum(), "w")
    yield "dw", case.batch * conv_weight_gradient(g, x, case.geometry.kernel_size, **case.options), gradient


def _rotation_does_nothing(case, of):
    yield "rot180", convolve(of["x"], rot180(of["k"]), case.mode), convolve(of["x"], of["k"], case.mode)


# check, grid, what its smallest counterexample must name
FALSE = {
    "strided-convolution-commutes-with-every-shift": (
        _strided_commutes_with_every_shift,
        grids.circular_layers,
        "shift by (1,)",
    ),
    "zero-same-padding-is-equivariant": (_zero_same_padding_is_equivariant, grids.arrays, "x of (2,), k of (3,)"),
    "weight-gradient-needs-no-flip": (_weight_gradient_needs_no_flip, grids.arrays, "x of (2,), k of (2,), mode valid"),
    "correlation-is-commutative": (_correlation_is_commutative, grids.arrays, "x of (1,), k of (2,)"),
    "output-size-is-one-less": (_output_size_forgets_the_first_window, grids.axes, "left = 1, right = 0"),
    "weight-gradient-is-a-mean": (_weight_gradient_is_the_mean_over_the_batch, grids.layers, "batch 2"),
    "kernels-need-no-rotation": (_rotation_does_nothing, grids.arrays, "x of (1,), k of (2,)"),
}


def _law(name: str) -> Law:
    check, cases, _ = FALSE[name]
    return Law(name, "false", "planted", check, cases, "planted", "numeric")


@pytest.mark.parametrize("name", FALSE)
def test_a_false_law_is_refuted_by_its_smallest_counterexample(name):
    law = _law(name)
    evidence = symbolic.decide(law)
    assert evidence.verdict == Verdict.REFUTED
    assert FALSE[name][2] in evidence.counterexample
    # smallest: the law holds on every case of the grid before the one that it fails on
    before = list(law.cases())[: evidence.cases - 1]
    if before:
        assert symbolic.decide(replace(law, cases=lambda: before)).verdict == Verdict.PROVED


def test_a_counterexample_has_numbers_that_disagree():
    text = symbolic.decide(_law("correlation-is-commutative")).counterexample
    left, right = text.rsplit(": ", 1)[1].split(" and ")
    assert left != right


@pytest.mark.parametrize("name", FALSE)
def test_one_false_law_makes_the_exit_status_one(name, capsys, tmp_path):
    file = tmp_path / "verdicts.json"
    laws = {**LAWS, name: _law(name)}
    assert main(["prove", "valid-convolution-shrinks-by-twice-the-half-width", "--json", str(file)], laws) == 0
    assert main(["prove", "valid-convolution-shrinks-by-twice-the-half-width", name, "--json", str(file)], laws) == 1
    true, false = json.loads(file.read_text())["laws"]
    assert (true["verdict"], false["verdict"]) == ("proved", "refuted")
    assert "1 proved, 1 refuted" in capsys.readouterr().out


def test_a_law_that_asserts_nothing_is_an_error():
    empty = replace(_law("correlation-is-commutative"), check=lambda *_: iter(()))
    with pytest.raises(ValueError, match="asserts nothing on x of"):
        symbolic.decide(empty)


def test_an_equation_about_nothing_does_not_hide_behind_a_true_one():
    half = replace(
        _law("correlation-is-commutative"),
        check=lambda _, of: iter([("true", of["x"], of["x"].copy()), ("empty", of["x"][:0], of["x"][:0])]),
    )
    with pytest.raises(ValueError, match="asserts nothing on x of"):
        symbolic.decide(half)


def test_a_law_without_cases_is_open():
    assert symbolic.decide(replace(_law("correlation-is-commutative"), cases=list)).verdict == Verdict.OPEN


x, u = integers("x u")
(p,) = integers("p", nonnegative=True)
f, k = arrays("f k")
BOUND = (u, p)
SIZES = at_sizes({p: range(3), x: range(-1, 3)}, lambda sizes: {"f": [range(3)], "k": centred(sizes[p])}, most=12)
CONVOLUTION = At(Convolution(f, k, BOUND), x)
FALSE_STEPS = {
    "unfolded with the wrong sign": Step(CONVOLUTION, Sum(f[x + u] * k[u], (u, -p, p)), unfold(Convolution, "*")),
    "kernel not turned by the substitution": Step(
        Sum(f[x - u] * k[u], (u, -p, p)), Sum(f[x + u] * k[u], (u, -p, p)), negate_index(u)
    ),
    "range one short": Step(Sum(f[x - u] * k[u], (u, -p, p)), Sum(f[x - u] * k[u], (u, -p, p - 1)), ARITHMETIC),
    "shifted the wrong way": Step(At(Shift(f, p), x), f[x + p], unfold(Shift, "τ")),
    "rotation forgotten": Step(At(Rot180(f), x), f[x], unfold(Rot180, "rot180")),
    "the wrong term is left": Step(Sum(sympy.KroneckerDelta(u, x) * f[u], (u, 0, 5)), f[x + 1], collapse((u, x))),
    "one too many": Step(Sum(1, (u, 1, p)), p + 1, ADD_UP),
    "a slip in a number": Step(Axis(p, 3).output_size, p - 3, ARITHMETIC),
}


TRUE = Step(CONVOLUTION, Sum(f[x - u] * k[u], (u, -p, p)), unfold(Convolution, "*"))


def _decided(steps, models=SIZES, goals=None):
    """Evidence for a law with these steps; by default the goals are the steps."""
    goals = tuple((step.left, step.right) for step in steps) if goals is None else goals
    law = replace(_law("correlation-is-commutative"), derivation=lambda: Derivation(goals, steps, models))
    return derivation.decide(law)


@pytest.mark.parametrize("name", FALSE_STEPS)
def test_a_false_step_is_refused_by_both_checks(name):
    step = FALSE_STEPS[name]
    assert not step.follows()
    assert any(model.value(step.left) != model.value(step.right) for model in SIZES())
    evidence = _decided((TRUE, step))
    assert evidence.verdict == Verdict.REFUTED
    assert evidence.counterexample.startswith("step 2")


def test_the_size_that_refutes_may_be_the_last():
    step = FALSE_STEPS["unfolded with the wrong sign"]
    models = list(SIZES())
    holds = [model for model in models if model.value(step.left) == model.value(step.right)]
    fails = [model for model in models if model not in holds]
    assert _decided((step,), lambda _: [*holds, fails[0]]).verdict == Verdict.REFUTED
    assert _decided((step,), lambda _: holds).verdict == Verdict.OPEN  # SymPy still refuses it


def test_a_true_step_that_sympy_cannot_follow_is_open():
    step = Step(CONVOLUTION, Sum(f[x - u] * k[u], (u, -p, p)), ARITHMETIC)  # true, but the rule is not arithmetic
    evidence = _decided((TRUE, step))
    assert evidence.verdict == Verdict.OPEN
    assert "step 2: arithmetic does not turn one side into the other" in evidence.counterexample


def test_a_derivation_that_was_never_evaluated_proves_nothing():
    evidence = _decided((TRUE,), lambda _: [])
    assert (evidence.verdict, evidence.counterexample) == (Verdict.OPEN, "nothing was evaluated")


def test_steps_that_miss_the_goal_prove_nothing():
    assert _decided((TRUE,)).verdict == Verdict.PROVED
    evidence = _decided((TRUE,), goals=((CONVOLUTION, f[x]),))
    assert evidence.verdict == Verdict.OPEN
    assert "the steps do not lead from" in evidence.counterexample
    assert _decided((TRUE,), goals=()).counterexample == "it has no goal"
    assert _decided((), goals=((CONVOLUTION, f[x]),)).verdict == Verdict.OPEN


def test_a_rule_that_needs_a_condition_is_not_taken_without_one():
    step = Step(Sum(sympy.KroneckerDelta(u, x) * f[u], (u, -1, 2)), f[x], collapse((u, x)))
    assert _decided((step,)).counterexample == "step 1: only the term u = x is left needs a condition"
    evidence = _decided((replace(step, because="-1 <= x <= 2"),))
    assert evidence.verdict == Verdict.PROVED
    assert "-1 <= x <= 2" in evidence.assumptions


def test_an_index_is_not_captured():
    """Under a sum over u, u is another variable: neither a definition nor a merged product may mix them up."""
    with pytest.raises(ValueError, match="which it is also applied to"):
        At(Convolution(f, k, BOUND), u).unfold()
    with pytest.raises(ValueError, match="which it is also applied to"):
        At(Convolution(Shift(f, u), k, BOUND), x).unfold()
    with pytest.raises(ValueError, match="stands free beside it"):
        same(f[u] * Sum(k[u], (u, 0, 2)), Sum(f[u] * k[u], (u, 0, 2)))


ABOUT_ZERO = {"batch-normalisation-gradients-are-the-derivatives": 3}
"""How many of a derivation's first steps show that something is zero."""


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.derivation])
def test_every_step_is_evaluated_where_it_says_something(name):
    """At sizes where both sides are zero any step holds: at several each must have another value."""
    found = LAWS[name].derivation()
    models = list(found.models())
    for step in found.steps[ABOUT_ZERO.get(name, 0) :]:
        values = [model.value(step.left) for model in models]
        constant = not step.left.free_symbols  # a number has one value
        assert sum(value != 0 for value in values) >= 3 or constant or name == "output-size-counts-the-windows-inside"


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.derivation])
def test_each_step_of_each_derivation_passes_both_checks_by_itself(name):
    """A step that merely repeats its left side proves nothing: at least one line must differ from the one before."""
    steps = LAWS[name].derivation().steps
    assert all(step.follows() for step in steps)
    assert any(step.left != step.right for step in steps)


def test_a_false_law_does_not_hide_behind_another_tier():
    """Refuted by one tier is refuted, whatever the others say."""
    good = LAWS["convolution-commutes-with-translation"]
    mixed = replace(good, check=_correlation_is_commutative)
    (evidence,) = prove("mixed", tiers=["derivation", "symbolic"], laws={"mixed": mixed}).values()
    assert {item.verdict for item in evidence} == {Verdict.PROVED, Verdict.REFUTED}
    assert main(["prove", "mixed"], {"mixed": mixed}) == 1
