"""False steps about activations, loss, normalisation and networks are refused by both checks."""

from dataclasses import replace

import pytest
from sympy import Integer, KroneckerDelta, Sum, Symbol, exp, log

from proofs.derivations.layer_sizes import every_window_reads, layers
from proofs.derivations.network import D_ACTIVE, D_PEAKS, network
from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.layer_signals import BATCH, CELL, CHANNEL, OUTPUT, OUTPUTS, READS, SAMPLE, TAP, MaxPool
from proofs.rules import ON_A_REGION, known_for_every, on_both_sides, unfold
from proofs.signals import Above, At, D
from proofs.tiers.derivation import Step
from proofs.training_signals import (
    BatchNormInference,
    Elu,
    LeakyRelu,
    LogSoftmaxGradient,
    Relu,
    Relu6,
    ReluGradient,
    Sigmoid,
    Silu,
    Softmax,
    SoftmaxGradient,
    Softplus,
    Tanh,
)
from tests.laws.test_false_steps import refused

x, w, g = arrays("x w g")
n, c, o, u, a = SAMPLE, CHANNEL, OUTPUT, TAP, CELL
(t,) = integers("t")
delta = KroneckerDelta
SIDES = at_sizes(
    {n: range(2), t: range(2, 4), Symbol("N2"): range(4)},
    lambda _: {name: [range(2)] for name in "xgw"},
    compared={"x": (-2, 3, 7)},
    most=12,
)
EXPONENTIAL = at_sizes(
    {n: range(2), t: range(2, 4), Symbol("C", integer=True, positive=True): range(2, 3)},
    lambda _: {name: [range(2)] for name in "xgw"},
    compared={"x": (-2, 3)},
    most=4,
    expressions=True,
)
NETWORK = network()
(THROUGH_RELU, *_) = (step for step in NETWORK.steps if "piecewise" in step.rule.law)
(BIAS_STEP,) = (step for step in NETWORK.steps if step.rule.law == "layer-bias-gradient-is-the-derivative")
# a false step, and models that show it
FALSE = {
    "the other side of the kink": (
        Step(At(Relu(x), n), (1 - Above(x[n], 0)) * x[n], unfold(Relu, "relu")),
        SIDES,
    ),
    "the gradient of relu is relu": (
        Step(At(ReluGradient(g, x), n), Above(x[n], 0) * x[n], unfold(ReluGradient, "its gradient")),
        SIDES,
    ),
    "a bracket has a slope": (
        Step(D(Above(x[n], 0) * x[n], x[n]), Above(x[n], 0) + x[n], ON_A_REGION, "x[n] is not 0"),
        SIDES,
    ),
    "kept above 6": (
        Step(At(Relu6(x), n), Above(x[n], 0) * x[n], unfold(Relu6, "relu6")),
        SIDES,
    ),
    "every entry is differentiated": (
        Step(D(Sum(g[u] * x[u], (u, 0, 1)), x[n]), Sum(g[u], (u, 0, 1)), ON_A_REGION, "there is no kink"),
        SIDES,
    ),
    "the winner moves": (
        Step(
            D(Sum(g[n, c, o] * At(MaxPool(x), n, c, o).unfold(), OUTPUTS), x[n, c, a]),
            Sum(delta(READS(o, 0), a) * g[n, c, o], OUTPUTS),
            ON_A_REGION,
            "no two cells are equal",
        ),
        layers("x:nca g", where=lambda geometry: every_window_reads(geometry) and geometry.kernel_size[0] > 1, most=12),
    ),
    "the leak has the other slope": (
        Step(At(LeakyRelu(x, t), n), Above(x[n], 0) * t * x[n], unfold(LeakyRelu, "leaky relu")),
        SIDES,
    ),
    "elu is not shifted": (
        Step(At(Elu(x, t), n), Above(x[n], 0) * x[n] + (1 - Above(x[n], 0)) * t * exp(x[n]), unfold(Elu, "elu")),
        EXPONENTIAL,
    ),
    "softplus without its 1": (Step(At(Softplus(x), n), log(exp(x[n])), unfold(Softplus, "softplus")), EXPONENTIAL),
    "sigmoid of the other sign": (
        Step(At(Sigmoid(x), n), 1 / (1 + exp(x[n])), unfold(Sigmoid, "the sigmoid")),
        EXPONENTIAL,
    ),
    "tanh of half": (Step(At(Tanh(x), n), 1 - 2 / (exp(x[n]) + 1), unfold(Tanh, "tanh")), EXPONENTIAL),
    "silu is the sigmoid": (Step(At(Silu(x), n), 1 / (1 + exp(-x[n])), unfold(Silu, "silu")), EXPONENTIAL),
    "softmax's Jacobian is diagonal": (
        Step(
            At(SoftmaxGradient(g, x), n),
            At(Softmax(x), n) * (1 - At(Softmax(x), n)) * g[n],
            unfold(SoftmaxGradient, "the gradient of softmax"),
        ),
        EXPONENTIAL,
    ),
    "the logarithm's gradient forgets the other classes": (
        Step(
            At(LogSoftmaxGradient(g, x), n),
            g[n] * (1 - At(Softmax(x), n)),
            unfold(LogSoftmaxGradient, "the gradient of the logarithm"),
        ),
        EXPONENTIAL,
    ),
    "given statistics are not used": (
        Step(
            At(BatchNormInference(x, g[0], g[1], w[0], w[1], Integer(2)), n),
            w[0] * (x[n] - g[0]) + w[1],
            unfold(BatchNormInference, "batch normalisation"),
        ),
        EXPONENTIAL,
    ),
    "an equality used for every index, wrongly": (
        Step(
            Sum(w[u] * x[u], (u, 0, 1)),
            Sum(w[u] * g[0], (u, 0, 1)),
            known_for_every(u, (x[u], g[u])),
        ),
        SIDES,
    ),
    "added on one side alone": (
        Step(Sum(delta(u, n) * x[u], (u, 0, 1)), Sum(delta(u + 1, n) * x[u], (u, 0, 1)), on_both_sides(Integer(1))),
        SIDES,
    ),
    "through relu, the cotangent as it is": (
        replace(THROUGH_RELU, right=THROUGH_RELU.right.xreplace({D_PEAKS: D_ACTIVE})),
        NETWORK.models,
    ),
    "the bias gradient of a network is a mean": (
        replace(BIAS_STEP, right=BIAS_STEP.right / BATCH),
        NETWORK.models,
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_step_is_refused_by_both_checks(name):
    refused(*FALSE[name])
