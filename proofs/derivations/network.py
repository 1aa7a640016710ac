"""Gradients of a whole network: the chain rule through one layer after the other, each by its own law."""

from typing import Any

from sympy import Sum
from sympy.core.symbol import Str

from proofs.derivations.layer_sizes import AT_CHANNEL, AT_SLICE, AT_TAP, LAYER_SCOPE
from proofs.derivations.network_sizes import AT_CLASS, AT_FEATURE, CLASS, CLASSES, POOLED, networks
from proofs.derivations.symbols import arrays
from proofs.layer_signals import (
    CHANNELS,
    FEATURES,
    OUTPUTS,
    SAMPLE,
    SAMPLES,
    Biased,
    BiasGradient,
    Dense,
    DenseInputGradient,
    DenseWeightGradient,
    Flatten,
    Layer,
    MaxPool,
    MaxPoolGradient,
    Unflatten,
    WeightGradient,
)
from proofs.rules import Rule, chain_rule
from proofs.signals import At, D, Named, Partial, value
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.training_signals import Relu, ReluGradient

Pair = tuple[Any, Any]
"""A signal and its cotangent."""
X, W, B, W2, B2, G = arrays("x w b w2 b2 g")
Y = Named(Str("y"), Biased(Layer(X, W), B))
PEAKS = Named(Str("peaks"), MaxPool(Y, 1))
ACTIVE = Named(Str("active"), Relu(PEAKS))
ROW = Named(Str("row"), Flatten(ACTIVE, CHANNELS, POOLED))
LOGITS = Named(Str("logits"), Biased(Dense(ROW, W2, FEATURES), B2))
D_ROW = Named(Str("drow"), DenseInputGradient(G, W2, CLASSES))
D_ACTIVE = Named(Str("dactive"), Unflatten(D_ROW))
D_PEAKS = Named(Str("dpeaks"), ReluGradient(D_ACTIVE, PEAKS))
D_Y = Named(Str("dy"), MaxPoolGradient(D_PEAKS, 1))
"""Cotangents: the derivatives of the loss by what each layer reads."""
LIMITS = {
    Y: (SAMPLES, CHANNELS, OUTPUTS),
    PEAKS: (SAMPLES, CHANNELS, POOLED),
    ACTIVE: (SAMPLES, CHANNELS, POOLED),
    ROW: (SAMPLES, FEATURES),
    LOGITS: (SAMPLES, CLASSES),
}
DENSE = "dense-gradients-are-the-derivatives"
BACKWARDS = (
    (DENSE, (LOGITS, G), (ROW, D_ROW)),
    ("flattening-loses-nothing", (ROW, D_ROW), (ACTIVE, D_ACTIVE)),
    ("piecewise-linear-activation-gradients-are-the-derivatives-off-kinks", (ACTIVE, D_ACTIVE), (PEAKS, D_PEAKS)),
    ("max-pooling-gradient-is-the-derivative-off-ties", (PEAKS, D_PEAKS), (Y, D_Y)),
)
"""The law of each layer, its output and input with their cotangents, from the loss to the first layer."""


def network() -> Derivation:
    """The loss's cotangent goes backwards: each layer hands on its input's, and keeps its parameters' gradient."""
    n, p, q, v = SAMPLE, AT_CHANNEL, AT_SLICE, AT_TAP
    logits = At(LOGITS, n, CLASS)
    chains = (
        _chain(4, W[p, q, v], At(WeightGradient(D_Y, X), p, q, v), "layer-weight-gradient-is-the-derivative"),
        _chain(4, B[p], At(BiasGradient(D_Y), p), "layer-bias-gradient-is-the-derivative"),
        _chain(0, W2[AT_CLASS, AT_FEATURE], At(DenseWeightGradient(G, ROW), AT_CLASS, AT_FEATURE), DENSE),
        _chain(0, B2[AT_CLASS], Sum(G[n, AT_CLASS], SAMPLES), DENSE),
    )
    return Derivation(
        tuple((each[0].left, each[-1].right) for each in chains),
        tuple(step for each in chains for step in each),
        networks((logits, (n, CLASS))),
        f"a convolution, bias, max pooling, ReLU, flattening, dense and every differentiable loss: {LAYER_SCOPE}",
        ("L depends on the parameters through the logits alone",),
        {CLASS: "class", AT_CLASS: "a class", POOLED[0]: "position after the pooling, a multi-index"},
    )


def _chain(layers: int, entry: Any, found: Any, law: str) -> tuple[Step, ...]:
    """From the loss's derivative by a parameter through that many layers to the one that has it."""
    passed = BACKWARDS[:layers]
    at = passed[-1][2] if passed else (LOGITS, G)
    return chain(
        Partial(entry),
        (_summed((LOGITS, G), entry), chain_rule(lambda variable: _summed((LOGITS, G), variable))),
        *((_summed(x, entry), through(law, y, x)) for law, y, x in passed),
        (found, by_parameter(law, at, entry, found)),
    )


def _summed(y: Pair, entry: Any) -> Any:
    """`Σ g·∂y`, over all entries of a signal and its cotangent."""
    signal, g = y
    index = [limit[0] for limit in LIMITS[signal]]
    return Sum(value(g, *index) * D(value(signal, *index), entry), *LIMITS[signal])


def through(law: str, y: Pair, x: Pair) -> Rule:
    """Chain rule through a layer from x to y, of whose cotangents a law says that one is the other's adjoint."""

    def passed(total: Any) -> Any:
        entries = {derivative.args[1] for derivative in total.function.atoms(D)}
        return next((_summed(x, entry) for entry in entries if total == _summed(y, entry)), total)

    return Rule(f"chain rule, law {law}", lambda e: e.replace(Sum, lambda *args: passed(Sum(*args))), law=law)


def by_parameter(law: str, y: Pair, entry: Any, found: Any) -> Rule:
    """Chain rule at a layer's parameter, whose gradient for the layer's cotangent a law says."""
    return Rule(f"chain rule, law {law}", lambda e: e.xreplace({_summed(y, entry): found}), law=law)
