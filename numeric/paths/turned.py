"""The input gradient of a layer as a layer of its own, of stride 1: it reads g, through rotated weights.

Channels change places, taps are read from the other end, and what was padding on a side is what is missing there to
a full overlap. Of a layer with a stride, what is read is g with zeros between its cells (`stuffed`), and more of them
at the end for cells that no window reached. For layers with zeros around them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Axis, Geometry


@lru_cache(maxsize=1024)
def backward(geometry: Geometry) -> Geometry:
    """The layer whose output is the input gradient."""
    padding = tuple((axis.span - 1 - axis.low, axis.span - 1 - axis.high + _rest(axis)) for axis in geometry.axes)
    channels: Any = {"in_channels": geometry.out_channels, "out_channels": geometry.in_channels}
    apart, groups = geometry.dilation, geometry.groups
    size = tuple(axis.stride * (axis.output_size - 1) + 1 for axis in geometry.axes)
    return Geometry(size, geometry.kernel_size, 1, apart, padding, groups=groups, **channels)


def _rest(axis: Axis) -> int:
    """Cells of the padded input after the last window."""
    number: int = (axis.padded_size - axis.span) % axis.stride
    return number


def stuffed(g: Array, geometry: Geometry) -> Array:
    """Its input, for a cotangent."""
    if max(geometry.stride) == 1:
        return g
    whole = np.zeros((*g.shape[:2], *backward(geometry).input_size), g.dtype)
    cells: tuple[Any, ...] = (..., *(slice(None, None, step) for step in geometry.stride))
    whole[cells] = g
    return whole


def turned(w: Array, geometry: Geometry) -> Array:
    """Its weights."""
    kernel = geometry.kernel_size
    parts = w.reshape(geometry.groups, geometry.group_out, geometry.group_in, *kernel).swapaxes(1, 2)
    whole = parts.reshape(geometry.in_channels, geometry.group_out, *kernel)
    return np.ascontiguousarray(np.flip(whole, tuple(range(2, whole.ndim))))  # no product takes steps backwards
