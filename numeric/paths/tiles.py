"""A layer as one on tiles: so many outputs on each axis, and all that they read.

Tiles of outputs do not overlap, and the last of them are filled up with zeros; what two of them read may overlap. Rows
are all tiles of all samples, `(rows, channels, *cells)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, Literal

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths.windows import overlap_add, windows

Side = Literal["input", "output"]


def layer(geometry: Geometry, size: Sequence[int]) -> Geometry:
    """The layer of a tile, without padding."""
    return replace(geometry, input_size=cut("input", geometry, size).kernel_size, padding=0, boundary="zero")


def cut(side: Side, geometry: Geometry, size: Sequence[int]) -> Geometry:
    """Tiles of `size` outputs, or of what they read, as the windows of a kernel of their own size."""
    fill = [-n % m for n, m in zip(geometry.output_size, size, strict=True)]
    if side == "output":
        padding = [(0, more) for more in fill]
        whole: Any = {"input_size": geometry.output_size, "boundary": "zero"}
        return replace(geometry, stride=size, kernel_size=size, dilation=1, padding=padding, **whole)
    padding = [(axis.low, axis.high + axis.stride * more) for axis, more in zip(geometry.axes, fill, strict=True)]
    cells = [axis.stride * (m - 1) + axis.span for axis, m in zip(geometry.axes, size, strict=True)]
    steps = [axis.stride * m for axis, m in zip(geometry.axes, size, strict=True)]
    return replace(geometry, stride=steps, kernel_size=cells, dilation=1, padding=padding)


def split(array: Array, tiling: Geometry) -> Array:
    """Tiles as `(batch, *tiles, channels, *cells)`: a view of the padded array."""
    return np.moveaxis(windows(array, tiling), 1, 1 + tiling.ndim)


def place(tile: Sequence[int], size: Sequence[int]) -> tuple[slice, ...]:
    """Outputs of a tile."""
    return tuple(slice(n * m, (n + 1) * m) for n, m in zip(tile, size, strict=True))


def joined(array: Array, tiling: Geometry) -> Array:
    """Adjoint of `split`, also of rows: every cell is the sum of what the tiles that hold it have there."""
    kept = array.shape[-1 - tiling.ndim :]
    batch = prod(array.shape[: -1 - tiling.ndim]) // max(prod(tiling.output_size), 1)
    return overlap_add(np.moveaxis(array.reshape(batch, *tiling.output_size, *kept), 1 + tiling.ndim, 1), tiling)


def overlaps(tiling: Geometry) -> int:
    """How many tiles hold a cell, at most, counted again for every turn of a circular boundary."""
    turns = 1
    if tiling.boundary == "circular":
        turns = prod(-(-axis.padded_size // axis.input_size) for axis in tiling.axes)
    return int(turns * prod(-(-axis.kernel_size // axis.stride) for axis in tiling.axes))
