"""Gradients of activations, for any number of entries: the chain rule, the derivative of a number, and a definition.

Where a function branches, a bracket `[x > 0]` says on which side; off its kink the bracket is constant. So one
derivation covers every region: all patterns of sides that the entries can have.
"""

from typing import Any

from sympy import KroneckerDelta, Sum, Symbol, exp

from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.layer_signals import BATCH, SAMPLE, SAMPLES
from proofs.rules import ARITHMETIC, DIFFERENTIATE, ON_A_REGION, Rule, collapse, fold, unfold
from proofs.signals import Above, At, D, Signal
from proofs.tiers.derivation import Derivation, Models, Step, chain
from proofs.training_signals import (
    Elu,
    LeakyRelu,
    Relu,
    Relu6,
    ReluGradient,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)

X, G = arrays("x g")
(P,) = integers("p")
SLOPE, ALPHA = Symbol("a"), Symbol("α")
AT, POSITIVE = X[P], Above(X[P], 0)
INSIDE = "p is one of them"
MEANS = {
    SAMPLE: "entry",
    P: "the entry by which L is differentiated",
    BATCH: "number of entries",
    SLOPE: "slope below 0",
    ALPHA: "limit below 0, its sign changed",
}


def piecewise_linear() -> Derivation:
    """Each function is linear between its kinks, so its derivative is a bracket, or two."""
    off = "no x[n] is 0"
    chains = (
        _gradient(
            Relu(X),
            POSITIVE,
            ON_A_REGION,
            off,
            (At(ReluGradient(G, X), P), fold(ReluGradient, "the gradient of relu")),
        ),
        _gradient(LeakyRelu(X, SLOPE), POSITIVE + (1 - POSITIVE) * SLOPE, ON_A_REGION, off),
        _gradient(Relu6(X), POSITIVE - Above(AT, 6), ON_A_REGION, f"{off} and none is 6"),
    )
    return _of_all(chains, _models(10), "any number of entries, every pattern of sides of the kinks")


def smooth() -> Derivation:
    """The derivative of each is written in its own values, or in the sigmoid's."""
    down = exp(-AT)
    up, one, sigmoid, tanh = exp(AT), 1 + down, At(Sigmoid(X), P), At(Tanh(X), P)
    twice = 2 / (exp(2 * AT) + 1)
    chains = (
        _gradient(Elu(X, ALPHA), POSITIVE + (1 - POSITIVE) * ALPHA * up, ON_A_REGION, "no x[n] is 0"),
        _gradient(
            Softplus(X),
            up / (1 + up),
            DIFFERENTIATE,
            "",
            (G[P] / one, ARITHMETIC),
            (G[P] * sigmoid, fold(Sigmoid, "the sigmoid")),
        ),
        _gradient(
            Sigmoid(X),
            down / one**2,
            DIFFERENTIATE,
            "",
            (G[P] / one * (1 - 1 / one), ARITHMETIC),
            (G[P] * sigmoid * (1 - sigmoid), fold(Sigmoid, "the sigmoid")),
        ),
        _gradient(
            Tanh(X),
            exp(2 * AT) * twice**2,
            DIFFERENTIATE,
            "",
            (G[P] * twice * (2 - twice), ARITHMETIC),
            (G[P] * (1 - tanh) * (1 + tanh), fold(Tanh, "tanh")),
        ),
        _gradient(
            Silu(X),
            1 / one + AT * down / one**2,
            DIFFERENTIATE,
            "",
            (G[P] / one * (1 + AT * (1 - 1 / one)), ARITHMETIC),
            (G[P] * sigmoid * (1 + AT * (1 - sigmoid)), fold(Sigmoid, "the sigmoid")),
        ),
    )
    return _of_all(chains, _models(3, expressions=True), "any number of entries, of either sign")


def _gradient(function: Signal, slope: Any, differentiate: Rule, off: str, *written: Any) -> tuple[Step, ...]:
    """Derivative of `⟨g, f(x)⟩` by one entry, given f's slope there."""
    n, kind = SAMPLE, type(function)
    everywhere = slope.xreplace({P: n})
    return chain(
        D(Sum(G[n] * At(function, n), SAMPLES), AT),
        (D(Sum(G[n] * function.at(n), SAMPLES), AT), unfold(kind, NAMES[kind])),
        (Sum(KroneckerDelta(n, P) * G[n] * everywhere, SAMPLES), differentiate, off),
        (G[P] * slope, collapse((n, P)), INSIDE),
        *written,
    )


NAMES = {
    Relu: "relu",
    LeakyRelu: "leaky relu",
    Relu6: "relu6",
    Elu: "elu",
    Softplus: "softplus",
    Sigmoid: "the sigmoid",
    Tanh: "tanh",
    Silu: "silu",
}


def _models(most: int, expressions: bool = False) -> Models:
    """Entries of which each lies on a side of the kinks that is drawn for it."""
    return at_sizes(
        {BATCH: range(2, 3 if expressions else 4), P: range(3), SLOPE: range(2, 5), ALPHA: range(2, 5)},
        lambda sizes: {name: [range(sizes[BATCH])] for name in "xg"},
        lambda sizes: sizes[P] < sizes[BATCH],
        most=most,
        expressions=expressions,
        compared={"x": (-2, 2, 5, 7)},
    )


def _of_all(chains: tuple[tuple[Step, ...], ...], models: Models, scope: str) -> Derivation:
    goals = tuple((steps[0].left, steps[-1].right) for steps in chains)
    return Derivation(goals, tuple(step for steps in chains for step in steps), models, scope, (), MEANS)
