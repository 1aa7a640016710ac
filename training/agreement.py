"""Whether two readings of the same digits by the same network are one, but for what floating point adds.

They need not be the same bits: another runtime adds up in another order. How far apart they may be is derived where it
matters, by `numeric.rounding`'s analysis of the whole network: for each digit that is read otherwise, and for the one
with the probability that is the farthest from its other, in proportion. Each reading is off by at most one bound, so
they are at most two apart. Bounds are those of the worst case: a per cent or two of a probability, for a network of
four layers, where rounding takes a millionth.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from numeric import layers, softmax
from numeric.network import Sequential
from numeric.rounding import softmax_bound
from numeric.rounding.network import network_bound
from training.errors import RunError

Array = npt.NDArray[Any]


def compare(file: str, model: keras.Model, images: Array, ours: Array, theirs: Array) -> dict[str, Any]:
    """Return how probabilities `ours`, of `model`, and `theirs`, read by what is in `file`, `(n, 10)`, differ.

    `largest_difference` is that of two probabilities, `read_otherwise` counts digits, `within_bound` says whether there
    was a bound to judge by. Raises `RunError` if they are farther apart than rounding explains. Where no bound is
    derived (batch normalisation), every digit must be read alike.
    """
    if theirs.shape != ours.shape or not np.isfinite(theirs).all():
        raise RunError(f"{file} is not the model: expected {ours.shape} finite probabilities, got {theirs.shape}")
    apart = _proportions(ours, theirs)
    otherwise = np.flatnonzero(ours.argmax(axis=1) != theirs.argmax(axis=1))
    network = as_numeric(model)
    for digit in {*otherwise.tolist(), int(apart.max(axis=1).argmax())}:
        alike = digit not in otherwise
        if not (alike if network is None else _explained(network, _scaled(model, images[digit]), apart[digit])):
            readings = (f"{p.argmax()} with {p.max():.9g}" for p in (ours[digit], theirs[digit]))
            told = "expected test digit {} read as {}, got {}".format(digit, *readings)
            raise RunError(f"{file} is not the model: {told}, farther apart than rounding explains")
    return {
        "largest_difference": float(abs(ours.astype(np.float64) - theirs).max()),
        "read_otherwise": len(otherwise),
        "within_bound": network is not None,
    }


def _proportions(ours: Array, theirs: Array) -> Array:
    """Return how far apart the logarithms are; 0 where both probabilities are too small to be of any account."""
    accountable = np.maximum(ours, theirs) > np.finfo(np.float32).eps
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(accountable, abs(np.log(ours.astype(np.float64)) - np.log(theirs.astype(np.float64))), 0.0)


def as_numeric(model: keras.Model) -> Sequential | None:
    """Return the layers of `model` between its grey values and its softmax, or `None` where one has no bound."""
    found: list[layers.Layer] = []
    shape: tuple[int, ...] = ()
    for layer in model.layers:
        match layer:
            case keras.layers.Conv2D():
                kernel, *bias = map(np.asarray, layer.weights)
                options = {"stride": layer.strides, "dilation": layer.dilation_rate, "groups": layer.groups}
                found.append(layers.Conv(kernel.transpose(3, 2, 0, 1), *bias, padding=layer.padding, **options))
            case keras.layers.MaxPooling2D():
                found.append(layers.MaxPool(layer.pool_size, stride=layer.strides, padding=layer.padding))
            case keras.layers.ReLU():
                found.append(layers.Activation("relu"))
            case keras.layers.Flatten():
                shape = layer.input.shape[1:]
                found.append(layers.Flatten())
            case keras.layers.Dense():
                weights, *bias = map(np.asarray, layer.weights)
                if shape:  # features come in the order of channels-last
                    weights = np.moveaxis(weights.reshape(*shape, -1), 2, 0).reshape(weights.shape)
                    shape = ()
                found.append(layers.Dense(weights.T, *bias))
                if layer.activation is keras.activations.relu:
                    found.append(layers.Activation("relu"))
            case keras.layers.Rescaling() | keras.layers.Reshape() | keras.layers.Dropout() | keras.layers.Softmax():
                pass
            case _:
                return None
    return Sequential(found)


def _scaled(model: keras.Model, image: Array) -> Array:
    """Return what the first convolution reads of `image`, `(1, 1, height, width)`: every runtime gives these bits."""
    scale = model.get_layer("scale")
    return np.asarray(scale(image[None, None].astype(np.float32)))


def _explained(network: Sequential, x: Array, apart: Array) -> bool:
    """Whether rounding explains two readings of x, the logarithms of whose probabilities are so far `apart`.

    The loss with a digit as label is the logarithm of its probability: `network_bound` bounds it. A softmax rounds once
    more.
    """
    logits = network.forward(x)
    own = (softmax_bound(logits) / softmax(logits))[0]
    for label in np.flatnonzero(apart).tolist():
        bound = network_bound(network, x, [label]).loss - np.log1p(-own[label]) if own[label] < 1 else np.inf
        if not apart[label] <= 2 * bound:
            return False
    return True
