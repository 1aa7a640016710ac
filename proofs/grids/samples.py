"""Cases of layers that branch: each holds a sample of the region of numbers that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from numeric import Geometry
from proofs.grids.cases import Shape


@dataclass(frozen=True)
class PoolCase:
    """Windows of one channel: x and a cotangent g; where maxima are sought, those of cells like `values`."""

    geometry: Geometry
    values: tuple[int, ...] = ()

    def sample(self) -> Mapping[str, Any]:
        """The values, where there are any."""
        return {"x": np.reshape(self.values, self.geometry.input_shape(1))} if self.values else {}

    def shapes(self) -> Mapping[str, Shape]:
        """x, g."""
        return {"x": self.geometry.input_shape(1), "g": self.geometry.output_shape(1)}

    @property
    def options(self) -> dict[str, Any]:
        """Keywords that the functions of `numeric.pooling` take for these windows."""
        return {name: getattr(self.geometry, name) for name in ("stride", "dilation", "padding", "boundary")}

    def __str__(self) -> str:
        return f"{self.geometry}, cells like {self.values}" if self.values else str(self.geometry)


@dataclass(frozen=True)
class PointsCase:
    """Numbers x for a function of one number, with a cotangent g and a positive parameter a; `signs` ranks them."""

    values: tuple[int, ...]

    def shapes(self) -> Mapping[str, Shape]:
        """x, g, a."""
        return {"x": (len(self.values),), "g": (len(self.values),), "a": (1,)}

    def sample(self) -> Mapping[str, Any]:
        """The values stand for every x on the same side of each kink."""
        return {"x": self.values, "a": (Fraction(1, 3),)}

    def __str__(self) -> str:
        return f"x like {self.values}"


@dataclass(frozen=True)
class ClassesCase:
    """Rows of logits x with cotangents g of their losses and h of their probabilities, target rows t, and labels."""

    orders: tuple[tuple[int, ...], ...]
    labels: tuple[int, ...]

    def shapes(self) -> Mapping[str, Shape]:
        """x, t, h `(batch, classes)`, g `(batch,)`, c one number."""
        rows = (len(self.orders), len(self.orders[0]))
        return {"x": rows, "t": rows, "h": rows, "g": rows[:1], "c": (1,)}

    def sample(self) -> Mapping[str, Any]:
        """The largest logit of a row, by which it is shifted, is where this order has it."""
        return {"x": self.orders, "c": (5,)}

    def __str__(self) -> str:
        return f"rows in the order {self.orders}, labels {self.labels}"


@dataclass(frozen=True)
class NormCase:
    """A batch x to normalise, its cotangent g; scale s, shift b, mean m, variance v of each channel, epsilon e."""

    shape: Shape

    def shapes(self) -> Mapping[str, Shape]:
        """x, g `(batch, channels, *spatial)`; s, b, m, v `(channels,)`; e one number."""
        channel = (self.shape[1],)
        return {"x": self.shape, "g": self.shape, **dict.fromkeys("sbmv", channel), "e": (1,)}

    def sample(self) -> Mapping[str, Any]:
        """Any numbers, variance and epsilon positive: their sign is checked before the root is taken."""
        x = np.arange(prod(self.shape)).reshape(self.shape) ** 2
        return {"x": x, "m": range(self.shape[1]), "v": range(1, self.shape[1] + 1), "e": (1,)}

    def __str__(self) -> str:
        return f"x of {self.shape}"


@dataclass(frozen=True)
class FoldCase:
    """A layer and the batch normalisation of its outputs: x, w; s, b, m, v of each output channel, e."""

    geometry: Geometry

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, s, b, m, v, e."""
        channel = (self.geometry.out_channels,)
        layer = {"x": self.geometry.input_shape(1), "w": self.geometry.weight_shape}
        return {**layer, **dict.fromkeys("sbmv", channel), "e": (1,)}

    def sample(self) -> Mapping[str, Any]:
        """Variance and epsilon are positive."""
        return {"v": range(1, self.geometry.out_channels + 1), "e": (1,)}

    def __str__(self) -> str:
        return str(self.geometry)


@dataclass(frozen=True)
class NetworkCase:
    """A small network: images x, the convolution's weights w and bias b, the dense layer's v and c; and labels.

    `seed` draws the sample, and with it which cells win their windows and which outputs are positive.
    """

    labels: tuple[int, ...]
    seed: int

    def shapes(self) -> Mapping[str, Shape]:
        """x, w, b, v, c."""
        return {"x": (len(self.labels), 1, 4), "w": (1, 1, 2), "b": (1,), "v": (2, 2), "c": (2,)}

    def sample(self) -> Mapping[str, Any]:
        """Numbers of either sign in hundredths, so that hardly any two sums are equal."""
        random = np.random.default_rng(self.seed)
        drawn = {name: random.integers(-500, 501, shape) for name, shape in self.shapes().items()}
        return {name: numbers.astype(object) * Fraction(1, 100) for name, numbers in drawn.items()}

    def __str__(self) -> str:
        return f"labels {self.labels}, seed {self.seed}"


@dataclass(frozen=True)
class MaskCase:
    """Numbers x with a cotangent g, a drop rate r, and a mask of their shape."""

    mask: tuple[tuple[int, ...], ...]

    def shapes(self) -> Mapping[str, Shape]:
        """x, g, r."""
        shape = np.shape(self.mask)
        return {"x": shape, "g": shape, "r": (1,)}

    def sample(self) -> Mapping[str, Any]:
        """A rate between 0 and 1."""
        return {"r": (Fraction(1, 3),)}

    def __str__(self) -> str:
        return f"mask {self.mask}"
