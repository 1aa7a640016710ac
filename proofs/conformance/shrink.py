"""Trials of a function on one layer, and the smallest layer on which a target fails them.

Trials are integers drawn from the function, the layer and the trial's number, so the same ones each time.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt, lcm, prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry, GeometryError
from proofs.conformance.functions import Function, shape
from proofs.conformance.products import right
from proofs.conformance.target import Target, TargetError, Unsupported

BATCHES = (2, 2, 4, 2)  # of each trial: one sample is its own mean, its own first and its own last
CALLS = 300  # layers tried in each half of the search for the smallest one
LOOKED = 20_000  # attributes looked at, most of which are no layer's
SIGNIFICANDS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}


@dataclass(frozen=True)
class Trial:
    """What went in, what came out, and what should have."""

    arrays: tuple[Array, ...]
    got: Array
    expected: Array

    @property
    def fails(self) -> bool:
        """Whether they differ; a NaN always does, and so does another shape."""
        return not same(self.got, self.expected)


def same(got: Array, expected: Array) -> bool:
    """Whether these are the same numbers, the expected ones in the type of those that came."""
    got = np.asarray(got)
    return got.shape == expected.shape and np.array_equal(got, expected.astype(got.dtype))


def trial(target: Target, function: Function, geometry: Geometry, number: int) -> Trial | None:
    """Run the target on one trial; nothing if the layer cannot be, or the target does not run it."""
    return judged(target, function, geometry, draw(function, geometry, target.dtype, number))


def judged(target: Target, function: Function, geometry: Geometry, arrays: tuple[Array, ...]) -> Trial | None:
    """Run the target on arrays of integers."""
    try:
        expected = function.expected(geometry, *(array.astype(np.int64) for array in arrays))
        if target.supports(str(function), geometry):
            return None
        got = target.run(str(function), geometry, *(array.copy() for array in arrays))
    except (GeometryError, Unsupported, TargetError):
        return None
    return Trial(arrays, np.asarray(got), np.asarray(expected, float))


def trials(target: Target, function: Function, geometry: Geometry) -> list[Trial]:
    """Every trial that the target runs."""
    found = (trial(target, function, geometry, number) for number in range(len(BATCHES)))
    return [one for one in found if one]


def failing(target: Target, function: Function, geometry: Geometry) -> bool:
    """Whether a trial fails: the first two, of which either alone misses a fault about never."""
    return any(found is not None and found.fails for found in (trial(target, function, geometry, k) for k in (0, 1)))


def draw(function: Function, geometry: Geometry, dtype: str, number: int) -> tuple[Array, ...]:
    """Arrays of a trial, in the type that the target computes in.

    Integers so small that sums of twice as many products as there are would be exact. The input of max pooling has
    ties in even trials, and no number that is not below 0 in odd ones.
    """
    seed = zlib.crc32(repr((str(function), geometry, number)).encode())
    generator = np.random.default_rng(seed)
    most, unit = _largest(function, geometry, dtype)
    arrays = []
    for letter in function.arguments:
        sizes = shape(letter, geometry, BATCHES[number])
        drawn = generator.integers(-most, most + 1, sizes) * unit
        if function.operation == "max_pool" and letter == "x":
            distinct = -1 - generator.permutation(prod(sizes)).reshape(sizes) % 2 ** min(
                SIGNIFICANDS.get(dtype, 24), 24
            )
            drawn = distinct if number % 2 else generator.integers(-2, 2, sizes)
        arrays.append(drawn.astype("float32" if dtype == "bfloat16" else dtype))
    return tuple(arrays)


def _largest(function: Function, geometry: Geometry, dtype: str) -> tuple[int, int]:
    """Largest magnitude before scaling, and the scale: what an average divides by without a remainder."""
    unit = 1
    if function.operation == "average_pool":
        for size in geometry.kernel_size:
            unit *= lcm(*range(1, size + 1))
    index = right(function, geometry).flat(function.gives)
    terms = 2 * max(BATCHES) * int(np.bincount(index).max(initial=1)) * unit
    budget = 2 ** SIGNIFICANDS.get(dtype, 24) // terms
    largest = budget if len(function.arguments) == 1 else isqrt(budget // 2)
    return min(max(largest, 1), 500), unit


def smallest(fails: Callable[[Geometry], bool], geometry: Geometry, calls: int = CALLS) -> tuple[Geometry, str]:
    """The smallest layer that fails, in the order of `size`; and how sure that is.

    Among layers of as many axes with the same boundary and no attribute above the failing one's. First one attribute
    after the other is lowered while the layer fails, then every smaller one is tried, as far as the calls go.
    """
    found = _descended(fails, geometry, calls)
    tried = 0
    for looked, other in enumerate(_below(found, geometry)):
        if tried == calls or looked == LOOKED:
            return found, f"the {tried} smallest layers pass; there are others below this one"
        if other:
            tried += 1
            if fails(other):
                return other, "every smaller layer passes"
    return found, "every smaller layer passes"


def _descended(fails: Callable[[Geometry], bool], geometry: Geometry, calls: int) -> Geometry:
    left = iter(range(calls))
    found = geometry
    while smaller := next((other for other, _ in zip(_lowered(found), left, strict=False) if fails(other)), None):
        found = smaller
    return found


def size(geometry: Geometry) -> tuple[Any, ...]:
    """The order of layers: by cells of the input, weights, output channels, then by attributes."""
    return _rank(attributes(geometry), geometry)


def attributes(geometry: Geometry) -> tuple[int, ...]:
    """Sizes, kernel, stride, dilation, padding, groups, and channels of a group, in and out."""
    padding = tuple(side for pair in geometry.padding for side in pair)
    per_axis = geometry.input_size + geometry.kernel_size + geometry.stride + geometry.dilation + padding
    return (*per_axis, geometry.groups, geometry.group_in, geometry.group_out)


def from_attributes(fields: tuple[int, ...], like: Geometry) -> Geometry | None:
    """Inverse of `attributes`; nothing if there is no such layer."""
    ndim = like.ndim
    n, k, s, d = (fields[i * ndim : (i + 1) * ndim] for i in range(4))
    padding = tuple(zip(fields[4 * ndim : 6 * ndim : 2], fields[4 * ndim + 1 : 6 * ndim : 2], strict=True))
    groups, inner, outer = fields[6 * ndim :]
    try:
        return Geometry(n, k, s, d, padding, groups * inner, groups * outer, groups, like.boundary)
    except GeometryError:
        return None


def _least(geometry: Geometry) -> tuple[int, ...]:
    ndim = geometry.ndim
    padding = tuple(min(side, 0) for pair in geometry.padding for side in pair)
    return (*(1,) * 4 * ndim, *padding, 1, 1, 1)


def _lowered(geometry: Geometry) -> Iterator[Geometry]:
    """Layers with one attribute lowered: to the least, half-way, by one; or raised, where padding crops."""
    fields, least = attributes(geometry), _least(geometry)
    for i, (value, low) in enumerate(zip(fields, least, strict=True)):
        aims = {0} if value < 0 else {low, (low + value) // 2, value - 1} if value > low else set()
        for aim in sorted(aims):
            other = from_attributes((*fields[:i], aim, *fields[i + 1 :]), geometry)
            if other:
                yield other


def _below(found: Geometry, most: Geometry) -> Iterator[Geometry | None]:
    """Every layer below one in the order of `size`, smallest first; nothing for attributes that are no layer's."""
    least, end = _least(most), _rank(attributes(found), most)
    highest = tuple(max(top, min(low, 0)) for top, low in zip(attributes(most), least, strict=True))
    queue, seen = [(_rank(least, most), least)], {least}
    while queue and queue[0][0] < end:
        fields = heapq.heappop(queue)[1]
        yield from_attributes(fields, most)
        for i, top in enumerate(highest):
            further = (*fields[:i], fields[i] + 1, *fields[i + 1 :])
            if fields[i] < top and further not in seen:
                seen.add(further)
                heapq.heappush(queue, (_rank(further, most), further))


def _rank(fields: tuple[int, ...], like: Geometry) -> tuple[Any, ...]:
    ndim = like.ndim
    groups, inner, outer = fields[6 * ndim :]
    cells = prod(fields[:ndim]) * groups * inner
    weights = groups * outer * inner * prod(fields[ndim : 2 * ndim])
    return cells, weights, groups * outer, sum(fields), fields


def nearby(function: Function, geometry: Geometry, count: int = 60) -> Iterator[Geometry]:
    """Small layers of as many axes, to tell apart what one layer does not; the same ones each time."""
    generator = np.random.default_rng(geometry.ndim)
    highs = {1: (7, 3, 3, 3), 2: (5, 3, 3, 2)}.get(geometry.ndim, (3, 2, 2, 2))
    for _ in range(count):
        fields = [int(v) for high in highs for v in generator.integers(1, high + 1, geometry.ndim)]
        fields += [int(v) for v in generator.integers(0, 3, 2 * geometry.ndim)]
        groups, *channels = (int(v) for v in generator.integers(1, 4, 3))
        fields += [groups, *([1, 1] if function.operation.endswith("pool") else channels)]
        if found := from_attributes(tuple(fields), geometry):
            yield found
