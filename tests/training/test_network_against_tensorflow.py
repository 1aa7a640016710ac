"""Loss and gradients of the trained network are TensorFlow's, within bounds derived for both, on real digits.

Both compute in float64, and in float32; what each may be off from exact arithmetic is `network_bound`, which takes any
order of summation, so they are at most twice that apart. The premise is that no sign and no winner of a window lies
within the error. In the digits left out of the batch, one does whatever the weights: two windows of five by five show
the same ink, and max pooling chooses between them. (TensorFlow's threads flush subnormal numbers to zero, for which
there is no bound; here nothing comes near them.)
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from numeric.network import Sequential
from numeric.rounding.network import NetworkBound, network_bound
from training import fitting_numpy
from training.data import Dataset, Digits
from training.options_numpy import RECIPE

tensorflow = pytest.importorskip("tensorflow")

Arrays = Mapping[str, np.ndarray]

DTYPES = (np.float32, np.float64)
DIGITS = (0, 1, 3, 4, 5, 7, 8, 9)
SEED = 8  # of the first dozen, the one with no kink within float32's error


@pytest.fixture(scope="module")
def batch(mnist: Dataset) -> Digits:
    return mnist.training.take(np.array(DIGITS))


def network(dtype: type) -> Sequential:
    """The network of `train_numpy.py` with random weights and biases, float32's in either type.

    Biases are negative: over blank paper every unit is off, where otherwise all cells of a window would win.
    """
    random = np.random.default_rng(SEED)
    built = fitting_numpy.build(RECIPE.network, random)
    for layer in built.layers:
        for name, array in layer.parameters.items():
            drawn = -random.uniform(0.05, 0.2, array.shape) if name == "bias" else array
            layer.parameters[name] = drawn.astype(np.float32).astype(dtype)
    return Sequential(built.layers)


def channels_last(name: str, array: np.ndarray) -> np.ndarray:
    """A parameter as TensorFlow takes it: kernels `(height, width, in, out)`, dense weights `(features, outputs)`.

    Features come in the order height, width, channel after the last pooling.
    """
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if name == "7.weights":
        kernels = RECIPE.network.convolutions[-1].kernels
        return array.reshape(len(array), kernels, 5, 5).transpose(2, 3, 1, 0).reshape(-1, len(array))
    return array.T


def tensorflows(parameters: Arrays, images: np.ndarray, labels: np.ndarray) -> tuple[float, Arrays]:
    """Loss and gradients, the gradients channels-last."""
    nn = tensorflow.nn
    of = {name: tensorflow.constant(channels_last(name, array)) for name, array in parameters.items()}
    with tensorflow.GradientTape() as tape:
        tape.watch(of)
        x = tensorflow.constant(np.moveaxis(images, 1, -1))
        for number in (0, 3):
            x = nn.conv2d(x, of[f"{number}.weights"], 1, "VALID") + of[f"{number}.bias"]
            x = nn.relu(nn.max_pool2d(x, 2, 2, "VALID"))
        x = tensorflow.reshape(x, (len(images), -1))
        x = nn.relu(x @ of["7.weights"] + of["7.bias"])
        logits = x @ of["9.weights"] + of["9.bias"]
        losses = nn.sparse_softmax_cross_entropy_with_logits(labels.astype(np.int64), logits)
        loss = tensorflow.reduce_mean(losses)
    gradients = tape.gradient(loss, of)
    return loss.numpy(), {name: gradient.numpy() for name, gradient in gradients.items()}


def check_within(ours: Arrays, theirs: Arrays, bound: NetworkBound) -> None:
    """Every entry at most two bounds apart: one for us, one for them."""
    assert set(ours) == set(theirs) == set(bound.gradients)
    for name, gradient in ours.items():
        error = abs(channels_last(name, gradient).astype(float) - theirs[name])
        excess = error > 2 * channels_last(name, bound.gradients[name])
        assert not excess.any(), f"{name}: {excess.sum()} entries of {excess.size} differ, by up to {error.max():.3g}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_loss_and_every_gradient_are_tensorflows(batch: Digits, dtype: type) -> None:
    ours = network(dtype)
    images = fitting_numpy.grey(batch.images).astype(dtype)
    bound = network_bound(ours, images, batch.labels)
    assert bound.kinks == 0
    loss, _ = ours.loss_and_gradients(images, batch.labels)
    their_loss, theirs = tensorflows(ours.parameters, images, batch.labels)
    assert loss.dtype == their_loss.dtype == dtype
    assert abs(float(loss) - float(their_loss)) <= 2 * bound.loss
    check_within(ours.gradients, theirs, bound)


@pytest.mark.parametrize("digit", [2, 6])
def test_digits_left_out_have_a_tie(mnist: Dataset, digit: int) -> None:
    left_out = mnist.training.take(np.array([digit]))
    assert network_bound(network(np.float64), fitting_numpy.grey(left_out.images), left_out.labels).kinks > 0


def check_seen(batch: Digits, dtype: type, share: float, names: Sequence[str]) -> None:
    """A gradient wrong by that share in one parameter is told from TensorFlow's."""
    ours = network(dtype)
    images = fitting_numpy.grey(batch.images).astype(dtype)
    bound = network_bound(ours, images, batch.labels)
    ours.loss_and_gradients(images, batch.labels)
    _, theirs = tensorflows(ours.parameters, images, batch.labels)
    for name in names:
        gradient = ours.gradients[name]
        wrong = {**ours.gradients, name: gradient * dtype(1 + share)}
        with pytest.raises(AssertionError, match=f"{name}: .* entries of {gradient.size} differ"):
            check_within(wrong, theirs, bound)


def test_float64_sees_a_gradient_wrong_by_a_twentieth_of_a_percent_in_any_layer(batch: Digits) -> None:
    check_seen(batch, np.float64, 0.0005, list(network(np.float64).parameters))


def test_float32_sees_a_gradient_wrong_by_one_percent_in_dense_weights(batch: Digits) -> None:
    """Worst cases add up from layer to layer, so that its bound says less of the convolutions."""
    check_seen(batch, np.float32, 0.01, ["7.weights", "9.weights"])
