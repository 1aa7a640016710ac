"""What a training adds to the layers, as signals: activations, softmax, dropout and batch normalisation."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Function, Sum

from proofs.layer_signals import BATCH, CLASSES, INPUT_CHANNEL, OTHER_VALUES, SLICE, VALUES
from proofs.signals import At, Signal, value

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
