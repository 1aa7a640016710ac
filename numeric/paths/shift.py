"""Shift and multiply: for each tap, the input moved by that tap times the tap's matrix, added up; no patch matrix.

Source: A. Anderson, A. Vasudevan, C. Keane, D. Gregg, Low-memory GEMM-based Convolution Algorithms for Deep Neural
Networks (2017), arXiv 1709.03395 (there: accumulating kernel-to-row). Moved inputs are views of the padded input.
"""

from __future__ import annotations

from math import prod

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.windows import pad, reached, unpad


def supports(geometry: Geometry) -> str:  # noqa: ARG001 - every path says so of a geometry
    """Every layer: no reason against any."""
    return ""


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = as_numbers(x, w)
    padded = pad(x, geometry)
    shape = (len(x), geometry.groups, geometry.group_out, prod(geometry.output_size))
    y = np.zeros(shape, x.dtype)
    for u, matrix in zip(geometry.taps(), _matrices(w, geometry), strict=True):
        y += matrix @ _columns(padded[reached(u, geometry)], geometry)
    return y.reshape(geometry.output_shape(len(x)))


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = as_numbers(g, x)
    padded, columns = pad(x, geometry), _columns(g, geometry)
    taps = prod(geometry.kernel_size)
    dw = np.zeros((geometry.groups, geometry.group_out, geometry.group_in, taps), g.dtype)
    for number, u in enumerate(geometry.taps()):
        moved = _columns(padded[reached(u, geometry)], geometry)
        dw[..., number] = (columns @ moved.swapaxes(-1, -2)).sum(axis=0, dtype=g.dtype)
    return dw.reshape(geometry.weight_shape)


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = as_numbers(g, w)
    columns = _columns(g, geometry)
    sizes = (axis.padded_size for axis in geometry.axes)
    padded = np.zeros((len(g), geometry.in_channels, *sizes), g.dtype)
    for u, matrix in zip(geometry.taps(), _matrices(w, geometry), strict=True):
        back = matrix.swapaxes(-1, -2) @ columns
        padded[reached(u, geometry)] += back.reshape(len(g), geometry.in_channels, *geometry.output_size)
    return unpad(padded, geometry)


def _matrices(w: Array, geometry: Geometry) -> Array:
    """Weights as `(taps, groups, out_channels / group, channels / group)`: a matrix for each tap and group."""
    taps = prod(geometry.kernel_size)
    return w.reshape(geometry.groups, geometry.group_out, geometry.group_in, taps).transpose(3, 0, 1, 2)


def _columns(part: Array, geometry: Geometry) -> Array:
    """Values at every output position as `(batch, groups, channels / group, positions)`."""
    batch, channels = part.shape[:2]
    return part.reshape(batch, geometry.groups, channels // geometry.groups, prod(geometry.output_size))
