"""Bounds for activations, dropout, and their gradients, of the shape of x, float64.

They repeat the steps of `numeric.activations` on numbers that carry their error (`approximation`). relu, relu6, flatten
and their gradients are exact, as is what leaky_relu and elu return where `x > 0`: 0 there, and no bound for those.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.reals import as_floats
from numeric.rounding.approximation import Approximation

exact = Approximation.exact


def leaky_relu_bound(x: Array, slope: Any = 0.01) -> Array:
    """Bound on the error of `leaky_relu`: one product."""
    (x,) = as_floats(x)
    return _unless_positive(x, _number(slope, x) * exact(x))


def leaky_relu_input_gradient_bound(g: Array, x: Array, slope: Any = 0.01) -> Array:
    """Bound on the error of `leaky_relu_input_gradient`: one product."""
    g, x = as_floats(g, x)
    return _unless_positive(x, _number(slope, x) * exact(g))


def elu_bound(x: Array, alpha: Any = 1.0) -> Array:
    """Bound on the error of `elu`."""
    (x,) = as_floats(x)
    return _unless_positive(x, _number(alpha, x) * _below(x).expm1())


def elu_input_gradient_bound(g: Array, x: Array, alpha: Any = 1.0) -> Array:
    """Bound on the error of `elu_input_gradient`."""
    g, x = as_floats(g, x)
    return _unless_positive(x, _number(alpha, x) * _below(x).exp() * exact(g))


def softplus_bound(x: Array) -> Array:
    """Bound on the error of `softplus`."""
    (x,) = as_floats(x)
    return (exact(np.maximum(x, 0)) + _below(x).exp().log1p()).error


def softplus_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `softplus_input_gradient`."""
    g, x = as_floats(g, x)
    return (exact(g) * _sigmoids(x)[0]).error


def sigmoid_bound(x: Array) -> Array:
    """Bound on the error of `sigmoid`."""
    (x,) = as_floats(x)
    return _sigmoids(x)[0].error


def sigmoid_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `sigmoid_input_gradient`."""
    g, x = as_floats(g, x)
    positive, negative = _sigmoids(x)
    return (exact(g) * (positive * negative)).error


def tanh_bound(x: Array) -> Array:
    """Bound on the error of `tanh`."""
    (x,) = as_floats(x)
    return exact(x).tanh().error


def tanh_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `tanh_input_gradient`."""
    g, x = as_floats(g, x)
    y, one = exact(x).tanh(), exact(np.ones((), x.dtype))
    return (exact(g) * ((one - y) * (one + y))).error


def silu_bound(x: Array) -> Array:
    """Bound on the error of `silu`."""
    (x,) = as_floats(x)
    return (exact(x) * _sigmoids(x)[0]).error


def silu_input_gradient_bound(g: Array, x: Array) -> Array:
    """Bound on the error of `silu_input_gradient`."""
    g, x = as_floats(g, x)
    positive, negative = _sigmoids(x)
    return (exact(g) * (positive * (exact(np.ones((), x.dtype)) + exact(x) * negative))).error


def dropout_bound(x: Array, mask: Array, rate: Any) -> Array:
    """Bound on the error of `dropout`: `1 - rate` rounds, and a division by it; what is dropped is exact."""
    (x,) = as_floats(x)
    kept = Approximation.number(1 - Fraction(rate), 1 - rate, x.dtype)
    return np.where(np.asarray(mask) == 0, 0.0, (exact(x) / kept).error)


def dropout_input_gradient_bound(g: Array, mask: Array, rate: Any) -> Array:
    """Bound on the error of `dropout_input_gradient`, the same function."""
    return dropout_bound(g, mask, rate)


def _number(parameter: Any, x: Array) -> Approximation:
    return Approximation.number(parameter, parameter, x.dtype)


def _unless_positive(x: Array, otherwise: Approximation) -> Array:
    return np.where(x > 0, 0.0, otherwise.error)


def _below(x: Array) -> Approximation:
    return exact(-np.abs(x))


def _sigmoids(x: Array) -> tuple[Approximation, Approximation]:
    """`sigmoid(x)` and `sigmoid(-x)`, as they are computed."""
    small, one = _below(x).exp(), exact(np.ones(x.shape, x.dtype))
    positive = x > 0
    return one.where(positive, small) / (one + small), small.where(positive, one) / (one + small)
