"""Softmax and cross-entropy row by row; gradients as sums over the whole Jacobian. Not stable: exp may overflow.

    dp[i] / dx[j] = p[i] * (delta(i, j) - p[j])        dlog p[i] / dx[j] = delta(i, j) - p[j]

A target has an entry for each class; a label is a row with a single 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.reals import as_floats


def softmax(x: Array) -> Array:
    """`exp(x[i]) / sum over j of exp(x[j])`."""
    (x,) = as_floats(x)
    p: Any = np.zeros(x.shape, x.dtype)
    for n, i in np.ndindex(x.shape):
        p[n, i] = np.exp(x[n, i]) / sum(np.exp(t) for t in x[n])
    return p  # type: ignore[no-any-return]


def softmax_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx of `softmax` for the cotangent `g = dL/dy`."""
    g, x = as_floats(g, x)
    p, dx = softmax(x), np.zeros(x.shape, x.dtype)
    for n, i, j in np.ndindex(*x.shape, x.shape[1]):
        dx[n, j] += g[n, i] * p[n, i] * (int(i == j) - p[n, j])
    return dx


def log_softmax(x: Array) -> Array:
    """Logarithm of `softmax`."""
    p = softmax(x)
    y = np.zeros(p.shape, p.dtype)
    for n, i in np.ndindex(p.shape):
        y[n, i] = np.log(p[n, i])
    return y


def log_softmax_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx of `log_softmax` for the cotangent `g = dL/dy`."""
    g, x = as_floats(g, x)
    p, dx = softmax(x), np.zeros(x.shape, x.dtype)
    for n, i, j in np.ndindex(*x.shape, x.shape[1]):
        dx[n, j] += g[n, i] * (int(i == j) - p[n, j])
    return dx


def softmax_cross_entropy(x: Array, target: Array) -> Array:
    """Losses `-sum over i of target[i] * log_softmax(x)[i]`, shape `(batch,)`."""
    x, target = as_floats(x, target)
    y, loss = log_softmax(x), np.zeros(len(x), x.dtype)
    for n, i in np.ndindex(x.shape):
        loss[n] -= target[n, i] * y[n, i]
    return loss


def softmax_cross_entropy_input_gradient(g: Array, x: Array, target: Array) -> Array:
    """dL/dx for the cotangent g `(batch,)`."""
    g, x, target = as_floats(g, x, target)
    p, dx = softmax(x), np.zeros(x.shape, x.dtype)
    for n, i, j in np.ndindex(*x.shape, x.shape[1]):
        dx[n, j] -= g[n] * target[n, i] * (int(i == j) - p[n, j])
    return dx


def softmax_cross_entropy_target_gradient(g: Array, x: Array) -> Array:
    """dL/dtarget for the cotangent g `(batch,)`."""
    g, x = as_floats(g, x)
    y, dtarget = log_softmax(x), np.zeros(x.shape, x.dtype)
    for n, i in np.ndindex(x.shape):
        dtarget[n, i] = -g[n] * y[n, i]
    return dtarget
