"""Batch normalisation, channel by channel; its gradient by the chain rule through mean and variance, as sums.

With m the mean, v the variance, r = sqrt(v + epsilon) and n numbers in the channel, for two of its positions a and b:

    dm / dx[a] = 1 / n        dv / dx[a] = sum over b of 2 * (x[b] - m) * (delta(a, b) - 1 / n) / n
    dy[b] / dx[a] = scale * ((delta(a, b) - 1 / n) / r - (x[b] - m) * dv / dx[a] / (2 * r ** 3))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numeric.definition.conv import Index
from numeric.dtypes import Array
from numeric.reals import as_floats


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and biased variance of each channel."""
    (x,) = as_floats(x)
    mean, variance = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    for c in range(x.shape[1]):
        n = len(list(_places(x, c)))
        mean[c] = sum(x[a] for a in _places(x, c)) / n
        variance[c] = sum((x[a] - mean[c]) ** 2 for a in _places(x, c)) / n
    return mean, variance


def running_statistics(
    mean: Array, variance: Array, batch_mean: Array, batch_variance: Array, momentum: Any = 0.99
) -> tuple[Array, Array]:
    """`momentum * old + (1 - momentum) * new`."""
    mean, variance, batch_mean, batch_variance = as_floats(mean, variance, batch_mean, batch_variance)
    kept, new = np.zeros(mean.shape, mean.dtype), np.zeros(mean.shape, mean.dtype)
    for c in np.ndindex(mean.shape):
        kept[c] = momentum * mean[c] + (1 - momentum) * batch_mean[c]
        new[c] = momentum * variance[c] + (1 - momentum) * batch_variance[c]
    return kept, new


def batch_norm(x: Array, scale: Array, shift: Array, epsilon: Any = 1e-5) -> Array:
    """Output with the statistics of x itself."""
    return batch_norm_inference(x, *batch_statistics(x), scale, shift, epsilon)


def batch_norm_input_gradient(g: Array, x: Array, scale: Array, epsilon: Any = 1e-5) -> Array:
    """dL/dx for the cotangent `g = dL/dy`."""
    g, x, scale = as_floats(g, x, scale)
    mean, variance = batch_statistics(x)
    dx: Any = np.zeros(x.shape, x.dtype)
    for c in range(x.shape[1]):
        n = len(list(_places(x, c)))
        root = np.sqrt(variance[c] + epsilon)
        for a in _places(x, c):
            dv = sum(2 * (x[b] - mean[c]) * (n * int(a == b) - 1) for b in _places(x, c)) / n**2
            for b in _places(x, c):
                direct, through_variance = (n * int(a == b) - 1) / (n * root), (x[b] - mean[c]) * dv / (2 * root**3)
                dx[a] += g[b] * scale[c] * (direct - through_variance)
    return dx  # type: ignore[no-any-return]


def batch_norm_scale_gradient(g: Array, x: Array, epsilon: Any = 1e-5) -> Array:
    """dL/dscale for the cotangent `g = dL/dy`."""
    return batch_norm_inference_scale_gradient(g, x, *batch_statistics(x), epsilon)


def batch_norm_shift_gradient(g: Array) -> Array:
    """dL/dshift for the cotangent `g = dL/dy`."""
    (g,) = as_floats(g)
    dshift: Any = np.zeros(g.shape[1], g.dtype)
    for a in np.ndindex(g.shape):
        dshift[a[1]] += g[a]
    return dshift  # type: ignore[no-any-return]


def batch_norm_inference(
    x: Array, mean: Array, variance: Array, scale: Array, shift: Array, epsilon: Any = 1e-5
) -> Array:
    """Output with given statistics."""
    x, mean, variance, scale, shift = as_floats(x, mean, variance, scale, shift)
    y: Any = np.zeros(x.shape, x.dtype)
    for a in np.ndindex(x.shape):
        c = a[1]
        y[a] = scale[c] * (x[a] - mean[c]) / np.sqrt(variance[c] + epsilon) + shift[c]
    return y  # type: ignore[no-any-return]


def batch_norm_inference_input_gradient(g: Array, variance: Array, scale: Array, epsilon: Any = 1e-5) -> Array:
    """dL/dx for the cotangent `g = dL/dy`."""
    g, variance, scale = as_floats(g, variance, scale)
    dx: Any = np.zeros(g.shape, g.dtype)
    for a in np.ndindex(g.shape):
        dx[a] = g[a] * scale[a[1]] / np.sqrt(variance[a[1]] + epsilon)
    return dx  # type: ignore[no-any-return]


def batch_norm_inference_scale_gradient(g: Array, x: Array, mean: Array, variance: Array, epsilon: Any = 1e-5) -> Array:
    """dL/dscale for the cotangent `g = dL/dy`."""
    g, x, mean, variance = as_floats(g, x, mean, variance)
    dscale: Any = np.zeros(x.shape[1], x.dtype)
    for a in np.ndindex(x.shape):
        c = a[1]
        dscale[c] += g[a] * (x[a] - mean[c]) / np.sqrt(variance[c] + epsilon)
    return dscale  # type: ignore[no-any-return]


def _places(x: Array, c: int) -> Iterator[Index]:
    """Every entry of a channel."""
    for n, *a in np.ndindex(len(x), *x.shape[2:]):
        yield (n, c, *a)
