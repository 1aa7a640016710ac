"""Data of the interactive figure: every index map that its controls can ask for, computed by `numeric`.

The page adds, multiplies and looks up; which cell an output reads through a tap it knows from these tables only. A
layer on the plane is the product of its axes, so there is one table for each axis that can be chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from numeric import Geometry, GeometryError, rot180, shift

SIZES = (5, 6, 7, 8)
KERNELS = (1, 2, 3, 4)
STRIDES = (1, 2, 3)
DILATIONS = (1, 2)
PADDINGS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 2))
BOUNDARIES = ("zero", "circular")
CHANNELS = ((1, 1, 1), (4, 4, 1), (4, 4, 2), (4, 4, 4), (2, 4, 2), (4, 2, 2))
"""Input channels, output channels and groups that are drawn."""
SHIFTS = (1, 2, 3)
START = (6, 3, 1, 1, 1, 1, "zero")

INPUT = (np.arange(8 * 8).reshape(8, 8) * 7 + 3) % 10
"""Small numbers, so that one can add up by eye."""
KERNEL = np.array([[1, 0, 2, -1], [0, -1, 1, 1], [2, 1, -2, 0], [1, -1, 0, 1]])

Choice = tuple[int, int, int, int, int, int, str]


def choices() -> Iterator[Choice]:
    """Every axis that the controls can ask for: input, kernel, stride, dilation, padding low and high, boundary."""
    for size, kernel, stride, dilation, (low, high), boundary in product(
        SIZES, KERNELS, STRIDES, DILATIONS, PADDINGS, BOUNDARIES
    ):
        yield size, kernel, stride, dilation, low, high, boundary


def key(choice: Choice) -> str:
    """Name of an axis in the data."""
    return " ".join(map(str, choice))


def axis(choice: Choice) -> dict[str, list[list[int | None]]] | str:
    """What each output reads through each tap: the input `cell`, or None, and where that is, padding counted, `at`.

    Or, in a word, why there is no such layer.
    """
    size, kernel, stride, dilation, low, high, boundary = choice
    try:
        geometry = Geometry((size,), (kernel,), stride, dilation, ((low, high),), boundary=boundary)  # type: ignore[arg-type]
    except GeometryError as reason:
        return str(reason)
    (line,) = geometry.axes
    outputs, taps = [o for (o,) in geometry.outputs()], range(kernel)
    cells = [[geometry.reads((o,), (u,)) for u in taps] for o in outputs]
    return {
        "cell": [[None if cell is None else cell[0] for cell in row] for row in cells],
        "at": [[int(line.reads(o, u)) for u in taps] for o in outputs],
    }


def channels(in_channels: int, out_channels: int, groups: int) -> list[list[int]]:
    """Input channels that each output channel reads."""
    layer = Geometry((1,), (1,), in_channels=in_channels, out_channels=out_channels, groups=groups)
    return [[layer.reads_channel(c, j) for j in range(layer.group_in)] for c in range(out_channels)]


def moved(size: int, offset: int, boundary: str) -> list[int | None]:
    """Where each entry of a shifted array comes from; None if from outside."""
    places = np.arange(1, size + 1)
    found = np.roll(places, offset) if boundary == "circular" else shift(places, (offset,))
    return [int(place) - 1 if place else None for place in found]


def data() -> dict[str, Any]:
    """All that the page is given."""
    axes = {key(choice): axis(choice) for choice in choices()}
    longest = max(len(table["cell"]) for table in axes.values() if not isinstance(table, str))
    return {
        "sizes": SIZES,
        "kernels": KERNELS,
        "strides": STRIDES,
        "dilations": DILATIONS,
        "paddings": PADDINGS,
        "boundaries": BOUNDARIES,
        "shifts": SHIFTS,
        "start": START,
        "input": INPUT.tolist(),
        "kernel": KERNEL.tolist(),
        "axes": axes,
        "rotated": {k: rot180(np.arange(k)).tolist() for k in KERNELS},
        "moved": {
            boundary: [
                [moved(size, offset, boundary) for offset in range(max(SHIFTS) + 1)] for size in range(longest + 1)
            ]
            for boundary in BOUNDARIES
        },
        "channels": [
            {"in": i, "out": o, "groups": groups, "reads": channels(i, o, groups)} for i, o, groups in CHANNELS
        ],
    }
