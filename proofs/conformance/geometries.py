"""The layers on which an implementation is tried: chosen by what goes wrong, so that every two risks meet.

A layer is described by attributes that libraries dispatch on and that kernels get wrong (`ATTRIBUTES`). `quick` holds
every pair of attribute values that can occur together, and layers that networks are made of (`COMMON`), for which
libraries have algorithms of their own; `full` every four, and the layers of the trained networks. They are computed: of
all combinations that are a layer, the one that covers most of what is not covered yet, among those that hold the first
such (a greedy covering design). Boundary zero only; no two spatial sizes of a layer are equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Axis, Geometry, GeometryError, is_integer

SPATIAL: dict[str, tuple[str, ...]] = {
    "axes": ("1", "2", "3"),
    "kernel": ("1", "odd", "even", "mixed", "beyond the input"),
    "stride": ("1", "2", "3", "mixed"),
    "dilation": ("1", "2", "mixed"),
    "padding": ("none", "both sides", "uneven", "crop"),
    "rest": ("none", "some"),
    "sizes": ("some", "a one"),
}
"""`rest`: cells at the high end that no window reads as the stride does not divide; `sizes`: whether an axis is 1."""
CHANNELS: dict[str, tuple[str, ...]] = {
    "groups": ("1", "2", "depthwise"),
    "channels": ("one", "more out", "more in", "many"),
}
BATCHES = (1, 2, 5)
ATTRIBUTES: dict[str, tuple[str, ...]] = {**SPATIAL, **CHANNELS, "batch": tuple(map(str, BATCHES))}
POOLING = ("average_pool", "max_pool")
POOLED = (1, 3, 16)
"""Channels of a pooling layer."""


@dataclass(frozen=True)
class Case:
    """A layer and the number of samples."""

    geometry: Geometry
    batch: int


COMMON = (
    Case(Geometry((12,), (3,), padding=1, in_channels=4, out_channels=8), 2),
    Case(Geometry((8, 7), (3, 3), padding=1, in_channels=8, out_channels=8, groups=8), 2),
    Case(Geometry((6, 5), (1, 1), in_channels=16, out_channels=24), 2),
    Case(Geometry((9, 6), (3, 3), stride=2, padding=1, in_channels=8, out_channels=16), 2),
    Case(Geometry((8, 7), (3, 3), padding=1, in_channels=16, out_channels=16), 2),
    Case(Geometry((12, 10), (5, 5), padding=2, in_channels=3, out_channels=8), 2),
    Case(Geometry((5, 6, 4), (3, 3, 3), padding=1, in_channels=2, out_channels=4), 2),
)
COMMON_POOLS = (
    Case(Geometry((8,), (2,), stride=2, in_channels=4, out_channels=4, groups=4), 2),
    Case(Geometry((8, 6), (2, 2), stride=2, in_channels=4, out_channels=4, groups=4), 2),
    Case(Geometry((9, 7), (3, 3), stride=2, padding=1, in_channels=8, out_channels=8, groups=8), 2),
    Case(Geometry((4, 6, 2), (2, 2, 2), stride=2, in_channels=2, out_channels=2, groups=2), 2),
)

_KERNELS = {"1": (1, 1, 1), "odd": (3, 3, 3), "even": (2, 2, 2), "mixed": (2, 3, 1), "beyond the input": (4, 2, 3)}
_STEPS = {"1": (1, 1, 1), "2": (2, 2, 2), "3": (3, 3, 3), "mixed": (1, 2, 1)}
_PER_GROUP = {"one": (1, 1), "more out": (1, 2), "more in": (3, 2), "many": (16, 17)}
_OUTPUTS = (3, 2, 4)
_LONGEST = 16


class GridError(ValueError):
    """A file of layers that cannot be read."""


def quick(operation: str = "conv", ndim: int | None = None) -> tuple[Case, ...]:
    """Layers among which every pair of attribute values that can occur together does; common ones.

    `ndim` is the number of spatial axes, if only those are asked for.
    """
    return _with_common(operation, 2, ndim)


def _with_common(operation: str, strength: int, ndim: int | None) -> tuple[Case, ...]:
    pools = operation in POOLING
    common = (case for case in (COMMON_POOLS if pools else COMMON) if ndim in (None, case.geometry.ndim))
    return (*(case for case, _ in design(pools, strength, ndim)), *common)


def full(operation: str = "conv", ndim: int | None = None) -> tuple[Case, ...]:
    """Layers among which every four attribute values that can occur together do; common and trained networks' ones."""
    from proofs.grids.full import POOLS, networks

    pools = operation in POOLING
    layers = [Geometry(size, (2, 2), 2) for size in POOLS] if pools else networks()
    return _with_common(operation, 4, ndim) + tuple(Case(layer, 2) for layer in layers if ndim in (None, layer.ndim))


@cache
def design(pools: bool, strength: int, ndim: int | None = None) -> tuple[tuple[Case, tuple[str, ...]], ...]:
    """A covering design of that strength: each layer with its attribute values, smallest first."""
    rows = [row for row in candidates(pools) if ndim in (None, int(row[0][0]))]
    values = [sorted(set(column)) for column in zip(*(row[0] for row in rows), strict=True)]
    codes = [{value: code for code, value in enumerate(column)} for column in values]
    levels = np.array([[code[value] for code, value in zip(codes, row[0], strict=True)] for row in rows])
    chosen = [(Case(Geometry(**rows[i][1]), int(rows[i][0][-1])), rows[i][0]) for i in cover(levels, strength)]
    return tuple(sorted(chosen, key=lambda row: (_entries(row[0]), str(row[0]))))


def cover(levels: Array, strength: int) -> list[int]:
    """Rows of a table among which every tuple of `strength` columns' values that any row holds is held."""
    columns = list(combinations(range(levels.shape[1]), strength))
    radix = levels.max(0) + 1
    ids, start = np.empty((len(levels), len(columns)), np.intp), 0
    for number, chosen in enumerate(columns):
        ids[:, number] = start + np.ravel_multi_index(tuple(levels[:, list(chosen)].T), tuple(radix[list(chosen)]))
        start += prod(int(radix[column]) for column in chosen)
    missing = np.zeros(start, bool)
    missing[ids] = True
    found = []
    while missing.any():
        first = int(missing.argmax())
        holding = np.flatnonzero((ids == first).any(1))
        best = int(holding[missing[ids[holding]].sum(1).argmax()])
        found.append(best)
        missing[ids[best]] = False
    return found


def candidates(pools: bool) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every combination of attribute values that is a layer, with its fields; pooling has channels of its own."""
    shapes = [(values, sizes) for values in product(*SPATIAL.values()) if (sizes := _sizes(*values)) is not None]
    if pools:
        shapes = [(values, sizes) for values, sizes in shapes if reads_a_cell(Geometry(**sizes))]
    channels = [((str(c),), (c, c, c)) for c in POOLED] if pools else list(_channels())
    return [
        ((*spatial, *names, str(batch)), {**sizes, "groups": groups, "in_channels": inner, "out_channels": outer})
        for (spatial, sizes), (names, (groups, inner, outer)), batch in product(shapes, channels, BATCHES)
    ]


def _channels() -> Iterator[tuple[tuple[str, ...], tuple[int, int, int]]]:
    for groups, channels in product(*CHANNELS.values()):
        inner, outer = _PER_GROUP[channels]
        number = 3 if groups == "depthwise" else int(groups)
        if inner == 1 or groups != "depthwise":
            yield (groups, channels), (number, number * inner, number * outer)


def _sizes(
    axes: str, kernel: str, stride: str, dilation: str, padding: str, rest: str, sizes: str
) -> dict[str, Any] | None:
    """Spatial fields of the layer that has these attributes, or nothing."""
    ndim = int(axes)
    line: list[Axis] = []
    if ndim == 1 and "mixed" in (kernel, stride, dilation):
        return None
    for i in range(ndim):
        k, s, d = _KERNELS[kernel][i], _STEPS[stride][i], _STEPS[dilation][i]
        low, high = _padding(padding, i, d * (k - 1) + 1)
        made = (
            Axis(n, k, s, d, low, high) for n in ((1,) if (i, sizes) == (ndim - 1, "a one") else range(2, _LONGEST))
        )
        beyond = kernel == "beyond the input" and i == 0
        fitting = [
            axis
            for axis in made
            if axis.span <= axis.padded_size
            and (k > axis.input_size) == beyond
            and (axis.remainder > 0) == (rest == "some" and s > 1)
            and axis.input_size not in [other.input_size for other in line]
            and any(_windows(axis))
        ]
        if not fitting:
            return None
        line.append(min(fitting, key=lambda axis: abs(axis.output_size - _OUTPUTS[i])))
    if rest == "some" and not any(axis.remainder for axis in line):
        return None
    return {
        **{name: tuple(getattr(axis, name) for axis in line) for name in ("input_size", "kernel_size")},
        **{name: tuple(getattr(axis, name) for axis in line) for name in ("stride", "dilation")},
        "padding": tuple((axis.low, axis.high) for axis in line),
    }


def _padding(padding: str, axis: int, span: int) -> tuple[int, int]:
    """Cells before and after; uneven padding is as wide as a window that still reads one cell."""
    half, most = max(1, span // 2), max(1, span - 1)
    return {
        "none": (0, 0),
        "both sides": (half, half),
        "uneven": (0, most) if axis % 2 == 0 else (most, int(most > 1)),
        "crop": (-1, 0) if axis % 2 == 0 else (1, -1),
    }[padding]


def reads_a_cell(geometry: Geometry) -> bool:
    """Whether no window lies in the padding alone: an average or a maximum of nothing is none."""
    return all(all(_windows(axis)) for axis in geometry.axes)


def _windows(axis: Axis) -> Iterator[bool]:
    """Whether each output reads a cell."""
    for o in range(axis.output_size):
        yield any(0 <= axis.reads(o, u) < axis.input_size for u in range(axis.kernel_size))


def _entries(case: Case) -> int:
    geometry = case.geometry
    shapes = geometry.input_shape(case.batch), geometry.weight_shape, geometry.output_shape(case.batch)
    return sum(prod(shape) for shape in shapes)


FIELDS = ("input_size", "kernel_size", "stride", "dilation", "padding", "in_channels", "out_channels", "groups")


def fields(geometry: Geometry) -> dict[str, Any]:
    """A layer as JSON has it."""
    return {name: getattr(geometry, name) for name in FIELDS}


def geometry(content: Any) -> Geometry:
    """A layer from JSON: its fields by name. Raises `GridError`, `GeometryError`."""
    if not isinstance(content, Mapping):
        raise GridError(f"a layer is an object with fields, got {content!r}")
    unknown = set(content) - set(FIELDS)
    if unknown or not {"input_size", "kernel_size"} <= set(content):
        raise GridError(
            f"a layer has input_size and kernel_size, and may have {', '.join(FIELDS[2:])}; got {content!r}"
        )
    return Geometry(**content)


def from_file(path: Path) -> tuple[Case, ...]:
    """Layers from a JSON file: a list of objects with the fields of `Geometry`, and `batch` (1 if it is not given).

        [{"input_size": [28, 28], "kernel_size": [5, 5], "padding": 2, "in_channels": 3, "out_channels": 8, "batch": 4}]

    Raises `GridError` for what is no such file, with the number of the entry, counted from 1.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise GridError(f"cannot read layers from {path}: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise GridError(f"{path} must hold a list of layers, got {str(entries)[:40]}")
    return tuple(_case(path, number, entry) for number, entry in enumerate(entries, start=1))


def _case(path: Path, number: int, entry: Any) -> Case:
    fields_ = dict(entry) if isinstance(entry, Mapping) else entry
    batch = fields_.pop("batch", 1) if isinstance(entry, Mapping) else 1
    if not is_integer(batch) or batch < 1:
        raise GridError(f"{path}, layer {number}: batch must be a whole number from 1 up, got {batch!r}")
    try:
        return Case(geometry(fields_), batch)
    except (GridError, GeometryError) as error:
        raise GridError(f"{path}, layer {number}: {error}") from error


def cases(grid: str | Path | Sequence[Geometry | Case], operation: str, ndim: int | None = None) -> tuple[Case, ...]:
    """Layers of an operation from a grid: `quick`, `full`, a file, or layers themselves (of two samples if not said).

    Pooling takes a layer's input channels, each on its own. Raises `GridError`.
    """
    if grid in ("quick", "full"):
        return quick(operation, ndim) if grid == "quick" else full(operation, ndim)
    given = from_file(Path(grid)) if isinstance(grid, str | Path) else grid
    made = (entry if isinstance(entry, Case) else Case(entry, 2) for entry in given)
    found = tuple(case for case in made if ndim in (None, case.geometry.ndim))
    if any(case.geometry.boundary != "zero" for case in found):
        raise GridError("only layers with the boundary zero are certified")
    if operation not in POOLING:
        return found
    return tuple(dict.fromkeys(Case(_pool(case.geometry), case.batch) for case in found))


def _pool(layer: Geometry) -> Geometry:
    channels = layer.in_channels
    return Geometry(**{**fields(layer), "in_channels": channels, "out_channels": channels, "groups": channels})


def words(case: Case, between: str = ", ", after: str = " ") -> str:
    """A layer in short: its sizes, and whatever is not as by default."""
    layer = case.geometry
    steps = [(name, getattr(layer, name)) for name in ("stride", "dilation")]
    said = [_by(layer.input_size), f"kernel{after}{_by(layer.kernel_size)}"]
    said += [f"{name}{after}{_by(sizes)}" for name, sizes in steps if set(sizes) != {1}]
    if any(map(any, layer.padding)):
        said.append(f"padding{after}" + "x".join(f"{low}+{high}" for low, high in layer.padding))
    said.append(f"channels{after}{layer.in_channels}to{layer.out_channels}")
    if layer.groups > 1:
        said.append(f"groups{after}{layer.groups}")
    return between.join((*said, f"batch{after}{case.batch}"))


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))
