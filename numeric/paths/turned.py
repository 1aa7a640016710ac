"""The input gradient of a layer of stride 1 as a layer of its own: it reads g, through rotated weights.

Channels change places, taps are read from the other end, and what was padding on a side is what is missing there to
a full overlap. For layers with zeros around them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry


@lru_cache(maxsize=1024)
def backward(geometry: Geometry) -> Geometry:
    """The layer whose output is the input gradient."""
    padding = tuple((axis.span - 1 - axis.low, axis.span - 1 - axis.high) for axis in geometry.axes)
    channels: Any = {"in_channels": geometry.out_channels, "out_channels": geometry.in_channels}
    apart, groups = geometry.dilation, geometry.groups
    return Geometry(geometry.output_size, geometry.kernel_size, 1, apart, padding, groups=groups, **channels)


def turned(w: Array, geometry: Geometry) -> Array:
    """Its weights."""
    kernel = geometry.kernel_size
    parts = w.reshape(geometry.groups, geometry.group_out, geometry.group_in, *kernel).swapaxes(1, 2)
    whole = parts.reshape(geometry.in_channels, geometry.group_out, *kernel)
    return np.ascontiguousarray(np.flip(whole, tuple(range(2, whole.ndim))))  # no product takes steps backwards
