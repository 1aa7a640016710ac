"""Activations and their gradients, number by number, by the textbook formulas: nothing here is stable.

So exp may overflow on floats, and differences cancel; what is exact are numbers with enough digits of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.reals import as_floats, as_reals


def relu(x: Array) -> Array:
    """The larger of x and 0; a NaN stays one."""
    return _each(lambda t: t if t > 0 or t != t else 0, *as_reals(x))


def relu_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx."""
    return _each(lambda g, t: g if t > 0 else 0, *as_reals(g, x))


def leaky_relu(x: Array, slope: Any = 0.01) -> Array:
    """`x` where `x > 0`, else `slope * x`."""
    return _each(lambda t: t if t > 0 else slope * t, *as_floats(x))


def leaky_relu_input_gradient(g: Array, x: Array, slope: Any = 0.01) -> Array:
    """dL/dx."""
    return _each(lambda g, t: g if t > 0 else slope * g, *as_floats(g, x))


def relu6(x: Array) -> Array:
    """The larger of x and 0, but 6 at most; a NaN stays one."""
    return _each(lambda t: 6 if t > 6 else t if t > 0 or t != t else 0, *as_reals(x))


def relu6_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx."""
    return _each(lambda g, t: g if 6 > t > 0 else 0, *as_reals(g, x))


def elu(x: Array, alpha: Any = 1.0) -> Array:
    """`x` where `x > 0`, else `alpha * (exp(x) - 1)`."""
    return _each(lambda t: t if t > 0 else alpha * (np.exp(t) - 1), *as_floats(x))


def elu_input_gradient(g: Array, x: Array, alpha: Any = 1.0) -> Array:
    """dL/dx."""
    return _each(lambda g, t: g if t > 0 else g * alpha * np.exp(t), *as_floats(g, x))


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))`."""
    return _each(lambda t: np.log(1 + np.exp(t)), *as_floats(x))


def softplus_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx: `g * exp(x) / (1 + exp(x))`."""
    return _each(lambda g, t: g * np.exp(t) / (1 + np.exp(t)), *as_floats(g, x))


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return _each(_sigmoid, *as_floats(x))


def sigmoid_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx: `g * y * (1 - y)`."""
    return _each(lambda g, t: g * _sigmoid(t) * (1 - _sigmoid(t)), *as_floats(g, x))


def tanh(x: Array) -> Array:
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))`."""
    return _each(_tanh, *as_floats(x))


def tanh_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx: `g * (1 - y ** 2)`."""
    return _each(lambda g, t: g * (1 - _tanh(t) ** 2), *as_floats(g, x))


def silu(x: Array) -> Array:
    """`x / (1 + exp(-x))`."""
    return _each(lambda t: t * _sigmoid(t), *as_floats(x))


def silu_input_gradient(g: Array, x: Array) -> Array:
    """dL/dx, by the product rule."""
    return _each(lambda g, t: g * (_sigmoid(t) + t * _sigmoid(t) * (1 - _sigmoid(t))), *as_floats(g, x))


def _each(function: Callable[..., Any], *arrays: Array) -> Array:
    y = np.zeros(arrays[-1].shape, arrays[-1].dtype)
    for a in np.ndindex(y.shape):
        y[a] = function(*(array[a] for array in arrays))
    return y


def _sigmoid(t: Any) -> Any:
    return 1 / (1 + np.exp(-t))


def _tanh(t: Any) -> Any:
    return (np.exp(t) - np.exp(-t)) / (np.exp(t) + np.exp(-t))
