"""Activations: functions of single numbers, and their gradients.

Arrays: x of any shape; y, its cotangent g = dL/dy and the gradient dL/dx have the same one. Integers become float64,
but for relu and relu6, which need no fractions. `slope` and `alpha` take x's type; on arrays of objects they may be
symbols. A cotangent of another shape raises `GeometryError`, complex arrays and arrays that hold no numbers
`TypeError`, before any work is done.

Kinks: every branch is `x > 0`, strictly, as in TensorFlow. So the derivative at 0 is 0 for relu, `slope` for
leaky_relu, `alpha` for elu, and at 0 and 6 it is 0 for relu6.

A NaN in x passes through every function, and through every gradient but those of relu, leaky_relu and relu6, which only
compare x and take a NaN as not positive. An infinity gives the limit, except that silu at -inf and its gradient at
either infinity are NaN (and NumPy warns). No finite input overflows on the way: exp sees nothing but -|x|.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array
from numeric.masks import keep
from numeric.reals import as_floats, as_reals, expect_shape, scalar


def relu(x: ArrayLike) -> Array:
    """`max(x, 0)`."""
    (x,) = as_reals(x)
    return np.asarray(np.maximum(x, np.zeros((), x.dtype)), x.dtype)


def relu_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: g where `x > 0`, else 0."""
    g, x = _pair(*as_reals(g, x))
    return keep(g, _positive(x))


def leaky_relu(x: ArrayLike, slope: Any = 0.01) -> Array:
    """`x` where `x > 0`, else `slope * x`."""
    (x,) = as_floats(x)
    return _branch(x, x, scalar("slope", slope, x.dtype) * _otherwise(x, x))


def leaky_relu_input_gradient(g: ArrayLike, x: ArrayLike, slope: Any = 0.01) -> Array:
    """dL/dx: g where `x > 0`, else `slope * g`."""
    g, x = _pair(*as_floats(g, x))
    return _branch(x, g, scalar("slope", slope, x.dtype) * _otherwise(x, g))


def relu6(x: ArrayLike) -> Array:
    """`min(max(x, 0), 6)`."""
    (x,) = as_reals(x)
    return np.where(_truth(x >= 6), np.asarray(6, x.dtype), np.maximum(x, np.zeros((), x.dtype)))


def relu6_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: g where `0 < x < 6`, else 0."""
    g, x = _pair(*as_reals(g, x))
    return keep(g, _positive(x) & ~_truth(x >= 6))


def elu(x: ArrayLike, alpha: Any = 1.0) -> Array:
    """`x` where `x > 0`, else `alpha * (exp(x) - 1)` (Clevert, Unterthiner, Hochreiter 2015)."""
    (x,) = as_floats(x)
    return _branch(x, x, scalar("alpha", alpha, x.dtype) * np.expm1(_below(x)))


def elu_input_gradient(g: ArrayLike, x: ArrayLike, alpha: Any = 1.0) -> Array:
    """dL/dx: g where `x > 0`, else `g * alpha * exp(x)`."""
    g, x = _pair(*as_floats(g, x))
    return _branch(x, g, scalar("alpha", alpha, x.dtype) * np.exp(_below(x)) * _otherwise(x, g))


def softplus(x: ArrayLike) -> Array:
    """`log(1 + exp(x))`, as `max(x, 0) + log1p(exp(-|x|))`."""
    (x,) = as_floats(x)
    return np.asarray(np.maximum(x, np.zeros((), x.dtype)) + np.log1p(np.exp(_below(x))), x.dtype)


def softplus_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: `g * sigmoid(x)`."""
    g, x = _pair(*as_floats(g, x))
    return np.asarray(g * _sigmoids(x)[0], x.dtype)


def sigmoid(x: ArrayLike) -> Array:
    """`1 / (1 + exp(-x))`."""
    (x,) = as_floats(x)
    return np.asarray(_sigmoids(x)[0], x.dtype)


def sigmoid_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: `g * sigmoid(x) * sigmoid(-x)`; the second factor is never computed as `1 - sigmoid(x)`, which cancels."""
    g, x = _pair(*as_floats(g, x))
    positive, negative = _sigmoids(x)
    return np.asarray(g * (positive * negative), x.dtype)


def tanh(x: ArrayLike) -> Array:
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))`."""
    (x,) = as_floats(x)
    return np.asarray(np.tanh(x), x.dtype)


def tanh_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: `g * (1 - y) * (1 + y)` for `y = tanh(x)`; accurate to a few roundoffs of g, not of itself."""
    g, x = _pair(*as_floats(g, x))
    y, one = np.tanh(x), np.ones((), x.dtype)
    return np.asarray(g * ((one - y) * (one + y)), x.dtype)


def silu(x: ArrayLike) -> Array:
    """`x * sigmoid(x)` (Elfwing, Uchibe, Doya 2017; "swish")."""
    (x,) = as_floats(x)
    return np.asarray(x * _sigmoids(x)[0], x.dtype)


def silu_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx: `g * sigmoid(x) * (1 + x * sigmoid(-x))`."""
    g, x = _pair(*as_floats(g, x))
    positive, negative = _sigmoids(x)
    return np.asarray(g * (positive * (np.ones((), x.dtype) + x * negative)), x.dtype)


def _pair(g: Array, x: Array) -> tuple[Array, Array]:
    expect_shape("g", g, x.shape, "the shape of x")
    return g, x


def _truth(condition: Any) -> Array:
    """Comparison of an array, also of one of objects, as booleans."""
    return np.asarray(condition, bool)


def _positive(x: Array) -> Array:
    return _truth(x > 0)


def _branch(x: Array, above: Any, below: Any) -> Array:
    """`above` where `x > 0`, else `below`."""
    found: Array = np.where(_positive(x), above, below)
    return found


def _otherwise(x: Array, below: Array) -> Array:
    """`below` unless `x > 0`, else 0, so that no multiple of it overflows where it is not asked for."""
    return keep(below, ~_positive(x))


def _below(x: Array) -> Array:
    """`-|x|`, whose exponential never overflows; x itself where it is not positive, a symbol wherever x is one."""
    return _branch(x, -x, x)


def _sigmoids(x: Array) -> tuple[Any, Any]:
    """`sigmoid(x)` and `sigmoid(-x)`, each to a few roundoffs of itself."""
    small, one = np.exp(_below(x)), np.ones((), x.dtype)
    return _branch(x, one, small) / (one + small), _branch(x, small, one) / (one + small)
