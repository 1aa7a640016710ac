"""Layers as objects, networks of them, Adam: exactly, by increments that gradients predict, or within bounds."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import GeometryError, activations, conv, dense_weight_gradient, normalisation, rounding
from numeric.layers import Activation, AveragePool, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from numeric.losses import softmax, softmax_cross_entropy, softmax_cross_entropy_input_gradient
from numeric.network import Sequential, glorot_uniform, he_uniform
from numeric.optimisers import Adam, one_cycle
from numeric.rounding.approximation import Approximation
from numeric.rounding.network import _backward, _forward, _range, _reach, network_bound
from tests import checks, strategies

FLOATS = (np.float32, np.float64)


def fractions(random, *shape):
    """Sevenths, so that they are no floats."""
    return strategies.exact(random.integers(-20, 21, shape)) / Fraction(7)


def check_predicts_increments(layer, x, g, dx):
    """`<g, y(x + dx) - y(x)> = <backward(g), dx>` where the layer is affine between the two; exactly."""
    moved = layer.forward(x + dx, True)
    y = layer.forward(x, True)
    assert (layer.backward(g) * dx).sum() == (g * (moved - y)).sum()
    for name, parameter in list(layer.parameters.items()):
        change = np.arange(1, parameter.size + 1).reshape(parameter.shape)
        layer.parameters[name] = parameter + change
        assert (layer.gradients[name] * change).sum() == (g * (layer.forward(x, True) - y)).sum(), name
        layer.parameters[name] = parameter


@given(st.data())
def test_a_convolution_is_the_function_and_its_gradients_predict_increments(data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    bias, dx = data.draw(strategies.integers((len(of["w"]),))), data.draw(strategies.integers(of["x"].shape))
    layer = Conv(of["w"], bias, **case.options)
    checks.check_same(layer.forward(of["x"]), conv(of["x"], of["w"], bias, **case.options))
    check_predicts_increments(layer, of["x"], of["g"], dx)


LAYERS = {
    "dense": (lambda random: Dense(fractions(random, 4, 3), fractions(random, 4)), (2, 3)),
    "flatten": (lambda _: Flatten(), (2, 3, 4, 5)),
    "max pooling": (lambda _: MaxPool((2, 3), stride=(1, 2), padding=((1, 0), 1)), (2, 3, 5, 6)),
    "average pooling": (lambda _: AveragePool((2, 3), stride=(1, 2), padding=((1, 0), 1)), (2, 3, 5, 6)),
    "relu": (lambda _: Activation("relu"), (3, 4, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_backward_pass_predicts_increments_exactly(name):
    make, shape = LAYERS[name]
    random = np.random.default_rng(0)
    # far apart and off zero, so that no increment changes a winner or a sign
    x = strategies.exact(random.permutation(np.prod(shape)).reshape(shape) * 100 - 1050)
    layer = make(random)
    g = fractions(random, *layer.forward(x).shape)
    check_predicts_increments(layer, x, g, fractions(random, *shape))


def test_dropout_drops_in_training_only_and_passes_back_what_it_kept():
    x, g = np.arange(1.0, 41).reshape(8, 5), np.arange(2.0, 42).reshape(8, 5)
    layer = Dropout(0.75, np.random.default_rng(0))
    y = layer.forward(x, True)
    kept = y != 0
    assert 0 < kept.sum() < x.size / 2  # the rate is that of what is dropped
    checks.check_same(y, np.where(kept, 4 * x, 0))
    checks.check_same(layer.backward(g), np.where(kept, 4 * g, 0))
    assert (layer.forward(x, True) != y).any()  # another mask
    checks.check_same(layer.forward(x), x)
    checks.check_same(layer.backward(g), g)


def test_dropout_of_the_same_generator_drops_the_same():
    x = np.ones((9, 7), np.float32)
    first, again = (Dropout(0.4, np.random.default_rng(3)).forward(x, True) for _ in range(2))
    checks.check_same(first, again)
    assert first.dtype == np.float32


def test_batch_normalisation_moves_its_statistics_in_training_only():
    random = np.random.default_rng(0)
    x, g = (random.standard_normal((4, 3, 2, 5)) for _ in range(2))
    layer = BatchNorm(3, momentum=0.75, epsilon=0.5, dtype=float)
    layer.parameters = {"scale": np.array([1.0, 2.0, -3.0]), "shift": np.array([0.5, 0.0, 1.0])}
    scale, shift = layer.parameters.values()
    checks.check_same(layer.forward(x, True), normalisation.batch_norm(x, scale, shift, 0.5))
    mean, variance = normalisation.batch_statistics(x)
    checks.check_same(layer.mean, 0.75 * np.zeros(3) + 0.25 * mean)
    checks.check_same(layer.variance, 0.75 * np.ones(3) + 0.25 * variance)
    checks.check_same(layer.backward(g), normalisation.batch_norm_input_gradient(g, x, scale, 0.5))
    checks.check_same(layer.gradients["scale"], normalisation.batch_norm_scale_gradient(g, x, 0.5))
    checks.check_same(layer.gradients["shift"], normalisation.batch_norm_shift_gradient(g))
    mean, variance = layer.mean, layer.variance
    y = normalisation.batch_norm_inference(x, mean, variance, scale, shift, 0.5)
    checks.check_same(layer.forward(x), y)
    assert layer.mean is mean
    assert layer.variance is variance


def test_every_activation_is_its_function():
    x, g = np.linspace(-3, 4, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    for name in ("relu", "leaky_relu", "relu6", "elu", "softplus", "sigmoid", "tanh", "silu"):
        layer = Activation(name)
        checks.check_same(layer.forward(x), getattr(activations, name)(x))
        checks.check_same(layer.backward(g), getattr(activations, f"{name}_input_gradient")(g, x))


def small(dtype=np.float64, seed=0):
    """A network with every layer that has a bound, for images of 9 x 8."""
    random = np.random.default_rng(seed)

    def affine(kind, shape, **options):
        bias = random.uniform(-0.5, 0.5, shape[0]).astype(np.float32)
        return kind(he_uniform(shape, random).astype(dtype), bias.astype(dtype), **options)

    return Sequential(
        [
            affine(Conv, (4, 2, 3, 2), padding=1, stride=(1, 2)),
            MaxPool(2, stride=1),
            Activation("relu"),
            affine(Conv, (6, 2, 2, 2), groups=2),
            AveragePool((2, 1)),
            Flatten(),
            affine(Dense, (7, 54)),
            Activation("relu"),
            affine(Dense, (5, 7)),
        ]
    )


def batch(size=6):
    random = np.random.default_rng(1)
    return random.standard_normal((size, 2, 9, 8)).astype(np.float32), random.integers(0, 5, size)


def test_a_network_is_its_layers_one_after_the_other():
    network = small()
    x, labels = batch()
    loss, logits = network.loss_and_gradients(x, labels)
    y = x.astype(float)
    for layer in network.layers:
        y = layer.forward(y)
    checks.check_same(logits, y)
    checks.check_same(network.predict(x), softmax(y))
    assert loss == softmax_cross_entropy(y, labels).sum() / len(labels)
    g = softmax_cross_entropy_input_gradient(np.full(len(labels), 1 / len(labels)), y, labels)
    checks.check_same(network.gradients["8.bias"], g.sum(axis=0))  # of the mean, as the loss is
    assert list(network.parameters) == [f"{n}.{name}" for n in (0, 3, 6, 8) for name in ("weights", "bias")]
    shapes = {name: array.shape for name, array in network.parameters.items()}
    assert {name: array.shape for name, array in network.gradients.items()} == shapes
    assert network.parameters["0.weights"] is network.layers[0].parameters["weights"]


def test_gradients_are_those_of_the_mean_loss():
    """Of four examples, so that the mean divides exactly."""
    w, x = np.arange(6.0).reshape(3, 2) / 8, np.arange(8.0).reshape(4, 2) / 4
    network, labels = Sequential([Dense(w)]), [0, 2, 1, 1]
    _, logits = network.loss_and_gradients(x, labels)
    g = softmax_cross_entropy_input_gradient(np.full(4, 0.25), logits, labels)
    checks.check_same(network.gradients["0.weights"], dense_weight_gradient(g, x))
    checks.check_same(network.gradients["0.bias"], g.sum(axis=0))


def test_a_new_layer_is_not_in_training():
    assert Flatten().training is False
    assert Dense(np.ones((3, 2))).training is False


def test_statistics_have_the_type_of_the_parameters():
    for dtype in FLOATS:
        layer = BatchNorm(3, dtype=dtype)
        assert {layer.mean.dtype, layer.variance.dtype, *(p.dtype for p in layer.parameters.values())} == {
            np.dtype(dtype)
        }


@pytest.mark.parametrize("dtype", FLOATS)
def test_everything_stays_in_the_type_of_the_parameters(dtype):
    network = small(dtype)
    x, labels = batch()
    loss, logits = network.loss_and_gradients(x.astype(float), labels)
    found = {loss.dtype, logits.dtype, *(array.dtype for array in network.gradients.values())}
    Adam(weight_decay=0.1).step(network.parameters, network.gradients)
    assert found | {array.dtype for array in network.parameters.values()} == {np.dtype(dtype)}


def test_gradients_are_cleared_unless_they_are_to_accumulate():
    network = small()
    x, labels = batch()
    network.loss_and_gradients(x[:2], labels[:2])
    first = network.gradients
    network.loss_and_gradients(x[2:], labels[2:])
    second = network.gradients
    network.loss_and_gradients(x[:2], labels[:2])
    network.loss_and_gradients(x[2:], labels[2:], accumulate=True)
    for name, gradient in network.gradients.items():
        checks.check_same(gradient, first[name] + second[name])
    network.clear()
    assert network.gradients == {}


def test_training_reaches_the_layers_and_prediction_does_not_train():
    layer = Dropout(0.5, np.random.default_rng(0))
    network = Sequential([Dense(np.eye(40, dtype=np.float32)), layer])
    x = np.ones((1, 40), np.float32)
    checks.check_same(network.forward(x), x)
    network.loss_and_gradients(x, [3])
    assert layer.training
    checks.check_same(network.predict(x), softmax(x))


@pytest.mark.parametrize("make", [he_uniform, glorot_uniform])
def test_first_weights_fill_their_range_and_follow_the_generator(make):
    shape = (30, 5, 3, 4)
    w = make(shape, np.random.default_rng(0))
    limit = np.sqrt(6 / (5 * 12)) if make is he_uniform else np.sqrt(6 / (5 * 12 + 30 * 12))
    assert 0.99 * limit < w.max() <= np.float32(limit)
    assert -0.99 * limit > w.min() >= -np.float32(limit)
    checks.check_same(w, make(shape, np.random.default_rng(0)))
    assert (w != make(shape, np.random.default_rng(1))).any()
    assert make((4, 3), np.random.default_rng(0), np.float16).dtype == np.float16


@pytest.mark.parametrize("dtype", FLOATS)
def test_adam_is_the_textbooks_within_the_bound_of_its_steps(dtype):
    """The paper's moments with corrections, in exact arithmetic, against ours in three steps with decay."""
    random = np.random.default_rng(0)
    w, steps = random.standard_normal((3, 5)).astype(dtype), random.standard_normal((3, 3, 5)).astype(dtype)
    ours, adam = w.copy(), Adam(0.75, 0.875, 0.0625, weight_decay=0.5)  # exact numbers: nothing but steps rounds

    def number(value):
        return Approximation.number(Fraction(value), value, np.dtype(dtype))

    true, zero = Approximation.exact(w), Approximation.exact(np.zeros_like(w))
    mean, square = zero, zero
    for t, gradient in enumerate(steps, start=1):
        adam.step({"w": ours}, {"w": gradient}, 0.25)
        g = Approximation.exact(gradient)
        mean = number(0.75) * mean + number(0.25) * g
        square = number(0.875) * square + number(0.125) * (g * g)
        corrected = number(1 - 0.875**t).sqrt() / number(1 - 0.75**t)
        change = corrected * mean / (square.sqrt() + number(0.0625))
        true = true - number(0.25) * (change + number(0.5) * true)
        assert (abs(ours - true.value) <= 2 * true.error).all()
        assert (true.error <= 100 * rounding.unit_roundoff(dtype)).all()


def test_adam_refuses_gradients_that_do_not_fit_before_it_changes_anything():
    w = np.ones((2, 3))
    with pytest.raises(GeometryError, match=r"expected gradients of shapes \{'w': \(2, 3\)\}, got \{'w': \(3, 2\)\}"):
        Adam().step({"w": w}, {"w": np.ones((3, 2))})
    with pytest.raises(GeometryError, match=r"got \{\}"):
        Adam().step({"w": w}, {})
    assert (w == 1).all()


def test_one_cycle_rises_in_a_line_and_falls_along_a_cosine():
    rates = [one_cycle(step, 24, 0.5, 0.25) for step in range(24)]
    assert rates[:7] == [0.5 * step / 6 for step in range(7)]
    assert all(earlier > later > 0 for earlier, later in pairwise(rates[6:]))
    assert abs(Fraction(rates[15]) - Fraction(1, 4)) <= Fraction(rounding.gamma(8, float))  # half of the fall
    assert one_cycle(0, 5, 0.5, 0.0) == 0.5
    assert one_cycle(0, 1, 0.5, 1.0) == 0


@pytest.mark.parametrize("seed", range(4))
def test_float32_is_within_the_bound_of_float64(seed):
    """The parameters and images are float32's, so both compute the same in exact arithmetic."""
    x, labels = batch()
    single, double = small(np.float32, seed), small(np.float64, seed)
    bounds = [network_bound(network, x, labels) for network in (single, double)]
    assert bounds[0].kinks == 0
    losses = [network.loss_and_gradients(x, labels)[0] for network in (single, double)]
    assert abs(float(losses[0]) - losses[1]) <= bounds[0].loss + bounds[1].loss
    for name, gradient in double.gradients.items():
        low, high = bounds[1].gradients[name], bounds[0].gradients[name]
        assert (abs(single.gradients[name].astype(float) - gradient) <= high + low).all(), name
        assert (abs(gradient) > high)[gradient != 0].any(), name  # float32's bound says something of each
        assert (0.0005 * abs(gradient) > 2 * low).any(), name  # float64's sees a twentieth of a percent


def test_a_kink_within_the_error_is_counted_and_the_bound_covers_both_sides():
    """Two cells of a window that are equal; a unit that is off by less than the error."""
    x = np.array([[[0.1, 0.1, -0.5, 0.25]]], np.float32)
    w = np.array([[[1.0]], [[-2.0]], [[3.0]]], np.float32)
    network = Sequential([Conv(w), MaxPool(2), Flatten()])
    bound = network_bound(network, x, [1])
    assert bound.kinks == 3
    g = softmax_cross_entropy_input_gradient([1.0], network.forward(x), [1])
    assert (bound.gradients["0.bias"] >= abs(g[0, ::2])).all()  # those of the windows with a tie
    near = Sequential([Dense(np.array([[0.1, -0.3]], np.float32)), Activation("relu"), Dense(w[:, :, 0])])
    assert network_bound(near, np.array([[0.3, 0.1]], np.float32), [0]).kinks == 1
    assert network_bound(near, np.array([[0.3, 0.2]], np.float32), [0]).kinks == 0


@pytest.mark.parametrize("scale", [2.0**10, 2.0**14])
def test_where_a_value_could_overflow_the_bound_is_infinite(scale):
    x, labels = batch()
    bound = network_bound(small(np.float16), x * scale, labels)
    assert bound.loss == np.inf
    assert all(np.isinf(array).all() for array in bound.gradients.values())


def test_the_bounds_own_arithmetic_overflows_in_silence():
    """Warnings are errors here."""
    x, labels = batch()
    assert network_bound(small(np.float64), x.astype(float) * 2.0**1021, labels).loss == np.inf


def test_what_may_be_computed_lies_between_a_range_s_ends():
    """Two errors on either side, and one number further; an exact number is itself, and so is an exact zero's reach."""
    a = Approximation(np.array([1.0, -3.0, 0.0, 0.0]), np.array([0.25, 0.0, 0.5, 0.0]), np.dtype(np.float32))
    low, high = _range(a)
    assert low.tolist() == [np.nextafter(0.5, 0), -3, np.nextafter(-1, -2), 0]
    assert high.tolist() == [np.nextafter(1.5, 2), -3, np.nextafter(1, 2), 0]
    one = np.float32(1)
    assert _reach(a).tolist() == [
        np.nextafter(1.5 * one, 2 * one),
        np.nextafter(3 * one, 4 * one),
        np.nextafter(one, 2 * one),
        0,
    ]
    assert _reach(a).dtype == np.float32


def test_relu_is_a_kink_exactly_where_the_range_reaches_from_below_or_at_0_to_above():
    """In turn: below 0 throughout, exactly 0, from 0, around 0, above 0 throughout, 0 and above and exact."""
    tiny = np.nextafter(0.0, 1.0)
    x = Approximation(np.array([-3.0, 0.0, 1.0, 0.5, 3.0, 2.0]), np.array([1.0, 0, 0.5, 1, 1, 0]), np.float64)
    low, high = _range(x)
    assert high[0] < low[1] == high[1] == 0
    assert low[2] <= 0 < high[2]
    g = Approximation(np.array([5.0, 5, -5, 5, 5, -5]), np.array([0.25] * 6), np.float64)
    passed = _backward(Activation("relu"), g, x)
    assert passed.dx.value.tolist() == [0, 0, -5, 5, 5, -5]
    assert passed.dx.error.tolist() == [0, 0, 5.5, 5.5, 0.25, 0.25]
    assert passed.kinks == 2
    assert _forward(Activation("relu"), x).error.tolist() == [0, 0, 0.5, 1, 1, 0]
    silent = Approximation(np.array([0.0]), np.array([0.0]), np.float64)
    at = Approximation(np.array([tiny]), np.array([1.0]), np.float64)
    assert _backward(Activation("relu"), silent, at).kinks == 0


def test_an_exact_zero_is_no_kink_of_relu():
    network = Sequential([Activation("relu"), Flatten()])
    assert network_bound(network, np.array([[0.0, 1.0]], np.float32), [0]).kinks == 0


def test_equal_cells_are_a_kink_of_max_pooling_even_if_they_are_exact():
    network = Sequential([MaxPool(2), Flatten()])
    x = np.array([[[0.5, 0.5, 0.25, 0.125]]], np.float32)
    assert network_bound(network, x, [0]).kinks == 1


def test_where_nothing_is_passed_back_a_kink_does_not_count():
    x = np.array([[[0.25, 0.25, -0.5, 0.25]]], np.float32)
    network = Sequential([Conv(np.array([[[-1.0]], [[2.0]]], np.float32)), MaxPool(4), Activation("relu"), Flatten()])
    assert network_bound(network, -abs(x), [1]).kinks == 0


IMAGE = np.ones((1, 2, 4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Sequential([]), GeometryError, "a network needs at least one layer, got none"),
        (
            lambda: Sequential([Dense(np.ones((3, 2))), Dense(np.ones((2, 3), np.float32))]),
            TypeError,
            "all parameters must have one number type, got float32, float64",
        ),
        (
            lambda: Activation("gelu"),
            GeometryError,
            "activation must be one of 'relu', 'leaky_relu', 'relu6', 'elu', .*; got 'gelu'",
        ),
        (
            lambda: Dense(np.ones((3, 2))).backward(np.ones((1, 3))),
            RuntimeError,
            "Dense: a backward pass needs a forward",
        ),
        (
            lambda: (layer := BatchNorm(2, dtype=float)).forward(IMAGE) is layer.backward(IMAGE),
            RuntimeError,
            "BatchNorm: a backward pass needs a forward pass in training before it",
        ),
        (lambda: Conv(np.ones((2, 3, 2, 2))).forward(IMAGE), GeometryError, r"w must have shape \(2, 2, 2, 2\)"),
        (lambda: Dense(np.ones((3, 2)), np.ones(2)).forward(np.ones((1, 2))), GeometryError, "bias must have shape"),
        (lambda: Dense(np.array(["a"])), TypeError, "expected numbers"),
        (
            lambda: Sequential([Flatten()]).loss_and_gradients(np.ones((0, 3)), np.ones(0, int)),
            GeometryError,
            r"a mean loss needs at least one example, got logits of shape \(0, 3\)",
        ),
        (
            lambda: Sequential([Flatten()]).loss_and_gradients(np.ones((2, 3)), [0, 3]),
            GeometryError,
            "labels must be from 0 to 2 for 3 classes, got 3",
        ),
        (
            lambda: network_bound(Sequential([Dense(np.ones((3, 2)))]), np.ones((1, 2)), [3]),
            GeometryError,
            "labels must be from 0 to 2 for 3 classes, got 3",
        ),
        (
            lambda: network_bound(Sequential([BatchNorm(2), Flatten()]), IMAGE, [0]),
            TypeError,
            "no rounding bound for a network with the layer BatchNorm",
        ),
        (
            lambda: network_bound(Sequential([Activation("tanh"), Flatten()]), IMAGE, [0]),
            TypeError,
            "no rounding bound for a network with the activation tanh",
        ),
        (
            lambda: network_bound(Sequential([Dense(np.ones((3, 2), int))]), np.ones((1, 2)), [0]),
            TypeError,
            "rounding bounds are for real floating-point types, got int64",
        ),
    ],
)
def test_what_does_not_fit_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
