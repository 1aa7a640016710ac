"""Bounds on what floating point adds to a network's loss and gradients: an error analysis that runs through its layers.

Every array on the way is an `Approximation`: what float64 makes of it, and how far anything else that computes in the
network's type may be from exact arithmetic, in any order of summation and from the first layer on. A layer passes
errors on by what it does to sizes (`|a*b - a'*b'| <= |a|*|b - b'| + |a - a'|*|b'|`), and adds its own bound, taken at
the largest numbers that it may see. So two implementations, which both stay within the bound, are at most twice as
far apart. (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3.)

Kinks: ReLU and max pooling are followed as long as every sign and every winner is certain. Where one lies within the
error, the gradient may jump, and the bound is as large as what is passed back there; such places are counted, unless
nothing is passed back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numeric.conv import conv, conv_input_gradient, conv_weight_gradient
from numeric.dense import dense, dense_input_gradient, dense_weight_gradient
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.layers import Activation, AveragePool, Conv, Dense, Flatten, Layer, MaxPool
from numeric.losses import softmax_cross_entropy
from numeric.network import Sequential
from numeric.paths.windows import overlap_add, windows
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient
from numeric.rounding.approximation import Approximation
from numeric.rounding.linear import (
    bias_gradient_bound,
    conv_bound,
    dense_bias_gradient_bound,
    dense_bound,
    dense_input_gradient_bound,
    dense_weight_gradient_bound,
    input_gradient_bound,
    weight_gradient_bound,
)
from numeric.rounding.model import outward, sum_bound
from numeric.rounding.pooling import average_pool_bound, average_pool_input_gradient_bound


@dataclass(frozen=True, eq=False)
class NetworkBound:
    """Bounds on the errors of the loss and of each parameter's gradient, float64, and how many kinks lie in reach."""

    loss: float
    gradients: dict[str, Array]
    kinks: int


@dataclass(frozen=True, eq=False)
class Passed:
    """What a layer passes back: dL/dx, the gradients of its parameters, and the kinks within the error."""

    dx: Approximation
    gradients: dict[str, Approximation]
    kinks: int = 0


def network_bound(network: Sequential, x: ArrayLike, labels: ArrayLike) -> NetworkBound:
    """Bound on the errors of `network.loss_and_gradients(x, labels)`, x being exact in the network's type.

    The gradients' bounds have their names and shapes. They are those of the worst case, which grows from layer to layer
    by the sums of the absolute weights: float64's see a fault of a twentieth of a percent, float32's do not.
    Raises `TypeError` for a type that is no real float, and for layers that have no bound: those that draw or that
    keep statistics, and activations but ReLU.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # bounds that are infinite, of which nothing is known
        return _bound(network, Approximation.exact(np.asarray(x, network.dtype)), np.asarray(labels))


def _bound(network: Sequential, x: Approximation, labels: Array) -> NetworkBound:
    seen = [x]
    for layer in network.layers:
        seen.append(_forward(layer, seen[-1]))
    loss, g = _loss(seen.pop(), labels)
    bounds: dict[str, Array] = {}
    kinks = 0
    for number, layer in reversed(list(enumerate(network.layers))):
        passed = _backward(layer, g, seen.pop())
        bounds |= {f"{number}.{name}": gradient.error for name, gradient in passed.gradients.items()}
        g, kinks = passed.dx, kinks + passed.kinks
    return NetworkBound(loss.error.item(), bounds, kinks)


def _loss(x: Approximation, labels: Array) -> tuple[Approximation, Approximation]:
    """Mean softmax cross-entropy of the logits x, and its gradient, by the steps of `numeric.losses`."""
    softmax_cross_entropy(x.value, labels)  # refuses what does not fit
    value, error = (array.max(axis=1, keepdims=True) for array in (x.value, x.error))
    shifted = x - Approximation(value, error, x.dtype)
    weights = shifted.exp()
    total = weights.sum(1)
    target = labels[:, None] == np.arange(x.value.shape[1])
    exact = Approximation.exact
    batch = exact(np.array(len(labels), x.dtype))
    nothing = exact(np.zeros(target.shape, x.dtype))
    losses = (total.log() - shifted).where(target, nothing).sum((0, 1))
    g = exact(np.ones((), x.dtype)) / batch
    return losses / batch, g * (weights / total - exact(target.astype(x.dtype)))


@singledispatch
def _forward(layer: Layer, x: Approximation) -> Approximation:  # noqa: ARG001 - what is dispatched on
    raise TypeError(f"no rounding bound for a network with the layer {type(layer).__name__}")


@singledispatch
def _backward(layer: Layer, g: Approximation, x: Approximation) -> Passed:
    raise NotImplementedError  # `_forward` has refused it


@_forward.register
def _(layer: Conv, x: Approximation) -> Approximation:
    w, bias = layer.parameters["weights"], layer.parameters["bias"]
    value = conv(x.value, w, bias, **layer.options)
    passed = conv(x.error, abs(w), **layer.options)
    return _result(value, passed, conv_bound(_reach(x), w, _layer(layer, x), bias), x)


@_backward.register
def _(layer: Conv, g: Approximation, x: Approximation) -> Passed:
    w, geometry = layer.parameters["weights"], _layer(layer, x)
    size, kernel = geometry.input_size, geometry.kernel_size

    def input_gradient(g: Array, w: Array) -> Array:
        return conv_input_gradient(g, w, size, **layer.options)

    dx = _result(
        input_gradient(g.value, w), input_gradient(g.error, abs(w)), input_gradient_bound(_reach(g), w, geometry), g
    )
    dw = _product(
        lambda g, x: conv_weight_gradient(g, x, kernel, **layer.options),
        g,
        x,
        weight_gradient_bound(_reach(g), _reach(x), geometry),
    )
    return Passed(dx, {"weights": dw, "bias": _sum(g, bias_gradient_bound(_reach(g)))})


@_forward.register
def _(layer: Dense, x: Approximation) -> Approximation:
    w, bias = layer.parameters["weights"], layer.parameters["bias"]
    return _result(dense(x.value, w, bias), dense(x.error, abs(w)), dense_bound(_reach(x), w, bias), x)


@_backward.register
def _(layer: Dense, g: Approximation, x: Approximation) -> Passed:
    w = layer.parameters["weights"]
    own = dense_input_gradient_bound(_reach(g), w)
    dx = _result(dense_input_gradient(g.value, w), dense_input_gradient(g.error, abs(w)), own, g)
    dw = _product(dense_weight_gradient, g, x, dense_weight_gradient_bound(_reach(g), _reach(x)))
    return Passed(dx, {"weights": dw, "bias": _sum(g, dense_bias_gradient_bound(_reach(g)))})


@_forward.register
def _(_: Flatten, x: Approximation) -> Approximation:
    return _reshaped(x, (len(x.value), -1))


@_backward.register
def _(_: Flatten, g: Approximation, x: Approximation) -> Passed:
    return Passed(_reshaped(g, x.value.shape), {})


@_forward.register
def _(layer: Activation, x: Approximation) -> Approximation:
    if layer.name != "relu":
        raise TypeError(f"no rounding bound for a network with the activation {layer.name}")
    error = np.where(_range(x)[1] <= 0, 0.0, x.error)  # off, whatever computes it
    return Approximation(np.maximum(x.value, 0), error, x.dtype)


@_backward.register
def _(_: Activation, g: Approximation, x: Approximation) -> Passed:
    low, high = _range(x)
    either = (low <= 0) & (high > 0)
    error = np.where(either, g.size + g.error, np.where(low > 0, g.error, 0.0))
    dx = Approximation(np.where(x.value > 0, g.value, 0.0), error, g.dtype)
    return Passed(dx, {}, int((either & (error > 0)).sum()))


@_forward.register
def _(layer: MaxPool, x: Approximation) -> Approximation:
    value, error = (max_pool(array, layer.kernel_size, **layer.options) for array in (x.value, x.error))
    return Approximation(value, error, x.dtype)


@_backward.register
def _(layer: MaxPool, g: Approximation, x: Approximation) -> Passed:
    """A cell may have won a window if it can reach the largest that some cell must have."""
    geometry = _windows(layer, x)
    low, high = _range(x)
    taps = (..., *(None,) * geometry.ndim)
    least = max_pool(low, layer.kernel_size, **layer.options)[taps]
    inside = windows(np.ones((1, 1, *geometry.input_size), bool), geometry)
    able = inside & (windows(high, geometry) >= least)
    several = able.sum(axis=tuple(range(-geometry.ndim, 0))) > 1

    def give(cotangent: Array) -> Array:
        return overlap_add(np.where(able, cotangent[taps], 0), geometry)

    passed = give(np.where(several, g.size + g.error, g.error))
    value = max_pool_input_gradient(g.value, x.value, layer.kernel_size, **layer.options)
    return Passed(_result(value, passed, sum_bound(give, _reach(g)), g), {}, int((several & (g.size > 0)).sum()))


@_forward.register
def _(layer: AveragePool, x: Approximation) -> Approximation:
    value, passed = (average_pool(array, layer.kernel_size, **layer.options) for array in (x.value, x.error))
    return _result(value, passed, average_pool_bound(_reach(x), _windows(layer, x)), x)


@_backward.register
def _(layer: AveragePool, g: Approximation, x: Approximation) -> Passed:
    geometry = _windows(layer, x)
    value, passed = (
        average_pool_input_gradient(array, geometry.input_size, layer.kernel_size, **layer.options)
        for array in (g.value, g.error)
    )
    return Passed(_result(value, passed, average_pool_input_gradient_bound(_reach(g), geometry), g), {})


def _result(value: Array, passed: Array, own: Array, a: Approximation) -> Approximation:
    """A layer's output of which `passed` is the part of the error that comes from that of `a`."""
    reached = abs(value) + passed + own
    return Approximation(value, outward(passed + own, reached, a.value.size, a.dtype), a.dtype)


def _product(kernel: Callable[[Array, Array], Array], a: Approximation, b: Approximation, own: Array) -> Approximation:
    """What is bilinear in two arrays that both have errors."""
    passed = kernel(a.size, b.error) + kernel(a.error, b.size + b.error)
    return _result(kernel(a.value, b.value), passed, own, a)


def _sum(g: Approximation, own: Array) -> Approximation:
    """Sum over all axes but the channels'."""
    axes = (0, *range(2, g.value.ndim))
    return _result(g.value.sum(axis=axes), g.error.sum(axis=axes), own, g)


def _reach(a: Approximation) -> Array:
    """At least the absolute value of any that may be computed, in the type; 0 where all are."""
    most = (a.size + a.error).astype(a.dtype)
    return np.where(a.size > 0, np.nextafter(most, np.asarray(np.inf, a.dtype)), most)


def _range(a: Approximation) -> tuple[Array, Array]:
    """Least and largest of what may be computed; the value itself if it is exact."""
    low, high = (np.nextafter(a.value + side * 2 * a.error, side * np.inf) for side in (-1, 1))
    return np.where(a.error > 0, low, a.value), np.where(a.error > 0, high, a.value)


def _reshaped(a: Approximation, shape: tuple[int, ...]) -> Approximation:
    return Approximation(a.value.reshape(shape), a.error.reshape(shape), a.dtype)


def _layer(layer: Conv, x: Approximation) -> Geometry:
    return Geometry.of(x.value.shape, layer.parameters["weights"].shape, **layer.options)


def _windows(layer: MaxPool, x: Approximation) -> Geometry:
    """Windows of one channel."""
    options: dict[str, Any] = {"stride": layer.kernel_size, **layer.options}
    return Geometry(x.value.shape[2:], layer.kernel_size, **options)
