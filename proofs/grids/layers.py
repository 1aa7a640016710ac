"""The default grids of layers: stacks of two and layers made of the same sums among them.

Small but not square, not symmetric and not of one channel, since such shapes hide wrong kernels. The order is
by number of array entries; the first case on which a law fails is therefore its smallest in the grid.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

from numeric import Geometry
from numeric.paths.compiled.fused import POINTS
from proofs.grids.cases import (
    DenseCase,
    FilterCase,
    LayerCase,
    LinearityCase,
    LocalCase,
    SecondOrderCase,
    Shape,
    ShapeCase,
    StackCase,
    by_size,
    entries,
)

LAYERS: tuple[tuple[tuple[Any, ...], int], ...] = (
    # input, kernel, stride, dilation, padding, channels in and out, groups, boundary; batch
    (((1,), (1,), 1, 1, 0, 1, 1, 1, "zero"), 1),
    (((5,), (2,), 2, 1, ((0, 1),), 2, 1, 1, "zero"), 2),
    (((2,), (2,), 1, 1, ((0, 1),), 2, 2, 2, "zero"), 1),
    (((2,), (3,), 1, 2, ((3, 1),), 1, 2, 1, "zero"), 1),  # kernel larger than the input
    (((6,), (2,), 1, 1, ((-1, -2),), 1, 2, 1, "zero"), 1),  # padding crops
    (((4,), (2,), 2, 1, ((5, 0),), 1, 1, 1, "zero"), 2),  # outputs that read padding only
    (((5,), (3,), 1, 2, ((2, 3),), 2, 1, 1, "circular"), 1),
    (((6,), (2,), 3, 1, 0, 4, 4, 2, "zero"), 1),  # stride leaves a remainder, groups of two channels
    (((3, 4), (2, 3), 1, 1, 0, 2, 3, 1, "zero"), 2),
    (((4, 3), (3, 2), 1, 1, ((1, 1), (0, 1)), 1, 2, 1, "zero"), 1),
    (((4, 6), (2, 2), (2, 3), (1, 2), ((0, 1), (1, 0)), 2, 2, 2, "zero"), 1),
    (((1, 5), (1, 3), (1, 2), 1, ((0, 0), (1, 2)), 3, 1, 1, "zero"), 2),  # an axis of size one
    (((3, 4), (2, 3), (1, 2), (2, 1), ((1, 1), (2, 1)), 1, 2, 1, "circular"), 2),
    (((3, 2, 3), (2, 1, 2), (1, 1, 2), 1, ((0, 1), (0, 0), (1, 0)), 1, 2, 1, "zero"), 1),
    (((2, 3, 2), (1, 2, 2), 1, (1, 2, 1), ((0, 0), (1, 0), (0, 1)), 2, 2, 2, "circular"), 1),
)


def layers() -> list[LayerCase]:
    """Layers that cross stride, dilation, asymmetric and negative padding, groups, boundary, one to three axes."""
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in LAYERS)


def sampled_layers() -> list[LayerCase]:
    """The layers, as a grid of such with one sample at least."""
    return layers()


def uncircular_layers() -> list[LayerCase]:
    """The layers with zero boundary."""
    return [case for case in layers() if case.geometry.boundary == "zero"]


def linearity() -> list[LinearityCase]:
    """The layers, with two inputs and two weights."""
    return by_size(LinearityCase(case.geometry, case.batch) for case in layers())


def locals_() -> list[LocalCase]:
    """The layers, with weights of their own at every position: those that have at most 72 of them."""
    made = (LocalCase(case.geometry, case.batch) for case in layers())
    return by_size(case for case in made if prod(case.shapes()["w"]) <= 72)


def second_orders() -> list[SecondOrderCase]:
    """The layers, with cotangents of both gradients: those with at most 40 array entries."""
    made = (SecondOrderCase(case.geometry, case.batch) for case in layers())
    return by_size(case for case in made if entries(case) <= 60)


def small_layers() -> list[LayerCase]:
    """Layers of at most six outputs: an undefined loss takes all of them as arguments."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((1,), (1,)), 1),
        (((2,), (2,), 1, 1, ((0, 1),), 2, 2, 2), 1),
        (((5,), (2,), 2, 1, ((0, 1),), 2, 1), 1),
        (((5,), (2,), 1, 2, 0, 1, 1), 2),
        (((2,), (3,), 1, 2, ((3, 1),), 1, 2), 1),
        (((3,), (2,), 1, 1, ((1, 0),), 1, 1, 1, "circular"), 1),
        (((2, 3), (1, 2), (1, 2), 1, ((1, 0), (0, 0))), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def circular_layers() -> list[LayerCase]:
    """Layers whose circular output is as long as the translation group needs: stride divides the input."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((4,), (2,), 2, 1, ((1, 0),), 1, 2, 1),
        ((6,), (3,), 3, 2, ((2, 2),), 2, 1, 1),
        ((4, 3), (2, 3), (2, 1), 1, ((0, 1), (1, 1)), 1, 2, 1),
        ((2, 6), (2, 2), (1, 3), (1, 2), ((1, 0), (0, 1)), 2, 2, 2),
    )
    return by_size(LayerCase(replace(Geometry(*row), boundary="circular")) for row in fields)


def cyclic_layers() -> list[LayerCase]:
    """Circular layers of stride 1 whose output has the input's size."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((3,), (2,), 1, 1, ((0, 1),), 1, 2, 1),
        ((4,), (3,), 1, 2, ((1, 3),), 2, 1, 1),
        ((3, 4), (2, 3), 1, 1, ((1, 0), (1, 1)), 2, 2, 2),
        ((2, 3, 2), (1, 2, 2), 1, 1, ((0, 0), (0, 1), (1, 0)), 1, 1, 1),
    )
    return by_size(LayerCase(replace(Geometry(*row), boundary="circular")) for row in fields)


def circular_stacks() -> list[StackCase]:
    """Two circular layers, each as long as the translation group needs."""
    rows: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = (
        (((4,), (2,), 2, 1, ((1, 0),), 1, 2), ((2,), (2,), 1, 1, ((0, 1),), 2, 1)),
        (((6,), (2,), 1, 2, ((1, 1),), 2, 1), ((6,), (3,), 3, 1, ((1, 1),), 1, 2)),
        (((2, 4), (2, 2), (1, 2), 1, ((1, 0), (0, 1)), 1, 2), ((2, 2), (1, 2), (2, 1), 1, ((0, 0), (1, 0)), 2, 1)),
    )
    made = ((replace(Geometry(*row), boundary="circular") for row in pair) for pair in rows)
    return by_size(StackCase(*pair) for pair in made)


def stacks() -> list[StackCase]:
    """Two layers on a line, one channel: strides, dilation and padding on either side."""
    rows: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = (
        (((5,), (2,)), ((4,), (2,), 2)),
        (((6,), (3,), 2, 1, ((1, 0),)), ((3,), (2,), 1, 1, ((0, 1),))),
        (((7,), (2,), 2, 2, ((0, 1),)), ((3,), (3,), 1, 1, ((1, 1),))),
        (((8,), (3,), 1, 1, ((2, 1),)), ((9,), (2,), 3, 3)),
    )
    return by_size(StackCase(Geometry(*first), Geometry(*second)) for first, second in rows)


def dense_readers() -> list[LayerCase]:
    """Those of `layers` in which every weight is read somewhere, and two depthwise ones."""
    depthwise = (
        LayerCase(Geometry((4,), (2,), in_channels=3, out_channels=3, groups=3)),
        LayerCase(Geometry((3, 2), (2, 2), padding=((0, 0), (1, 0)), in_channels=2, out_channels=4, groups=2)),
    )
    return by_size((*(case for case in layers() if entries(case) <= 40 and _reads_all(case.geometry)), *depthwise))


def _reads_all(geometry: Geometry) -> bool:
    return all(any(geometry.reads(o, u) is not None for o in geometry.outputs()) for u in geometry.taps())


def unpadded_layers() -> list[LayerCase]:
    """Layers whose windows lie inside the input, so that no product is with a zero of the padding."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((3,), (2,), 1, 1, 0, 2, 2, 2), 2),
        (((5,), (2,), 2, 2, 0, 2, 4, 2), 1),
        (((3, 4), (2, 3), (1, 1), 1, 0, 2, 3, 1), 1),
        (((3, 2, 3), (2, 1, 2), (1, 1, 1), 1, 0, 3, 3, 3), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def separable_layers() -> list[StackCase]:
    """A depthwise layer, then one with kernels of one tap."""
    rows: tuple[tuple[Shape, Shape, int, int], ...] = (((3,), (2,), 2, 3), ((4,), (3,), 3, 2), ((2, 3), (2, 2), 2, 2))
    made = []
    for size, kernel, c, out in rows:
        first = Geometry(size, kernel, in_channels=c, out_channels=c, groups=c)
        made.append(StackCase(first, Geometry(first.output_size, (1,) * len(size), in_channels=c, out_channels=out)))
    return by_size(made)


def one_tap_layers() -> list[LayerCase]:
    """Kernels of one tap."""
    sizes: tuple[tuple[Shape, int, int, int], ...] = (((3,), 2, 3, 2), ((2, 3), 3, 2, 1), ((1, 2, 2), 2, 1, 2))
    return by_size(LayerCase(Geometry(n, (1,) * len(n), 1, 1, 0, c, out), batch) for n, c, out, batch in sizes)


def whole_kernels() -> list[LayerCase]:
    """Kernels of the input's size."""
    sizes: tuple[tuple[Shape, int, int, int], ...] = (((3,), 2, 3, 2), ((2, 3), 2, 2, 1), ((1, 2, 2), 2, 1, 2))
    return by_size(LayerCase(Geometry(n, n, 1, 1, 0, c, out), batch) for n, c, out, batch in sizes)


def grouped_layers() -> list[LayerCase]:
    """Two groups and three, one channel each (depthwise) and more."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((4,), (2,), 2, 1, ((1, 0),), 2, 2, 2), 2),
        (((3,), (2,), 1, 2, ((0, 2),), 3, 6, 3), 1),
        (((3,), (2,), 1, 1, 0, 4, 2, 2), 1),
        (((3, 2), (2, 2), (1, 2), 1, ((0, 1), (1, 0)), 2, 4, 2), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def batches() -> list[LayerCase]:
    """Layers on one axis, every input to 3 and kernel to 2 that fits, in batches of 1 to 3."""
    sizes = ((n, k, batch) for n, k, batch in product(range(1, 4), range(1, 3), range(1, 4)) if k <= n)
    return by_size(LayerCase(Geometry((n,), (k,)), batch) for n, k, batch in sizes)


def winograd_layers() -> list[LayerCase]:
    """Kernels of three taps: outputs that fill no tile, one and several; strides, padding, groups, both boundaries."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((3,), (3,), 1, 1, 0, 1, 2), 1),
        (((7,), (3,), 1, 1, 0, 2, 1), 1),
        (((4,), (3,), 1, 1, ((1, 2),), 2, 4, 2), 2),
        (((6,), (3,), 1, 1, ((-1, 1),), 1, 1, 1, "circular"), 1),
        (((3, 4), (3, 3), 1, 1, ((0, 1), (1, 0)), 1, 2), 1),
        (((6,), (3,), 1, 2, ((2, 1),), 1, 2), 1),
        (((3, 6), (3, 3), 1, (1, 2), ((1, 0), (0, 1)), 1, 1), 1),
        (((8,), (3,), 2, 1, ((1, 1),), 2, 4, 2), 2),
        (((11,), (3,), 2, 1, ((2, -1),), 1, 1, 1, "circular"), 1),
        (((4, 5), (3, 3), 2, 1, ((1, 0), (0, 1)), 1, 2), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def column_layers() -> list[LayerCase]:
    """The layers, and rows that are long enough for columns to go on beyond their end."""
    long = LayerCase(Geometry((3, 9), (2, 2), 1, (1, 2), ((0, 0), (1, 0)), 2, 1), 1)
    return by_size((*layers(), long))


def fourier_layers() -> list[LayerCase]:
    """Small circles: of 2 to 6 cells, 3 x 4 and 4 x 4; and layers that are cut into tiles where those are smaller."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((3,), (2,), 1, 1, ((1, 0),), 1, 2), 1),
        (((4,), (2,), 2, 2, ((0, 1),), 2, 2, 2), 2),
        (((3,), (2,), 1, 2, ((2, 0),), 1, 1, 1, "circular"), 1),
        (((4,), (2,), 1, 2, ((2, 0),), 1, 1, 1, "circular"), 1),
        (((2, 3), (2, 2), (1, 2), 1, ((0, 1), (1, 0)), 1, 1), 1),
        (((3, 4), (2, 2), (1, 2), 1, ((1, 0), (0, 0)), 1, 1), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def filters() -> list[FilterCase]:
    """F(m, r) for m up to 4 and r up to 5, at 0, 1, -1, 2, -2, ..., and F(m, 3) at the points of the fused paths.

    With strides: F(m, r) for m and r up to 4 and strides up to 3, and inputs between zeros.
    """
    signs = [0, *(sign * size for size in range(1, 5) for sign in (1, -1))]
    sizes = product(range(1, 5), range(1, 6))
    plain = [FilterCase(m, r, tuple(signs[: m + r - 2])) for m, r in sizes if m + r > 2]
    plain += [FilterCase(m, 3, points) for m, points in POINTS.items()]
    steps = [replace(case, stride=s) for case in plain for s in (2, 3) if s <= case.taps <= 4]
    between = [
        replace(case, apart=s, first=q) for case in plain for s in (2, 3) for q in range(s) if case.taps in (3, 4)
    ]
    return by_size(dict.fromkeys([*plain, *steps, *between]))


def denses() -> list[DenseCase]:
    """Every batch, number of features and of outputs up to 3."""
    return by_size(DenseCase(*sizes) for sizes in product(range(1, 4), repeat=3))


def flat_shapes() -> list[ShapeCase]:
    """One to four axes."""
    return by_size(map(ShapeCase, ((2, 3), (3, 1), (2, 1, 3), (1, 2, 3), (2, 2, 1, 3))))
