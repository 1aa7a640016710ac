"""Tier `structure`: the whole map that a target really has, read off on basis arrays and compared bit for bit.

A bilinear map is known once its values on pairs of basis arrays are: here all of them, in a few calls (`blocks` says
how). -0 equals +0; a NaN never passes. Libraries choose algorithms by batch and channels, and those of the probe are
not the layer's: the scope says so, and tier `integers` is there for the layer's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.blocks import AXES, BITS, Block, blocks, coded, law, most_fields, sizes
from proofs.conformance.functions import FUNCTIONS, PAIRS
from proofs.conformance.inexact import DIRECT, explained, looks_like
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.probes import Found, Probe, Refuted, batch_of, decide, storage
from proofs.conformance.target import Target

MOST = 2**31  # entries of a map that is read off: beyond, it takes minutes


@dataclass(frozen=True)
class Measured:
    """The map that a target has, dense, in units of the law's: axes `AXES`, all spatial ones row-major.

    By the law (`blocks.law`) it is 1 where `channel == group * slices + slice` and `table(geometry)[output, tap] ==
    cell`, and 0 elsewhere.

    - output (and what else gives g): the channel that is lit is an input channel; group and slice are those of the
      weights that are set, and so of the output channel that is read out.
    - input gradient (gives x): the channel lit is one of g; group is that of the input channel read out, and slice the
      number of the weights' output channel in the group.
    - weight gradient (gives w): the channel lit is a group of x, the group that of the weights read out; one slice.
    - pooling: groups are the channels read out, channels those lit; one slice, and one tap but for max pooling's
      gradient, where it is the one that wins. Bias gradient: outputs alone.
    """

    function: str
    geometry: Geometry
    array: Array


def structure(target: Target, function: str, geometry: Geometry) -> Finding:
    """Tier `structure`: every basis pair of the function, at the layer's spatial sizes and the probe's channels."""
    return decide("structure", target, function, geometry, 1, lambda probe: _judge(probe, geometry))


def measure(target: Target, function: str, geometry: Geometry, pair: int = 0) -> Measured:
    """Read off the whole map; `pair` is the number of the function's `PAIRS`.

    Raises `Refuted` if something comes back that is no map at all (another shape or type), `Unsupported` as the target
    does, and `ValueError` for a map of more than 2**26 entries.
    """
    shape = sizes(function, geometry)
    if prod(shape) > 2**26:
        raise ValueError(f"the map has {prod(shape)} entries, more than 2**26, for {geometry}")
    probe, array = Probe(target, function), np.zeros(shape)
    for block in blocks(function, geometry, target.dtype, pair):
        array[block.place] = _in_units(block, block.view(probe.run(block.geometry, *block.arrays)))
    return Measured(function, geometry, array)


def _in_units(block: Block, part: Array) -> Array:
    """Part of the map; over the lowest number there is nothing between 0 and 1."""
    if block.zero:
        return np.where(part == 1, 1.0, np.where(part == block.zero, 0.0, np.nan))
    right = np.asarray(block.units[-1], np.float64)
    for unit in block.units[:-1]:
        right = np.where(part == unit, unit, right)
    return np.asarray(part.astype(np.float64) / right)


def _judge(probe: Probe, geometry: Geometry) -> Found:
    function, entries = probe.function, prod(sizes(probe.function, geometry))
    if entries > MOST:
        return Found(Outcome.NOT_RUN, f"the map has {entries} entries, more than {MOST} are not read off")
    fields = most_fields(function, probe.target.dtype)
    quick = fields > 1 and not any(_wrong(probe, *run).any() for run in _runs(probe, geometry, fields))
    fields = fields if quick else 1
    kinds = None if quick else _kinds(probe, geometry)
    scope, linear = (
        _scope(geometry, next(blocks(function, geometry, probe.target.dtype, fields=fields)), function),
        _linear(function, fields),
    )
    if kinds is None:
        return Found(Outcome.CERTIFIED, f"all {entries} entries of the map, bit for bit", scope, linear)
    return Found(Outcome.INEXACT, f"the map, but for errors: {looks_like(kinds)}", scope, linear)


def _runs(probe: Probe, geometry: Geometry, fields: int) -> Iterator[tuple[Block, Array]]:
    """Every block, and what its part of the map is by the law."""
    code = coded(probe.function, geometry, fields)
    for pair in range(len(PAIRS[probe.function])):
        for block in blocks(probe.function, geometry, probe.target.dtype, pair, fields):
            yield block, law(probe.function, geometry, block.place, code)


def _wrong(probe: Probe, block: Block, numbers: Array) -> Array:
    """Where a packed block differs from the law."""
    part = block.view(probe.run(block.geometry, *block.arrays))
    return np.asarray(part != numbers * block.units[0])


def _kinds(probe: Probe, geometry: Geometry) -> dict[str, float] | None:
    """Kinds of path that explain all that is off, one tap and one cell at a time. Raises `Refuted` if none does."""
    kinds: dict[str, float] | None = None
    for block, numbers in _runs(probe, geometry, 1):
        found = _compared(probe, block, numbers > 0, geometry)
        if found is not None:
            kinds = found if kinds is None else {k: max(kinds[k], found[k]) for k in kinds if k in found}
            if not kinds:
                raise Refuted("no path explains all of what is off")
    return kinds


def _compared(probe: Probe, block: Block, ones: Array, geometry: Geometry) -> dict[str, float] | None:
    """Kinds of path that explain what is off, None if nothing is. Raises `Refuted` if none does."""
    computed = probe.run(block.geometry, *block.arrays)
    part = block.view(computed)
    kind = storage(probe.target.dtype)
    right = [np.where(ones, np.asarray(unit, kind), np.asarray(block.zero, kind)) for unit in block.units]
    wrong = np.logical_and.reduce([part != value for value in right])
    if not wrong.any():
        return None
    kinds = _inexact(probe, block, computed, right, wrong)
    if not kinds:
        difference = _difference(probe.function, geometry, block, ones, part, wrong)
        raise Refuted(difference["says"], difference)
    return kinds


def _inexact(probe: Probe, block: Block, computed: Array, right: list[Array], wrong: Array) -> dict[str, float]:
    """Kinds of path within whose bounds all errors are; a product of basis arrays does not round in a direct sum."""
    if block.zero or not np.isfinite(computed).all():
        return {}
    error = np.zeros(computed.shape)
    block.view(error)[...] = np.where(wrong, np.abs(block.view(computed).astype(np.float64) - right[0]), 0)
    kinds = explained(probe.function, block.geometry, block.arrays, probe.target.dtype, error)
    kinds.pop(DIRECT, None)
    return kinds


def _difference(
    function: str, geometry: Geometry, block: Block, ones: Array, part: Array, wrong: Array
) -> dict[str, Any]:
    """First wrong entry of the map in row-major order, by name and in words."""
    place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    at = {name: int(i) + (s.start or 0) for name, i, s in zip(AXES, place, block.place, strict=True)}
    spatial = {"tap": geometry.kernel_size, "output": geometry.output_size, "cell": geometry.input_size}
    known = {name for name, count in zip(AXES, sizes(function, geometry), strict=True) if count > 1}
    named: dict[str, Any] = {
        name: tuple(map(int, np.unravel_index(i, spatial[name]))) if name in spatial else i
        for name, i in at.items()
        if name in known
    }
    computed, expected = float(_in_units(block, part)[place]), int(ones[place])
    where = ", ".join(f"{name} {value}" for name, value in named.items())
    says = f"{where}: coefficient {computed:.9g}, expected {expected}; {int(wrong.sum())} of {wrong.size} are wrong"
    return {**named, "expected": expected, "computed": computed, "count": int(wrong.sum()), "says": says}


def _scope(geometry: Geometry, block: Block, function: str) -> str:
    """What the probes were."""
    probe, batch = block.geometry, batch_of(function, block.arrays)
    some = "" if probe.groups == geometry.groups else f" of {geometry.groups}"
    return (
        f"every cell, tap and output, at the probe's batch ({batch}) and channels ({probe.in_channels} in, "
        f"{probe.out_channels} out, {probe.groups}{some} groups), not the layer's"
    )


def _linear(function: str, fields: int) -> tuple[str, ...]:
    """Under which premises the probes decide."""
    if function == "max_pool":
        return ("a maximum over some of the cells",)
    arguments = [letter for letter in FUNCTIONS[function].arguments if letter not in FUNCTIONS[function].fixed]
    packed = (f"with integer coefficients of less than {BITS} bits",) if fields > 1 else ()
    return ("linear in " + " and in ".join(arguments), *packed)
