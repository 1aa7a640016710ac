"""Gradients of the loss and of dropout, for all sizes."""

from typing import Any

from sympy import KroneckerDelta, Sum, Symbol, exp, log

from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.layer_signals import (
    BATCH,
    CHANNEL,
    CHANNELS,
    CLASSES,
    INPUT_CHANNEL,
    OUT_CHANNELS,
    SAMPLE,
    SAMPLES,
)
from proofs.rules import ARITHMETIC, DIFFERENTIATE, collapse, fold, known_for_every, unfold
from proofs.signals import At, D
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.training_signals import Dropout, LogSoftmax, LogSoftmaxGradient, Softmax, SoftmaxGradient

X, T, G, MASK = arrays("x t g mask")
(P,) = integers("p")
RATE = Symbol("r", positive=True)
INSIDE = "p is one of them"
SOFTMAX, LOGARITHM = "softmax", "the logarithm of softmax"
ROW = "one row of any number of classes; a batch row by row"
OWN, SHARE, DELTA = At(Softmax(X), CHANNEL), At(Softmax(X), P), KroneckerDelta(CHANNEL, P)
TOTAL = Sum(exp(X[INPUT_CHANNEL]), CLASSES)
CLASS = dict.fromkeys((CHANNEL, INPUT_CHANNEL), "class")


def softmax_gradients() -> Derivation:
    """A logit stands above the line in its own entry and below it in all: the Jacobian is not diagonal."""
    c, i = CHANNEL, INPUT_CHANNEL
    inner = Sum(KroneckerDelta(i, P) * exp(X[i]), CLASSES)
    jacobian = chain(
        D(OWN, X[P]),
        (D(exp(X[c]) / TOTAL, X[P]), unfold(Softmax, SOFTMAX)),
        (DELTA * exp(X[c]) / TOTAL - exp(X[c]) * inner / TOTAL**2, DIFFERENTIATE),
        (DELTA * exp(X[c]) / TOTAL - exp(X[c]) * exp(X[P]) / TOTAL**2, collapse((i, P)), INSIDE),
        (OWN * (DELTA - SHARE), fold(Softmax, SOFTMAX)),
    )
    by_softmax = chain(
        D(Sum(G[c] * OWN, CHANNELS), X[P]),
        (Sum(G[c] * D(OWN, X[P]), CHANNELS), DIFFERENTIATE),
        (Sum(G[c] * OWN * (DELTA - SHARE), CHANNELS), known_for_every(c, (jacobian[0].left, jacobian[-1].right))),
        (Sum(DELTA * G[c] * OWN, CHANNELS) - SHARE * Sum(G[c] * OWN, CHANNELS), ARITHMETIC),
        (SHARE * (G[P] - Sum(G[c] * OWN, CHANNELS)), collapse((c, P)), INSIDE),
        (At(SoftmaxGradient(G, X), P), fold(SoftmaxGradient, "the gradient of softmax")),
    )
    by_logarithm = (
        *_by_logit(G, 1),
        (At(LogSoftmaxGradient(G, X), P), fold(LogSoftmaxGradient, "the gradient of the logarithm")),
    )
    where = {**CLASS, P: "the class by whose logit L is differentiated"}
    return _of_rows("xg", (jacobian, by_softmax, chain(*by_logarithm)), where)


def cross_entropy() -> Derivation:
    """Every logit stands in its own term, and in the logarithm of all."""
    c = CHANNEL
    by_target = chain(
        D(-Sum(T[c] * At(LogSoftmax(X), c), CHANNELS), T[P]),
        (D(-Sum(T[c] * (X[c] - log(TOTAL)), CHANNELS), T[P]), unfold(LogSoftmax, LOGARITHM)),
        (-Sum(DELTA * (X[c] - log(TOTAL)), CHANNELS), DIFFERENTIATE),
        (log(TOTAL) - X[P], collapse((c, P)), INSIDE),
        (-At(LogSoftmax(X), P), fold(LogSoftmax, LOGARITHM)),
    )
    where = {**CLASS, P: "the class by whose logit or target L is differentiated"}
    return _of_rows("xt", (chain(*_by_logit(T, -1)), by_target), where)


def _by_logit(weights: Any, sign: int) -> tuple[Any, ...]:
    """A chain's start and lines: the derivative of `± Σ weights[c]·log_softmax(x)[c]`."""
    c, i = CHANNEL, INPUT_CHANNEL
    inner = Sum(KroneckerDelta(i, P) * exp(X[i]), CLASSES) / TOTAL
    share, total = exp(X[P]) / TOTAL, Sum(weights[c], CHANNELS)
    return (
        D(sign * Sum(weights[c] * At(LogSoftmax(X), c), CHANNELS), X[P]),
        (D(sign * Sum(weights[c] * (X[c] - log(TOTAL)), CHANNELS), X[P]), unfold(LogSoftmax, LOGARITHM)),
        (sign * Sum(weights[c] * (DELTA - inner), CHANNELS), DIFFERENTIATE),
        (sign * Sum(weights[c] * (DELTA - share), CHANNELS), collapse((i, P)), INSIDE),
        (sign * (Sum(DELTA * weights[c], CHANNELS) - share * total), ARITHMETIC),
        (sign * (weights[P] - share * total), collapse((c, P)), INSIDE),
        (sign * (weights[P] - SHARE * total), fold(Softmax, SOFTMAX)),
    )


def _of_rows(names: str, chains: tuple[tuple[Step, ...], ...], where: dict[Any, str]) -> Derivation:
    """Derivation of what each chain arrives at, in one row."""
    models = at_sizes(
        {OUT_CHANNELS: range(1, 4), P: range(3), CHANNEL: range(3)},
        lambda sizes: {name: [range(sizes[OUT_CHANNELS])] for name in names},
        lambda sizes: max(sizes[P], sizes[CHANNEL]) < sizes[OUT_CHANNELS],
        most=3,
        expressions=True,
    )
    goals = tuple((steps[0].left, steps[-1].right) for steps in chains)
    return Derivation(goals, tuple(step for steps in chains for step in steps), models, ROW, (), where)


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
