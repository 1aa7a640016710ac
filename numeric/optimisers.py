"""Adam, and a learning rate that goes through one cycle."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, pi

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import GeometryError


class Adam:
    """Adam: steps against the mean of past gradients over the root of the mean of their squares.

    A `weight_decay` shrinks the parameters by that share of the learning rate, apart from the gradients (AdamW).
    Sources: D. P. Kingma, J. Ba, Adam (2015), with its epsilon hat as in Keras; I. Loshchilov, F. Hutter, Decoupled
    weight decay regularization (2019).
    """

    def __init__(
        self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, weight_decay: float = 0.0
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon, self.weight_decay = beta_1, beta_2, epsilon, weight_decay
        self._steps = 0
        self._moments: dict[str, tuple[Array, Array, Array]] = {}  # mean, square, and room to compute in

    def step(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], learning_rate: float = 0.001
    ) -> None:
        """Change the parameters in place; raise `GeometryError` unless there is a gradient for each, of its shape."""
        shapes, given = ({name: array.shape for name, array in arrays.items()} for arrays in (parameters, gradients))
        if shapes != given:
            raise GeometryError(f"expected gradients of shapes {shapes}, got {given}")
        self._steps += 1
        corrected = (1 - self.beta_2**self._steps) ** 0.5 / (1 - self.beta_1**self._steps)
        for name, parameter in parameters.items():
            g = gradients[name]
            if name not in self._moments:
                self._moments[name] = np.zeros_like(parameter), np.zeros_like(parameter), np.empty_like(parameter)
            mean, square, room = self._moments[name]  # all is written where it is: new arrays take twice the time
            mean *= self.beta_1
            mean += np.multiply(g, 1 - self.beta_1, out=room)
            square *= self.beta_2
            np.multiply(g, g, out=room)
            square += np.multiply(room, 1 - self.beta_2, out=room)
            np.sqrt(square, out=room)
            room += self.epsilon
            np.divide(mean, room, out=room)
            room *= learning_rate * corrected
            if self.weight_decay:
                parameter *= 1 - learning_rate * self.weight_decay
            parameter -= room


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """Learning rate of `step`, of 0 to `steps` - 1: in a straight line from 0 to `peak`, then along a cosine to 0.

    `warmup` is the share of the steps that the rise takes.
    """
    rise = round(warmup * steps)
    if step < rise:
        return peak * step / rise
    return peak * (1 + cos(pi * (step - rise) / max(1, steps - rise))) / 2
