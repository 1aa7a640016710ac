"""The layers as objects that hold their parameters, keep what they read, and give their gradients.

Each is made of the functions of this package and takes their options; arrays are channels-first. A layer is made with
its weights, in their number type: floats, or objects that compute exactly. A backward pass belongs to the forward pass
before it. Arguments that do not fit raise `GeometryError` or `TypeError`, as those functions do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from numeric import activations
from numeric.activations import elu, leaky_relu, relu, relu6, sigmoid, silu, softplus, tanh
from numeric.conv import Options, conv, conv_bias_gradient, conv_input_gradient, conv_weight_gradient
from numeric.dense import dense, dense_bias_gradient, dense_input_gradient, dense_weight_gradient
from numeric.dropout import dropout, dropout_input_gradient
from numeric.dtypes import Array, as_numbers
from numeric.flatten import flatten, flatten_input_gradient
from numeric.geometry import GeometryError, Ints
from numeric.normalisation import (
    batch_norm,
    batch_norm_inference,
    batch_norm_input_gradient,
    batch_norm_scale_gradient,
    batch_norm_shift_gradient,
    batch_statistics,
    running_statistics,
)
from numeric.pooling import Options as PoolOptions
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient

Arrays = dict[str, Array]
Function = Callable[..., Array]

ACTIVATIONS: dict[str, Function] = {
    function.__name__: function for function in (relu, leaky_relu, relu6, elu, softplus, sigmoid, tanh, silu)
}


class Layer:
    """One layer: `parameters` and, after a backward pass, their `gradients`, by name.

    A new layer has `_forward` and `_input_gradient`, and with parameters `_gradients`.
    """

    def __init__(self, **parameters: Array) -> None:
        self.parameters: Arrays = parameters
        self.gradients: Arrays = {}
        self.training = False
        self._read: Array | None = None

    def forward(self, x: ArrayLike, training: bool = False) -> Array:
        """Output of the layer, which keeps x for the backward pass."""
        (read,) = as_numbers(x)
        self._read, self.training = read, training
        return self._forward(read)

    def backward(self, g: ArrayLike) -> Array:
        """dL/dx for the cotangent g = dL/dy; what g says of the parameters is added to `gradients`."""
        (g,) = as_numbers(g)
        self.accumulate(g)
        return self._input_gradient(g)

    def accumulate(self, g: Array) -> None:
        """The half of `backward` that a network's first layer needs."""
        for name, gradient in self._gradients(g).items():
            self.gradients[name] = self.gradients[name] + gradient if name in self.gradients else gradient

    @property
    def x(self) -> Array:
        """What the last forward pass read. Raises `RuntimeError` if there was none."""
        if self._read is None:
            raise RuntimeError(f"{type(self).__name__}: a backward pass needs a forward pass before it")
        return self._read

    def _forward(self, x: Array) -> Array:
        raise NotImplementedError

    def _input_gradient(self, g: Array) -> Array:
        raise NotImplementedError

    def _gradients(self, _: Array) -> Arrays:
        return {}


class Conv(Layer):
    """Convolution layer with `weights` `(out_channels, channels // groups, *kernel)`; the bias is 0 if not given."""

    def __init__(self, weights: ArrayLike, bias: ArrayLike | None = None, **options: Unpack[Options]) -> None:
        super().__init__(**_affine(weights, bias))
        self.options = options

    def _forward(self, x: Array) -> Array:
        return conv(x, self.parameters["weights"], self.parameters["bias"], **self.options)

    def _input_gradient(self, g: Array) -> Array:
        return conv_input_gradient(g, self.parameters["weights"], self.x.shape[2:], **self.options)

    def _gradients(self, g: Array) -> Arrays:
        kernel = self.parameters["weights"].shape[2:]
        weights = conv_weight_gradient(g, self.x, kernel, **self.options)
        return {"weights": weights, "bias": conv_bias_gradient(g)}


class Dense(Layer):
    """Every output reads every input: `weights` `(outputs, features)`; the bias is 0 if not given."""

    def __init__(self, weights: ArrayLike, bias: ArrayLike | None = None) -> None:
        super().__init__(**_affine(weights, bias))

    def _forward(self, x: Array) -> Array:
        return dense(x, self.parameters["weights"], self.parameters["bias"])

    def _input_gradient(self, g: Array) -> Array:
        return dense_input_gradient(g, self.parameters["weights"])

    def _gradients(self, g: Array) -> Arrays:
        return {"weights": dense_weight_gradient(g, self.x), "bias": dense_bias_gradient(g)}


def _affine(weights: ArrayLike, bias: ArrayLike | None) -> Arrays:
    (w,) = as_numbers(weights)
    (b,) = as_numbers(np.zeros(w.shape[:1], w.dtype) if bias is None else bias)
    return {"weights": w, "bias": b}


class MaxPool(Layer):
    """Largest entry of each window."""

    def __init__(self, kernel_size: Ints, **options: Unpack[PoolOptions]) -> None:
        super().__init__()
        self.kernel_size, self.options = kernel_size, options

    def _forward(self, x: Array) -> Array:
        return max_pool(x, self.kernel_size, **self.options)

    def _input_gradient(self, g: Array) -> Array:
        return max_pool_input_gradient(g, self.x, self.kernel_size, **self.options)


class AveragePool(MaxPool):
    """Mean of each window."""

    def _forward(self, x: Array) -> Array:
        return average_pool(x, self.kernel_size, **self.options)

    def _input_gradient(self, g: Array) -> Array:
        return average_pool_input_gradient(g, self.x.shape[2:], self.kernel_size, **self.options)


class BatchNorm(Layer):
    """Each channel with its batch's mean and variance taken out; then scaled and shifted, at first by 1 and 0.

    A forward pass in training moves `mean` and `variance` towards the batch's, by a share of 1 - momentum; without
    training those two take the place of the batch's, and there is no backward pass.
    """

    def __init__(self, channels: int, momentum: Any = 0.99, epsilon: Any = 1e-3, dtype: DTypeLike = np.float32) -> None:
        super().__init__(scale=np.ones(channels, dtype), shift=np.zeros(channels, dtype))
        self.momentum, self.epsilon = momentum, epsilon
        self.mean, self.variance = np.zeros(channels, dtype), np.ones(channels, dtype)

    def _forward(self, x: Array) -> Array:
        scale, shift = self.parameters["scale"], self.parameters["shift"]
        if not self.training:
            return batch_norm_inference(x, self.mean, self.variance, scale, shift, self.epsilon)
        y = batch_norm(x, scale, shift, self.epsilon)
        running = running_statistics(self.mean, self.variance, *batch_statistics(x), self.momentum)
        self.mean, self.variance = running
        return y

    def _input_gradient(self, g: Array) -> Array:
        return batch_norm_input_gradient(g, self.x, self.parameters["scale"], self.epsilon)

    def _gradients(self, g: Array) -> Arrays:
        if not self.training:
            raise RuntimeError("BatchNorm: a backward pass needs a forward pass in training before it")
        scale = batch_norm_scale_gradient(g, self.x, self.epsilon)
        return {"scale": scale, "shift": batch_norm_shift_gradient(g)}


class Dropout(Layer):
    """In training, each entry is dropped with probability `rate` and the rest scaled by 1 / (1 - rate)."""

    def __init__(self, rate: float, generator: np.random.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def _forward(self, x: Array) -> Array:
        if not self.training:
            return x
        self.mask = self.generator.random(x.shape) >= self.rate
        return dropout(x, self.mask, self.rate)

    def _input_gradient(self, g: Array) -> Array:
        return dropout_input_gradient(g, self.mask, self.rate) if self.training else g


class Flatten(Layer):
    """`(batch, ...)` as `(batch, features)`."""

    def _forward(self, x: Array) -> Array:
        return flatten(x)

    def _input_gradient(self, g: Array) -> Array:
        return flatten_input_gradient(g, self.x.shape)


class Activation(Layer):
    """The function of that name in `numeric.activations`, entry by entry."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in ACTIVATIONS:
            raise GeometryError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}; got {name!r}")
        self.name = name

    def _forward(self, x: Array) -> Array:
        return ACTIVATIONS[self.name](x)

    def _input_gradient(self, g: Array) -> Array:
        gradient: Function = getattr(activations, f"{self.name}_input_gradient")
        return gradient(g, self.x)
