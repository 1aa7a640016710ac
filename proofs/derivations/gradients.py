"""The gradients of a layer, for every index map and every differentiable loss; and their own gradients."""

from functools import cache
from typing import Any

from sympy import KroneckerDelta, Sum

from proofs.derivations.layer_sizes import (
    AT_CHANNEL,
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
    Biased,
    BiasGradient,
    InputGradient,
    Layer,
    WeightGradient,
    reading,
)
from proofs.rules import DIFFERENTIATE, EXCHANGE, chain_rule, collapse, fold, insert, unfold
from proofs.signals import At, D, Partial
from proofs.tiers.derivation import Derivation, chain

X, W, G, B, DDX, DDW = arrays("x w g b ddx ddw")
CELL_READ = (READS_CHANNEL(CHANNEL, SLICE), READS(OUTPUT, TAP))
"""What output (c, o) reads through (j, u)."""
OUTPUT_INDEX, WEIGHT_INDEX, CELL_INDEX = (SAMPLE, CHANNEL, OUTPUT), (CHANNEL, SLICE, TAP), (SAMPLE, INPUT_CHANNEL, CELL)
EVERY_OUTPUT, EVERY_WEIGHT, EVERY_CELL = (
    (SAMPLES, CHANNELS, OUTPUTS),
    (CHANNELS, SLICES, TAPS),
    (SAMPLES, INPUT_CHANNELS, CELLS),
)
WEIGHT = W[AT_CHANNEL, AT_SLICE, AT_TAP]
INPUT = X[AT_SAMPLE, INPUT_CHANNEL, CELL]
Y = At(Layer(X, W), *OUTPUT_INDEX)
PRODUCTS = Sum(X[SAMPLE, CELL_READ[0], CELL_READ[1]] * W[WEIGHT_INDEX], SLICES, TAPS)
THROUGH_Y = ("L depends on x and w through y alone", *LAYER_ASSUMES)
LAYER, WEIGHTS_RULE, INPUTS_RULE = "the layer", "the weight gradient", "the input gradient"


@cache  # another law has it too
def weight_gradient() -> Derivation:
    """Chain rule, then the one product of each output in which the weight stands."""
    p, q, v = AT_CHANNEL, AT_SLICE, AT_TAP
    deltas = KroneckerDelta(CHANNEL, p) * KroneckerDelta(SLICE, q) * KroneckerDelta(TAP, v)
    found = At(WeightGradient(G, X), p, q, v)
    steps = chain(
        Partial(WEIGHT),
        (_by_chain_rule(WEIGHT), chain_rule(_by_chain_rule)),
        (Sum(G[OUTPUT_INDEX] * D(PRODUCTS, WEIGHT), *EVERY_OUTPUT), unfold(Layer, LAYER)),
        (
            Sum(G[OUTPUT_INDEX] * Sum(deltas * X[(SAMPLE, *CELL_READ)], SLICES, TAPS), *EVERY_OUTPUT),
            DIFFERENTIATE,
        ),
        (Sum(deltas * G[OUTPUT_INDEX] * X[(SAMPLE, *CELL_READ)], *EVERY_OUTPUT, SLICES, TAPS), EXCHANGE),
        (
            Sum(G[SAMPLE, p, OUTPUT] * X[SAMPLE, READS_CHANNEL(p, q), READS(OUTPUT, v)], SAMPLES, OUTPUTS),
            collapse((CHANNEL, p), (SLICE, q), (TAP, v)),
            "(p, q, v) is one of the weights",
        ),
        (found, fold(WeightGradient, WEIGHTS_RULE)),
    )
    return Derivation(((Partial(WEIGHT), found),), steps, layers("x w g", (Y, OUTPUT_INDEX)), LAYER_SCOPE, THROUGH_Y)


@cache  # another law has it too
def input_gradient() -> Derivation:
    """Chain rule, then every product in which the cell stands: those that read it."""
    r, i, a = AT_SAMPLE, INPUT_CHANNEL, CELL
    found = At(InputGradient(G, W), r, i, a)
    product = G[OUTPUT_INDEX] * W[WEIGHT_INDEX]
    everything = (*EVERY_OUTPUT, SLICES, TAPS)
    steps = chain(
        Partial(INPUT),
        (_by_chain_rule(INPUT), chain_rule(_by_chain_rule)),
        (Sum(G[OUTPUT_INDEX] * D(PRODUCTS, INPUT), *EVERY_OUTPUT), unfold(Layer, LAYER)),
        (
            Sum(
                G[OUTPUT_INDEX] * Sum(KroneckerDelta(SAMPLE, r) * reading(i, a) * W[WEIGHT_INDEX], SLICES, TAPS),
                *EVERY_OUTPUT,
            ),
            DIFFERENTIATE,
        ),
        (Sum(KroneckerDelta(SAMPLE, r) * reading(i, a) * product, *everything), EXCHANGE),
        (
            Sum(reading(i, a) * G[r, CHANNEL, OUTPUT] * W[WEIGHT_INDEX], CHANNELS, OUTPUTS, SLICES, TAPS),
            collapse((SAMPLE, r)),
            "r is one of the samples",
        ),
        (found, fold(InputGradient, INPUTS_RULE)),
    )
    return Derivation(((Partial(INPUT), found),), steps, weight_gradient().models, LAYER_SCOPE, THROUGH_Y)


def chain_rule_for_layers() -> Derivation:
    """Both layer gradients, from an undefined loss."""
    weights, inputs = weight_gradient(), input_gradient()
    goals, steps = (*weights.goals, *inputs.goals), (*weights.steps, *inputs.steps)
    return Derivation(goals, steps, weights.models, LAYER_SCOPE, THROUGH_Y)


def bias_gradient() -> Derivation:
    """The bias of a channel stands once in every output of it."""
    p = AT_CHANNEL
    biased = At(Biased(Layer(X, W), B), *OUTPUT_INDEX)
    found = At(BiasGradient(G), p)

    def outputs(variable: Any) -> Any:
        return Sum(G[OUTPUT_INDEX] * D(biased, variable), *EVERY_OUTPUT)

    steps = chain(
        Partial(B[p]),
        (outputs(B[p]), chain_rule(outputs)),
        (Sum(G[OUTPUT_INDEX] * D(Y + B[CHANNEL], B[p]), *EVERY_OUTPUT), unfold(Biased, "a bias")),
        (Sum(G[OUTPUT_INDEX] * D(PRODUCTS + B[CHANNEL], B[p]), *EVERY_OUTPUT), unfold(Layer, LAYER)),
        (Sum(KroneckerDelta(CHANNEL, p) * G[OUTPUT_INDEX], *EVERY_OUTPUT), DIFFERENTIATE),
        (Sum(G[SAMPLE, p, OUTPUT], SAMPLES, OUTPUTS), collapse((CHANNEL, p)), "p is one of the channels"),
        (found, fold(BiasGradient, "the bias gradient")),
    )
    models = layers("x w g b", (biased, OUTPUT_INDEX))
    return Derivation(((Partial(B[p]), found),), steps, models, LAYER_SCOPE, ("L depends on b through y alone",))


@cache  # another law has it too
def adjoints() -> Derivation:
    """One sum of products, sorted by weight or by input cell."""
    start = Sum(G[OUTPUT_INDEX] * Y, *EVERY_OUTPUT)
    form = Sum(G[OUTPUT_INDEX] * X[(SAMPLE, *CELL_READ)] * W[WEIGHT_INDEX], *EVERY_OUTPUT, SLICES, TAPS)
    by_weight = Sum(At(WeightGradient(G, X), *WEIGHT_INDEX) * W[WEIGHT_INDEX], *EVERY_WEIGHT)
    by_cell = Sum(At(InputGradient(G, W), *CELL_INDEX) * X[CELL_INDEX], *EVERY_CELL)
    steps = (
        *chain(
            start,
            (Sum(G[OUTPUT_INDEX] * PRODUCTS, *EVERY_OUTPUT), unfold(Layer, LAYER)),
            (form, EXCHANGE),
            (
                Sum(
                    Sum(G[OUTPUT_INDEX] * X[(SAMPLE, *CELL_READ)], SAMPLES, OUTPUTS) * W[WEIGHT_INDEX],
                    *EVERY_WEIGHT,
                ),
                EXCHANGE,
            ),
            (by_weight, fold(WeightGradient, WEIGHTS_RULE)),
        ),
        *chain(form, *_by_cell(X, by_cell)),
    )
    goals = ((start, form), (form, by_weight), (form, by_cell))
    return Derivation(goals, steps, layers("x w g"), LAYER_SCOPE, LAYER_ASSUMES)


def _by_cell(x: Any, found: Any) -> tuple[Any, ...]:
    """Lines from the sum of all products to `⟨dx(g, w), x⟩`."""
    product = G[OUTPUT_INDEX] * W[WEIGHT_INDEX]
    cells = (INPUT_CHANNELS, CELLS)
    read = insert((INPUT_CHANNEL, CELL_READ[0]), (CELL, CELL_READ[1]))
    everything = (CHANNELS, SLICES, OUTPUTS, TAPS)
    return (
        (
            Sum(
                product * Sum(reading(INPUT_CHANNEL, CELL) * x[CELL_INDEX], *cells),
                *EVERY_OUTPUT,
                SLICES,
                TAPS,
            ),
            read,
            f"{x} vanishes outside",
        ),
        (Sum(Sum(reading(INPUT_CHANNEL, CELL) * product, *everything) * x[CELL_INDEX], *EVERY_CELL), EXCHANGE),
        (found, fold(InputGradient, INPUTS_RULE)),
    )


def _by_chain_rule(variable: Any) -> Any:
    return Sum(G[OUTPUT_INDEX] * D(Y, variable), *EVERY_OUTPUT)
