"""Basis arrays for every function: what to run so that its whole map is read off, a block at a time.

A function's map is one array with the axes `AXES`, all spatial ones row-major. By the law it is 1 where a tap of an
output reads a cell in the channel that belongs to the weights, and 0 elsewhere; `law` says where, from the index map
alone. Which bases are laid along the batch and which along the channels depends on what the function sums over:

- the layer's output and input gradient: images one cell each along the batch, one channel lit at a time, and kernels of
  one tap each along the channels that are not summed. Groups hold the same kernels times powers of two.
- the weight gradient, which sums over the batch: one-hot images along both channels, one group lit at a time, and the
  same again in a second sample times another factor.
- pooling: one-hot images along the batch; for the maximum over the lowest number, so that padding would win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.functions import FUNCTIONS, PAIRS, shape, table
from proofs.conformance.precision import PRECISIONS, lowest, rounded
from proofs.conformance.probes import storage

AXES = ("group", "slice", "tap", "output", "channel", "cell")
CELLS = 2**21  # entries of an array, at most: 16 MB of float64
GROUPS, SLICES = 3, 2  # of a probe, at most
SAMPLES = np.array([1, 8])  # what the two samples of a weight gradient come out as: their factors are 1 and 2, 1 and 4


@dataclass(frozen=True)
class Block:
    """One run: its arrays, and where in the map its result belongs.

    `view` turns the result into the map's axes. `units` is what 1 in the map comes out as, in any of several correct
    roundings, and `zero` what 0 does; all broadcast against the view.
    """

    geometry: Geometry
    arrays: tuple[Array, ...]
    place: tuple[slice, ...]
    view: Callable[[Array], Array]
    units: tuple[Any, ...] = (1,)
    zero: float = 0


def sizes(function: str, geometry: Geometry) -> tuple[int, ...]:
    """Shape of the map that is read off."""
    cells, outputs, taps = (prod(n) for n in (geometry.input_size, geometry.output_size, geometry.kernel_size))
    groups = min(geometry.groups, GROUPS)
    of = FUNCTIONS[function]
    if "pool" in of.operation:
        channels = min(geometry.in_channels, SLICES)
        return channels, 1, taps if of.fixed else 1, outputs, channels, cells
    if of.gives == "b":
        return 1, 1, 1, outputs, 1, 1
    if of.gives == "w":
        return groups, 1, taps, outputs, groups, cells
    slices = min(geometry.group_in if of.gives == "g" else geometry.group_out, SLICES)
    return groups, slices, taps, outputs, groups * slices, cells


def law(function: str, geometry: Geometry, place: tuple[slice, ...], index_map: Array) -> Array:
    """Where a part of the map is 1."""
    groups, slices, taps, _, channels, cells = sizes(function, geometry)
    if FUNCTIONS[function].gives == "b":
        return np.ones((1, 1, 1, place[3].stop - place[3].start, 1, 1), bool)
    owner = (np.arange(groups * slices)[:, None] == np.arange(channels)).reshape(groups, slices, 1, 1, channels, 1)
    numbers = np.arange(cells)[place[5]]
    read = index_map[place[3]].T[place[2] if taps > 1 else slice(None), :, None] == numbers
    if taps == 1:
        read = read.any(0, keepdims=True)
    found: Array = owner[:, :, :, :, place[4]] & read[None, None, :, :, None, :]
    return found


def blocks(function: str, geometry: Geometry, dtype: str, pair: int = 0) -> Iterator[Block]:
    """Every run that it takes, for one of the function's `PAIRS`; the argument of `dtype` is the target's."""
    of, kind = FUNCTIONS[function], storage(dtype)
    if of.operation == "max_pool":
        found = _winners(geometry, kind) if of.fixed else _pooled(function, geometry, kind, lowest(dtype))
    elif of.operation == "average_pool":
        found = _pooled(function, geometry, kind, 0.0, dtype)
    else:
        found = {"b": _biases, "w": _weights}.get(of.gives, _images)(function, geometry, kind, PAIRS[function][pair])
    yield from found


def _images(function: str, geometry: Geometry, kind: np.dtype[Any], pair: tuple[str, ...]) -> Iterator[Block]:
    groups, slices, taps, outputs, channels, cells = sizes(function, geometry)
    forward = FUNCTIONS[function].gives == "g"
    lit, given = (cells, outputs) if forward else (outputs, cells)
    names = ("in_channels", "out_channels") if forward else ("out_channels", "in_channels")
    counts: Any = dict(zip(names, (channels, channels * taps), strict=True))
    probe = replace(geometry, groups=groups, **counts)
    kernels = _kernels(groups, slices, taps, forward).astype(kind).reshape(probe.weight_shape)
    power = 2.0 ** np.arange(groups).reshape(-1, 1, 1, 1, 1, 1)
    order = (1, 2, 3, 4, 0) if forward else (1, 2, 3, 0, 4)
    for channel in range(channels):
        for part in spans(lit, CELLS // max(channels * taps * given, channels * lit)):
            images = one_hot(lit, part, channels, channel, kind)
            count = len(images)
            place = (*map(slice, (groups, slices, taps)), *_places(forward, part, given, channel))
            arrays = _arguments(function, probe, count, dict(zip(pair, (images, kernels), strict=True)), kind)

            def view(result: Array, count: int = count) -> Array:
                return result.reshape(count, groups, slices, taps, given).transpose(order)[:, :, :, :, None]

            yield Block(probe, arrays, place, view, (power,))


def _kernels(groups: int, slices: int, taps: int, forward: bool) -> Array:
    """One tap of one slice for each channel that is not summed, times `2**group`."""
    one: Any = np.eye(slices * taps).reshape(slices, taps, slices, taps)
    one = one.reshape(slices * taps, slices, taps) if forward else one.transpose(2, 0, 1, 3)
    power = 2.0 ** np.arange(groups)
    found: Array = power.reshape(-1, *(1,) * one.ndim) * one
    return found


def _weights(function: str, geometry: Geometry, kind: np.dtype[Any], pair: tuple[str, ...]) -> Iterator[Block]:
    groups, _, taps, outputs, _, cells = sizes(function, geometry)
    power = 2.0 ** np.arange(groups).reshape(-1, 1, 1, 1, 1, 1) * SAMPLES.sum()
    lit_cells = spans(cells, CELLS // max(2 * groups * outputs * taps, 2 * groups * cells))
    width = lit_cells[0].stop
    for group in range(groups):
        for cell_part in lit_cells:
            for output_part in spans(outputs, CELLS // max(groups * width * taps, 2 * groups * outputs)):
                height = output_part.stop - output_part.start
                probe = replace(geometry, groups=groups, in_channels=groups * width, out_channels=groups * height)
                g = _along_channels(outputs, output_part, 2.0 ** np.arange(groups), 2, kind)
                x = _along_channels(cells, cell_part, np.arange(groups) == group, 4, kind)
                given = {letter: x if letter[-1] == "x" else g for letter in pair}
                place = (*map(slice, (groups, 1, taps)), output_part, slice(group, group + 1), cell_part)

                def view(result: Array, height: int = height) -> Array:
                    parts = result.reshape(groups, height, width, taps).transpose(0, 3, 1, 2)
                    return parts[:, None, :, :, None]

                yield Block(probe, _arguments(function, probe, 2, given, kind), place, view, (power,))


def _along_channels(count: int, part: slice, factors: Array, second: int, kind: np.dtype[Any]) -> Array:
    """One-hot images as the channels of each group, times the group's factor; the second sample times another."""
    eye = np.eye(count)[part]
    both = np.array([1, second]).reshape(-1, 1, 1, 1) * np.asarray(factors, float).reshape(1, -1, 1, 1) * eye
    return np.asarray(both.reshape(2, -1, count), kind)


def _biases(function: str, geometry: Geometry, kind: np.dtype[Any], _: tuple[str, ...]) -> Iterator[Block]:
    """Every channel has one position lit, times a power of two, so that none is mistaken for its neighbours."""
    outputs = prod(geometry.output_size)
    for part in spans(outputs, CELLS // (2 * outputs)):
        count = part.stop - part.start
        power = 2.0 ** (np.arange(count) % 7)
        eye = np.eye(outputs)[part] * power[:, None]
        probe = replace(geometry, groups=1, out_channels=count)
        g = np.stack([eye, 2 * eye]).astype(kind)
        place = (*map(slice, (1, 1, 1)), part, slice(1), slice(1))
        arrays = _arguments(function, probe, 2, {"g": g}, kind)
        yield Block(probe, arrays, place, lambda result: result.reshape(1, 1, 1, -1, 1, 1), (3 * _on(3, power),))


def _pooled(
    function: str, geometry: Geometry, kind: np.dtype[Any], zero: float, dtype: str | None = None
) -> Iterator[Block]:
    channels, _, _, outputs, _, cells = sizes(function, geometry)
    forward = FUNCTIONS[function].gives == "g"
    lit, given = (cells, outputs) if forward else (outputs, cells)
    probe = pooling(geometry, channels)
    units = quotients(geometry, dtype) if dtype else (np.ones(outputs),)
    order = (1, 2, 0) if forward else (1, 0, 2)
    for channel in range(channels):
        for part in spans(lit, CELLS // (channels * max(given, lit) * prod(geometry.kernel_size))):
            images = one_hot(lit, part, channels, channel, kind, zero)
            here = slice(None) if forward else part
            place = (*map(slice, (channels, 1, 1)), *_places(forward, part, given, channel))
            arrays = _arguments(function, probe, len(images), {FUNCTIONS[function].arguments[0]: images}, kind)

            def view(result: Array, count: int = len(images)) -> Array:
                return result.reshape(count, channels, given).transpose(order)[:, None, None, :, None]

            yield Block(probe, arrays, place, view, tuple(_on(3, unit[here]) for unit in units), zero)


def _winners(geometry: Geometry, kind: np.dtype[Any]) -> Iterator[Block]:
    """Every tap of every output wins once, over inputs without ties."""
    function = "max_pool.input_gradient"
    channels, _, taps, outputs, _, cells = sizes(function, geometry)
    probe, index_map, ramp = pooling(geometry, channels), table(geometry), distinct(cells, kind)
    for channel in range(channels):
        for tap in range(taps):
            for part in spans(outputs, CELLS // (channels * cells * taps)):
                winner = index_map[part, tap]
                count = len(winner)
                g = one_hot(outputs, part, channels, channel, kind) * (winner >= 0).reshape(-1, 1, 1).astype(kind)
                x = np.tile(ramp, (count, channels, 1))
                x[np.arange(count), :, winner] = np.where(winner >= 0, 2 * ramp[-1], x[:, 0, -1])[:, None]
                place = (*map(slice, (channels, 1)), slice(tap, tap + 1), *_places(False, part, cells, channel))

                def view(result: Array, count: int = count) -> Array:
                    return result.reshape(count, channels, cells).transpose(1, 0, 2)[:, None, None, :, None]

                yield Block(probe, _arguments(function, probe, count, {"g": g, "x": x}, kind), place, view)


def distinct(count: int, kind: np.dtype[Any]) -> Array:
    """Increasing positive numbers that 8 bits hold apart."""
    numbers = np.arange(count)
    exponents = numbers // 128 - (count // 256 if kind == np.float16 else 0)
    return np.ldexp(1 + numbers % 128 / 128, exponents).astype(kind)


def pooling(geometry: Geometry, channels: int) -> Geometry:
    """Pooling layer with that many channels."""
    groups = 1 if geometry.groups == 1 else channels
    return replace(geometry, in_channels=channels, out_channels=channels, groups=groups)


def quotients(geometry: Geometry, dtype: str) -> tuple[Array, ...]:
    """1 over the number of cells that each output reads, rounded to the type once, or to float32 first."""
    exact = 1 / np.maximum((table(geometry) >= 0).sum(1), 1)
    bits = PRECISIONS[dtype].output_bits
    return rounded(exact, bits), rounded(rounded(exact, max(bits, 24)), bits)


def one_hot(count: int, part: slice, channels: int, channel: int, kind: np.dtype[Any], zero: float = 0.0) -> Array:
    """Images `(len(part), channels, count)` with a 1 in one cell of one channel each."""
    images = np.full((part.stop - part.start, channels, count), zero, kind)
    images[np.arange(len(images)), channel, np.arange(part.start, part.stop)] = 1
    return images


def spans(total: int, size: int) -> list[slice]:
    """Cut a range into pieces of one size; the last one overlaps the one before, so that all have that size."""
    size = max(1, min(size, total))
    return [slice(start, start + size) for start in (min(first, total - size) for first in range(0, total, size))]


def _places(forward: bool, part: slice, given: int, channel: int) -> tuple[slice, slice, slice]:
    """Output, channel and cell axes of a block whose images are lit in a part of the cells, or of the outputs."""
    output, cell = (slice(given), part) if forward else (part, slice(given))
    return output, slice(channel, channel + 1), cell


def _arguments(
    function: str, geometry: Geometry, batch: int, given: dict[str, Array], kind: np.dtype[Any]
) -> tuple[Array, ...]:
    """All arguments in their shapes, zero where none is given."""
    return tuple(
        given[letter].reshape(shape(letter, geometry, batch))
        if letter in given
        else np.zeros(shape(letter, geometry, batch), kind)
        for letter in FUNCTIONS[function].arguments
    )


def _on(axis: int, values: Array) -> Array:
    """Values along one of the six axes."""
    return np.asarray(values).reshape(tuple(-1 if number == axis else 1 for number in range(len(AXES))))
