"""Windows and one matrix product: the layer is `windows(pad(x)) @ w`, its gradients the adjoint of each factor.

Source: K. Chellapilla, S. Puri, P. Simard, High Performance Convolutional Neural Networks for Document
Processing (2006). The windows are a view (no copy) until the product lays them out as a matrix.
"""

from __future__ import annotations

from math import prod

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.windows import overlap_add, windows


def supports(geometry: Geometry) -> str:  # noqa: ARG001 - every path says so of a geometry
    """Every layer: no reason against any."""
    return ""


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
