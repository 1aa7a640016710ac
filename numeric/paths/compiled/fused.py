"""Winograd's filtering, compiled and fused: tiles of 3x3 layers of stride 1 or 2, without any array of all points.

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
from typing import NamedTuple

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.compiled import available, expect_floats, workers
from numeric.paths.memory import empty
from numeric.paths.toom_cook import Filtering, strided, stuffed
from numeric.paths.turned import backward

BUDGET = 3 << 18  # bytes of tiles on their way: most of an L2 cache
POINTS = {2: (0, 1, -1), 4: (0, 1, -1, Fraction(1, 2), -2)}  # and infinity
# What a tile goes through, as kernels number it: for each of the points the layers of stride 1 and 2, then the input
# gradients of stride 2 as layers that read g between zeros, where the first tile begins at a number, and at a zero.
SCHEMES = tuple(
    scheme
    for outputs, points in POINTS.items()
    for scheme in (
        *(strided(outputs, 3, stride, points) for stride in (1, 2)),
        *(stuffed(outputs, 3, 2, points, first) for first in (0, 1)),
    )
)


class Tiling(NamedTuple):
    """A layer with 3x3 kernels, cut into tiles of `made` by `made` outputs, as far apart as the taps are.

    `scheme` is the place in `SCHEMES` of the matrices, with `points` on an axis; a tile reads `window` cells of the
    input, `step` cells from the tile before. `read` and `written` are a group's channels of x and y; `piece` is how
    many strips of tiles go at once. A strip is `made` times as many rows as the taps are apart, and so are its blocks
    of columns: tiles are between each other.
    """

    scheme: int
    points: int
    window: int
    step: int
    made: int
    groups: int
    read: int
    written: int
    height: int
    width: int
    rows: int
    columns: int
    above: int  # what is read before the first row, and column
    left: int
    piece: int
    below: int  # rows from a tap to the next, and columns
    beside: int


@dataclass(frozen=True)
class Fused:
    """The path made of F(m, 3) on both axes."""

    outputs: int

    def matrices(self, geometry: Geometry, *, back: bool = False) -> Filtering:
        """Those that a layer goes through, or its input gradient as a layer of its own (`turned.backward`)."""
        return SCHEMES[_number(geometry, self.outputs, back=back)]

    def supports(self, geometry: Geometry) -> str:
        """Why this path does not take a layer; nothing if it does."""
        of, parities = geometry, {low % 2 for low, _ in geometry.padding}
        plain = of.stride == (1, 1) or (of.stride == (2, 2) and of.dilation == (1, 1) and len(parities) == 1)
        if of.kernel_size == (3, 3) and of.boundary == "zero" and plain:
            return available()
        return (
            f"fused{self.outputs} needs two axes, 3x3 kernels, zeros outside of the input, and stride 1, or stride 2 "
            "without dilation and with padding above and on the left both even or both odd"
        )

    def conv(self, x: Array, w: Array, geometry: Geometry, bias: Array | None = None) -> Array:
        """Output of the layer (cross-correlation) with a bias, shape `(batch, out_channels, *output)`."""
        bias = np.zeros(geometry.out_channels, x.dtype) if bias is None else bias
        return self._layer(x, w, bias, geometry, geometry.output_shape(len(x)), back=False)

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
        return self._layer(
            g, w, np.zeros(geometry.in_channels, g.dtype), geometry, geometry.input_shape(len(g)), back=True
        )

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
        g, x = self._floats(g, x)
        with workers() as threads:
            from numeric.paths.compiled.emit import lanes
            from numeric.paths.compiled.tiles import weight_gradient

            of = _tiling(geometry, self.outputs, len(x), threads, x.itemsize, back=False)
            parts = max(1, min(-(-threads // geometry.groups), len(x)))
            found: Array = weight_gradient(g.reshape(-1), x.reshape(-1), of, lanes(x.itemsize), parts)
        return found.reshape(geometry.weight_shape)

    def _floats(self, *arrays: Array) -> list[Array]:
        arrays = as_numbers(*arrays)
        expect_floats(f"fused{self.outputs}", *arrays)
        return [np.ascontiguousarray(array) for array in arrays]

    def _layer(
        self, x: Array, w: Array, bias: Array, geometry: Geometry, shape: tuple[int, ...], *, back: bool
    ) -> Array:
        x, w, bias = self._floats(x, w, bias)
        y = empty(shape, x.dtype)
        with workers() as threads:
            from numeric.paths.compiled.emit import lanes
            from numeric.paths.compiled.tiles import layer, weights_at_points

            of, width = _tiling(geometry, self.outputs, len(x), threads, x.itemsize, back=back), lanes(x.itemsize)
            steps = (9, 9 * geometry.group_in) if back else (9 * geometry.group_in, 9)
            u = weights_at_points(w.reshape(-1), of, width, *steps, back)
            layer(x.reshape(-1), u, bias, y.reshape(-1), of, width, threads)
        return y


def _number(geometry: Geometry, outputs: int, *, back: bool) -> int:
    """Place in `SCHEMES`."""
    start = len(SCHEMES) // 2 * list(POINTS).index(outputs)
    if geometry.stride == (1, 1):
        return start
    return start + 2 + backward(geometry).padding[0][0] % 2 if back else start + 1


def read_columns(scheme: Filtering) -> Array:
    """A scheme's `input` for the cells that it reads: without columns of zeros."""
    return scheme.input[:, (scheme.input != 0).any(axis=0)]


def _line(geometry: Geometry, outputs: int, *, back: bool) -> int:
    """Entries of a strip of tiles on its way: at points, before and after the products, and the cells that it reads."""
    of = _tiled(geometry, outputs, back=back)
    count = -(-of.columns // (of.made * of.beside)) * of.beside
    return int(of.below * count * (of.points**2 * (of.read + of.written) + of.step * of.window * of.read))


def piece_space(geometry: Geometry, outputs: int, itemsize: int) -> int:
    """Entries that a thread works on at once, at most: a piece of the tiles, with channels rounded up to vectors."""
    rounded = 1 + 16 // min(geometry.group_in, geometry.group_out)
    lines = [_line(geometry, outputs, back=back) for back in (False, True)]
    return 2 * rounded * max(BUDGET // itemsize, _weights(geometry, outputs), *lines)


def _weights(geometry: Geometry, outputs: int) -> int:
    """Of a group, at points."""
    points = Fused(outputs).matrices(geometry).inputs
    return points**2 * geometry.group_in * geometry.group_out


@lru_cache(maxsize=1024)
def _tiling(geometry: Geometry, outputs: int, batch: int, threads: int, itemsize: int, *, back: bool) -> Tiling:
    """As many strips of tiles at once as `BUDGET` holds, and no more than give every thread four pieces."""
    of = _tiled(geometry, outputs, back=back)
    down = -(-of.rows // (of.made * of.below))
    share = -(-batch * geometry.groups * down // (4 * threads))
    space = max(BUDGET // itemsize, _weights(geometry, outputs))
    return of._replace(piece=max(1, min(space // _line(geometry, outputs, back=back), share)))


def _tiled(geometry: Geometry, outputs: int, *, back: bool) -> Tiling:
    """The layer, or its input gradient as a layer of its own, in tiles."""
    number = _number(geometry, outputs, back=back)
    scheme, layer = SCHEMES[number], backward(geometry) if back else geometry
    made, apart = scheme.outputs, geometry.stride[0] if back else 1  # what is read lies between zeros, but they do not
    height, width = geometry.output_size if back else geometry.input_size
    return Tiling(
        scheme=number,
        points=len(scheme.input),
        window=read_columns(scheme).shape[1],
        step=made * scheme.stride // apart,
        made=made,
        groups=geometry.groups,
        read=layer.group_in,
        written=layer.group_out,
        height=height,
        width=width,
        rows=layer.output_size[0],
        columns=layer.output_size[1],
        above=layer.padding[0][0] // apart,
        left=layer.padding[1][0] // apart,
        piece=1,
        below=geometry.dilation[0],
        beside=geometry.dilation[1],
    )
