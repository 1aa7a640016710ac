"""The gradients' own gradients, for every index map: each is one of the layer's three sums again.

The transposed layer is the input gradient as a layer, so its gradients are among them.
"""

from typing import Any

from sympy import KroneckerDelta, Sum

from proofs.derivations.gradients import (
    CELL_INDEX,
    CELL_READ,
    EVERY_CELL,
    EVERY_OUTPUT,
    EVERY_WEIGHT,
    INPUTS_RULE,
    LAYER,
    OUTPUT_INDEX,
    WEIGHT_INDEX,
    WEIGHTS_RULE,
)
from proofs.derivations.layer_sizes import (
    AT_CELL,
    AT_CHANNEL,
    AT_INPUT_CHANNEL,
    AT_OUTPUT,
    AT_SAMPLE,
    AT_SLICE,
    AT_TAP,
    LAYER_ASSUMES,
    LAYER_SCOPE,
    layers,
)
from proofs.derivations.symbols import arrays
from proofs.layer_signals import (
    CELL,
    CELLS,
    CHANNEL,
    CHANNELS,
    INPUT_CHANNEL,
    INPUT_CHANNELS,
    OUTPUT,
    OUTPUTS,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SAMPLES,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    InputGradient,
    Layer,
    WeightGradient,
    reading,
)
from proofs.rules import DIFFERENTIATE, EXCHANGE, collapse, fold, known, unfold
from proofs.signals import At, D
from proofs.tiers.derivation import Derivation, Step, chain

X, W, G, DDX, DDW = arrays("x w g ddx ddw")
EVERYTHING = (*EVERY_OUTPUT, SLICES, TAPS)
AT_G, AT_W = (AT_SAMPLE, AT_CHANNEL, AT_OUTPUT), (AT_CHANNEL, AT_SLICE, AT_TAP)
AT_X = (AT_SAMPLE, AT_INPUT_CHANNEL, AT_CELL)
READ_BY_G = (AT_SAMPLE, READS_CHANNEL(AT_CHANNEL, SLICE), READS(AT_OUTPUT, TAP))
READ_BY_W = (SAMPLE, READS_CHANNEL(AT_CHANNEL, AT_SLICE), READS(OUTPUT, AT_TAP))
ALL_INSIDE = "every index is one of the array's"


def transposed_gradients() -> Derivation:
    """Of `⟨x, dx(g, w)⟩`, which is the sum of all x·g·w, by g and by w."""
    loss, form, form_steps = _by_cells(X)
    by_g, by_w = D(loss, G[AT_G]), D(loss, W[AT_W])
    steps = (
        *form_steps,
        *chain(by_g, (D(form, G[AT_G]), known((loss, form))), *_gathered(X, W)),
        *chain(by_w, (D(form, W[AT_W]), known((loss, form))), *_correlated(G, X)),
    )
    goals = ((by_g, At(Layer(X, W), *AT_G)), (by_w, At(WeightGradient(G, X), *AT_W)))
    return Derivation(goals, steps, layers("x w g"), LAYER_SCOPE, LAYER_ASSUMES)


def double_backward() -> Derivation:
    """`⟨ddx, dx(g, w)⟩ + ⟨ddw, dw(g, x)⟩` adds up ddx·g·w and ddw·g·x; by g, by x and by w."""
    first, form1, steps1 = _by_cells(DDX)
    second, form2, steps2 = _by_weights()
    loss, form = first + second, form1 + form2
    sums = tuple((a + b, *rule) for (a, *rule), (b, _, *_) in zip(_gathered(DDX, W), _gathered(X, DDW), strict=True))
    lines = {G[AT_G]: sums, X[AT_X]: _scattered(G, DDW), W[AT_W]: _correlated(G, DDX)}
    above = known((first, form1), (second, form2))
    chains = [chain(D(loss, entry), (D(form, entry), above), *rest) for entry, rest in lines.items()]
    steps = (*steps1, *steps2, *(step for each in chains for step in each))
    goals = tuple((each[0].left, each[-1].right) for each in chains)
    return Derivation(goals, steps, layers("x w g ddx ddw"), LAYER_SCOPE, LAYER_ASSUMES)


def _by_cells(x: Any) -> tuple[Any, Any, tuple[Step, ...]]:
    """`⟨x, dx(g, w)⟩`, the sum of all x·g·w, and the steps from the one to the other."""
    product = G[OUTPUT_INDEX] * W[WEIGHT_INDEX]
    read = reading(INPUT_CHANNEL, CELL)
    steps = chain(
        Sum(x[CELL_INDEX] * At(InputGradient(G, W), *CELL_INDEX), *EVERY_CELL),
        (
            Sum(x[CELL_INDEX] * Sum(read * product, CHANNELS, SLICES, OUTPUTS, TAPS), *EVERY_CELL),
            unfold(InputGradient, INPUTS_RULE),
        ),
        (Sum(product * Sum(read * x[CELL_INDEX], INPUT_CHANNELS, CELLS), *EVERYTHING), EXCHANGE),
        (
            Sum(product * x[(SAMPLE, *CELL_READ)], *EVERYTHING),
            collapse((INPUT_CHANNEL, CELL_READ[0]), (CELL, CELL_READ[1])),
            f"{x} vanishes outside",
        ),
    )
    return steps[0].left, steps[-1].right, steps


def _by_weights() -> tuple[Any, Any, tuple[Step, ...]]:
    """`⟨ddw, dw(g, x)⟩`, the sum of all ddw·g·x, and the steps from the one to the other."""
    terms = G[OUTPUT_INDEX] * X[(SAMPLE, *CELL_READ)]
    steps = chain(
        Sum(DDW[WEIGHT_INDEX] * At(WeightGradient(G, X), *WEIGHT_INDEX), *EVERY_WEIGHT),
        (Sum(DDW[WEIGHT_INDEX] * Sum(terms, SAMPLES, OUTPUTS), *EVERY_WEIGHT), unfold(WeightGradient, WEIGHTS_RULE)),
        (Sum(terms * DDW[WEIGHT_INDEX], *EVERYTHING), EXCHANGE),
    )
    return steps[0].left, steps[-1].right, steps


def _gathered(x: Any, w: Any) -> tuple[Any, ...]:
    """Lines from the derivative of the sum of all x·g·w by g to the layer of x and w."""
    r, p, e = AT_G
    deltas = KroneckerDelta(SAMPLE, r) * KroneckerDelta(CHANNEL, p) * KroneckerDelta(OUTPUT, e)
    return (
        (Sum(deltas * x[(SAMPLE, *CELL_READ)] * w[WEIGHT_INDEX], *EVERYTHING), DIFFERENTIATE),
        (
            Sum(x[READ_BY_G] * w[p, SLICE, TAP], SLICES, TAPS),
            collapse((SAMPLE, r), (CHANNEL, p), (OUTPUT, e)),
            ALL_INSIDE,
        ),
        (At(Layer(x, w), *AT_G), fold(Layer, LAYER)),
    )


def _correlated(g: Any, x: Any) -> tuple[Any, ...]:
    """Lines from the derivative of the sum of all x·g·w by w to the weight gradient of g and x."""
    p, q, v = AT_W
    deltas = KroneckerDelta(CHANNEL, p) * KroneckerDelta(SLICE, q) * KroneckerDelta(TAP, v)
    return (
        (Sum(deltas * g[OUTPUT_INDEX] * x[(SAMPLE, *CELL_READ)], *EVERYTHING), DIFFERENTIATE),
        (
            Sum(g[SAMPLE, p, OUTPUT] * x[READ_BY_W], SAMPLES, OUTPUTS),
            collapse((CHANNEL, p), (SLICE, q), (TAP, v)),
            ALL_INSIDE,
        ),
        (At(WeightGradient(g, x), *AT_W), fold(WeightGradient, WEIGHTS_RULE)),
    )


def _scattered(g: Any, w: Any) -> tuple[Any, ...]:
    """Lines from the derivative of the sum of all x·g·w by x to the input gradient of g and w."""
    r, i, a = AT_X
    product = g[OUTPUT_INDEX] * w[WEIGHT_INDEX]
    return (
        (Sum(KroneckerDelta(SAMPLE, r) * reading(i, a) * product, *EVERYTHING), DIFFERENTIATE),
        (
            Sum(reading(i, a) * g[r, CHANNEL, OUTPUT] * w[WEIGHT_INDEX], CHANNELS, SLICES, OUTPUTS, TAPS),
            collapse((SAMPLE, r)),
            ALL_INSIDE,
        ),
        (At(InputGradient(g, w), *AT_X), fold(InputGradient, INPUTS_RULE)),
    )
