"""Winograd's filtering, compiled and fused: tiles of 3x3 layers of stride 1, without any array of all points.

The matrices are `numeric.paths.toom_cook`'s, as in `numeric.paths.winograd`; F(4,3) is at the points 0, 1, -1, 1/2, -2
and infinity, of which the error is less than half that of 0, 1, -1, 2, -2. The input gradient is the layer of the
rotated weights. Sources: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks (2016), arXiv
1509.09308; B. Barabasz, A. Anderson, K. Soodhalter, D. Gregg, Error Analysis and Improving the Accuracy of Winograd
Convolution for Deep Neural Networks (2018), arXiv 1803.10986. The kernels are `numeric.paths.compiled.tiles`.

The work space is a piece of the tiles for each thread (`piece_space`), and the weights at points. A NaN or an
infinity spreads over the tiles that read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.compiled import available, expect_floats, workers
from numeric.paths.memory import empty
from numeric.paths.toom_cook import Filtering, filtering
from numeric.paths.turned import backward

if TYPE_CHECKING:
    from numeric.paths.compiled.tiles import Tiling

BUDGET = 3 << 18  # bytes of tiles on their way: most of an L2 cache
POINTS = {2: (0, 1, -1), 4: (0, 1, -1, Fraction(1, 2), -2)}  # and infinity
FILTERINGS = {outputs: filtering(outputs, 3, points) for outputs, points in POINTS.items()}


@dataclass(frozen=True)
class Fused:
    """The path made of F(m, 3) on both axes."""

    outputs: int

    @property
    def filtering(self) -> Filtering:
        """Its matrices."""
        return FILTERINGS[self.outputs]

    def supports(self, geometry: Geometry) -> str:
        """Why this path does not take a layer; nothing if it does."""
        of = geometry
        if of.kernel_size == (3, 3) and of.stride == (1, 1) and of.boundary == "zero":
            return available()
        return f"fused{self.outputs} needs two axes, 3x3 kernels, stride 1 and zeros outside of the input"

    def conv(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
        x, w = self._floats(x, w)
        return self._layer(x, w, geometry, (9 * geometry.group_in, 9), rotated=False)

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        g, w = self._floats(g, w)
        return self._layer(g, w, backward(geometry), (9, 9 * geometry.group_in), rotated=True)

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        g, x = self._floats(g, x)
        with workers() as threads:
            from numeric.paths.compiled.emit import lanes
            from numeric.paths.compiled.tiles import weight_gradient

            of = _tiling(geometry, self.outputs, len(x), threads, x.itemsize)
            parts = max(1, min(-(-threads // geometry.groups), len(x)))
            found: Array = weight_gradient(g.reshape(-1), x.reshape(-1), of, lanes(x.itemsize), parts)
        return found.reshape(geometry.weight_shape)

    def _floats(self, *arrays: Array) -> list[Array]:
        arrays = as_numbers(*arrays)
        expect_floats(f"fused{self.outputs}", *arrays)
        return [np.ascontiguousarray(array) for array in arrays]

    def _layer(self, x: Array, w: Array, geometry: Geometry, steps: tuple[int, int], *, rotated: bool) -> Array:
        y = empty(geometry.output_shape(len(x)), x.dtype)
        with workers() as threads:
            from numeric.paths.compiled.emit import lanes
            from numeric.paths.compiled.tiles import layer, weights_at_points

            of, width = _tiling(geometry, self.outputs, len(x), threads, x.itemsize), lanes(x.itemsize)
            u = weights_at_points(w.reshape(-1), of, width, *steps, rotated)
            layer(x.reshape(-1), u, y.reshape(-1), of, width, threads)
        return y


def _line(geometry: Geometry, outputs: int) -> int:
    """Entries of a strip of tiles on its way: at points, before and after the products, and the cells that it reads."""
    (below, beside), points = geometry.dilation, (outputs + 2) ** 2
    count = -(-geometry.output_size[1] // (outputs * beside)) * beside
    read, written = geometry.group_in, geometry.group_out
    return int(below * count * (points * (read + written) + outputs * (outputs + 2) * read))


def piece_space(geometry: Geometry, outputs: int, itemsize: int) -> int:
    """Entries that a thread works on at once, at most: a piece of the tiles, with channels rounded up to vectors."""
    weights = (outputs + 2) ** 2 * geometry.group_in * geometry.group_out
    rounded = 1 + 16 // min(geometry.group_in, geometry.group_out)
    return 2 * rounded * max(BUDGET // itemsize, weights, _line(geometry, outputs), _line(backward(geometry), outputs))


@lru_cache(maxsize=1024)
def _tiling(geometry: Geometry, outputs: int, batch: int, threads: int, itemsize: int) -> Tiling:
    """As many strips of tiles at once as `BUDGET` holds, and no more than give every thread four pieces."""
    from numeric.paths.compiled.tiles import Tiling

    (rows, columns), points = geometry.output_size, (outputs + 2) ** 2
    down = -(-rows // (outputs * geometry.dilation[0]))
    weights = points * geometry.group_in * geometry.group_out
    line = _line(geometry, outputs)
    share = -(-batch * geometry.groups * down // (4 * threads))
    piece = max(1, min(max(BUDGET // itemsize, weights) // line, share))
    (above, _), (left, _) = geometry.padding
    height, width = geometry.input_size
    channels = geometry.groups, geometry.group_in, geometry.group_out
    return Tiling(outputs, *channels, height, width, rows, columns, above, left, piece, *geometry.dilation)
