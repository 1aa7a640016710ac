"""Training a network of `numeric`'s layers as a recipe says, and having it read digits: NumPy alone."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.geometry import Axis, named_padding
from numeric.layers import Activation, Conv, Dense, Dropout, Flatten, Layer, MaxPool
from numeric.losses import softmax_cross_entropy
from numeric.network import Sequential, glorot_uniform, he_uniform
from numeric.optimisers import Adam, one_cycle
from training.data import CLASSES, IMAGE_SHAPE, Digits
from training.errors import RunError
from training.recipes import Network, Recipe

Row = dict[str, float]

_READING_BATCH = 500  # images read at once when no gradients are kept


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network made of some digits: mean cross-entropy (nats), share read right."""

    loss: float
    accuracy: float


def build(network: Network, generator: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Sequential:
    """Return the untrained network: grey values 0 to 1 `(n, 1, 28, 28)` in, ten logits `(n, 10)` out.

    ReLU comes after max pooling: the two commute, and there is less to do. Biases start at 0. Raises `ValueError` if
    `network` normalises, or has no hidden dense layer: this function has no layers for that.
    """
    if network.normalise or not network.dense:
        raise ValueError(f"expected a network without batch normalisation and with a dense layer, got {network}")
    layers: list[Layer] = []
    channels, size = 1, IMAGE_SHAPE
    for convolution in network.convolutions:
        kernels, width, padding = convolution.kernels, convolution.width, convolution.padding
        weights = he_uniform((kernels, channels, width, width), generator, dtype)
        layers += [Conv(weights, padding=padding), MaxPool(convolution.pooling), Activation("relu")]
        padded = (Axis(n, width, 1, 1, *named_padding(padding, n, width)) for n in size)
        channels, size = kernels, tuple(axis.output_size // convolution.pooling for axis in padded)
    hidden = he_uniform((network.dense, channels * math.prod(size)), generator, dtype)
    layers += [Flatten(), Dense(hidden), Activation("relu")]
    if network.dropout:
        layers.append(Dropout(network.dropout, generator))
    return Sequential([*layers, Dense(glorot_uniform((CLASSES, network.dense), generator, dtype))])


def train(
    network: Sequential,
    recipe: Recipe,
    generator: np.random.Generator,
    training: Digits,
    validation: Digits,
    tell: Callable[[Row], None],
) -> list[Row]:
    """Fit `network` to `training`, in an order that `generator` draws; return a row of figures for each epoch.

    Each is handed to `tell` as it comes and holds `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy`,
    `seconds` (validation included) and `learning_rate` (of the last step). Loss and accuracy on the training images
    are means over the epoch, while the weights change. Raises `RunError` if the loss stops being a finite number.
    """
    course = _Course(network, recipe, len(training))
    rows = []
    for epoch in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        figures = course.epoch(training.take(generator.permutation(len(training))))
        reading = read(network, validation)
        validated = {"val_loss": reading.loss, "val_accuracy": reading.accuracy}
        seconds = time.perf_counter() - start
        row = {"epoch": epoch, **figures, **validated, "seconds": seconds, "learning_rate": course.rate}
        rows.append(row)
        tell(row)
    return rows


def read(network: Sequential, digits: Digits) -> Reading:
    """Have `network` read `digits`, each image once, and mark it against their labels."""
    loss = right = 0.0
    for start in range(0, len(digits), _READING_BATCH):
        part = slice(start, start + _READING_BATCH)
        logits = network.forward(grey(digits.images[part]))
        loss += float(softmax_cross_entropy(logits, digits.labels[part]).sum(dtype=np.float64))
        right += float((logits.argmax(axis=1) == digits.labels[part]).sum())
    return Reading(loss / len(digits), right / len(digits))


def grey(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return images `(n, 28, 28)` as the network takes them: `(n, 1, 28, 28)`, from 0 (paper) to 1 (ink)."""
    return images[:, None].astype(np.float32) / np.float32(255)


class _Course:
    """The steps of a training, and what is known of where it is."""

    def __init__(self, network: Sequential, recipe: Recipe, images: int) -> None:
        self._network, self._recipe = network, recipe
        self._adam = Adam(recipe.optimizer.beta_1, recipe.optimizer.beta_2)
        self._steps = -(-images // recipe.batch_size) * recipe.epochs
        self._done = 0
        self.rate = 0.0

    def epoch(self, digits: Digits) -> Mapping[str, float]:
        """Learn from each of `digits` once, in the order that they have; return mean loss and accuracy."""
        size = self._recipe.batch_size
        loss = right = 0.0
        for number, start in enumerate(range(0, len(digits), size), start=1):
            images, labels = digits.images[start : start + size], digits.labels[start : start + size]
            mean, logits = self._step(grey(images), labels)
            if not math.isfinite(mean):
                raise RunError(f"the loss is {mean} at step {number} of the epoch: is the learning rate too high?")
            loss += mean * len(labels)
            right += float((logits.argmax(axis=1) == labels).sum())
        return {"loss": loss / len(digits), "accuracy": right / len(digits)}

    def _step(self, images: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> tuple[float, npt.NDArray[Any]]:
        adam = self._recipe.optimizer
        self.rate = adam.learning_rate
        if adam.warmup is not None:
            self.rate = one_cycle(self._done, self._steps, adam.learning_rate, adam.warmup)
        with np.errstate(over="ignore", invalid="ignore"):  # a lost loss is told once, by its own error
            loss, logits = self._network.loss_and_gradients(images, labels)
            self._adam.step(self._network.parameters, self._network.gradients, self.rate)
        self._done += 1
        return float(loss), logits
