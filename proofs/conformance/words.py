"""The index map that a target really has, and where it first differs from the law's, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.functions import Function, shape
from proofs.conformance.products import compute, one, right
from proofs.conformance.target import Target, TargetError, Unsupported

ENTRIES = 1_000_000  # of a map that is read off as a whole
CALLS = 400
PLACE = {"g": 0, "x": 1, "w": 2, "b": 2}
SHOWN = 4  # cells that are named, if an output reads more


@dataclass(frozen=True)
class Map:
    """What a function gives for every pair of one-hot arrays: `entries[out, cell, weight]`, flat as in `Products`.

    A letter that the function does not know has one entry; b takes the place of w.
    """

    function: Function
    geometry: Geometry
    entries: Array

    def line(self, number: int) -> Array:
        """What is added up for one pair of output and weight, or for one entry of a bias gradient."""
        if self.function.gives == "b":
            return np.asarray(self.entries[:, 0, number])
        out, weight = divmod(number, self.entries.shape[2])
        return np.asarray(self.entries[out, :, weight])

    def index(self, number: int, position: int) -> tuple[int, ...]:
        """Output, cell and weight of an entry of a line."""
        if self.function.gives == "b":
            return position, 0, number
        out, weight = divmod(number, self.entries.shape[2])
        return out, position, weight

    @property
    def lines(self) -> int:
        """How many there are."""
        outs, _, weights = self.entries.shape
        return int(weights) if self.function.gives == "b" else int(outs * weights)

    def rows(self) -> tuple[Array, Array, Array]:
        """Spatial coordinates `(rows, axes)` of outputs, taps and cells of all products."""
        found = np.nonzero(self.entries)
        out, cell, weight = (
            np.stack(np.unravel_index(flat, one(letter, self.geometry)), 1)[:, -self.geometry.ndim :]
            for flat, letter in zip(found, "gxw", strict=True)
        )
        return out, weight, cell


def read_off(target: Target, function: Function, geometry: Geometry) -> Map | None:
    """The map that a target has; nothing if there are too many products, or what comes out has another shape."""
    try:
        return _map(lambda *arrays: target.run(str(function), geometry, *arrays), function, geometry, target.dtype)
    except (Unsupported, TargetError):
        return None


def _map(run: Callable[..., Array], function: Function, geometry: Geometry, dtype: str) -> Map | None:
    if function.fixed or len(function.arguments) > 2:
        return None
    given = [prod(one(letter, geometry)) for letter in function.arguments]
    calls = prod(given[1:]) if function.gives in "xg" else prod(given)
    if prod(given) * prod(one(function.gives, geometry)) > ENTRIES or calls > CALLS:
        return None
    results = [np.asarray(run(*arrays)) for arrays in _one_hots(function, geometry, dtype)]
    wanted = shape(function.gives, geometry, given[0])
    if any(result.shape != wanted for result in results):
        return None
    found = np.reshape(results, (*given[::-1], -1)).astype(float)
    return Map(function, geometry, _as_read(function, geometry, _by_place(function, found)))


def _by_place(function: Function, found: Array) -> Array:
    """Axes in the order of output, cell and weight, from those of the arguments backwards and of what is given."""
    places = [PLACE[letter] for letter in (*function.arguments[::-1], function.gives)]
    missing = [place for place in range(3) if place not in places]
    whole = found.reshape(*(1,) * len(missing), *found.shape)
    return whole.transpose(np.argsort([*missing, *places]))


def _one_hots(function: Function, geometry: Geometry, dtype: str) -> Iterator[tuple[Array, ...]]:
    """Arrays of each call: all one-hots of the first as a batch, or one at a time where the batch is summed."""
    first, *others = function.arguments
    kind = "float32" if dtype == "bfloat16" else dtype
    hot = np.eye(prod(one(first, geometry)), dtype=kind).reshape(-1, *one(first, geometry))
    if function.operation == "max_pool":
        hot = 2 * hot - 1
    for other in range(prod(prod(one(letter, geometry)) for letter in others)):
        rest = [_hot(letter, geometry, other, kind) for letter in others]
        for batch in [hot] if function.gives in "xg" else np.split(hot, len(hot)):
            yield (batch * np.asarray(_unit(function, geometry), kind), *rest)


def _hot(letter: str, geometry: Geometry, index: int, kind: str) -> Array:
    array = np.zeros(shape(letter, geometry, 1), kind)
    array.flat[index] = 1
    return array


def _unit(function: Function, geometry: Geometry) -> int:
    """What an average divides by without a remainder."""
    return lcm(*range(1, prod(geometry.kernel_size) + 1)) if function.operation == "average_pool" else 1


def _as_read(function: Function, geometry: Geometry, entries: Array) -> Array:
    return (entries + 1) / 2 if function.operation == "max_pool" else entries / _unit(function, geometry)


def lawful(function: Function, geometry: Geometry) -> Map | None:
    """The law's map; nothing if there are too many products."""
    rows = right(function, geometry)
    return _map(lambda *arrays: compute(function, rows, *arrays), function, geometry, "float64")


@dataclass(frozen=True)
class Difference:
    """Where a map differs first: the place, what it reads there, what is expected; and arrays that show it."""

    where: str
    reads: str
    expected: str
    arrays: tuple[Array, ...] = ()
    verb: str = "reads"

    def __str__(self) -> str:
        return f"{self.where} {self.verb} {self.reads}, expected {self.expected}"


def difference(got: Map, dtype: str) -> Difference | None:
    """The first place, in row-major order of outputs and taps, where a map is not the law's; nothing if it is."""
    law = lawful(got.function, got.geometry)
    if law is None:
        return None
    for number in range(law.lines):
        read, wish = got.line(number), law.line(number)
        if not np.array_equal(read, wish):
            index = law.index(number, int(np.flatnonzero(~(read == wish))[0]))
            arrays = tuple(_lit(letter, got, index, dtype) for letter in got.function.arguments)
            return Difference(_subject(law, number), _sum(got, read), _sum(law, wish), arrays)
    return None


def _lit(letter: str, law: Map, index: tuple[int, ...], dtype: str) -> Array:
    """One of the arrays that show a single product."""
    kind = "float32" if dtype == "bfloat16" else dtype
    hot = _hot(letter, law.geometry, index[PLACE[letter]], kind)
    if law.function.operation == "max_pool":
        return 2 * hot - 1
    return np.asarray(hot * np.asarray(_unit(law.function, law.geometry), kind))


def _subject(law: Map, number: int) -> str:
    geometry = law.geometry
    if law.function.gives == "b":
        return f"b[{number}]"
    out, weight = divmod(number, law.entries.shape[2])
    c, *o = _index(out, one("g", geometry))
    channel = f" in channel {c}" if geometry.out_channels > 1 else ""
    if law.entries.shape[2] == 1 and "w" not in (*law.function.arguments, law.function.gives):
        return f"output {tuple(o)}{channel}"
    d, j, *u = _index(weight, geometry.weight_shape)
    which = f" of w[{d}, {j}]" if geometry.out_channels * geometry.group_in > 1 else ""
    return f"tap {tuple(u)}{which} of output {tuple(o)}{channel}"


def _index(flat: int | np.intp, sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(flat, sizes)))


def _sum(law: Map, line: Array) -> str:
    """The cells that take part, each with what it counts."""
    letter = "g" if law.function.gives == "b" else "x"
    sizes = one(letter, law.geometry)
    terms = [f"{_times(line[i])}{letter}{list(_index(i, sizes))}" for i in np.flatnonzero(line)]
    shown = [*terms[:SHOWN], *[f"{len(terms) - SHOWN} more"] * (len(terms) > SHOWN)]
    return (", " if law.function.operation == "max_pool" else " + ").join(shown) or "nothing"


def _times(value: float) -> str:
    if value == 1:
        return ""
    return f"{Fraction(value).limit_denominator(10_000)} * " if np.isfinite(value) else f"{value} * "


def laws(got: Map) -> list[str]:
    """`reads(o, u)` on each axis as the affine law that the map really has there, if it has one; none without taps."""
    if "w" not in (*got.function.arguments, got.function.gives):
        return []
    out, tap, cell = got.rows()
    return [_law(got.geometry, i, out[:, i], tap[:, i], cell[:, i]) for i in range(got.geometry.ndim)]


def _law(geometry: Geometry, number: int, out: Array, tap: Array, cell: Array) -> str:
    axis = geometry.axes[number]
    wanted = _affine(axis.stride, axis.dilation, axis.low)
    found = _fit((axis.stride, axis.dilation), out, tap, cell)
    if found is None:
        return f"axis {number}: reads(o, u) is no affine law, expected {wanted}"
    law = _affine(*found)
    return f"axis {number}: reads(o, u) = {law}, " + ("as expected" if law == wanted else f"expected {wanted}")


def _affine(stride: int, dilation: int, low: int) -> str:
    return f"{stride}*o + {dilation}*u {'-' if low >= 0 else '+'} {abs(low)}"


def _fit(known: tuple[int, int], *rows: Array) -> tuple[int, int, int] | None:
    """Stride, dilation and padding that give every row exactly; a factor that no row shows is the known one."""
    out, tap, cell = rows
    if not len(cell):
        return None
    shown = [len(np.unique(column)) > 1 for column in (out, tap)]
    columns = [column for column, seen in zip((out, tap), shown, strict=True) if seen]
    rest = cell - sum(k * column for k, column, seen in zip(known, (out, tap), shown, strict=True) if not seen)
    solved = iter(
        np.rint(np.linalg.lstsq(np.stack([*columns, -np.ones(len(cell))], 1), rest, rcond=None)[0]).astype(int)
    )
    stride, dilation = (int(next(solved)) if seen else k for k, seen in zip(known, shown, strict=True))
    low = int(next(solved))
    return (stride, dilation, low) if np.array_equal(stride * out + dilation * tap - low, cell) else None
