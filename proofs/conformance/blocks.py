"""Basis arrays for every function: what to run so that its whole map is read off, a block at a time.

A function's map is one array with the axes `AXES`, all spatial ones row-major. By the law it is 1 where a tap of an
output reads a cell in the channel that belongs to the weights, and 0 elsewhere; `law` says where, from the index map
alone. Which bases are laid along the batch and which along the channels depends on what the function sums over:

- the layer's output and input gradient: images one cell each along the batch, one channel lit at a time, and kernels of
  one tap each along the channels that are not summed. Groups hold the same kernels times powers of two.
- the weight gradient, which sums over the batch: one-hot images along both channels, one group lit at a time, and the
  same again in a second sample times another factor.
- pooling: one-hot images along the batch; for the maximum over the lowest number, so that padding would win.

Where a type has the bits, several cells are lit at once, each by its own power of two: a first, quick look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.exact import bilinear
from proofs.conformance.functions import FUNCTIONS, PAIRS, shape, table
from proofs.conformance.precision import PRECISIONS, lowest, rounded
from proofs.conformance.probes import storage

AXES = ("group", "slice", "tap", "output", "channel", "cell")
CELLS = 2**21  # entries of an array, at most: 16 MB of float64
GROUPS, SLICES = 3, 2  # of a probe, at most
BITS = 4  # of a field


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


def law(function: str, geometry: Geometry, place: tuple[slice, ...], code: Array) -> Array:
    """A part of the map, from a `coded` index map."""
    groups, slices, _, _, channels, _ = sizes(function, geometry)
    numbers = code[place[2:4] + place[5:]]
    if FUNCTIONS[function].gives == "b":
        return np.ones((1, 1, 1, numbers.shape[1], 1, 1))
    owner = range(channels)  # of the weights, numbered group by group
    owner = owner[place[4]]
    found = np.zeros((groups, slices, *numbers.shape[:2], len(owner), numbers.shape[2]))
    for channel, number in enumerate(owner):
        found[*divmod(number, slices), :, :, channel] = numbers
    return found


def coded(function: str, geometry: Geometry, fields: int = 1) -> Array:
    """The index map as blocks with so many fields give it: `(taps, outputs, cells)`, what is lit packed together."""
    of, (_, _, taps, outputs, _, cells) = FUNCTIONS[function], sizes(function, geometry)
    if of.gives == "b":
        return np.ones((1, outputs, 1))
    output, tap = np.nonzero(table(geometry) >= 0)
    cell = table(geometry)[output, tap]
    lit = output if of.gives == "x" else cell
    places = [tap if taps > 1 else 0 * tap, output, cell]  # of one tap: it does not matter through which
    places[1 if of.gives == "x" else 2] = lit // fields
    packs = -(-(outputs if of.gives == "x" else cells) // fields)
    code = np.zeros((taps, packs, cells) if of.gives == "x" else (taps, outputs, packs))
    np.add.at(code, tuple(places), 2.0 ** (BITS * (lit % fields)))
    return code


def packing(count: int, fields: int) -> Array:
    """What packs numbers into fields of `BITS` bits: `(packs, count)`, the identity for one field."""
    number = np.arange(count)
    found = np.zeros((-(-count // fields), count))
    found[number // fields, number] = 2.0 ** (BITS * (number % fields))
    return found


def most_fields(function: str, dtype: str) -> int:
    """Fields that a result holds exactly, beside the powers of two that tell groups, and samples, apart."""
    if not bilinear(function):
        return 1
    return max(1, (PRECISIONS[dtype].output_bits - GROUPS + 1 - (4 if FUNCTIONS[function].gives == "w" else 0)) // BITS)


def blocks(function: str, geometry: Geometry, dtype: str, pair: int = 0, fields: int = 1) -> Iterator[Block]:
    """Every run that it takes, for one of the function's `PAIRS`; `dtype` is the target's.

    With several fields that many cells of an image are lit at once: fewer runs tell the same of a map whose
    coefficients are small integers.
    """
    of, kind = FUNCTIONS[function], storage(dtype)
    if of.operation == "max_pool":
        found = _winners(geometry, kind) if of.fixed else _pooled(function, geometry, kind, lowest(dtype))
    elif of.operation == "average_pool":
        found = _pooled(function, geometry, kind, 0.0, dtype)
    else:
        found = {"b": _biases, "w": _weights}.get(of.gives, _images)(
            function, geometry, kind, PAIRS[function][pair], fields
        )
    yield from found


def _images(
    function: str, geometry: Geometry, kind: np.dtype[Any], pair: tuple[str, ...], fields: int
) -> Iterator[Block]:
    groups, slices, taps, outputs, channels, cells = sizes(function, geometry)
    forward = FUNCTIONS[function].gives == "g"
    lit, given = (cells, outputs) if forward else (outputs, cells)
    names = ("in_channels", "out_channels") if forward else ("out_channels", "in_channels")
    counts: Any = dict(zip(names, (channels, channels * taps), strict=True))
    probe = replace(geometry, groups=groups, **counts)
    kernels = _kernels(groups, slices, taps, forward).astype(kind).reshape(probe.weight_shape)
    packs, power = packing(lit, fields), 2.0 ** np.arange(groups).reshape(-1, 1, 1, 1, 1, 1)
    order = (1, 2, 3, 4, 0) if forward else (1, 2, 3, 0, 4)
    for channel in range(channels):
        for part in spans(len(packs), CELLS // max(channels * taps * given, channels * lit)):
            images = lighted(packs[part], channels, channel, kind)
            count = len(images)
            place = (*map(slice, (groups, slices, taps)), *_places(forward, part, given, channel))
            arrays = _arguments(function, probe, count, dict(zip(pair, (images, kernels), strict=True)), kind)

            def view(result: Array, count: int = count) -> Array:
                return result.reshape(count, groups, slices, taps, given).transpose(order)[:, :, :, :, None]

            yield Block(probe, arrays, place, view, (power,))


def _kernels(groups: int, slices: int, taps: int, forward: bool) -> Array:
    """One tap of one slice for each channel that is not summed, times `2**group`."""
    one: Any = np.eye(slices * taps).reshape(slices, taps, slices, taps)
    one = one if forward else one.transpose(2, 0, 1, 3)
    found: Array = 2.0 ** np.arange(groups).reshape(-1, 1, 1, 1, 1) * one
    return found


def _weights(
    function: str, geometry: Geometry, kind: np.dtype[Any], pair: tuple[str, ...], fields: int
) -> Iterator[Block]:
    groups, _, taps, outputs, _, cells = sizes(function, geometry)
    packs, samples = packing(cells, fields), 1 if fields > 1 else 2
    lit_cells = spans(len(packs), CELLS // max(2 * groups * outputs * taps, 2 * groups * cells))
    lit_outputs = spans(outputs, CELLS // max(groups * lit_cells[0].stop * taps, 2 * groups * outputs))
    for group in range(groups):
        for cell_part, output_part in product(lit_cells, lit_outputs):
            place = (*map(slice, (groups, 1, taps)), output_part, slice(group, group + 1), cell_part)
            yield _weight_block(function, geometry, kind, pair, packs, place, samples)
        if samples == 1:  # that samples are added up shows on one channel
            place = (*map(slice, (groups, 1, taps)), slice(1), slice(group, group + 1), slice(1))
            yield _weight_block(function, geometry, kind, pair, packs, place, 2)


def _weight_block(
    function: str,
    geometry: Geometry,
    kind: np.dtype[Any],
    pair: tuple[str, ...],
    packs: Array,
    place: tuple[slice, ...],
    samples: int,
) -> Block:
    """Images of a part of the outputs and cells along the channels; a second sample's are two and four times those."""
    groups, taps, outputs = place[0].stop, place[2].stop, prod(geometry.output_size)
    factors = 2.0 ** np.arange(groups)
    lit = (np.arange(groups) == (place[4].start or 0)).astype(float)
    g = _along_channels(np.eye(outputs)[place[3]], factors, 2.0 ** np.arange(samples), kind)
    x = _along_channels(packs[place[5]], lit, 4.0 ** np.arange(samples), kind)
    height, width = g.shape[1] // groups, x.shape[1] // groups
    probe = replace(geometry, groups=groups, in_channels=groups * width, out_channels=groups * height)
    arrays = _arguments(function, probe, samples, {letter: x if letter[-1] == "x" else g for letter in pair}, kind)

    def view(result: Array) -> Array:
        return result.reshape(groups, height, width, taps).transpose(0, 3, 1, 2)[:, None, :, :, None]

    return Block(probe, arrays, place, view, (_on(0, factors) * sum(8.0**n for n in range(samples)),))


def _along_channels(images: Array, factors: Array, samples: Array, kind: np.dtype[Any]) -> Array:
    """Images as the channels of each group, times the group's factor and the sample's: `(samples, channels, cells)`."""
    every = samples.reshape(-1, 1, 1, 1) * factors.reshape(-1, 1, 1) * images
    return np.asarray(every.reshape(len(samples), -1, images.shape[1]), kind)


def _biases(
    function: str, geometry: Geometry, kind: np.dtype[Any], _: tuple[str, ...], _fields: int
) -> Iterator[Block]:
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
            images = lighted(np.eye(lit)[part], channels, channel, kind, zero)
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
                g = lighted(np.eye(outputs)[part] * (winner >= 0)[:, None], channels, channel, kind)
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


def lighted(images: Array, channels: int, channel: int, kind: np.dtype[Any], zero: float = 0.0) -> Array:
    """Images in one of the channels, `(len(images), channels, cells)`; zeros are another number if it is given."""
    found = np.full((len(images), channels, images.shape[1]), zero, kind)
    found[:, channel] = images if not zero else np.where(images, images, zero)
    return found


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
