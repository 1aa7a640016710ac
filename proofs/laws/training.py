"""What a training adds to the layers: the loss, batch normalisation, dropout, and the chain of them all.

Exponentials, logarithms and square roots are generators of a field (`proofs.expressions`), so that every equality is
decided as one of rational functions.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

import proofs.derivations.training as derivations
from numeric import (
    batch_norm,
    batch_norm_inference,
    batch_norm_inference_input_gradient,
    batch_norm_inference_scale_gradient,
    batch_norm_input_gradient,
    batch_norm_scale_gradient,
    batch_norm_shift_gradient,
    batch_statistics,
    conv,
    dropout,
    dropout_input_gradient,
    log_softmax,
    log_softmax_input_gradient,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_input_gradient,
    softmax_cross_entropy_target_gradient,
    softmax_input_gradient,
)
from numeric.dtypes import Array
from numeric.layers import Activation, Conv, Dense, Flatten, MaxPool
from numeric.network import Sequential
from proofs import grids
from proofs.derivations import network as network_gradients
from proofs.derivations import normalisation
from proofs.grids import full
from proofs.law import Equation, Numbers, law

CLASSES: dict[str, Any] = {
    "cases": grids.classes,
    "scope": "two classes, each as the largest logit, by which a row is shifted, and as the label; one row and two",
    "full": grids.more_classes,
    "full_scope": "up to four classes, every place of the largest logit; two rows of three; ten classes, as in MNIST",
    "engine": "expressions",
    "needs_symbols": True,
}
NORMS: dict[str, Any] = {
    "cases": grids.norms,
    "scope": "two values in a channel, over batch or positions; one channel and two",
    "full": grids.more_norms,
    "full_scope": "two to four values in a channel, over batch, positions or both; one to three channels",
    "engine": "expressions",
    "needs_symbols": True,
    "assumptions": ("variance + ε > 0",),
}


@law(
    name="stable-softmax-is-the-textbooks",
    statement="softmax(x) = exp(x) / Σ exp(x), exp(log_softmax(x)) = softmax(x), Σ softmax(x) = 1, "
    "softmax(x + c) = softmax(x)",
    source="the shift by the maximum cancels",
    path="numeric.softmax, numeric.log_softmax",
    **CLASSES,
)
def stable_softmax(_: grids.ClassesCase, of: Numbers) -> Iterator[Equation]:
    """Our shifted formulas against the plain one."""
    x, powers = of["x"], np.exp(of["x"])
    p = softmax(x)
    yield "textbook", p, powers / powers.sum(axis=1, keepdims=True)
    yield "log", np.exp(log_softmax(x)), p
    yield "sum", p.sum(axis=1), np.ones(len(x), int)
    yield "shift", softmax(x + of["c"][0]), p


@law(
    name="softmax-gradients-are-the-derivatives",
    statement="softmax_input_gradient(h, x) = ∂⟨h, softmax(x)⟩/∂x, and the same for log_softmax",
    source="quotient rule: ∂pᵢ/∂xⱼ = pᵢ(δᵢⱼ − pⱼ)",
    path="numeric.softmax, numeric.softmax_input_gradient, numeric.log_softmax, numeric.log_softmax_input_gradient",
    derivation=derivations.softmax_gradients,
    **CLASSES,
)
def softmax_gradients(_: grids.ClassesCase, of: Numbers) -> Iterator[Equation]:
    """Both, by SymPy's derivative of the executed function."""
    x, h = of["x"], of["h"]
    yield "softmax", softmax_input_gradient(h, x), of.gradient(lambda x: (h * softmax(x)).sum(), "x")
    yield "log_softmax", log_softmax_input_gradient(h, x), of.gradient(lambda x: (h * log_softmax(x)).sum(), "x")


@law(
    name="softmax-cross-entropy-gradient-is-probability-minus-target",
    statement="∂⟨g, loss⟩/∂x = g·(softmax(x)·Σ t − t), ∂⟨g, loss⟩/∂t = −g·log_softmax(x); a label is a row with one 1",
    source="chain rule; what every classifier's last layer passes back",
    path="numeric.softmax_cross_entropy, numeric.softmax_cross_entropy_input_gradient, "
    "numeric.softmax_cross_entropy_target_gradient",
    derivation=derivations.cross_entropy,
    **CLASSES,
)
def cross_entropy(case: grids.ClassesCase, of: Numbers) -> Iterator[Equation]:
    """Targets that are labels, and rows of symbols that need not sum to 1."""
    x, t, g, labels = of["x"], of["t"], of["g"], np.array(case.labels)
    by_label = of.gradient(lambda x: (g * softmax_cross_entropy(x, labels)).sum(), "x")
    yield "labels", softmax_cross_entropy_input_gradient(g, x, labels), by_label
    by_row = of.gradient(lambda x: (g * softmax_cross_entropy(x, t)).sum(), "x")
    yield "rows", softmax_cross_entropy_input_gradient(g, x, t), by_row
    by_target = of.gradient(lambda t: (g * softmax_cross_entropy(x, t)).sum(), "t")
    yield "target", softmax_cross_entropy_target_gradient(g, x), by_target


@law(
    name="softmax-jacobian-is-not-diagonal",
    statement="not: ∂⟨h, softmax(x)⟩/∂x = h·p·(1 − p), entry by entry",
    source="a popular belief, refuted: right for the sigmoid",
    path="numeric.softmax",
    fails=True,
    **CLASSES,
)
def diagonal(_: grids.ClassesCase, of: Numbers) -> Iterator[Equation]:
    """The sigmoid's rule."""
    x, h = of["x"], of["h"]
    p = softmax(x)
    yield "∂L/∂x", h * p * (1 - p), of.gradient(lambda x: (h * softmax(x)).sum(), "x")


@law(
    name="batch-normalisation-gradients-are-the-derivatives",
    statement="the input, scale and shift gradients of batch_norm = ∂⟨g, batch_norm(x, s, b, ε)⟩/∂x, ∂s, ∂b",
    source="Ioffe, Szegedy 2015: the chain rule through mean and variance",
    path="numeric.batch_norm, numeric.batch_norm_input_gradient, numeric.batch_norm_scale_gradient, "
    "numeric.batch_norm_shift_gradient",
    derivation=normalisation.batch_normalisation,
    **NORMS,
)
def batch_normalisation(_: grids.NormCase, of: Numbers) -> Iterator[Equation]:
    """With √(variance + ε) a generator whose square is variance + ε."""
    x, g, s, b, e = (of[name] for name in "xgsbe")
    dx = of.gradient(lambda x: (g * batch_norm(x, s, b, e[0])).sum(), "x")
    yield "∂L/∂x", batch_norm_input_gradient(g, x, s, e[0]), dx
    ds = of.gradient(lambda s: (g * batch_norm(x, s, b, e[0])).sum(), "s")
    yield "∂L/∂s", batch_norm_scale_gradient(g, x, e[0]), ds
    yield "∂L/∂b", batch_norm_shift_gradient(g), of.gradient(lambda b: (g * batch_norm(x, s, b, e[0])).sum(), "b")


@law(
    name="batch-normalisation-centres-and-scales",
    statement="batch_norm(x, s, b, ε) has mean b and variance s²·v / (v + ε), v that of x",
    source="Ioffe, Szegedy 2015: what the layer is for",
    path="numeric.batch_norm, numeric.batch_statistics",
    **NORMS,
)
def centred(_: grids.NormCase, of: Numbers) -> Iterator[Equation]:
    """Statistics of what comes out."""
    x, s, b, e = (of[name] for name in "xsbe")
    mean, variance = batch_statistics(batch_norm(x, s, b, e[0]))
    before = batch_statistics(x)[1]
    yield "mean", mean, b
    yield "variance", variance, s * s * before / (before + e[0])


@law(
    name="batch-normalisation-at-inference-is-affine",
    statement="batch_norm_inference = s·(x − m)/√(v + ε) + b, its gradients ∂/∂x, ∂s, ∂b; and with the batch's own "
    "statistics it is batch_norm",
    source="Ioffe, Szegedy 2015, algorithm 2",
    path="numeric.batch_norm_inference, numeric.batch_norm_inference_input_gradient, "
    "numeric.batch_norm_inference_scale_gradient, numeric.batch_norm_shift_gradient, numeric.batch_norm, "
    "numeric.batch_statistics",
    derivation=normalisation.inference,
    **NORMS,
)
def inference(_: grids.NormCase, of: Numbers) -> Iterator[Equation]:
    """Given statistics as symbols; then those of x."""
    x, g, s, b, m, v, e = (of[name] for name in "xgsbmve")

    def loss(**changed: Any) -> Any:
        arrays = {"x": x, "s": s, "b": b, **changed}
        return (g * batch_norm_inference(arrays["x"], m, v, arrays["s"], arrays["b"], e[0])).sum()

    dx = of.gradient(lambda x: loss(x=x), "x")
    yield "∂L/∂x", batch_norm_inference_input_gradient(g, v, s, e[0]), dx
    yield "∂L/∂s", batch_norm_inference_scale_gradient(g, x, m, v, e[0]), of.gradient(lambda s: loss(s=s), "s")
    yield "∂L/∂b", batch_norm_shift_gradient(g), of.gradient(lambda b: loss(b=b), "b")
    mean, variance = batch_statistics(x)
    yield "own statistics", batch_norm_inference(x, mean, variance, s, b, e[0]), batch_norm(x, s, b, e[0])


@law(
    name="batch-normalisation-folds-into-the-layer-before",
    statement="batch_norm_inference(conv(x, w)) = conv(x, w·s/√(v + ε), bias b − m·s/√(v + ε))",
    source="both are affine; what deployment tools do",
    cases=grids.folds,
    scope="a layer of one axis and two outputs",
    path="numeric.batch_norm_inference, numeric.conv (im2col)",
    engine="expressions",
    needs_symbols=True,
    assumptions=("variance + ε > 0",),
)
def folding(_: grids.FoldCase, of: Numbers) -> Iterator[Equation]:
    """One layer in place of two."""
    x, w, s, b, m, v, e = (of[name] for name in "xwsbmve")
    factor = s / np.sqrt(v + e[0])
    folded = conv(x, w * factor.reshape(-1, *(1,) * (w.ndim - 1)), b - m * factor)
    yield "folded", batch_norm_inference(conv(x, w), m, v, s, b, e[0]), folded


@law(
    name="batch-normalisation-gradient-is-not-the-scaled-cotangent",
    statement="not: ∂L/∂x = g·s/√(variance + ε), as if mean and variance did not depend on x",
    source="a popular belief, refuted: right at inference alone",
    path="numeric.batch_norm, numeric.batch_statistics, numeric.batch_norm_inference_input_gradient",
    fails=True,
    **NORMS,
)
def frozen(_: grids.NormCase, of: Numbers) -> Iterator[Equation]:
    """The inference's gradient with the batch's variance."""
    x, g, s, b, e = (of[name] for name in "xgsbe")
    gradient = of.gradient(lambda x: (g * batch_norm(x, s, b, e[0])).sum(), "x")
    yield "∂L/∂x", batch_norm_inference_input_gradient(g, batch_statistics(x)[1], s, e[0]), gradient


@law(
    name="dropout-gradient-is-the-same-mask",
    statement="dropout_input_gradient(g, mask, r) = ∂⟨g, dropout(x, mask, r)⟩/∂x",
    source="Srivastava et al. 2014: linear once the mask is given",
    cases=grids.masks,
    scope="every mask on 1 × 3 and 2 × 2 numbers, every rate below 1",
    full=full.masks,
    full_scope="every mask on 1 × 3 and 2 × 2 numbers, one on 1 × 128 (1024 in the MNIST network), every rate below 1",
    path="numeric.dropout, numeric.dropout_input_gradient",
    engine="expressions",
    needs_symbols=True,
    derivation=derivations.dropout,
)
def dropped(case: grids.MaskCase, of: Numbers) -> Iterator[Equation]:
    """The rate is a symbol."""
    g, rate, mask = of["g"], of["r"][0], np.array(case.mask)
    gradient = of.gradient(lambda x: (g * dropout(x, mask, rate)).sum(), "x")
    yield "∂L/∂x", dropout_input_gradient(g, mask, rate), gradient


@law(
    name="dropout-keeps-the-mean",
    statement="Σ over masks of P(mask)·dropout(x, mask, r) = x, for every rate r < 1",
    source="Srivastava et al. 2014, inverted: why inference is the identity",
    cases=grids.mask_shapes,
    scope="all masks of 1 × 2, 1 × 3 and 2 × 2 numbers added up",
    path="numeric.dropout",
    engine="expressions",
    needs_symbols=True,
)
def expectation(_: grids.MaskCase, of: Numbers) -> Iterator[Equation]:
    """A mask with k kept of n has probability (1 − r)^k·r^(n − k)."""
    x, rate = of["x"], of["r"][0]
    total: Any = 0
    for bits in product((0, 1), repeat=x.size):
        chance = prod([1 - rate if bit else rate for bit in bits], start=1)
        total = total + dropout(x, np.reshape(bits, x.shape), rate) * chance
    yield "mean", total, x


@law(
    name="network-gradients-are-the-derivatives",
    statement="Sequential.loss_and_gradients = the mean softmax cross-entropy and its derivatives by every parameter",
    source="chain rule through convolution, bias, max pooling, ReLU, flatten, dense and loss",
    cases=grids.networks,
    scope="a convolution of 4 cells by 2 taps, pooling, ReLU, 2 classes; one pattern of winners and signs",
    full=grids.more_networks,
    full_scope="a convolution of 4 cells by 2 taps, pooling, ReLU, 2 classes; 16 drawn patterns",
    path="numeric.network.Sequential, numeric.layers",
    assumptions=("no output of the convolution is 0, and no two in a window are equal",),
    derivation=network_gradients.network,
    engine="expressions",
    needs_symbols=True,
)
def network(case: grids.NetworkCase, of: Numbers) -> Iterator[Equation]:
    """The loss of the executed network, differentiated by each parameter; the layers' backward passes beside it."""
    arrays = {name: of[name] for name in "wbvc"}

    def run(**changed: Array) -> tuple[Any, dict[str, Array]]:
        w, b, v, c = ({**arrays, **changed}[name] for name in "wbvc")
        made = Sequential([Conv(w, b), MaxPool(2, stride=1), Activation("relu"), Flatten(), Dense(v, c)])
        loss, _ = made.loss_and_gradients(of["x"], np.array(case.labels))
        return loss, made.gradients

    ours = run()[1]
    for name, gradient in zip("wbvc", ours.values(), strict=True):
        derivative = of.gradient(lambda array, name=name: run(**{name: array})[0], name)  # type: ignore[misc]
        yield f"by {name}", gradient, derivative
