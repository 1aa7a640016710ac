"""Gradients of what a training adds to the layers, for all sizes: the loss, dropout."""

from typing import Any

from sympy import Integer, KroneckerDelta, Sum, Symbol, exp, log, sqrt

from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.layer_signals import (
    BATCH,
    CHANNEL,
    CHANNELS,
    CLASSES,
    INPUT_CHANNEL,
    OTHER_VALUES,
    OUT_CHANNELS,
    SAMPLE,
    SAMPLES,
    SLICE,
    VALUES,
)
from proofs.rules import ARITHMETIC, DIFFERENTIATE, add_equal, collapse, fold, known, rename, unfold
from proofs.signals import At, D
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.training_signals import BatchNorm, Deviation, Dropout, LogSoftmax, Mean, Softmax, Variance

X, T, G, MASK = arrays("x t g mask")
(P,) = integers("p")
RATE = Symbol("r", positive=True)
SCALE, SHIFT, EPSILON = Symbol("s"), Symbol("b"), Symbol("ε", positive=True)
INSIDE = "p is one of them"
NORM_MEANS = {
    **dict.fromkeys((SAMPLE, INPUT_CHANNEL, SLICE), "value of the channel"),
    P: "the value by which L is differentiated",
    BATCH: "number of values",
    SCALE: "scale",
    SHIFT: "shift",
    EPSILON: "a small number",
}


def cross_entropy() -> Derivation:
    """Every logit stands in its own term, and in the logarithm of all."""
    c, i = CHANNEL, INPUT_CHANNEL
    total, delta = Sum(exp(X[i]), CLASSES), KroneckerDelta(c, P)
    loss = -Sum(T[c] * At(LogSoftmax(X), c), CHANNELS)
    written = -Sum(T[c] * (X[c] - log(total)), CHANNELS)
    inner = Sum(KroneckerDelta(i, P) * exp(X[i]), CLASSES) / total
    share, targets = exp(X[P]) / total, Sum(T[c], CHANNELS)
    by_logit = chain(
        D(loss, X[P]),
        (D(written, X[P]), unfold(LogSoftmax, "the logarithm of softmax")),
        (-Sum(T[c] * (delta - inner), CHANNELS), DIFFERENTIATE),
        (-Sum(T[c] * (delta - share), CHANNELS), collapse((i, P)), INSIDE),
        (share * targets - Sum(delta * T[c], CHANNELS), ARITHMETIC),
        (share * targets - T[P], collapse((c, P)), INSIDE),
        (At(Softmax(X), P) * targets - T[P], fold(Softmax, "softmax")),
    )
    by_target = chain(
        D(loss, T[P]),
        (D(written, T[P]), unfold(LogSoftmax, "the logarithm of softmax")),
        (-Sum(delta * (X[c] - log(total)), CHANNELS), DIFFERENTIATE),
        (log(total) - X[P], collapse((c, P)), INSIDE),
        (-At(LogSoftmax(X), P), fold(LogSoftmax, "the logarithm of softmax")),
    )
    goals = tuple((steps[0].left, steps[-1].right) for steps in (by_logit, by_target))
    models = at_sizes(
        {OUT_CHANNELS: range(1, 4), P: range(3)},
        lambda sizes: {name: [range(sizes[OUT_CHANNELS])] for name in "xt"},
        lambda sizes: sizes[P] < sizes[OUT_CHANNELS],
        most=4,
        expressions=True,
    )
    where = {c: "class", i: "class", P: "the class by whose logit or target L is differentiated"}
    return Derivation(
        goals, (*by_logit, *by_target), models, "one row of any number of classes; a batch row by row", (), where
    )


def dropout() -> Derivation:
    """Linear once the mask is given, entry by entry."""
    n = SAMPLE
    delta, kept = KroneckerDelta(n, P), MASK[n] / (1 - RATE)
    steps = chain(
        D(Sum(G[n] * At(Dropout(X, MASK, RATE), n), SAMPLES), X[P]),
        (D(Sum(G[n] * X[n] * kept, SAMPLES), X[P]), unfold(Dropout, "dropout")),
        (Sum(delta * G[n] * kept, SAMPLES), DIFFERENTIATE),
        (G[P] * MASK[P] / (1 - RATE), collapse((n, P)), INSIDE),
        (At(Dropout(G, MASK, RATE), P), fold(Dropout, "dropout")),
    )
    models = at_sizes(
        {BATCH: range(1, 4), P: range(3), RATE: range(2, 5)},
        lambda sizes: {name: [range(sizes[BATCH])] for name in ("x", "g", "mask")},
        lambda sizes: sizes[P] < sizes[BATCH],
        most=4,
    )
    where = {n: "entry", P: "the entry by which L is differentiated", RATE: "rate"}
    return Derivation(
        ((steps[0].left, steps[-1].right),), steps, models, "any number of entries, every mask and rate", (), where
    )


def batch_normalisation() -> Derivation:
    """The input stands in its own term, in the mean and in the variance, whose own mean deviation is 0."""
    j, mean, variance = SLICE, At(Mean(X)), At(Variance(X))
    deviation, others = At(Deviation(X, EPSILON)), KroneckerDelta(j, P)
    total = Sum(X[j], OTHER_VALUES)
    deviations = chain(
        Sum(X[j] - mean, OTHER_VALUES),
        (total - BATCH * mean, add_equal(OTHER_VALUES)),
        (total - Sum(X[INPUT_CHANNEL], VALUES), unfold(Mean, "the mean")),
        (Integer(0), rename((VALUES, OTHER_VALUES)), "the same sum"),
    )
    of_mean = chain(
        D(mean, X[P]),
        (D(Sum(X[INPUT_CHANNEL], VALUES) / BATCH, X[P]), unfold(Mean, "the mean")),
        (Sum(KroneckerDelta(INPUT_CHANNEL, P), VALUES) / BATCH, DIFFERENTIATE),
        (1 / BATCH, collapse((INPUT_CHANNEL, P)), INSIDE),
    )
    of_variance = chain(
        D(variance, X[P]),
        (D(Sum((X[j] - mean) ** 2, OTHER_VALUES) / BATCH, X[P]), unfold(Variance, "the variance")),
        (Sum(2 * (X[j] - mean) * (others - D(mean, X[P])), OTHER_VALUES) / BATCH, DIFFERENTIATE),
        (
            Sum(2 * (X[j] - mean) * (others - 1 / BATCH), OTHER_VALUES) / BATCH,
            known((of_mean[0].left, of_mean[-1].right)),
        ),
        (
            2 * Sum(others * (X[j] - mean), OTHER_VALUES) / BATCH - 2 * deviations[0].left / BATCH**2,
            ARITHMETIC,
        ),
        (2 * (X[P] - mean) / BATCH - 2 * deviations[0].left / BATCH**2, collapse((j, P)), INSIDE),
        (2 * (X[P] - mean) / BATCH, known((deviations[0].left, Integer(0)))),
    )
    of_deviation = chain(
        D(deviation, X[P]),
        (D(sqrt(variance + EPSILON), X[P]), unfold(Deviation, "the deviation")),
        (D(variance, X[P]) / (2 * sqrt(variance + EPSILON)), DIFFERENTIATE),
        (
            (X[P] - mean) / (BATCH * sqrt(variance + EPSILON)),
            known((of_variance[0].left, of_variance[-1].right)),
        ),
        ((X[P] - mean) / (BATCH * deviation), fold(Deviation, "the deviation")),
    )
    steps = (*deviations, *of_mean, *of_variance, *of_deviation)
    of_loss = _of_loss(*((found[0].left, found[-1].right) for found in (of_mean, of_deviation)))
    models = at_sizes(
        {BATCH: range(2, 3), P: range(2), SCALE: range(1, 4), SHIFT: range(1, 4), EPSILON: range(1, 4)},
        lambda sizes: {name: [range(sizes[BATCH])] for name in "xg"},
        lambda sizes: sizes[P] < sizes[BATCH],
        most=3,
        expressions=True,
    )
    goal = (of_loss[0].left, of_loss[-1].right)
    return Derivation(
        (goal,),
        (*steps, *of_loss),
        models,
        "the input gradient, in one channel of any number of values",
        ("v + ε > 0",),
        NORM_MEANS,
    )


def _of_loss(*known_derivatives: tuple[Any, Any]) -> tuple[Step, ...]:
    """From the derivative of `⟨g, batch_norm(x)⟩` to the formula, given those of mean and deviation."""
    n, mean, deviation, own = SAMPLE, At(Mean(X)), At(Deviation(X, EPSILON)), KroneckerDelta(SAMPLE, P)
    (of_mean, by_mean), (of_deviation, by_deviation) = known_derivatives
    centred, all_g = X[n] - mean, Sum(G[n], SAMPLES)

    def line(by_mean: Any, by_deviation: Any) -> Any:
        slope = (own - by_mean) / deviation - centred * by_deviation / deviation**2
        return Sum(G[n] * SCALE * slope, SAMPLES)

    def formula(own: Any) -> Any:
        through = (X[P] - mean) * Sum(G[n] * centred, SAMPLES) / (BATCH * deviation**2)
        return SCALE / deviation * (own - all_g / BATCH - through)

    return chain(
        D(Sum(G[n] * At(BatchNorm(X, SCALE, SHIFT, EPSILON), n), SAMPLES), X[P]),
        (D(Sum(G[n] * (SCALE * centred / deviation + SHIFT), SAMPLES), X[P]), unfold(BatchNorm, "batch normalisation")),
        (line(of_mean, of_deviation), DIFFERENTIATE),
        (line(by_mean, by_deviation), known(*known_derivatives)),
        (formula(Sum(own * G[n], SAMPLES)), ARITHMETIC),
        (formula(G[P]), collapse((n, P)), INSIDE),
    )
