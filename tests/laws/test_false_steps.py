"""False steps, of every rule and of operators, are refused by both checks."""

from dataclasses import replace

import pytest
from sympy import Integer, KroneckerDelta, Sum, Symbol, Tuple, exp, log, oo
from sympy.core.symbol import Str

from numeric import Axis
from proofs import LAWS, Verdict
from proofs.array_signals import Exchanged, Rotated, Spread
from proofs.derivations.layer_sizes import every_window_reads, layers
from proofs.derivations.symbols import AXIS, DILATION, LOW, STRIDE, arrays, at_sizes, integers, on_grid
from proofs.layer_signals import (
    BATCH,
    CELL,
    CELLS,
    CHANNEL,
    INPUT,
    INPUT_CHANNEL,
    KERNEL,
    NUMBER,
    OUTPUT,
    OUTPUTS,
    POSITIONS,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SAMPLES,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    AveragePool,
    AveragePoolGradient,
    BiasGradient,
    Dense,
    DenseInputGradient,
    InputGradient,
    Layer,
    LocalInputGradient,
    LocallyConnected,
    LocalWeightGradient,
    MaxPool,
    MaxPoolGradient,
    Unflatten,
    WeightGradient,
    Windows,
)
from proofs.rules import (
    ARITHMETIC,
    DIFFERENTIATE,
    EXCHANGE,
    add_equal,
    chain_rule,
    collapse,
    index_map,
    insert,
    known,
    lemma,
    rename,
    substitute,
    unfold,
    unfold_one,
    wrap,
)
from proofs.rules import at_sizes as with_sizes
from proofs.signals import At, CircularShift, D, Impulse, Named, Partial, Residue, Reversed, Shift, Valid
from proofs.tiers import derivation
from proofs.tiers.derivation import Derivation, Step
from proofs.training_signals import (
    Dropout,
    Pointwise,
)

x, w, g = arrays("x w g")
n, c, j, o, u, i, a = SAMPLE, CHANNEL, SLICE, OUTPUT, TAP, INPUT_CHANNEL, CELL
K = Symbol("K", integer=True, positive=True)
Y = At(Layer(x, w), n, c, o)
FORWARD = Sum(x[n, READS_CHANNEL(c, j), READS(o, u)] * w[c, j, u], SLICES, TAPS)
(t,) = integers("t")


LAYERS = layers("x w g", (Y, (n, c, o)), most=6)
GRID = on_grid("x w", o, t)
CIRCLES = at_sizes(
    {POSITIONS: range(2, 5), STRIDE: range(2, 4), o: range(4), t: range(1, 4)},
    lambda sizes: {"x": [range(sizes[POSITIONS])]},
    most=8,
)
ROWS = at_sizes(
    {BATCH: range(2, 4), Symbol("N2"): range(1, 2)},
    lambda sizes: {"x": [range(sizes[BATCH])], "g": [range(sizes[BATCH])]},
    most=2,
)
LINE = Axis(INPUT, KERNEL, STRIDE, DILATION, LOW)
delta = KroneckerDelta
# a false step, and models that show it
FALSE = {
    # definitions of the layer's maps
    "the layer reads the wrong channel": (
        Step(Y, Sum(x[n, c, READS(o, u)] * w[c, j, u], SLICES, TAPS), unfold(Layer, "the layer")),
        LAYERS,
    ),
    "the layer's taps are flipped": (
        Step(Y, FORWARD.subs(READS(o, u), READS(o, KERNEL - 1 - u)), unfold(Layer, "the layer")),
        LAYERS,
    ),
    "the weight gradient forgets the batch": (
        Step(
            At(WeightGradient(g, x), c, j, u),
            Sum(g[n, c, o] * x[n, READS_CHANNEL(c, j), READS(o, u)], OUTPUTS),
            unfold(WeightGradient, "the weight gradient"),
        ),
        layers("x w g", where=lambda geometry: geometry.output_size[0] > 1, most=6),
    ),
    "the input gradient forgets which channel is read": (
        Step(
            At(InputGradient(g, w), n, i, a),
            Sum(delta(READS(o, u), a) * g[n, c, o] * w[c, j, u], (c, 0, 1), SLICES, OUTPUTS, TAPS),
            unfold(InputGradient, "the input gradient"),
        ),
        LAYERS,
    ),
    "the bias gradient is a mean": (
        Step(At(BiasGradient(g), c), Sum(g[n, c, o], SAMPLES, OUTPUTS) / BATCH, unfold(BiasGradient, "bias gradient")),
        LAYERS,
    ),
    "weights of another position": (
        Step(
            At(LocallyConnected(x, w), n, c, o),
            Sum(x[n, READS_CHANNEL(c, j), READS(o, u)] * w[c, j, 0, u], SLICES, TAPS),
            unfold(LocallyConnected, "the locally connected layer"),
        ),
        layers("x w:cjou", most=6),
    ),
    "the local weight gradient adds up positions": (
        Step(
            At(LocalWeightGradient(g, x), c, j, o, u),
            2 * Sum(g[n, c, o] * x[n, READS_CHANNEL(c, j), READS(o, u)], SAMPLES),
            unfold(LocalWeightGradient, "its weight gradient"),
        ),
        LAYERS,
    ),
    "the local input gradient takes shared weights": (
        Step(
            At(LocalInputGradient(g, w), n, i, a),
            At(LocalInputGradient(g, w), n, i, a) + 1,
            unfold(LocalInputGradient, "its input gradient"),
        ),
        layers("x w:cjou g", most=6),
    ),
    "the average is a sum": (
        Step(At(AveragePool(x), n, c, o), Sum(x[n, c, READS(o, u)], TAPS), unfold(AveragePool, "average pooling")),
        layers("x:nca", most=6),
    ),
    "padding is counted": (
        Step(
            At(AveragePool(x, 1), n, c, o),
            Sum(x[n, c, READS(o, u)] / K, TAPS),
            unfold(AveragePool, "average pooling"),
        ),
        layers("x:nca", where=lambda geometry: geometry.boundary == "zero", most=12),
    ),
    "the average's gradient is not divided": (
        Step(
            At(AveragePoolGradient(g), n, c, a),
            Sum(delta(READS(o, u), a) * g[n, c, o], OUTPUTS, TAPS),
            unfold(AveragePoolGradient, "its input gradient"),
        ),
        LAYERS,
    ),
    "dense forgets a feature": (
        Step(At(Dense(x, w), n, c), x[n, 0] * w[c, 0], unfold(Dense, "the dense layer")),
        layers("x:ni w:ci", where=lambda geometry: geometry.in_channels > 1),
    ),
    "dense gradients swapped": (
        Step(
            At(DenseInputGradient(g, w), n, i),
            Sum(g[n, c] * w[i, c], (c, 0, Symbol("C", integer=True, positive=True) - 1)),
            unfold(DenseInputGradient, "its input gradient"),
        ),
        layers("x:ni w:ci g:nc", most=6),
    ),
    "the mask is left out": (
        Step(Sum(At(Dropout(x, g, Integer(3)), n), SAMPLES), Sum(-x[n] / 2, SAMPLES), unfold(Dropout, "dropout")),
        ROWS,
    ),
    "windows of another tap": (
        Step(At(Windows(x), n, c, j, u, o), x[n, READS_CHANNEL(c, j), READS(o, 0)], unfold(Windows, "the windows")),
        layers("x w", where=lambda geometry: geometry.kernel_size[0] > 1, most=6),
    ),
    "flattened in another order": (
        Step(At(Unflatten(g), n, i, a), g[n, NUMBER(i, a) - 1], unfold(Unflatten, "the input gradient")),
        layers("x g:nf"),
    ),
    "another cell has won": (
        Step(At(MaxPool(x), n, c, o), x[n, c, READS(o, 0)], unfold(MaxPool, "max pooling")),
        layers("x:nca", where=lambda geometry: every_window_reads(geometry) and geometry.kernel_size[0] > 1, most=8),
    ),
    "every cell of a window has won": (
        Step(
            At(MaxPoolGradient(g), n, c, a),
            Sum(delta(READS(o, u), a) * g[n, c, o], OUTPUTS, TAPS),
            unfold(MaxPoolGradient, "its input gradient"),
        ),
        layers("x:nca g", where=every_window_reads, most=8),
    ),
    "zeros on the wrong side of a cell": (
        Step(
            At(Spread(g, STRIDE), n, c, a),
            Sum(delta(STRIDE * o + 1, a) * g[n, c, o], OUTPUTS),
            unfold(Spread, "the spread cotangent"),
        ),
        layers("x w g", most=8),
    ),
    "rotated by one tap too many": (
        Step(At(Rotated(w), c, j, u), w[c, j, KERNEL - u], unfold(Rotated, "rot180")),
        LAYERS,
    ),
    "transposed back": (
        Step(At(Exchanged(x), i, n, a), x[i, n, a], unfold(Exchanged, "xᵀ")),
        layers("x w", where=lambda geometry: geometry.in_channels > 1, most=6),
    ),
    "called otherwise": (
        Step(At(Named(Str("y"), Layer(x, w)), n, c, o), FORWARD + 1, unfold_one(Named(Str("y"), Layer(x, w)), "y")),
        LAYERS,
    ),
    # rules about sums
    "a derivative without the chain rule's other outputs": (
        Step(
            Partial(w[c, j, u]), g[n, c, o] * D(Y, w[c, j, u]), chain_rule(lambda v: Sum(g[n, c, o] * D(Y, v), SAMPLES))
        ),
        LAYERS,
    ),
    "a forgotten term": (
        Step(Sum(x[n, i, a], SAMPLES, CELLS), Sum(x[n, i, a], SAMPLES) - x[n, i, a], EXCHANGE),
        layers("x", most=6),
    ),
    "a delta solved for the wrong index": (
        Step(Sum(delta(READS(o, u), a) * x[n, i, a], CELLS), x[n, i, a], collapse((a, READS(o, u)))),
        layers("x w", most=6, free={a: range(2)}),
    ),
    "a delta that is not there": (
        Step(Sum(x[n, i, a], CELLS), x[n, i, READS(o, u)], collapse((a, READS(o, u)))),
        layers("x w", where=lambda geometry: geometry.input_size[0] > 1),
    ),
    "inserted with the wrong sign": (
        Step(
            x[n, i, READS(o, u)],
            -Sum(delta(READS(o, u), a) * x[n, i, a], CELLS),
            insert((a, READS(o, u))),
        ),
        layers("x w", most=6),
    ),
    "the substitution is not undone": (
        Step(Sum(x[o - u] * w[u], (u, -oo, oo)), Sum(x[u] * w[u], (u, -oo, oo)), substitute(u, o - u)),
        GRID,
    ),
    "the substitution turns the wrong way": (
        Step(Sum(x[o - u] * w[u], (u, -oo, oo)), Sum(x[o - u + t] * w[u], (u, -oo, oo)), substitute(u, u + t)),
        GRID,
    ),
    "limits that do not move with their index": (
        Step(Sum(u * x[u], (u, 0, 2)), Sum((u + 1) * x[u + 1], (u, 0, 2)), substitute(u, u + 1)),
        at_sizes({t: range(3)}, lambda _: {"x": [range(4)]}),
    ),
    "differentiated by the wrong entry": (
        Step(D(Sum(w[u] * x[u], (u, 0, 2)), x[t]), Sum(delta(u, t) * x[u], (u, 0, 2)), DIFFERENTIATE),
        at_sizes({t: range(3)}, lambda _: {"x": [range(3)], "w": [range(3)]}),
    ),
    "renamed and moved": (
        Step(Sum(x[a], (a, 0, 2)), Sum(x[u + 1], (u, 0, 2)), rename((Tuple(a, 0, 2), Tuple(u, 0, 2)))),
        at_sizes({t: range(3)}, lambda _: {"x": [range(3)]}),
    ),
    "one equal term too few": (
        Step(Sum(x[t] + u, (u, 0, 2)), Sum(u, (u, 0, 2)) + 2 * x[t], add_equal((u, 0, 2))),
        at_sizes({t: range(3)}, lambda _: {"x": [range(3)]}),
    ),
    "the wrong size put in": (
        Step(Sum(x[u], (u, 0, K - 1)), x[1], with_sizes(K=1)),
        at_sizes({K: range(1, 2), t: range(3)}, lambda _: {"x": [range(3)]}),
    ),
    # index maps, circles, shifts
    "dilation forgotten": (
        Step(READS(o, u), STRIDE * o + u - LOW, index_map(AXIS)),
        layers("x w", where=lambda geometry: geometry.dilation[0] > 1 < geometry.kernel_size[0], grid=True, most=8),
    ),
    "padding with the wrong sign": (
        Step(STRIDE * o + DILATION * u + LOW, READS(o, u), index_map(AXIS, backwards=True)),
        layers("x w", where=lambda geometry: geometry.padding[0][0] != 0, grid=True),
    ),
    "a shift the wrong way round the circle": (
        Step(At(CircularShift(x, t, POSITIONS), o), x[Residue(o + t, POSITIONS)], unfold(CircularShift, "τ")),
        CIRCLES,
    ),
    "a remainder dropped of another modulus": (
        Step(x[Residue(Residue(o + t, POSITIONS) + STRIDE, STRIDE)], x[Residue(o + t + STRIDE, STRIDE)], wrap(STRIDE)),
        CIRCLES,
    ),
    "a multiple taken out of a remainder": (
        Step(
            x[Residue(STRIDE * Residue(o + t, POSITIONS), POSITIONS)],
            x[STRIDE * Residue(o + t, POSITIONS)],
            wrap(POSITIONS),
        ),
        CIRCLES,
    ),
    "a lemma with the wrong offset": (
        Step(
            At(Pointwise(CircularShift(x, t, POSITIONS)), o),
            At(CircularShift(Pointwise(x), t + 1, POSITIONS), o),
            lemma(
                "bias-and-activations-commute-with-every-shift",
                Pointwise,
                lambda e: CircularShift(Pointwise(e.args[0].args[0]), *e.args[0].args[1:]),
            ),
        ),
        at_sizes(
            {POSITIONS: range(2, 5), o: range(2), t: range(3)},
            lambda sizes: {"x": [range(sizes[POSITIONS])]},
            maps={"σ": lambda y: y * y},
        ),
    ),
    # arrays
    "turned around the wrong cell": (
        Step(At(Reversed(x, POSITIONS), o), x[POSITIONS - o], unfold(Reversed, "rot180")),
        CIRCLES,
    ),
    "valid begins one late": (
        Step(At(Valid(x, Integer(2)), o), x[o + 2], unfold(Valid, "valid")),
        CIRCLES,
    ),
    "an impulse beside the origin": (
        Step(
            Sum(x[o - u] * At(Impulse(), u), (u, -oo, oo)),
            Sum(x[o - u] * delta(u, 1), (u, -oo, oo)),
            unfold(Impulse, "δ"),
        ),
        GRID,
    ),
    "the shift on the other index": (
        Step(At(Shift(x, t), n, i, a), x[n - t, i, a], unfold(Shift, "τ")),
        at_sizes({n: range(2), i: range(2), a: range(2), t: range(1, 2)}, lambda _: {"x": [range(2)] * 3}, most=8),
    ),
    "an equality that was not derived": (
        Step(Sum(x[u], (u, 0, 2)), Integer(0), known((Sum(x[u], (u, 0, 2)), Integer(1)))),
        at_sizes({t: range(3)}, lambda _: {"x": [range(3)]}),
    ),
    "logarithms are not linear": (
        Step(log(exp(x[0]) + exp(x[1])), x[0] + x[1], ARITHMETIC),
        at_sizes({t: range(2)}, lambda _: {"x": [range(2)]}, expressions=True),
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_step_is_refused_by_both_checks(name):
    refused(*FALSE[name])


def refused(step, models):
    """Demand that SymPy and evaluation both refuse a step."""
    found = list(models())
    assert any(model.value(step.left) != model.value(step.right) for model in found)
    assert not step.follows()
    found = Derivation(((step.left, step.right),), (step,), models)
    evidence = derivation.decide(replace(LAWS["convolution-is-commutative"], derivation=lambda: found))
    assert evidence.verdict == Verdict.REFUTED
    assert evidence.counterexample.startswith(f"step 1 ({step.rule.name}) at ")
