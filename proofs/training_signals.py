"""What a training adds to the layers, as signals: activations, softmax, dropout and batch normalisation."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Function, Sum

from proofs.layer_signals import BATCH, CHANNEL, CHANNELS, CLASSES, INPUT_CHANNEL, OTHER_VALUES, SLICE, VALUES
from proofs.signals import Above, At, Signal, value

ACTIVATION = Function("σ")


class Dropout(Signal):
    """`Dropout(x, m, r)`: `x[i]·m[i] / (1 - r)` for a given mask m and rate r."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, mask, rate = self.args
        return value(x, *index) * value(mask, *index) / (1 - rate)


class Pointwise(Signal):
    """`Pointwise(x)`: `σ(x[...])`, a function of each entry by itself."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return ACTIVATION(value(self.args[0], *index))


class Relu(Signal):
    """`Relu(x)`: `x[n]` where it is above 0, else 0."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x = value(self.args[0], *index)
        return Above(x, 0) * x


class ReluGradient(Signal):
    """`ReluGradient(g, x)`: `g[n]` where `x[n]` is above 0, else 0."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        return Above(value(x, *index), 0) * value(g, *index)


class LeakyRelu(Signal):
    """`LeakyRelu(x, a)`: `x[n]` where it is above 0, else `a·x[n]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, slope = value(self.args[0], *index), self.args[1]
        return Above(x, 0) * x + (1 - Above(x, 0)) * slope * x


class Relu6(Signal):
    """`Relu6(x)`: `x[n]` between 0 and 6, 0 below, 6 above."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x = value(self.args[0], *index)
        return Above(x, 0) * x - Above(x, 6) * (x - 6)


class Elu(Signal):
    """`Elu(x, α)`: `x[n]` where it is above 0, else `α·(exp(x[n]) - 1)`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, alpha = value(self.args[0], *index), self.args[1]
        return Above(x, 0) * x + (1 - Above(x, 0)) * alpha * (sympy.exp(x) - 1)


class Softplus(Signal):
    """`Softplus(x)`: `log(1 + exp(x[n]))`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return sympy.log(1 + sympy.exp(value(self.args[0], *index)))


class Sigmoid(Signal):
    """`Sigmoid(x)`: `1 / (1 + exp(-x[n]))`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return 1 / (1 + sympy.exp(-value(self.args[0], *index)))


class Tanh(Signal):
    """`Tanh(x)`: `1 - 2 / (exp(2x[n]) + 1)`, which is `(exp(x) - exp(-x)) / (exp(x) + exp(-x))`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return 1 - 2 / (sympy.exp(2 * value(self.args[0], *index)) + 1)


class Silu(Signal):
    """`Silu(x)`: `x[n] / (1 + exp(-x[n]))`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x = value(self.args[0], *index)
        return x / (1 + sympy.exp(-x))


class Softmax(Signal):
    """`Softmax(x)`: `p[c] = exp(x[c]) / Σ over i of exp(x[i])`, in one row."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        (x,) = self.args
        return sympy.exp(value(x, *index)) / _total(x)


class LogSoftmax(Signal):
    """`LogSoftmax(x)`: `x[c] - log Σ over i of exp(x[i])`, in one row."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        (x,) = self.args
        return value(x, *index) - sympy.log(_total(x))


class SoftmaxGradient(Signal):
    """`SoftmaxGradient(g, x)`: `p[i]·(g[i] - Σ over c of g[c]·p[c])` with `p = softmax(x)`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        p = Softmax(x)
        return At(p, *index) * (value(g, *index) - Sum(value(g, CHANNEL) * At(p, CHANNEL), CHANNELS))


class LogSoftmaxGradient(Signal):
    """`LogSoftmaxGradient(g, x)`: `g[i] - softmax(x)[i]·Σ over c of g[c]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        return value(g, *index) - At(Softmax(x), *index) * Sum(value(g, CHANNEL), CHANNELS)


def _total(x: Any) -> Any:
    return Sum(sympy.exp(value(x, INPUT_CHANNEL)), CLASSES)


class Mean(Signal):
    """`Mean(x)`: `Σ over i of x[i] / N`, a number."""

    def at(self, *index: Any) -> Any:  # noqa: ARG002 - it has none
        """Value by definition."""
        return Sum(value(self.args[0], INPUT_CHANNEL), VALUES) / BATCH


class Variance(Signal):
    """`Variance(x)`: `Σ over j of (x[j] - mean(x))² / N`, a number."""

    def at(self, *index: Any) -> Any:  # noqa: ARG002 - it has none
        """Value by definition."""
        (x,) = self.args
        return Sum((value(x, SLICE) - At(Mean(x))) ** 2, OTHER_VALUES) / BATCH


class Deviation(Signal):
    """`Deviation(x, e)`: `√(variance(x) + e)`, a number."""

    def at(self, *index: Any) -> Any:  # noqa: ARG002 - it has none
        """Value by definition."""
        x, epsilon = self.args
        return sympy.sqrt(At(Variance(x)) + epsilon)


class BatchNorm(Signal):
    """`BatchNorm(x, s, b, e)`: `s·(x[n] - mean(x)) / deviation(x) + b`, in one channel."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, scale, shift, epsilon = self.args
        return scale * (value(x, *index) - At(Mean(x))) / At(Deviation(x, epsilon)) + shift


class BatchNormInference(Signal):
    """`BatchNormInference(x, m, v, s, b, e)`: `s·(x[n] - m) / √(v + e) + b` with a given mean and variance."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, mean, variance, scale, shift, epsilon = self.args
        return scale * (value(x, *index) - mean) / sympy.sqrt(variance + epsilon) + shift
