"""The operators of activations, loss and normalisation are the shipped functions; so is what derivations arrive at."""

import pytest
import sympy

import numeric
from proofs.derivations.activations import ALPHA, SLOPE, P, piecewise_linear, smooth
from proofs.derivations.normalisation import (
    EPSILON,
    GIVEN_MEAN,
    GIVEN_VARIANCE,
    SCALE,
    SHIFT,
    batch_normalisation,
    inference,
)
from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.expressions import Expression
from proofs.layer_signals import OUT_CHANNELS
from proofs.signals import At
from proofs.training_signals import (
    BatchNorm,
    BatchNormInference,
    Elu,
    LeakyRelu,
    LogSoftmax,
    LogSoftmaxGradient,
    Relu,
    Relu6,
    Sigmoid,
    Silu,
    Softmax,
    SoftmaxGradient,
    Softplus,
    Tanh,
)

x, g = arrays("x g")
(i,) = integers("i9")  # none that an operator sums over


# a function of numbers and its signal; what its derivation arrives at is its gradient
ACTIVATIONS = {
    "relu": Relu(x),
    "leaky_relu": LeakyRelu(x, SLOPE),
    "relu6": Relu6(x),
    "elu": Elu(x, ALPHA),
    "softplus": Softplus(x),
    "sigmoid": Sigmoid(x),
    "tanh": Tanh(x),
    "silu": Silu(x),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_what_its_derivation_arrives_at_are_the_shipped_functions(name):
    """On either side of every kink, with the slope below 0 a number."""
    signal, found = ACTIVATIONS[name], {}
    for derivation in (piecewise_linear(), smooth()):
        found |= {left.args[0].function.atoms(At).pop().signal: right for left, right in derivation.goals}
    sides = (-2, 3, 7)
    (model,) = at_sizes(
        {SLOPE: range(3, 4), ALPHA: range(3, 4)},
        lambda _: {name: [range(3)] for name in "xg"},
        expressions=True,
        most=1,
    )()
    model.sample["x"] = sides
    numbers, more = model.numbers, [3] if name in ("leaky_relu", "elu") else []
    expected = getattr(numeric, name)(numbers["x"], *more)
    gradient = getattr(numeric, f"{name}_input_gradient")(numbers["g"], numbers["x"], *more)
    for place in range(len(sides)):
        assert _like(model.value(At(signal, i), {i: place}), expected[place])
        assert model.value(found[signal], {P: place}) == gradient[place]


def _like(a, b):
    """Whether two values are the same; logarithms of different sums are compared as the sums."""
    return a.exp() == b.exp() if isinstance(a, Expression) and a.term.has(sympy.log) else a == b


def test_softmax_and_its_gradients_are_the_shipped_functions():
    (model,) = at_sizes(
        {OUT_CHANNELS: range(3, 4)}, lambda _: {name: [range(3)] for name in "xg"}, expressions=True, most=1
    )()
    model.sample["x"] = (1, 3, 2)
    rows, cotangents = (model.numbers[name].reshape(1, 3) for name in "xg")
    for signal, shipped in (
        (Softmax(x), numeric.softmax(rows)),
        (LogSoftmax(x), numeric.log_softmax(rows)),
        (SoftmaxGradient(g, x), numeric.softmax_input_gradient(cotangents, rows)),
        (LogSoftmaxGradient(g, x), numeric.log_softmax_input_gradient(cotangents, rows)),
    ):
        for place, expected in enumerate(shipped.flat):
            assert _like(model.value(At(signal, i), {i: place}), expected)


@pytest.mark.parametrize("derivation", [batch_normalisation, inference], ids=lambda derivation: derivation.__name__)
def test_what_the_derivations_of_batch_normalisation_arrive_at_is_what_the_shipped_functions_return(derivation):
    """By input, scale and shift, and the layer itself."""
    model = next(iter(derivation().models()))
    x, g, s, b = (model.numbers[name] for name in ("x", "g", "scale", "shift"))
    column, e = x.reshape(-1, 1), model.sizes[EPSILON]
    if derivation is batch_normalisation:
        of_input = numeric.batch_norm_input_gradient(g.reshape(-1, 1), column, s, e)
        of_scale = numeric.batch_norm_scale_gradient(g.reshape(-1, 1), column, e)
        y, signal = numeric.batch_norm(column, s, b, e), BatchNorm(arrays("x")[0], SCALE, SHIFT, EPSILON)
    else:
        m, v = model.numbers["mean"], model.numbers["variance"]
        of_input = numeric.batch_norm_inference_input_gradient(g.reshape(-1, 1), v, s, e)
        of_scale = numeric.batch_norm_inference_scale_gradient(g.reshape(-1, 1), column, m, v, e)
        y = numeric.batch_norm_inference(column, m, v, s, b, e)
        signal = BatchNormInference(arrays("x")[0], GIVEN_MEAN, GIVEN_VARIANCE, SCALE, SHIFT, EPSILON)
    found = [right for _, right in derivation().goals]
    assert all(model.value(found[0], {P: place}) == entry for place, entry in enumerate(of_input.flat))
    assert model.value(found[1]) == of_scale[0]
    assert model.value(found[2]) == numeric.batch_norm_shift_gradient(g.reshape(-1, 1))[0]
    assert all(model.value(At(signal, i), {i: place}) == entry for place, entry in enumerate(y.flat))
