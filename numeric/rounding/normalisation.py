"""Bounds for batch normalisation and its gradients, of the shape of what they bound, float64.

They repeat the steps of `numeric.normalisation` on numbers that carry their error (`approximation`): gamma(n) for the
sums over a channel, and the root of the variance amplifies its error where it is small. Infinite where the variance
with epsilon could be no more than its own error.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from numeric.dtypes import Array
from numeric.layout import as_given, channels_first
from numeric.reals import as_floats
from numeric.rounding.approximation import Approximation

exact = Approximation.exact


def batch_statistics_bound(x: Array, *, channels_last: bool = False) -> tuple[Array, Array]:
    """Bounds on the errors of `batch_statistics`, of mean and variance."""
    (x,) = as_floats(x)
    mean, _, variance = _statistics(channels_first(x, channels_last))
    return mean.error.reshape(-1), variance.error.reshape(-1)


def running_statistics_bound(
    mean: Array, variance: Array, batch_mean: Array, batch_variance: Array, momentum: Any = 0.99
) -> tuple[Array, Array]:
    """Bounds on the errors of `running_statistics`."""
    mean, variance, batch_mean, batch_variance = as_floats(mean, variance, batch_mean, batch_variance)
    old, new = _number(momentum, mean), _complement(momentum, mean)
    means = old * exact(mean) + new * exact(batch_mean)
    return means.error, (old * exact(variance) + new * exact(batch_variance)).error


def batch_norm_bound(
    x: Array, scale: Array, shift: Array, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """Bound on the error of `batch_norm`."""
    x, scale, shift = as_floats(x, scale, shift)
    x = channels_first(x, channels_last)
    normal, _ = _normal(x, epsilon)
    return as_given((normal * _spread(scale, x) + _spread(shift, x)).error, channels_last)


def batch_norm_input_gradient_bound(
    g: Array, x: Array, scale: Array, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """Bound on the error of `batch_norm_input_gradient`."""
    g, x, scale = as_floats(g, x, scale)
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    normal, root = _normal(x, epsilon)
    centred = exact(g) - _mean(exact(g)) - normal * _mean(exact(g) * normal)
    return as_given((_spread(scale, x) / root * centred).error, channels_last)


def batch_norm_scale_gradient_bound(g: Array, x: Array, epsilon: Any = 1e-5, *, channels_last: bool = False) -> Array:
    """Bound on the error of `batch_norm_scale_gradient`."""
    g, x = as_floats(g, x)
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    return _sum(exact(g) * _normal(x, epsilon)[0]).error.reshape(-1)


def batch_norm_shift_gradient_bound(g: Array, *, channels_last: bool = False) -> Array:
    """Bound on the error of `batch_norm_shift_gradient`."""
    (g,) = as_floats(g)
    return _sum(exact(channels_first(g, channels_last))).error.reshape(-1)


def batch_norm_inference_bound(
    x: Array,
    mean: Array,
    variance: Array,
    scale: Array,
    shift: Array,
    epsilon: Any = 1e-5,
    *,
    channels_last: bool = False,
) -> Array:
    """Bound on the error of `batch_norm_inference`."""
    x, mean, variance, scale, shift = as_floats(x, mean, variance, scale, shift)
    x = channels_first(x, channels_last)
    normal = (exact(x) - _spread(mean, x)) / _root(_spread(variance, x), epsilon)
    return as_given((normal * _spread(scale, x) + _spread(shift, x)).error, channels_last)


def batch_norm_inference_input_gradient_bound(
    g: Array, variance: Array, scale: Array, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """Bound on the error of `batch_norm_inference_input_gradient`."""
    g, variance, scale = as_floats(g, variance, scale)
    g = channels_first(g, channels_last)
    factor = _spread(scale, g) / _root(_spread(variance, g), epsilon)
    return as_given((factor * exact(g)).error, channels_last)


def batch_norm_inference_scale_gradient_bound(
    g: Array, x: Array, mean: Array, variance: Array, epsilon: Any = 1e-5, *, channels_last: bool = False
) -> Array:
    """Bound on the error of `batch_norm_inference_scale_gradient`."""
    g, x, mean, variance = as_floats(g, x, mean, variance)
    g, x = channels_first(g, channels_last), channels_first(x, channels_last)
    normal = (exact(x) - _spread(mean, x)) / _root(_spread(variance, x), epsilon)
    return _sum(exact(g) * normal).error.reshape(-1)


def _statistics(x: Array) -> tuple[Approximation, Approximation, Approximation]:
    """Mean, distances from it, and variance."""
    mean = _mean(exact(x))
    centred = exact(x) - mean
    return mean, centred, _mean(centred * centred)


def _normal(x: Array, epsilon: Any) -> tuple[Approximation, Approximation]:
    _, centred, variance = _statistics(x)
    root = _root(variance, epsilon)
    return centred / root, root


def _root(variance: Approximation, epsilon: Any) -> Approximation:
    return (variance + _number(epsilon, variance)).sqrt()


def _sum(x: Approximation) -> Approximation:
    return x.sum((0, *range(2, x.value.ndim)))


def _mean(x: Approximation) -> Approximation:
    count = x.value.size // x.value.shape[1]
    return _sum(x) / _number(count, x)


def _number(number: Any, like: Array | Approximation) -> Approximation:
    return Approximation.number(number, number, like.dtype)


def _complement(number: Any, like: Array) -> Approximation:
    return Approximation.number(1 - Fraction(number), 1 - number, like.dtype)


def _spread(channels: Array, x: Array) -> Approximation:
    return exact(channels.reshape(1, -1, *(1,) * (x.ndim - 2)))
