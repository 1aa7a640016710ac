"""Coq's `reads` and sizes are numeric's: both compute the same tables, entry by entry.

Coq evaluates the programs of `Table.v` by its kernel's machine; that what it reads there is the `reads` of the theorems
is itself a theorem (`LINK`). Python's side is `numeric.Geometry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from numeric import Geometry
from numeric.geometry import GeometryError, named_padding, receptive_field
from proofs.coq.compiler import LIBRARY, Compiled

LINK = "Table.table_reads_is_reads"

_IMPORTS = f"""From Coq Require Import ZArith.
From mathcomp Require Import ssreflect seq.
From {LIBRARY} Require Import Axis Layer Table.
Open Scope Z_scope.
Set Printing Width 1000000.
Set Printing Depth 1000000."""
_NONE = (-1,)

Entry = tuple[str, tuple[int, ...]]


def geometries() -> Iterator[Geometry]:
    """Layers of one to three axes: stride, dilation, padding that widens or crops on either side, both boundaries."""
    paddings = ((0, 0), (1, 2), (2, -1), (-1, 1), (3, 3))
    for boundary, n, k, s, d, pair in product(("zero", "circular"), (4, 5), (2, 3), (1, 2, 3), (1, 2), paddings):
        yield from _fitting(n, k, stride=s, dilation=d, padding=[pair], boundary=boundary)
    pairs = product(paddings[:3], paddings[1:4])
    for boundary, strides, dilations, both in product(("zero", "circular"), ((1, 2), (3, 1)), ((2, 1), (1, 2)), pairs):
        yield from _fitting((4, 5), (3, 2), stride=strides, dilation=dilations, padding=both, boundary=boundary)
    for boundary in ("zero", "circular"):
        padding = [(1, 0), (-1, 1), (0, 2)]
        yield from _fitting((3, 4, 2), (2, 1, 3), stride=(1, 2, 1), padding=padding, boundary=boundary)


def _fitting(*sizes: int | tuple[int, ...], **options: object) -> Iterator[Geometry]:
    try:
        yield Geometry(*sizes, **options)  # type: ignore[arg-type]
    except GeometryError:
        return  # the kernel does not fit into the padded input


def channels() -> Iterator[Geometry]:
    """Layers of one cell with up to three groups of up to three input and output channels."""
    for groups, inside, outside in product((1, 2, 3), repeat=3):
        yield Geometry(1, 1, in_channels=groups * inside, out_channels=groups * outside, groups=groups)


def compare(files: Compiled) -> tuple[int, str]:
    """Number of entries on which Coq and numeric agree, and the first on which they do not. Raises `CoqError`."""
    layers = list(geometries())
    asked = [
        *((f"all_formulas {_in_coq(layer)}", formulas(layer)) for layer in layers),
        *((f"all_same {_in_coq(layer)}", same(layer)) for layer in layers),
        *((f"of_a_stack {_in_coq(layer)}", stack(layer)) for layer in layers),
        *((f"all_reads {layer.boundary.capitalize()} {_in_coq(layer)}", reads(layer)) for layer in layers),
        *((f"all_channels {c.groups} {c.group_in} {c.group_out}", reads_channel(c)) for c in channels()),
    ]
    answers = files.answers(_IMPORTS, [f"Eval vm_compute in {question}." for question, _ in asked])
    agreed = 0
    for (_, expected), answer in zip(asked, answers, strict=True):
        found = [int(number) for number in re.findall(r"-?\d+", answer)]
        for label, numbers in expected:
            if tuple(found[: len(numbers)]) != numbers:
                return agreed, f"{label}: numeric has {_shown(numbers)}, Coq {_shown(found[: len(numbers)])}"
            del found[: len(numbers)]
            agreed += 1
        if found:
            return agreed, f"{expected[-1][0]}: Coq goes on with {_shown(found[:3])}"
    return agreed, ""


def formulas(layer: Geometry) -> list[Entry]:
    """Each formula of each axis, with its value."""
    names = ("span", "padded_size", "output_size", "remainder", "transposed_size")
    return [(f"{name} of {axis}", (getattr(axis, name),)) for axis in layer.axes for name in names]


def same(layer: Geometry) -> list[Entry]:
    """Padding "same" for each axis."""
    sizes = ((a.input_size, a.kernel_size, a.stride, a.dilation) for a in layer.axes)
    return [(f"named_padding('same', {', '.join(map(str, each))})", named_padding("same", *each)) for each in sizes]


def stack(layer: Geometry) -> list[Entry]:
    """Receptive field of the axes, taken for layers one upon the other."""
    return [(f"receptive_field of {layer.axes}", receptive_field(*layer.axes))]


def reads(layer: Geometry) -> list[Entry]:
    """What each output reads through each tap."""
    return [(f"reads({o}, {u}) of {layer}", layer.reads(o, u) or _NONE) for o in layer.outputs() for u in layer.taps()]


def reads_channel(layer: Geometry) -> list[Entry]:
    """The input channel that each output channel reads with each of its slices."""
    return [
        (f"reads_channel({c}, {j}) of {layer}", (layer.reads_channel(c, j),))
        for c in range(layer.out_channels)
        for j in range(layer.group_in)
    ]


def _in_coq(layer: Geometry) -> str:
    rows = ((a.input_size, a.kernel_size, a.stride, a.dilation, a.low, a.high) for a in layer.axes)
    return f"[:: {'; '.join(' '.join(['Axis', *(f'({n})' for n in row)]) for row in rows)}]"


def _shown(numbers: Sequence[int]) -> str:
    return "nothing" if tuple(numbers) in ((), _NONE) else ", ".join(map(str, numbers))
