"""Recipes as Keras models."""

from collections.abc import Iterator

import keras

from training.data import CLASSES, IMAGE_SHAPE
from training.precision import policy
from training.proved import ProvedConv2D
from training.recipes import Network, Recipe
from training.values import Convolution

_MOMENTUM = 0.9  # of the moving mean and variance: an epoch has a few hundred steps, not the thousands of Keras's 0.99


_CONVOLUTIONS = {"autodiff": keras.layers.Conv2D, "proved": ProvedConv2D}


def build(network: Network, precision: str = "float32", gradients: str = "autodiff") -> keras.Model:
    """Return the untrained model: grey values 0 to 255 `(n, 28, 28)` in, probabilities `(n, 10)` out.

    Weights and probabilities are float32 whatever the `precision` of the arithmetic is. `gradients` says whose those
    of the convolutions are; the weights are alike.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy(precision))
    try:
        return keras.Sequential(list(_layers(network, _CONVOLUTIONS[gradients])), name="network")
    finally:
        keras.config.set_dtype_policy(before)


def synchronize(model: keras.Model) -> None:
    """Have batch normalisation take its statistics over the whole batch, where TensorFlow's devices share it."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def logits(model: keras.Model) -> keras.Model:
    """Return `model`, sharing its weights, without the softmax at its end."""
    return keras.Model(model.inputs, model.layers[-1].input)


def optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return the optimizer of `recipe`; whoever steps sets its learning rate."""
    adam = recipe.optimizer
    made = keras.optimizers.Adam(adam.learning_rate, beta_1=adam.beta_1, beta_2=adam.beta_2)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "float16" else made


def _layers(network: Network, conv: type[keras.layers.Conv2D]) -> Iterator[keras.layers.Layer]:
    yield keras.layers.Input(IMAGE_SHAPE, name="image")
    yield keras.layers.Rescaling(1 / 255, name="scale")
    yield keras.layers.Reshape((*IMAGE_SHAPE, 1), name="channel")
    for number, convolution in enumerate(network.convolutions, start=1):
        yield from _convolution(convolution, number, conv, normalise=network.normalise)
    yield keras.layers.Flatten(name="flatten")
    if network.dense:
        yield keras.layers.Dense(network.dense, activation="relu", name="dense")
    if network.dropout:
        yield keras.layers.Dropout(network.dropout, name="dropout")
    yield keras.layers.Dense(CLASSES, dtype="float32", name="digit")
    yield keras.layers.Softmax(dtype="float32", name="probability")


def _convolution(
    convolution: Convolution, number: int, conv: type[keras.layers.Conv2D], *, normalise: bool
) -> Iterator[keras.layers.Layer]:
    """ReLU comes after max pooling: the two commute, and there is less to do."""
    kernels, padding = convolution.kernels, convolution.padding
    name = f"convolution_{number}"
    yield conv(kernels, convolution.width, padding=padding, use_bias=not normalise, name=name)
    if convolution.pooling > 1:
        yield keras.layers.MaxPooling2D(convolution.pooling, name=f"pooling_{number}")
    if normalise:
        yield keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"normalisation_{number}")
    yield keras.layers.ReLU(name=f"relu_{number}")
