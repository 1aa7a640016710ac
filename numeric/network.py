"""A network of layers, its loss and its gradients, and its first weights: small enough to read in one sitting.

Arrays: x `(batch, channels, *spatial)`, or `(batch, features)` if the first layer is dense; labels `(batch,)`, integers
from 0. The number type of the parameters is the network's: x is converted to it.

    generator = np.random.default_rng(0)
    network = Sequential(
        [
            Conv(he_uniform((8, 1, 5, 5), generator)),
            MaxPool(2),
            Activation("relu"),
            Flatten(),
            Dense(glorot_uniform((10, 1152), generator)),
        ]
    )
    loss, logits = network.loss_and_gradients(images, labels)  # images `(batch, 1, 28, 28)`
    Adam().step(network.parameters, network.gradients)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from numeric.dtypes import Array, as_numbers
from numeric.geometry import GeometryError
from numeric.layers import Arrays, Layer
from numeric.losses import softmax, softmax_cross_entropy, softmax_cross_entropy_input_gradient


class Sequential:
    """Layers one after the other, and the mean softmax cross-entropy of a batch as the loss at the end.

    Raises `GeometryError` without layers, `TypeError` if their parameters are not of one number type.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        if not self.layers:
            raise GeometryError("a network needs at least one layer, got none")
        types = {array.dtype for array in self.parameters.values()}
        if len(types) > 1:
            raise TypeError(f"all parameters must have one number type, got {', '.join(sorted(map(str, types)))}")
        self.dtype = types.pop() if types else None

    @property
    def parameters(self) -> Arrays:
        """Every layer's parameters, `number.name` from layer 0 on; the arrays themselves, not copies."""
        return self._named("parameters")

    @property
    def gradients(self) -> Arrays:
        """Their gradients, under the same names, since they were last cleared."""
        return self._named("gradients")

    def forward(self, x: ArrayLike, training: bool = False) -> Array:
        """What the last layer gives: the logits."""
        (y,) = as_numbers(x)
        if self.dtype is not None:
            y = y.astype(self.dtype, copy=False)
        for layer in self.layers:
            y = layer.forward(y, training)
        return y

    def predict(self, x: ArrayLike) -> Array:
        """Probabilities `(batch, classes)`, without training."""
        return softmax(self.forward(x))

    def loss_and_gradients(self, x: ArrayLike, labels: ArrayLike, *, accumulate: bool = False) -> tuple[Any, Array]:
        """Mean loss (nats) of the batch and its logits `(batch, classes)`; the gradients of the loss in `gradients`.

        Those of earlier batches are cleared first, unless they are to `accumulate`.
        """
        logits = self.forward(x, training=True)
        losses = softmax_cross_entropy(logits, labels)
        if not len(losses):
            raise GeometryError(f"a mean loss needs at least one example, got logits of shape {logits.shape}")
        if not accumulate:
            self.clear()
        g = np.full(len(losses), 1, losses.dtype) / len(losses)
        self._backward(softmax_cross_entropy_input_gradient(g, logits, labels))
        return losses.sum(dtype=losses.dtype) / len(losses), logits

    def clear(self) -> None:
        """Forget all gradients."""
        for layer in self.layers:
            layer.gradients = {}

    def _backward(self, g: Array) -> None:
        first, *rest = self.layers
        for layer in reversed(rest):
            g = layer.backward(g)
        first.accumulate(g)  # dL/dx of the images themselves is of no use

    def _named(self, kind: str) -> Arrays:
        numbered = enumerate(self.layers)
        return {f"{number}.{name}": array for number, layer in numbered for name, array in getattr(layer, kind).items()}


def he_uniform(shape: tuple[int, ...], generator: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """Weights `(outputs, inputs, *kernel)` for a ReLU to follow: uniform within +-sqrt(6 / inputs of an output).

    Source: K. He et al., Delving Deep into Rectifiers (2015).
    """
    return _uniform(shape, sqrt(6 / prod(shape[1:])), generator, dtype)


def glorot_uniform(shape: tuple[int, ...], generator: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """Weights `(outputs, inputs, *kernel)`: uniform within +-sqrt(6 / (inputs of an output + outputs of an input)).

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).
    """
    return _uniform(shape, sqrt(6 / (prod(shape[1:]) + shape[0] * prod(shape[2:]))), generator, dtype)


def _uniform(shape: tuple[int, ...], limit: float, generator: np.random.Generator, dtype: DTypeLike) -> Array:
    return generator.uniform(-limit, limit, shape).astype(dtype)
