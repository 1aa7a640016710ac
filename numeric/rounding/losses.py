"""Bounds for softmax, its logarithm, cross-entropy, and their gradients, of the shape of what they bound, float64.

They repeat the steps of `numeric.losses` on numbers that carry their error (`approximation`): the error of `x - max` is
amplified by exp, and one of the weights is exactly 1, so that no sum is near 0. Infinite where `x - max` overflows.
"""

from __future__ import annotations

import numpy as np

from numeric.dtypes import Array
from numeric.reals import as_floats
from numeric.rounding.approximation import Approximation

exact = Approximation.exact


def softmax_bound(x: Array) -> Array:
    """Bound on the error of `softmax`."""
    (x,) = as_floats(x)
    return _softmax(x).error


def softmax_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `softmax_input_gradient`."""
    g, x = as_floats(g, x)
    p = _softmax(x)
    return (p * (exact(g) - (exact(g) * p).sum(1))).error


def log_softmax_bound(x: Array) -> Array:
    """Bound on the error of `log_softmax`."""
    (x,) = as_floats(x)
    return _log_softmax(x).error


def log_softmax_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `log_softmax_input_gradient`."""
    g, x = as_floats(g, x)
    return (exact(g) - _softmax(x) * exact(g).sum(1)).error


def softmax_cross_entropy_bound(x: Array, target: Array) -> Array:
    """Bound on the error of `softmax_cross_entropy`, shape `(batch,)`; a label's loss is one entry of log_softmax."""
    target = np.asarray(target)
    if target.ndim == 1:
        (x,) = as_floats(x)
        return np.take_along_axis(_log_softmax(x).error, target[:, None], 1)[:, 0]
    x, target = as_floats(x, target)
    return (exact(target) * _log_softmax(x)).sum(1).error[:, 0]


def softmax_cross_entropy_input_gradient_bound(g: Array, x: Array, target: Array) -> Array:
    """Bound on the error of `softmax_cross_entropy_input_gradient`."""
    target = np.asarray(target)
    if target.ndim == 1:
        g, x = as_floats(g, x)
        target = (target[:, None] == np.arange(x.shape[1])).astype(x.dtype)
    g, x, target = as_floats(g, x, target)
    return (exact(g[:, None]) * (_softmax(x) * exact(target).sum(1) - exact(target))).error


def softmax_cross_entropy_target_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `softmax_cross_entropy_target_gradient`."""
    g, x = as_floats(g, x)
    return (exact(g[:, None]) * _log_softmax(x)).error


def _shifted(x: Array) -> Approximation:
    largest = x.max(axis=1, keepdims=True)
    shifted = exact(x) - exact(largest)
    return exact(np.zeros(x.shape, x.dtype)).where(x == largest, shifted)  # x - x is exact


def _softmax(x: Array) -> Approximation:
    weights = _shifted(x).exp()
    return weights / weights.sum(1)


def _log_softmax(x: Array) -> Approximation:
    shifted = _shifted(x)
    return shifted - shifted.exp().sum(1).log()
