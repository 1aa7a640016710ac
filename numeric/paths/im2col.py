"""Windows and one matrix product: the layer is `w @ windows(pad(x))`, its gradients the adjoint of each factor.

Source: K. Chellapilla, S. Puri, P. Simard, High Performance Convolutional Neural Networks for Document
Processing (2006). The windows are laid out as columns, a row for each channel and tap, so that the product is the
result as it is stored. They are a view (no copy) until a block of them goes through the product, small enough to stay
in a core's cache; kernels of size one never copy them. Samples are shared among threads where they are many bytes.

What a tap reads at all positions of a plane lies in one line, if it may go on beyond the end of each row: such lines
are copied several times as fast as their rows. What is summed beyond is dropped.
"""

from __future__ import annotations

from math import prod
from threading import local
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import Geometry
from numeric.paths.memory import empty
from numeric.paths.turned import backward, turned
from numeric.paths.windows import pad, pad_into, reached, unpad, windows
from numeric.threads import SHARES, each

BLOCK = 1 << 20  # bytes of columns at once: they stay in the cache until they are multiplied
SHORT = 256  # cells; longer rows are copied as fast as lines

_rooms = local()  # of every thread: new memory for every block is new pages, which the system clears


def supports(geometry: Geometry) -> str:  # noqa: ARG001 - every path says so of a geometry
    """Every layer: no reason against any."""
    return ""


def conv(x: Array, w: Array, geometry: Geometry) -> Array:
    """Output of the layer (cross-correlation), shape `(batch, out_channels, *output)`."""
    x, w = as_numbers(x, w)
    matrix, y = _matrix(w, geometry), empty(geometry.output_shape(len(x)), x.dtype)
    lines = goes_on(geometry)
    take = _in_lines if lines else _by_taps

    def multiply(parts: Array, samples: slice, rows: slice) -> None:
        columns, out = _columns(parts, rows, geometry), _positions(y[samples], rows, geometry)
        if not lines:
            np.matmul(matrix, columns, out=out)
            return
        found = _room("sums", (*out.shape[:3], columns.shape[-1]), y.dtype)
        np.matmul(matrix, columns, out=found)
        size = (*out.shape[:3], rows.stop - rows.start)
        width = geometry.output_size[1]
        out.reshape((*size, width))[...] = found.reshape((*size, -1))[..., :width]

    def run(samples: slice) -> None:
        parts = take(x[samples], geometry)
        for rows in _rows(x.itemsize, geometry):
            multiply(parts, samples, rows)

    blocks, size = _samples(len(x), x.itemsize, geometry), _moved(x, geometry)
    if len(blocks) == 1:  # threads share its rows
        parts = take(x, geometry)
        each(lambda rows: multiply(parts, blocks[0], rows), _rows(x.itemsize, geometry), size)
    else:
        each(run, blocks, size)
    return y


def weight_gradient(g: Array, x: Array, geometry: Geometry) -> Array:
    """dL/dw for the cotangent `g = dL/dy`, shape `(out_channels, channels // groups, *kernel)`."""
    g, x = as_numbers(g, x)
    shape = (geometry.groups, geometry.group_out, geometry.group_in * prod(geometry.kernel_size))

    def total(share: list[slice]) -> Array:
        dw = np.zeros(shape, g.dtype)
        for samples in share:
            parts = _by_taps(x[samples], geometry)
            for rows in _rows(x.itemsize, geometry):
                columns = _columns(parts, rows, geometry).swapaxes(-1, -2)
                dw += (_positions(g[samples], rows, geometry) @ columns).sum(axis=0, dtype=g.dtype)
        return dw

    samples = _samples(len(x), x.itemsize, geometry)
    found = each(total, [samples[first::SHARES] for first in range(SHARES)], _moved(x, geometry))
    return sum(found[1:], found[0]).reshape(geometry.weight_shape)


def input_gradient(g: Array, w: Array, geometry: Geometry) -> Array:
    """dL/dx for the cotangent `g = dL/dy`, shape `(batch, channels, *spatial)`."""
    g, w = as_numbers(g, w)
    if gathers(geometry):
        return conv(g, turned(w, geometry), backward(geometry))
    matrix = _matrix(w, geometry).swapaxes(-1, -2)
    padded = np.zeros((len(g), geometry.in_channels, *(axis.padded_size for axis in geometry.axes)), g.dtype)

    def run(samples: slice) -> None:
        for rows in _rows(g.itemsize, geometry):
            sent = _positions(g[samples], rows, geometry)
            columns = _room("columns", (len(sent), *matrix.shape[:-1], sent.shape[-1]), g.dtype)
            _add(np.matmul(matrix, sent, out=columns), padded[samples], rows, geometry)

    each(run, _samples(len(g), g.itemsize, geometry), _moved(padded, geometry))
    return unpad(padded, geometry)


def goes_on(geometry: Geometry) -> bool:
    """Whether columns go on beyond the end of a row: of short rows, where they do so for less than a quarter of it."""
    if geometry.ndim != 2 or geometry.stride != (1, 1) or geometry.kernel_size[1] == 1:
        return False
    if geometry.output_size[1] > SHORT:
        return False
    return bool(4 * (geometry.axes[1].padded_size - geometry.output_size[1]) <= geometry.output_size[1])


def gathers(geometry: Geometry) -> bool:
    """Whether the input gradient is found as the layer of rotated weights.

    To copy what every position is read by takes a fourth of the time of adding up what every output sends back.
    """
    if geometry.boundary != "zero" or set(geometry.stride) != {1}:
        return False
    copied: int = geometry.out_channels * prod(geometry.input_size)
    return copied <= 4 * geometry.in_channels * prod(geometry.output_size)


def _matrix(w: Array, geometry: Geometry) -> Array:
    """Weights as `(groups, out_channels / group, channels / group * taps)`."""
    return w.reshape(geometry.groups, geometry.group_out, geometry.group_in * prod(geometry.kernel_size))


def _moved(x: Array, geometry: Geometry) -> int:
    """Bytes of all columns that threads may share: of floats, and not where one row is all of the matrix."""
    if x.dtype.kind not in "fc" or geometry.group_out == 1:
        return 0
    return len(x) * geometry.in_channels * prod((*geometry.output_size, *geometry.kernel_size)) * x.itemsize


def _by_taps(x: Array, geometry: Geometry) -> Array:
    """Windows of `x` as `(batch, channels, *kernel, *output)`: a view of the padded input."""
    of = geometry.ndim
    return windows(x, geometry).transpose(0, 1, *range(2 + of, 2 + 2 * of), *range(2, 2 + of))


def _in_lines(x: Array, geometry: Geometry) -> Array:
    """`_by_taps` with rows as long as the padded input's: what lies beyond the output is the next cells there are."""
    height, width = (axis.padded_size for axis in geometry.axes)
    planes = x.shape[:2]
    cells = np.zeros(prod(planes) * height * width + width, x.dtype)  # the last row goes on, too
    padded = cells[:-width].reshape(*planes, height, width)
    if geometry.boundary == "zero":
        pad_into(padded, x, geometry)
    else:
        padded[...] = pad(x, geometry)
    sample, channel, row, column = (
        step * x.itemsize for step in (planes[1] * height * width, height * width, width, 1)
    )
    (down, across), rows = geometry.dilation, geometry.output_size[0]
    steps = sample, channel, down * row, across * column, row, column
    return np.lib.stride_tricks.as_strided(cells, (*planes, *geometry.kernel_size, rows, width), steps, writeable=False)


def _fit(itemsize: int, geometry: Geometry) -> int:
    """Rows of the output whose columns are at most `BLOCK` bytes; all of a sample or more if they are not copied."""
    row = itemsize * geometry.in_channels * prod((*geometry.kernel_size, *geometry.output_size[1:]))
    copied = prod((*geometry.kernel_size, *geometry.stride)) > 1
    return max(BLOCK // max(row, 1), 1) if copied else max(geometry.output_size[0], 1)


def _samples(batch: int, itemsize: int, geometry: Geometry) -> list[slice]:
    """Samples that go at once: as many as fit, or one."""
    step = max(_fit(itemsize, geometry) // max(geometry.output_size[0], 1), 1)
    return [slice(n, min(n + step, batch)) for n in range(0, batch, step)]


def _rows(itemsize: int, geometry: Geometry) -> list[slice]:
    """Rows of their output that go at once: as few blocks as fit, of equal size."""
    rows = max(geometry.output_size[0], 1)
    step = -(-rows // -(-rows // _fit(itemsize, geometry)))
    return [slice(first, min(first + step, rows)) for first in range(0, rows, step)]


def _columns(parts: Array, rows: slice, geometry: Geometry) -> Array:
    """A block's windows as `(samples, groups, channels / group * taps, positions)`."""
    taken = parts[(slice(None),) * (2 + geometry.ndim) + (rows,)]
    matrices = (len(taken), geometry.groups, geometry.group_in * prod(geometry.kernel_size), -1)
    if prod((*geometry.kernel_size, *geometry.stride)) > 1 and taken.size:
        room = _room("columns", taken.shape, taken.dtype)
        np.copyto(room, taken)
        taken = room
    return taken.reshape(matrices) if taken.size else np.zeros((*matrices[:3], 0), taken.dtype)


def _room(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of this thread that lasts until the next one of that name."""
    if dtype.hasobject:
        return np.zeros(shape, dtype)
    size = prod(shape) * dtype.itemsize
    room = getattr(_rooms, name, None)
    if room is None or room.nbytes < size:
        room = np.empty(size, np.uint8)
        setattr(_rooms, name, room)
    found: Array = room[:size].view(dtype).reshape(shape)
    return found


def _positions(g: Array, rows: slice, geometry: Geometry) -> Array:
    """A block of outputs or cotangents as `(samples, groups, out_channels / group, positions)`: a view."""
    width = prod(geometry.output_size[1:])
    grouped = g.reshape(len(g), geometry.groups, geometry.group_out, prod(geometry.output_size))
    return grouped[..., rows.start * width : rows.stop * width]


def _add(columns: Array, padded: Array, rows: slice, geometry: Geometry) -> None:
    """Adjoint of `_columns`: add to each cell of the padded input what a block passes back through each tap."""
    size = (rows.stop - rows.start, *geometry.output_size[1:])
    parts = columns.reshape(len(columns), geometry.in_channels, *geometry.kernel_size, *size)
    stride, dilation = geometry.stride[0], geometry.dilation[0]
    for u in geometry.taps():
        first = dilation * u[0] + stride * rows.start
        among = slice(first, first + stride * (size[0] - 1) + 1, stride)
        cells: tuple[Any, ...] = (*reached(u, geometry)[:2], among, *reached(u, geometry)[3:])
        tap: tuple[Any, ...] = (slice(None), slice(None), *u)
        padded[cells] += parts[tap]
