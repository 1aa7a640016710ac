"""Batch normalisation with the batch's own statistics (training) or with given ones (inference), and its gradients.

Arrays: x, y and its cotangent g = dL/dy `(batch, channels, *spatial)`, or `(batch, features)`: zero or more spatial
axes; with `channels_last=True` the channels come last. mean, variance, scale and shift `(channels,)`. Integers become
float64. Arguments that do not fit raise `GeometryError`, complex arrays and arrays that hold no numbers `TypeError`;
so does a variance that, with epsilon, is not above 0, since its root divides.

Source: S. Ioffe, C. Szegedy, Batch Normalization (2015). The variance is the biased one, a mean over batch and
positions of squared distances from the mean (two passes: no difference of squares). A NaN or an infinity in a channel
makes all of that channel NaN, and none of the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array
from numeric.geometry import GeometryError
from numeric.layout import as_given, channels_first
from numeric.reals import as_floats, expect_between, expect_number, expect_shape, scalar


def batch_statistics(x: ArrayLike, *, channels_last: bool = False) -> tuple[Array, Array]:
    """Mean and biased variance of each channel, over batch and positions."""
    (x,) = as_floats(x)
    mean, centred = _centred(_batch("x", x, channels_last))
    return mean.reshape(-1), _mean(centred * centred).reshape(-1)


def running_statistics(
    mean: ArrayLike, variance: ArrayLike, batch_mean: ArrayLike, batch_variance: ArrayLike, momentum: Any = 0.99
) -> tuple[Array, Array]:
    """New running mean and variance, `momentum * old + (1 - momentum) * new`, as Keras keeps them."""
    mean, variance, *batch = as_floats(mean, variance, batch_mean, batch_variance)
    expect_number("momentum", momentum, mean.dtype)
    expect_between("momentum", momentum, 0, 1, last=True)
    for name, array in zip(("variance", "batch_mean", "batch_variance"), (variance, *batch), strict=True):
        expect_shape(name, array, mean.shape, "the shape of mean")
    old, new = scalar("momentum", momentum, mean.dtype), scalar("momentum", 1 - momentum, mean.dtype)
    return np.asarray(old * mean + new * batch[0]), np.asarray(old * variance + new * batch[1])


def batch_norm(
    x: ArrayLike, scale: ArrayLike, shift: ArrayLike, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """`scale * (x - mean) / sqrt(variance + epsilon) + shift` with the statistics of x itself."""
    x, scale, shift = as_floats(x, scale, shift)
    x = _batch("x", x, channels_last)
    _expect_channels(x, scale=scale, shift=shift)
    normal, _ = _normal(x, epsilon)
    return as_given(normal * _spread(scale, x) + _spread(shift, x), channels_last)


def batch_norm_input_gradient(
    g: ArrayLike, x: ArrayLike, scale: ArrayLike, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """dL/dx, through mean and variance: `scale / root * (g - mean(g) - z * mean(g * z))`.

    Here `root = sqrt(variance + epsilon)` and `z = (x - mean) / root`.
    """
    g, x, scale = as_floats(g, x, scale)
    g, x = channels_first(g, channels_last), _batch("x", x, channels_last)
    expect_shape("g", g, x.shape, "the shape of x")
    _expect_channels(x, scale=scale)
    normal, root = _normal(x, epsilon)
    centred = g - _mean(g) - normal * _mean(g * normal)
    return as_given(_spread(scale, x) / root * centred, channels_last)


def batch_norm_scale_gradient(g: ArrayLike, x: ArrayLike, epsilon: Any = 1e-5, *, channels_last: bool = False) -> Array:
    """dL/dscale: the sum over batch and positions of `g * (x - mean) / sqrt(variance + epsilon)`."""
    g, x = as_floats(g, x)
    g, x = channels_first(g, channels_last), _batch("x", x, channels_last)
    expect_shape("g", g, x.shape, "the shape of x")
    return _sum(g * _normal(x, epsilon)[0]).reshape(-1)


def batch_norm_shift_gradient(g: ArrayLike, *, channels_last: bool = False) -> Array:
    """dL/dshift, in training as in inference: the sum of g over batch and positions."""
    (g,) = as_floats(g)
    g = channels_first(g, channels_last)
    _expect_axes("g", g)
    return _sum(g).reshape(-1)


def batch_norm_inference(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    scale: ArrayLike,
    shift: ArrayLike,
    epsilon: Any = 1e-5,
    *,
    channels_last: bool = False,
) -> Array:
    """`scale * (x - mean) / sqrt(variance + epsilon) + shift` with given statistics: affine in x."""
    x, mean, variance, scale, shift = as_floats(x, mean, variance, scale, shift)
    x = channels_first(x, channels_last)
    _expect_axes("x", x)
    _expect_channels(x, mean=mean, variance=variance, scale=scale, shift=shift)
    normal = (x - _spread(mean, x)) / _root(_spread(variance, x), epsilon)
    return as_given(normal * _spread(scale, x) + _spread(shift, x), channels_last)


def batch_norm_inference_input_gradient(
    g: ArrayLike, variance: ArrayLike, scale: ArrayLike, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """dL/dx: `scale / sqrt(variance + epsilon) * g`."""
    g, variance, scale = as_floats(g, variance, scale)
    g = channels_first(g, channels_last)
    _expect_axes("g", g)
    _expect_channels(g, variance=variance, scale=scale)
    return as_given(_spread(scale, g) / _root(_spread(variance, g), epsilon) * g, channels_last)


def batch_norm_inference_scale_gradient(
    g: ArrayLike,
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    epsilon: Any = 1e-5,
    *,
    channels_last: bool = False,
) -> Array:
    """dL/dscale: the sum over batch and positions of `g * (x - mean) / sqrt(variance + epsilon)`."""
    g, x, mean, variance = as_floats(g, x, mean, variance)
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    _expect_axes("x", x)
    expect_shape("g", g, x.shape, "the shape of x")
    _expect_channels(x, mean=mean, variance=variance)
    return _sum(g * ((x - _spread(mean, x)) / _root(_spread(variance, x), epsilon))).reshape(-1)


def _normal(x: Array, epsilon: Any) -> tuple[Array, Array]:
    """Distances from the mean over the root of the variance, and that root, `(1, channels, 1, ...)`."""
    _, centred = _centred(x)
    root = _root(_mean(centred * centred), epsilon)
    return centred / root, root


def _root(variance: Array, epsilon: Any) -> Array:
    """`sqrt(variance + epsilon)`. Raises `GeometryError` unless it is above 0; symbols and NaN pass."""
    expect_between("epsilon", epsilon, 0, np.inf, last=False)
    square = variance + scalar("epsilon", epsilon, variance.dtype)
    if square.dtype != object and (square <= 0).any():
        channel = int(np.argmax((square <= 0).reshape(-1)))
        raise GeometryError(
            f"variance + epsilon must be above 0, got {square.flat[channel]} for channel {channel}, epsilon {epsilon}"
        )
    return np.asarray(np.sqrt(square))


def _centred(x: Array) -> tuple[Array, Array]:
    mean = _mean(x)
    return mean, x - mean


def _mean(x: Array) -> Array:
    return np.asarray(_sum(x) / scalar("count", x.size // x.shape[1], x.dtype))


def _sum(x: Array) -> Array:
    """Sum over batch and positions, `(1, channels, 1, ...)`."""
    return np.asarray(x.sum(axis=(0, *range(2, x.ndim)), keepdims=True, dtype=x.dtype))


def _spread(channels: Array, x: Array) -> Array:
    """One number per channel, laid along the axes of x."""
    return channels.reshape(1, -1, *(1,) * (x.ndim - 2))


def _batch(name: str, array: Array, channels_last: bool) -> Array:
    """Channels-first array that has statistics: at least one entry in every channel."""
    array = channels_first(array, channels_last)
    _expect_axes(name, array)
    if array.size == 0:
        raise GeometryError(f"{name} must have an entry in every channel to have a mean, got shape {array.shape}")
    return array


def _expect_axes(name: str, array: Array) -> None:
    if array.ndim < 2:
        raise GeometryError(f"{name} must be (batch, channels, *spatial), got shape {array.shape}")


def _expect_channels(x: Array, **arrays: Array) -> None:
    for name, array in arrays.items():
        expect_shape(name, array, x.shape[1:2], "an entry for each channel")
