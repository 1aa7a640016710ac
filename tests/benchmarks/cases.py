"""What the speed benchmark runs: the layers, their three functions, and the arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from numeric.geometry import Geometry
from numeric.paths import PATHS

FUNCTIONS = {"conv": "forward", "input_gradient": "dx", "weight_gradient": "dw"}


def _layer(size: int, channels: tuple[int, int], kernel: int, padding: int = 0, **options: Any) -> Geometry:
    read, written = channels
    return Geometry((size, size), (kernel, kernel), padding=padding, in_channels=read, out_channels=written, **options)


SHAPES: dict[str, tuple[int, Geometry]] = {
    "N16 56x56 64-64 3x3": (16, _layer(56, (64, 64), 3, 1)),
    "N16 28x28 128-128 3x3": (16, _layer(28, (128, 128), 3, 1)),
    "N16 14x14 256-256 3x3": (16, _layer(14, (256, 256), 3, 1)),
    "N64 28x28 32-64 3x3": (64, _layer(28, (32, 64), 3, 1)),
    "N64 28x28 1-20 5x5": (64, _layer(28, (1, 20), 5)),
    "N64 12x12 20-50 5x5": (64, _layer(12, (20, 50), 5)),
    "N16 56x56 64-256 1x1": (16, _layer(56, (64, 256), 1)),
    "N16 56x56 256-64 1x1": (16, _layer(56, (256, 64), 1)),
    "N16 56x56 depthwise 64 3x3": (16, _layer(56, (64, 64), 3, 1, groups=64)),
    "N16 56x56 64-64 3x3 stride 2": (16, _layer(56, (64, 64), 3, 1, stride=2)),
    "N16 56x56 64-64 3x3 dilation 2": (16, _layer(56, (64, 64), 3, 2, dilation=2)),
    "N1 2048x2048 1-1 3x3": (1, _layer(2048, (1, 1), 3, 1)),
    "N1 2048x2048 1-1 7x7": (1, _layer(2048, (1, 1), 7, 3)),
    "N1 2048x2048 1-1 31x31": (1, _layer(2048, (1, 1), 31, 15)),
}


@dataclass(frozen=True)
class Case:
    """One function of a layer on a batch."""

    shape: str
    function: str
    dtype: str

    @property
    def label(self) -> str:
        """Name in the tables."""
        return f"{self.shape} {FUNCTIONS[self.function]}"

    @property
    def batch(self) -> int:
        """Samples."""
        return SHAPES[self.shape][0]

    @property
    def geometry(self) -> Geometry:
        """The layer."""
        return SHAPES[self.shape][1]

    @property
    def operations(self) -> int:
        """Multiplications and additions of the definition."""
        return 2 * self.batch * prod(self.geometry.output_size) * prod(self.geometry.weight_shape)

    def arguments(self) -> tuple[np.ndarray, np.ndarray]:
        """Both arrays, standard normal, channels-first."""
        of = self.geometry
        x, w, g = of.input_shape(self.batch), of.weight_shape, of.output_shape(self.batch)
        shapes = {"conv": (x, w), "input_gradient": (g, w), "weight_gradient": (g, x)}[self.function]
        generator = np.random.default_rng(0)
        return tuple(generator.standard_normal(shape, dtype=self.dtype) for shape in shapes)

    def reference(self) -> np.ndarray:
        """What float64 makes of the arguments: a product for each tap, or transforms where that takes minutes."""
        a, b = (array.astype(np.float64) for array in self.arguments())
        path = PATHS["fft" if max(self.geometry.kernel_size) > 7 else "shift"]
        return getattr(path, self.function)(a, b, self.geometry)


def cases(dtype: str, only: str = "") -> list[Case]:
    """All of them, or those whose label holds a pattern."""
    every = [Case(shape, function, dtype) for shape in SHAPES for function in FUNCTIONS]
    return [case for case in every if only in case.label]
