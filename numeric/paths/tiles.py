"""A layer on tiles: so many outputs on each axis, and all that they read.

Tiles of outputs do not overlap, and the last of them are filled up with zeros; what two of them read may overlap. An
algorithm that takes tiles and kernels to points, where the layer is pointwise, and products back from there (`Points`)
runs here, in blocks of tiles that stay in a core's cache, which threads share. The gradients take the same way, from
other arguments to another result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from math import prod
from typing import Any, Literal, Protocol

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import pointwise
from numeric.paths.memory import empty
from numeric.paths.windows import add_windows, overlap_add, unpad, windows
from numeric.threads import SHARES, each

Side = Literal["input", "output"]
Role = Literal["input", "kernel", "output"]
Block = tuple[slice, slice]  # samples, and rows of tiles
ROLES: Mapping[str, tuple[Role, Role, Role]] = {  # of both arguments, and of the result
    "conv": ("input", "kernel", "output"),
    "weight_gradient": ("output", "input", "kernel"),
    "input_gradient": ("output", "kernel", "input"),
}


class Points(Protocol):
    """How arrays get to points and back; tiles are `(batch, channels, *tiles, *cells)`, kernels `(out, in, *kernel)`.

    At points they are `(*points, channels, tiles)` and `(*points, out, in)`.
    """

    def forward(self, role: Role, array: Array) -> Array:
        """To points."""

    def inverse(self, role: Role, points: Array, tiles: Sequence[int]) -> Array:
        """From points: tiles of so many samples, and on each axis; or kernels, for the role that says so."""


@dataclass(frozen=True)
class Tiling:
    """A layer cut into tiles of `size` outputs; `block`: how many tiles go through all steps at once."""

    geometry: Geometry
    size: tuple[int, ...]
    block: int = 1

    @property
    def layer(self) -> Geometry:
        """That of a tile, without padding."""
        return replace(self.geometry, input_size=self.cut("input").kernel_size, padding=0, boundary="zero")

    def cut(self, side: Side) -> Geometry:
        """Tiles of outputs, or of what they read, as the windows of a kernel of their own size."""
        return _cut(self, side)

    @property
    def count(self) -> tuple[int, ...]:
        """Tiles on each axis."""
        return self.cut("output").output_size

    @property
    def overlaps(self) -> int:
        """How many tiles hold a cell of the input, at most, counted again for every turn of a circular boundary."""
        turns, of = 1, self.cut("input")
        if of.boundary == "circular":
            turns = prod(-(-axis.padded_size // axis.input_size) for axis in of.axes)
        return int(turns * prod(min(-(-axis.kernel_size // axis.stride), axis.output_size) for axis in of.axes))

    def terms(self, name: str, batch: int) -> int:
        """Products that a function adds up at a point: channels of a group, or tiles."""
        channels = {"conv": self.geometry.group_in, "input_gradient": self.geometry.group_out}
        return channels.get(name, batch * prod(self.count))

    def split(self, array: Array, side: Side) -> Array:
        """All tiles, `(batch, channels, *tiles, *cells)`: a view of the padded array."""
        return windows(array, self.cut(side))

    def joined(self, tiles: Array, side: Side) -> Array:
        """Adjoint of `split`: every cell is the sum of what the tiles that hold it have there."""
        return overlap_add(tiles, self.cut(side))

    def blocks(self, batch: int) -> list[Block]:
        """Whole samples, as many as fit, or rows of the tiles of one; of no sample one block, too."""
        rows, row = self.count[0], prod(self.count[1:])
        fit = max(self.block // row, 1)
        if fit >= rows or not batch:
            step = max(fit // rows, 1)
            return [(slice(n, n + step), slice(0, rows)) for n in range(0, max(batch, 1), step)]
        step = -(-rows // -(-rows // fit))  # as few blocks as fit, of equal size
        return [(slice(n, n + 1), slice(first, first + step)) for n in range(batch) for first in range(0, rows, step)]

    def rounds(self, batch: int) -> list[list[Block]]:
        """All blocks, such that no two of a round hold the same cell of the padded input."""
        blocks, of = self.blocks(batch), self.cut("input")
        step = blocks[0][1].stop
        held = (step - 1) * of.stride[0] + of.kernel_size[0]
        count = -(-held // (step * of.stride[0]))
        return [[block for block in blocks if block[1].start // step % count == number] for number in range(count)]


@lru_cache(maxsize=4096)
def _cut(tiling: Tiling, side: Side) -> Geometry:
    of, size = tiling.geometry, tiling.size
    fill = [-n % m for n, m in zip(of.output_size, size, strict=True)]
    if side == "output":
        padding = [(0, more) for more in fill]
        whole: Any = {"input_size": of.output_size, "boundary": "zero"}
        return replace(of, stride=size, kernel_size=size, dilation=1, padding=padding, **whole)
    padding = [(axis.low, axis.high + axis.stride * more) for axis, more in zip(of.axes, fill, strict=True)]
    cells = [axis.stride * (m - 1) + axis.span for axis, m in zip(of.axes, size, strict=True)]
    steps = [axis.stride * m for axis, m in zip(of.axes, size, strict=True)]
    return replace(of, stride=steps, kernel_size=cells, dilation=1, padding=padding)


def conv(x: Array, w: Array, tiling: Tiling, points: Points) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    geometry, cells, filters = tiling.geometry, tiling.split(x, "input"), points.forward("kernel", w)
    both = list(zip(tiling.count, tiling.size, strict=True))
    y = empty((len(x), geometry.out_channels, *(count * size for count, size in both)), x.dtype)
    apart = y.reshape(*y.shape[:2], *(n for pair in both for n in pair))
    places = apart.transpose(0, 1, *range(2, apart.ndim, 2), *range(3, apart.ndim, 2))

    def run(block: Block) -> None:
        found = pointwise.conv(points.forward("input", _taken(cells, block)), filters, geometry)
        there = _taken(places, block)
        there[...] = points.inverse("output", found, _tiles(there, geometry))

    each(run, tiling.blocks(len(x)), _moved(cells))
    return np.ascontiguousarray(y[(slice(None), slice(None), *map(slice, geometry.output_size))])


def weight_gradient(g: Array, x: Array, tiling: Tiling, points: Points) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    cotangents, cells = tiling.split(g, "output"), tiling.split(x, "input")

    def product(block: Block) -> Array:
        factors = points.forward("output", _taken(cotangents, block)), points.forward("input", _taken(cells, block))
        return pointwise.weight_gradient(*factors, tiling.geometry)

    blocks = tiling.blocks(len(x))
    shares = [blocks[first::SHARES] for first in range(min(SHARES, len(blocks)))]
    found = each(lambda share: reduce(np.add, map(product, share)), shares, _moved(cells))
    return np.ascontiguousarray(points.inverse("kernel", reduce(np.add, found), ()))


def input_gradient(g: Array, w: Array, tiling: Tiling, points: Points) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    geometry, whole = tiling.geometry, tiling.cut("input")
    cotangents, filters = tiling.split(g, "output"), points.forward("kernel", w)
    padded = np.zeros((len(g), geometry.in_channels, *(axis.padded_size for axis in whole.axes)), g.dtype)

    def run(block: Block) -> None:
        part = _taken(cotangents, block)
        found = pointwise.input_gradient(points.forward("output", part), filters, geometry)
        there = padded[block[0], :, block[1].start * whole.stride[0] :]
        add_windows(there, points.inverse("input", found, _tiles(part, geometry)), whole)

    for blocks in tiling.rounds(len(g)):
        each(run, blocks, _moved(cotangents))
    return unpad(padded, whole)


def _taken(tiles: Array, block: Block) -> Array:
    return tiles[block[0], :, block[1]]


def _tiles(array: Array, geometry: Geometry) -> tuple[int, ...]:
    """Samples, and tiles on each axis."""
    return (len(array), *array.shape[2 : 2 + geometry.ndim])


def _moved(tiles: Array) -> int:
    """Bytes that threads may share: of floats."""
    return tiles.size * tiles.itemsize if tiles.dtype.kind in "fc" else 0
