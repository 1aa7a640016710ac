"""A dilated layer as one without dilation: cells of the same residue modulo the dilation are samples of their own.

An output reads cells of one residue only, with consecutive taps. So the layer is the undilated one on a batch with a
sample for each residue ("space to batch"), for any algorithm that has none of its own for dilation; sizes that the
dilation does not divide are filled up with zeros. For layers with zeros around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths.windows import pad, unpad


def undilated(geometry: Geometry) -> Geometry:
    """The layer of the residues; its input is padded already, and cropped at its end as the layer's is.

    What is cropped there is kept: an algorithm's tiles may read it.
    """
    size = tuple(-(-axis.padded_size // axis.dilation) for axis in _uncropped(geometry).axes)
    needed = (-(-axis.output_size // axis.dilation) + axis.kernel_size - 1 for axis in geometry.axes)
    padding = tuple((0, read - n) for n, read in zip(size, needed, strict=True))
    channels: Any = {"in_channels": geometry.in_channels, "out_channels": geometry.out_channels}
    return Geometry(size, geometry.kernel_size, padding=padding, groups=geometry.groups, **channels)


@lru_cache(maxsize=1024)
def _uncropped(geometry: Geometry) -> Geometry:
    return replace(geometry, padding=tuple((low, max(high, 0)) for low, high in geometry.padding))


def inputs(x: Array, geometry: Geometry) -> Array:
    """Its input: `(residues * batch, channels, *spatial)`."""
    return _apart(pad(x, _uncropped(geometry)), undilated(geometry).input_size, geometry)


def outputs(g: Array, geometry: Geometry) -> Array:
    """Its output, or the cotangent."""
    return _apart(g, undilated(geometry).output_size, geometry)


def input_of(x: Array, geometry: Geometry) -> Array:
    """Adjoint of `inputs`."""
    whole = _uncropped(geometry)
    return unpad(_together(x, [axis.padded_size for axis in whole.axes], geometry), whole)


def output_of(y: Array, geometry: Geometry) -> Array:
    """Adjoint of `outputs`."""
    return _together(y, geometry.output_size, geometry)


def _apart(array: Array, size: Sequence[int], geometry: Geometry) -> Array:
    batch, channels, *given = array.shape
    steps, ndim = geometry.dilation, geometry.ndim
    filled = np.zeros((batch, channels, *(n * d for n, d in zip(size, steps, strict=True))), array.dtype)
    filled[_first(given)] = array
    pairs = [n for pair in zip(size, steps, strict=True) for n in pair]
    # (batch, channels, size, residue, size, residue, ...) -> (*residues, batch, channels, *size)
    order = [*range(3, 2 + 2 * ndim, 2), 0, 1, *range(2, 2 + 2 * ndim, 2)]
    return filled.reshape(batch, channels, *pairs).transpose(order).reshape(batch * prod(steps), channels, *size)


def _together(array: Array, size: Sequence[int], geometry: Geometry) -> Array:
    samples, channels, *found = array.shape
    steps, ndim = geometry.dilation, geometry.ndim
    parts = array.reshape(*steps, samples // prod(steps), channels, *found)
    order = [ndim, ndim + 1, *(axis for i in range(ndim) for axis in (ndim + 2 + i, i))]
    whole = parts.transpose(order).reshape(-1, channels, *(n * d for n, d in zip(found, steps, strict=True)))
    return np.ascontiguousarray(whole[_first(size)])


def _first(size: Sequence[int]) -> tuple[slice, ...]:
    return (slice(None), slice(None), *map(slice, size))
