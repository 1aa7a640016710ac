"""Windows and one matrix product: the layer is `windows(pad(x)) @ w`, its gradients the adjoint of each factor.

Source: K. Chellapilla, S. Puri, P. Simard, High Performance Convolutional Neural Networks for Document
Processing (2006). The windows are a view (no copy) until the product lays them out as a matrix.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Axis, Geometry


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = as_numbers(x, w)
    rows = _columns(x, geometry) @ _matrix(w, geometry).swapaxes(1, 2)
    return _from_rows(rows, geometry)


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = as_numbers(g, x)
    return (_rows(g, geometry).swapaxes(1, 2) @ _columns(x, geometry)).reshape(geometry.weight_shape)


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = as_numbers(g, w)
    columns = _rows(g, geometry) @ _matrix(w, geometry)
    shape = (geometry.groups, len(g), *geometry.output_size, geometry.group_in, *geometry.kernel_size)
    # (groups, batch, *output, channels, *kernel) -> (batch, groups, channels, *output, *kernel)
    parts = np.moveaxis(np.moveaxis(columns.reshape(shape), 0, 1), 2 + geometry.ndim, 2)
    joined = (len(g), geometry.in_channels, *geometry.output_size, *geometry.kernel_size)
    return overlap_add(parts.reshape(joined), geometry)


def _matrix(w: Array, geometry: Geometry) -> Array:
    """Weights as `(groups, out_channels / group, channels / group * taps)`."""
    return w.reshape(geometry.groups, geometry.group_out, geometry.group_in * prod(geometry.kernel_size))


def _rows(g: Array, geometry: Geometry) -> Array:
    """Output or cotangent as `(groups, batch * positions, out_channels / group)`."""
    positions = prod(geometry.output_size)
    grouped = g.reshape(len(g), geometry.groups, geometry.group_out, positions)
    return grouped.transpose(1, 0, 3, 2).reshape(geometry.groups, len(g) * positions, geometry.group_out)


def _from_rows(rows: Array, geometry: Geometry) -> Array:
    """Inverse of `_rows`."""
    positions = prod(geometry.output_size)
    batch = rows.shape[1] // positions
    grouped = rows.reshape(geometry.groups, batch, positions, geometry.group_out)
    return grouped.transpose(1, 0, 3, 2).reshape(geometry.output_shape(batch))


def _columns(x: Array, geometry: Geometry) -> Array:
    """Windows of `x` as `(groups, batch * positions, channels / group * taps)`."""
    parts = windows(x, geometry)
    grouped = parts.reshape(len(x), geometry.groups, geometry.group_in, *parts.shape[2:])
    # (batch, groups, channels, *output, *kernel) -> (groups, batch, *output, channels, *kernel)
    laid = np.moveaxis(np.moveaxis(grouped, 2, 2 + geometry.ndim), 1, 0)
    taps = geometry.group_in * prod(geometry.kernel_size)
    return laid.reshape(geometry.groups, len(x) * prod(geometry.output_size), taps)


def windows(x: Array, geometry: Geometry) -> Array:
    """What each output reads through each tap, `(batch, channels, *output, *kernel)`: a view of the padded input."""
    for number, axis in enumerate(geometry.axes, start=2):
        x = _pad(x, number, axis, geometry.boundary)
    spans = tuple(axis.span for axis in geometry.axes)
    found = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(2, x.ndim)))
    every = [slice(None, None, step) for step in (*geometry.stride, *geometry.dilation)]
    return found[(slice(None), slice(None), *every)]


def overlap_add(parts: Array, geometry: Geometry) -> Array:
    """Adjoint of `windows`: add up, for every cell, what each output passes back through each tap."""
    sizes = (axis.padded_size for axis in geometry.axes)
    x = np.zeros((*parts.shape[:2], *sizes), parts.dtype)
    for u in geometry.taps():
        tap: tuple[Any, ...] = (..., *u)
        reach = [
            slice(d * t, d * t + s * (size - 1) + 1, s)
            for t, s, d, size in zip(u, geometry.stride, geometry.dilation, geometry.output_size, strict=True)
        ]
        x[(slice(None), slice(None), *reach)] += parts[tap]
    for number, axis in enumerate(geometry.axes, start=2):
        x = _unpad(x, number, axis, geometry.boundary)
    return x


def _pad(x: Array, number: int, axis: Axis, boundary: str) -> Array:
    """Cells `-low .. size + high - 1` of array axis `number`: zero or wrapped around outside of the input."""
    if boundary == "circular":
        return np.take(x, _wrapped(axis), number)
    cells, places = _kept(axis)
    shape = list(x.shape)
    shape[number] = axis.padded_size
    padded = np.zeros(shape, x.dtype)
    padded[_at(number, places)] = x[_at(number, cells)]
    return padded


def _unpad(padded: Array, number: int, axis: Axis, boundary: str) -> Array:
    """Adjoint of `_pad`: drop what came from zeros, or add up what was wrapped around."""
    shape = list(padded.shape)
    shape[number] = axis.input_size
    x = np.zeros(shape, padded.dtype)
    if boundary == "circular":
        np.add.at(np.moveaxis(x, number, 0), _wrapped(axis), np.moveaxis(padded, number, 0))
        return x
    cells, places = _kept(axis)
    x[_at(number, cells)] = padded[_at(number, places)]
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


def _at(number: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * number + (part,)
