"""What every algorithm reads and writes: the padded input, its windows, and the adjoint of each.

Padding is the boundary made explicit: cells `-low .. size + high - 1` of every spatial axis, zero or wrapped around
outside of the input; a negative padding crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from numeric.dtypes import Array
from numeric.geometry import Axis, Geometry


def pad(x: Array, geometry: Geometry) -> Array:
    """Padded input, `(batch, channels, *padded)`: a copy only where there is padding, so never to be written into."""
    if geometry.boundary == "zero" and any(axis.low or axis.high for axis in geometry.axes):
        padded = np.zeros((*x.shape[:2], *(axis.padded_size for axis in geometry.axes)), x.dtype)
        pad_into(padded, x, geometry)
        return padded
    for number, axis in enumerate(geometry.axes, start=2):
        if axis.low or axis.high:
            x = np.take(x, _wrapped(axis), number)
    return x


def pad_into(padded: Array, x: Array, geometry: Geometry) -> None:
    """Write what padding with zeros keeps of the input to its places; the rest is left as it is."""
    cells, places = zip(*map(_kept, geometry.axes), strict=True)
    padded[(slice(None), slice(None), *places)] = x[(slice(None), slice(None), *cells)]


def unpad(padded: Array, geometry: Geometry) -> Array:
    """Adjoint of `pad`: drop what came from zeros, or add up what was wrapped around."""
    if geometry.boundary == "zero" and any(axis.low or axis.high for axis in geometry.axes):
        cells, places = zip(*map(_kept, geometry.axes), strict=True)
        x = np.zeros((*padded.shape[:2], *geometry.input_size), padded.dtype)
        x[(slice(None), slice(None), *cells)] = padded[(slice(None), slice(None), *places)]
        return x
    for number, axis in enumerate(geometry.axes, start=2):
        if axis.low or axis.high:
            padded = _unwound(padded, number, axis)
    return padded


def windows(x: Array, geometry: Geometry) -> Array:
    """What each output reads through each tap, `(batch, channels, *output, *kernel)`: a view of the padded input."""
    spans = tuple(axis.span for axis in geometry.axes)
    found = np.lib.stride_tricks.sliding_window_view(pad(x, geometry), spans, tuple(range(2, x.ndim)))
    every = [slice(None, None, step) for step in (*geometry.stride, *geometry.dilation)]
    return found[(slice(None), slice(None), *every)]


def overlap_add(parts: Array, geometry: Geometry) -> Array:
    """Adjoint of `windows`: add up, for every cell, what each output passes back through each tap."""
    sizes = (axis.padded_size for axis in geometry.axes)
    x = np.zeros((*parts.shape[:2], *sizes), parts.dtype)
    add_windows(x, parts, geometry)
    return unpad(x, geometry)


def add_windows(padded: Array, parts: Array, geometry: Geometry) -> None:
    """Add `(batch, channels, *outputs, *kernel)` to the cells that these windows read, the first one at the low end.

    Tap by tap for all outputs, or output by output for all taps, whichever are fewer.
    """
    outputs, kernel = parts.shape[2 : 2 + geometry.ndim], parts.shape[2 + geometry.ndim :]
    if prod(kernel) <= prod(outputs):
        for u in np.ndindex(kernel):
            padded[_cells(u, geometry.dilation, geometry.stride, outputs)] += parts[(..., *u)]
    else:
        for o in np.ndindex(outputs):
            cells = _cells(o, geometry.stride, geometry.dilation, kernel)
            padded[cells] += parts[(slice(None), slice(None), *o)]


def reached(u: Sequence[int], geometry: Geometry) -> tuple[slice, ...]:
    """Cells of the padded input `(batch, channels, *padded)` that the outputs read through tap `u`."""
    return _cells(u, geometry.dilation, geometry.stride, geometry.output_size)


def _cells(place: Sequence[int], apart: Sequence[int], steps: Sequence[int], sizes: Sequence[int]) -> tuple[slice, ...]:
    """So many cells, so many steps from each other, from a place on that is counted in steps of its own."""
    spatial = (
        slice(d * t, d * t + s * (size - 1) + 1, s) for t, d, s, size in zip(place, apart, steps, sizes, strict=True)
    )
    return (slice(None), slice(None), *spatial)


def _unwound(padded: Array, number: int, axis: Axis) -> Array:
    """Adjoint of reading a circle for longer than a turn."""
    shape = list(padded.shape)
    shape[number] = axis.input_size
    x = np.zeros(shape, padded.dtype)
    np.add.at(np.moveaxis(x, number, 0), _wrapped(axis), np.moveaxis(padded, number, 0))
    return x


def _wrapped(axis: Axis) -> NDArray[np.intp]:
    """Input cell at each place of a circularly padded axis."""
    cells: NDArray[np.intp] = np.arange(-axis.low, axis.input_size + axis.high) % axis.input_size
    return cells


def _kept(axis: Axis) -> tuple[slice, slice]:
    """Input cells that padding keeps (a negative one crops), and their places in the padded axis."""
    first = max(-axis.low, 0)
    last = max(min(axis.input_size, axis.input_size + axis.high), first)
    return slice(first, last), slice(first + axis.low, last + axis.low)
