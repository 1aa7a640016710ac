"""Derivations: at other sizes than their own, and without a gap; rules: what they refuse and what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Integer, KroneckerDelta, Sum, Symbol, Tuple, oo

from proofs import LAWS, Verdict
from proofs.derivations.layer_sizes import STACKS, layers
from proofs.derivations.meanings import meaning
from proofs.derivations.network import LOGITS, ROW, W2, network
from proofs.derivations.network_sizes import CLASS
from proofs.derivations.symbols import STRIDE, arrays, at_sizes, integers, on_grid
from proofs.evaluate import Model
from proofs.forms import KinkError
from proofs.layer_signals import (
    CELL,
    CHANNEL,
    CHANNELS,
    COUNT,
    FEATURE,
    INPUT_CHANNEL,
    NUMBER,
    OUTPUT,
    OUTPUTS,
    POSITIONS,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    AveragePool,
    Flatten,
    InputGradient,
    Layer,
    MaxPool,
    OneGroup,
    WeightGradient,
    reading,
)
from proofs.report.lecture import lecture
from proofs.report.terms import text
from proofs.rules import (
    ARITHMETIC,
    DIFFERENTIATE,
    ON_A_REGION,
    backwards,
    collapse,
    fold,
    known,
    known_for_every,
    lemma,
    on_both_sides,
    proper_fraction,
    put,
    rename,
    substitute,
    unfold,
    wrap,
)
from proofs.rules import at_sizes as with_sizes
from proofs.signals import Above, At, Convolution, D, Residue, Shift
from proofs.tiers import derivation
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.training_signals import Elu, LeakyRelu, Relu, Relu6

DERIVED = [name for name, law in LAWS.items() if law.derivation]
x, w, g = arrays("x w g")
n, c, j, o, u, i, a = SAMPLE, CHANNEL, SLICE, OUTPUT, TAP, INPUT_CHANNEL, CELL
Y = At(Layer(x, w), n, c, o)
FORWARD = Sum(x[n, READS_CHANNEL(c, j), READS(o, u)] * w[c, j, u], SLICES, TAPS)
(t,) = integers("t")


@pytest.mark.parametrize("name", DERIVED)
def test_every_step_holds_at_random_sizes_that_the_default_run_does_not_try(name):
    found = LAWS[name].derivation()
    sizes = set()
    for seed in (1, 2):
        for model in found.models(seed):
            sizes.add(str(sorted(map(str, model.sizes.values()))))
            for step in found.steps:
                assert model.value(step.left) == model.value(step.right), step.rule.name
    assert sizes


@pytest.mark.parametrize("name", DERIVED)
def test_the_same_seed_gives_the_same_sizes(name):
    first, again = LAWS[name].derivation(), LAWS[name].derivation()
    assert [model.sizes for model in first.models()] == [model.sizes for model in again.models()]


@pytest.mark.parametrize("name", DERIVED)
def test_every_symbol_has_a_meaning_and_every_goal_is_reached_by_the_steps(name):
    found = LAWS[name].derivation()
    said = lecture(found)
    assert all(words for _, words in said.symbols)
    assert [step for each in said.chains for _, step in each.steps] == list(found.steps)
    assert all(found.reaches(goal) for goal in found.goals)
    assert all(not found.reaches((goal[1], goal[0])) for goal in found.goals)  # steps lead one way


def test_a_symbol_without_a_meaning_is_an_error():
    with pytest.raises(KeyError):
        meaning(Symbol("unheard_of"), {})


def test_what_a_lemma_uses_is_derived_without_it():
    used = {name: {step.rule.law for step in LAWS[name].derivation().steps if step.rule.law} for name in DERIVED}
    assert any(used.values())
    for laws in used.values():
        for law in laws:
            assert derivation.decide(LAWS[law]).verdict == Verdict.PROVED
            assert not used[law]


GRID = on_grid("x w", o, t)


def _decided(*steps, models=GRID, goals=None):
    goals = tuple((step.left, step.right) for step in steps) if goals is None else goals
    law = replace(LAWS["convolution-is-commutative"], derivation=lambda: Derivation(goals, steps, models))
    return derivation.decide(law)


def test_what_is_used_must_have_been_derived_before():
    """A true equality that no step leads to; one that a later step leads to; one that an earlier one does."""
    total = Sum(x[o - u] * w[u], (u, -oo, oo))
    turned = Sum(x[u] * w[o - u], (u, -oo, oo))
    derived = Step(total, turned, substitute(u, o - u))
    use = Step(2 * total, 2 * turned, known((total, turned)))
    missing = f"the steps before it do not lead from {total} to {turned}"
    assert _decided(use).counterexample == f"step 1: {missing}"
    assert _decided(use, derived).counterexample == f"step 1: {missing}"
    assert _decided(derived, use).verdict == Verdict.PROVED


def test_a_lemma_must_be_a_law_that_is_derived():
    def by(law):
        rule = lemma(law, At, lambda e: e.unfold())
        return _decided(Step(At(Shift(x, t), o), x[o - t], rule)).counterexample

    assert by("no-such-law") == "step 1: law no-such-law is not derived"
    assert by("convolution-theorem") == "step 1: law convolution-theorem is not derived"  # by a grid alone
    assert by("convolution-is-commutative") == ""


def test_lemmas_are_among_the_assumptions():
    name = "stack-of-layers-commutes-with-shifts-by-the-product-of-strides"
    assert "law stride-s-layer-commutes-with-shifts-by-s" in derivation.decide(LAWS[name]).assumptions


def test_substitutions_meet_every_term_once_and_mix_up_no_index():
    for by in (2 * u, -3 * u + o, Integer(1) * o, u * u):
        with pytest.raises(ValueError, match="does not run through all integers once"):
            substitute(u, by)
    nested = Sum(w[u] * D(Sum(x[t] * w[u], (t, 0, 1)), x[o]), (u, -oo, oo))
    with pytest.raises(ValueError, match=r"a sum in .* runs over an index of u → t \+ u"):
        substitute(u, u + t).apply(nested)
    with pytest.raises(ValueError, match="the limits of u would depend on another index of the same sum"):
        substitute(u, u + t).apply(Sum(x[u] * w[t], (u, 0, 1), (t, 0, 1)))
    with pytest.raises(ValueError, match=r"a sum in .* runs over an index of o → u"):
        put(x[o] * Sum(w[u], (u, 0, 1)), o, u)


def test_rules_about_sums_leave_alone_what_depends_on_their_own_indices():
    """Σ over u ≤ 2 and t ≤ u is not one whose order does not matter."""
    staircase = Sum(KroneckerDelta(u, o) * x[u] * w[t], (t, 0, u), (u, 0, 2))
    assert collapse((u, o)).apply(staircase) == staircase
    assert substitute(u, -u).apply(staircase) == staircase
    assert rename((staircase.limits[0], Tuple(a, 0, u))).apply(staircase) == staircase
    single = Sum(x[u] * w[t], (t, 0, u), (u, 1, 1))
    assert with_sizes(s=1).apply(single) == single


def test_an_index_is_not_renamed_to_one_that_is_there():
    for there in (Sum(x[a] * w[u], (a, 0, 2)), Sum(x[a] * w[u], (a, 0, 2), (u, 0, 1))):
        with pytest.raises(ValueError, match="u already stands in"):
            rename((Tuple(a, 0, 2), Tuple(u, 0, 2))).apply(there)


def test_a_derivative_by_an_entry_whose_index_is_summed_over_is_refused():
    """SymPy takes both indices for one."""
    with pytest.raises(ValueError, match=r"by whose entry x\[u\] it is differentiated"):
        DIFFERENTIATE.apply(D(Sum(x[u], (u, 0, 2)), x[u]))


@pytest.mark.parametrize("kind", [Relu, LeakyRelu, Relu6, Elu, MaxPool])
def test_what_branches_is_differentiated_on_a_region_alone(kind):
    """A step that differentiates it needs a reason why nothing is on a kink or a tie."""
    signal = kind(x, t) if kind in (LeakyRelu, Elu) else kind(x)
    index = (n, c, o) if kind is MaxPool else (n,)
    e = D(At(signal, *index).unfold(), x[(t,) * len(index)])
    with pytest.raises(ValueError, match="branches on its entries, so it is differentiated on a region only"):
        DIFFERENTIATE.apply(e)
    assert not ON_A_REGION.apply(e).has(D)
    assert ON_A_REGION.conditional
    whole = Sum(g[n] * At(Relu(x), n).unfold(), (n, 0, 2))
    step = Step(D(whole, x[t]), Sum(KroneckerDelta(n, t) * g[n] * Above(x[n], 0), (n, 0, 2)), ON_A_REGION)
    sides = at_sizes({t: range(3)}, lambda _: {name: [range(3)] for name in "xg"}, compared={"x": (-1, 2)})
    assert _decided(step, models=sides).counterexample == "step 1: differentiate on a region needs a condition"
    assert _decided(replace(step, because="no x[n] is 0"), models=sides).verdict == Verdict.PROVED


@pytest.mark.parametrize("expressions", [False, True])
def test_a_comparison_at_its_kink_is_an_error(expressions):
    model = Model({}, {"x": [range(2)]}, expressions=expressions, sample={"x": (3, 3)})
    assert model.value(Above(x[0], 2)) == 1
    assert model.value(Above(x[0] + x[1], 7)) == 0
    with pytest.raises(KinkError, match=r"x\[0\] and x\[1\] are equal at the sample"):
        model.value(Above(x[0], x[1]))


def test_entries_that_are_compared_are_drawn_from_the_numbers_given():
    models = at_sizes({t: range(8)}, lambda _: {"x": [range(2), range(3)]}, compared={"x": (-2, 3)})()
    assert {int(number) for model in models for number in model.sample["x"].flat} == {-2, 3}
    assert {model.sample["x"].shape for model in models} == {(2, 3)}


def test_what_is_known_for_every_index_is_used_under_sums_over_that_index_alone():
    rule = known_for_every(u, (x[u], w[u] * t))
    assert rule.apply(Sum(g[u] * x[u], (u, 0, 2))) == Sum(g[u] * w[u] * t, (u, 0, 2))
    with pytest.raises(ValueError, match=r"runs over another index of x\[u\] than u"):
        rule.apply(Sum(x[u], (u, 0, 2), (t, 0, 2)))
    use = Step(Sum(x[u], (u, 0, 2)), Sum(w[u] * t, (u, 0, 2)), rule)
    assert _decided(use).counterexample.startswith("step 1 ")


def test_a_number_is_added_on_both_sides_of_a_delta():
    rule = on_both_sides(t - u)
    assert rule.apply(KroneckerDelta(o + u, a)) == KroneckerDelta(o + t, a + t - u)
    assert rule.apply(x[o]) == x[o]
    assert rule.name == "add t - u on both sides"


def test_a_loss_is_differentiated_through_every_power_of_an_entry():
    """As SymPy differentiates it with the outputs written out, of which two hold the entry, squared and not."""
    term = x[o] * x[o] * w[0] + w[o] * x[0]
    model = Model({}, {"x": [range(3)], "w": [range(3)], "g": [range(3)]}, (term, (o,)))
    outputs = np.array(model.outputs, object)
    for name in "xw":
        for entry in model.numbers[name]:
            loss = model.numbers.undefined_loss(outputs)
            assert model.loss_derivative(entry) == model.numbers.loss_derivative(loss, entry)
            assert model.loss_derivative(entry) != 0


def test_the_networks_that_are_tried_have_no_ties_and_pass_something_on():
    """Everywhere, samples, winners and numbers are those of the shipped functions."""
    seen = set()
    for model in (model for seed in range(4) for model in network().models(seed)):
        row = [model.value(At(ROW, SAMPLE, FEATURE), {SAMPLE: 0, FEATURE: f}) for f in model.ranges["w2"][1]]
        seen.add(sum(entry != 0 for entry in row) == len(row))
        assert model.value(D(At(LOGITS, SAMPLE, CLASS), W2[0, 0]), {SAMPLE: 0, CLASS: 0}) == row[0]
    assert seen == {True, False}  # where all is above 0, and where something is not


def test_a_remainder_is_dropped_only_where_it_stands_in_a_sum():
    m, s = POSITIONS, STRIDE
    inner = Residue(o + t, m)
    kept = (
        Residue(inner * inner, m),  # not in a sum: true here, though not what the rule says
        Residue(sympy.floor(inner / 2), m),
        Residue(inner, s * m),  # m is no multiple of s·m
        Residue(s * inner, m * m),
    )
    for term in kept:
        assert wrap(term.args[1]).apply(term).has(inner)
    assert wrap(m).apply(Residue(s * inner - t, m)) == Residue(sympy.expand(s * (o + t) - t), m)
    assert wrap(s * m).apply(Residue(s * inner, s * m)) == Residue(sympy.expand(s * (o + t)), s * m)


def test_a_floor_is_dropped_only_of_a_whole_number_and_a_proper_fraction():
    s = STRIDE
    (r,) = integers("r", nonnegative=True)
    rule = proper_fraction(r, s)
    assert rule.apply(sympy.floor((s * o + r) / s)) == o
    assert rule.apply(-sympy.floor((r - s * o) / s)) == o
    for kept in (r / 2, 2 * r / s, r**2 / s, (o + r) / s, (r - 1) / s):
        assert rule.apply(sympy.floor(kept)) == sympy.floor(kept)


def test_definitions_do_not_capture_the_indices_that_they_are_applied_to():
    for signal, index in (
        (Layer(x, w), (n, c, u)),
        (WeightGradient(g, x), (c, j, o)),
        (InputGradient(g, w), (n, i, o)),
        (AveragePool(x), (n, c, u)),
        (OneGroup(x, w), (n, j, o)),
        (Flatten(x), (n, NUMBER(*integers("i1 a1")))),
        (Convolution(x, w, (u, oo)), (u,)),
    ):
        with pytest.raises(ValueError, match="which it is also applied to"):
            At(signal, *index).unfold()


def test_a_rule_backwards_is_the_same_rule_from_the_other_side():
    rule = unfold(Layer, "the layer")
    assert backwards(rule) == replace(rule, backwards=True)
    assert fold(Layer, "the layer").backwards
    assert Step(FORWARD, Y, backwards(rule)).follows()
    assert not Step(FORWARD, Y, rule).follows()


def test_a_step_is_named_in_the_notation_of_its_terms():
    rule = collapse((o, t - u), (a, READS(o, u)))
    assert rule.name == "only the term o = t - u, a = reads(o, u) is left"
    assert rule.named(text) == "only the term o = t − u, a = reads(o, u) is left"


def test_a_loss_needs_outputs():
    with pytest.raises(TypeError, match="the model has no `forward`"):
        _ = Model({}, {"g": [range(1)]}).outputs


def test_chains_and_steps_are_numbered_through():
    steps = (*chain(x[o], (x[u], ARITHMETIC), (w[o], ARITHMETIC)), *chain(w[u], (x[o], ARITHMETIC)))
    said = lecture(Derivation((), steps, GRID))
    assert [[number for number, _ in each.steps] for each in said.chains] == [[1, 2], [3]]


def test_the_places_that_are_looked_at_are_read_by_some_output():
    for model in layers("x w g", most=8)():
        assert model.value(Sum(reading(i, a), CHANNELS, SLICES, OUTPUTS, TAPS)) >= 1
        assert 1 <= model.value(COUNT(o)) <= model.value(Sum(1, TAPS))


def test_the_layers_of_a_stack_fit_and_the_stride_divides_each_circle():
    for first, second in STACKS:
        assert second.input_size == first.output_size
        assert second.in_channels == first.out_channels
        for layer in (first, second):
            sizes = zip(layer.input_size, layer.stride, layer.output_size, strict=True)
            assert all(size == stride * outputs for size, stride, outputs in sizes)
            assert layer.boundary == "circular"


def test_the_layers_that_are_tried_differ_in_everything():
    """Among a hundred that are drawn: one and two axes, both boundaries, groups, strides, dilations, all paddings."""
    found = []
    layers("x w", most=100, where=lambda geometry: found.append(geometry) or True)()
    for name, values in {"ndim": {1, 2}, "boundary": {"zero", "circular"}, "groups": {1, 2}}.items():
        assert {getattr(geometry, name) for geometry in found} == values
    axes = [axis for geometry in found for axis in geometry.axes]
    for name, values in {
        "stride": {1, 2, 3},
        "dilation": {1, 2},
        "low": {-1, 0, 1, 2},
        "kernel_size": {1, 2, 3},
    }.items():
        assert {getattr(axis, name) for axis in axes} == values
