"""Gradients of the layers beside the convolution: locally connected, dense and pooling; for all sizes."""

from typing import Any

from sympy import KroneckerDelta, Sum

from proofs.derivations.gradients import CELL_READ, EVERY_OUTPUT, INPUT, OUTPUT_INDEX, THROUGH_Y
from proofs.derivations.layer_sizes import (
    AT_CHANNEL,
    AT_FEATURE,
    AT_OUTPUT,
    AT_SAMPLE,
    AT_SLICE,
    AT_TAP,
    LAYER_ASSUMES,
    LAYER_SCOPE,
    every_window_reads,
    layers,
)
from proofs.derivations.symbols import arrays
from proofs.layer_signals import (
    CELL,
    CHANNEL,
    CHANNELS,
    COUNT,
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
    WINDOW,
    AveragePool,
    AveragePoolGradient,
    Biased,
    Dense,
    DenseInputGradient,
    DenseWeightGradient,
    LocalInputGradient,
    LocallyConnected,
    LocalWeightGradient,
    MaxPool,
    MaxPoolGradient,
    reading,
)
from proofs.rules import DIFFERENTIATE, EXCHANGE, ON_A_REGION, Rule, chain_rule, collapse, fold, unfold
from proofs.signals import At, D, Partial
from proofs.tiers.derivation import Derivation, Models, Step, chain

X, W, G, B = arrays("x w g b")
LOCAL, DENSE, POOL, MAX_POOL = "the locally connected layer", "the dense layer", "average pooling", "max pooling"
INSIDE = "every index is one of the array's"
ROW = (SAMPLE, CHANNEL)


def locally_connected() -> Derivation:
    """As for the convolution layer, but a weight stands in the outputs of its own position alone."""
    y = At(LocallyConnected(X, W), *OUTPUT_INDEX)
    p, q, e, v = AT_CHANNEL, AT_SLICE, AT_OUTPUT, AT_TAP
    weight, cell = W[p, q, e, v], X[(SAMPLE, *CELL_READ)]
    of_weight = (
        KroneckerDelta(CHANNEL, p) * KroneckerDelta(SLICE, q) * KroneckerDelta(OUTPUT, e) * KroneckerDelta(TAP, v)
    )
    by_w = (
        *_to_the_products(weight, y, unfold(LocallyConnected, LOCAL)),
        (Sum(G[OUTPUT_INDEX] * Sum(of_weight * cell, SLICES, TAPS), *EVERY_OUTPUT), DIFFERENTIATE),
        (Sum(of_weight * G[OUTPUT_INDEX] * cell, *EVERY_OUTPUT, SLICES, TAPS), EXCHANGE),
        (
            Sum(G[SAMPLE, p, e] * X[SAMPLE, READS_CHANNEL(p, q), READS(e, v)], SAMPLES),
            collapse((CHANNEL, p), (SLICE, q), (OUTPUT, e), (TAP, v)),
            INSIDE,
        ),
        (At(LocalWeightGradient(G, X), p, q, e, v), fold(LocalWeightGradient, "the weight gradient")),
    )
    r, i, a = AT_SAMPLE, INPUT_CHANNEL, CELL
    of_cell = KroneckerDelta(SAMPLE, r) * reading(i, a)
    own = W[CHANNEL, SLICE, OUTPUT, TAP]
    by_x = (
        *_to_the_products(INPUT, y, unfold(LocallyConnected, LOCAL)),
        (Sum(G[OUTPUT_INDEX] * Sum(of_cell * own, SLICES, TAPS), *EVERY_OUTPUT), DIFFERENTIATE),
        (Sum(of_cell * G[OUTPUT_INDEX] * own, *EVERY_OUTPUT, SLICES, TAPS), EXCHANGE),
        (
            Sum(reading(i, a) * G[r, CHANNEL, OUTPUT] * own, CHANNELS, SLICES, OUTPUTS, TAPS),
            collapse((SAMPLE, r)),
            INSIDE,
        ),
        (At(LocalInputGradient(G, W), r, i, a), fold(LocalInputGradient, "the input gradient")),
    )
    return _of_all({weight: by_w, INPUT: by_x}, layers("x w:cjou g", (y, OUTPUT_INDEX)))


def dense() -> Derivation:
    """Every output of a sample reads every feature of it."""
    y = At(Biased(Dense(X, W), B), *ROW)
    r, p, f = AT_SAMPLE, AT_CHANNEL, AT_FEATURE
    n, c, i = SAMPLE, CHANNEL, INPUT_CHANNEL
    sizes = (SAMPLES, CHANNELS)

    def lines(variable: Any, delta: Any, factor: Any, left: Any, *found: Any) -> tuple[Any, ...]:
        """Differentiate the products, exchange the sums and keep what the deltas leave."""
        return (
            *_to_the_products(variable, y, unfold(Biased, "a bias"), unfold(Dense, DENSE), row=True),
            (Sum(G[ROW] * Sum(delta * factor, INPUT_CHANNELS), *sizes), DIFFERENTIATE),
            (Sum(delta * G[ROW] * factor, *sizes, INPUT_CHANNELS), EXCHANGE),
            left,
            found,
        )

    by_w = lines(
        W[p, f],
        KroneckerDelta(c, p) * KroneckerDelta(i, f),
        X[n, i],
        (Sum(G[n, p] * X[n, f], SAMPLES), collapse((c, p), (i, f)), INSIDE),
        At(DenseWeightGradient(G, X), p, f),
        fold(DenseWeightGradient, "the weight gradient"),
    )
    by_x = lines(
        X[r, f],
        KroneckerDelta(n, r) * KroneckerDelta(i, f),
        W[c, i],
        (Sum(G[r, c] * W[c, f], CHANNELS), collapse((n, r), (i, f)), INSIDE),
        At(DenseInputGradient(G, W), r, f),
        fold(DenseInputGradient, "the input gradient"),
    )
    by_b = (
        *_to_the_products(B[p], y, unfold(Biased, "a bias"), unfold(Dense, DENSE), row=True),
        (Sum(KroneckerDelta(c, p) * G[ROW], *sizes), DIFFERENTIATE),
        (Sum(G[n, p], SAMPLES), collapse((c, p)), INSIDE),
    )
    scope = "every batch, number of features and of outputs"
    return _of_all({W[p, f]: by_w, X[r, f]: by_x, B[p]: by_b}, layers("x:ni w:ci b g:nc", (y, ROW)), scope)


def average_pool() -> Derivation:
    """Every cell of a window has the same part in its output, whether cells of padding are counted or not."""
    chains = _pooled(WINDOW), _pooled(COUNT(OUTPUT), 1)
    goals = tuple((steps[0].left, steps[-1].right) for steps in chains)
    return Derivation(goals, (*chains[0], *chains[1]), layers("x:nca g"), LAYER_SCOPE, LAYER_ASSUMES)


def _pooled(count: Any, *inside: Any) -> tuple[Step, ...]:
    """Derivative of `⟨g, average_pool(x)⟩` for a count of every cell, or of those that are inside."""
    r, p, a, reads = AT_SAMPLE, AT_CHANNEL, CELL, READS(OUTPUT, TAP)
    products = Sum(X[SAMPLE, CHANNEL, reads] / count, TAPS)
    deltas = KroneckerDelta(SAMPLE, r) * KroneckerDelta(CHANNEL, p) * KroneckerDelta(reads, a)
    return chain(
        D(Sum(G[OUTPUT_INDEX] * At(AveragePool(X, *inside), *OUTPUT_INDEX), *EVERY_OUTPUT), X[r, p, a]),
        (D(Sum(G[OUTPUT_INDEX] * products, *EVERY_OUTPUT), X[r, p, a]), unfold(AveragePool, POOL)),
        (Sum(G[OUTPUT_INDEX] * Sum(deltas / count, TAPS), *EVERY_OUTPUT), DIFFERENTIATE),
        (Sum(deltas * G[OUTPUT_INDEX] / count, *EVERY_OUTPUT, TAPS), EXCHANGE),
        (
            Sum(KroneckerDelta(reads, a) * G[r, p, OUTPUT] / count, OUTPUTS, TAPS),
            collapse((SAMPLE, r), (CHANNEL, p)),
            INSIDE,
        ),
        (At(AveragePoolGradient(G, *inside), r, p, a), fold(AveragePoolGradient, "the input gradient")),
    )


def max_pool() -> Derivation:
    """Where the winners stay the same every output is one cell: a selection, whose adjoint adds up what cells won."""
    n, c, o = OUTPUT_INDEX
    r, p, a = entry = AT_SAMPLE, AT_CHANNEL, CELL
    y, won = At(MaxPool(X), n, c, o), MaxPool(X).at(n, c, o).indices[-1]
    deltas = KroneckerDelta(n, r) * KroneckerDelta(c, p) * KroneckerDelta(won, a)
    steps = chain(
        D(Sum(G[OUTPUT_INDEX] * y, *EVERY_OUTPUT), X[entry]),
        (D(Sum(G[OUTPUT_INDEX] * X[n, c, won], *EVERY_OUTPUT), X[entry]), unfold(MaxPool, MAX_POOL)),
        (
            Sum(deltas * G[OUTPUT_INDEX], *EVERY_OUTPUT),
            ON_A_REGION,
            "no two cells of a window are equal, so its winner stays the same nearby",
        ),
        (
            Sum(KroneckerDelta(won.subs({n: r, c: p}), a) * G[r, p, o], OUTPUTS),
            collapse((n, r), (c, p)),
            INSIDE,
        ),
        (At(MaxPoolGradient(G), *entry), fold(MaxPoolGradient, "the input gradient")),
    )
    models = layers("x:nca g", where=every_window_reads)
    scope = "every batch, channels, number of axes, index map and pattern of winners; windows that read a cell"
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, scope, LAYER_ASSUMES)


def _to_the_products(variable: Any, y: Any, *definitions: Rule, row: bool = False) -> tuple[Any, ...]:
    """The first lines: the chain rule, and the layer written out."""
    index, sizes = (ROW, (SAMPLES, CHANNELS)) if row else (OUTPUT_INDEX, EVERY_OUTPUT)

    def outputs(variable: Any) -> Any:
        return Sum(G[index] * D(y, variable), *sizes)

    lines, e = [(outputs(variable), chain_rule(outputs))], y
    for rule in definitions:
        e = rule.apply(e)
        lines.append((Sum(G[index] * D(e, variable), *sizes), rule))
    return tuple(lines)


def _of_all(lines: dict[Any, tuple[Any, ...]], models: Models, scope: str = LAYER_SCOPE) -> Derivation:
    """Derivation of the loss's derivative by each of the variables."""
    chains = [chain(Partial(variable), *rest) for variable, rest in lines.items()]
    steps = tuple(step for each in chains for step in each)
    goals = tuple((each[0].left, each[-1].right) for each in chains)
    return Derivation(goals, steps, models, scope, THROUGH_Y)
