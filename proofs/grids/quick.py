"""The default grids: small shapes, smallest first, that cross what hides wrong kernels.

Small but not square, not symmetric and not of one channel, since such shapes hide wrong kernels. The order is
by number of array entries; the first case on which a law fails is therefore its smallest in the grid.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from math import prod
from typing import Any

import numpy as np

from numeric import Axis, Geometry, GeometryError
from numeric.plane import Mode
from numeric.pooling import winners
from proofs.grids.cases import (
    ArrayCase,
    AxisCase,
    ClassesCase,
    DenseCase,
    FilterCase,
    FirstLayerCase,
    FoldCase,
    LayerCase,
    LinearityCase,
    LocalCase,
    MaskCase,
    NetworkCase,
    NormCase,
    PointsCase,
    PoolCase,
    SecondOrderCase,
    Shape,
    ShapeCase,
    StackCase,
    ThreeArraysCase,
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


def linearity() -> list[LinearityCase]:
    """The layers, with two inputs and two weights."""
    return by_size(LinearityCase(case.geometry, case.batch) for case in layers())


def locals_() -> list[LocalCase]:
    """The layers, with weights of their own at every position: those that have at most 72 of them."""
    made = (LocalCase(case.geometry, case.batch) for case in layers())
    return by_size(case for case in made if prod(case.shapes()["w"]) <= 72)


def denses() -> list[DenseCase]:
    """Every batch, number of features and of outputs up to 3."""
    return by_size(DenseCase(*sizes) for sizes in product(range(1, 4), repeat=3))


def pools() -> list[PoolCase]:
    """Windows on at most six cells: overlapping, apart, dilated, padded, cropped, with a remainder, wrapped around."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((1,), (1,), 1, 1, 0),
        ((4,), (2,), 2),
        ((5,), (2,), 3),
        ((4,), (3,), 1, 1, ((1, 1),)),
        ((4,), (2,), 1, 2, ((0, 1),)),
        ((5,), (2,), 1, 1, ((-1, 0),)),
        ((3,), (2,), 1, 1, ((1, 0),), 1, 1, 1, "circular"),
        ((2, 3), (2, 2), (1, 1)),
        ((3, 2), (2, 1), (1, 2), 1, ((1, 0), (0, 0))),
        ((1, 2, 3), (1, 2, 2)),
    )
    return by_size(PoolCase(Geometry(*row)) for row in fields)


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


def arrays(modes: tuple[Mode, ...] = ("full", "same", "valid")) -> list[ArrayCase]:
    """Arrays on a line up to 4 with kernels up to 3, all of them; some on two and three axes; every mode that fits."""
    line = (((n,), (m,)) for n, m in product(range(1, 5), range(1, 4)))
    more = (((3, 4), (2, 3)), ((4, 3), (3, 2)), ((3, 5), (3, 3)), ((2, 3, 2), (1, 2, 2)))
    sizes: tuple[tuple[Shape, Shape], ...] = (*line, *more)
    made = (ArrayCase(n, m, mode) for (n, m), mode in product(sizes, modes))
    return by_size(case for case in made if min(case.output_size) > 0)


def centred() -> list[ArrayCase]:
    """Odd sizes, so that arrays lie on the plane with the origin in their middle."""
    pairs: tuple[tuple[Shape, Shape], ...] = (((3,), (1,)), ((3,), (3,)), ((3, 5), (3, 1)), ((1, 5), (3, 3)))
    return by_size(ArrayCase(n, m) for n, m in (*pairs, ((3, 3), (1, 5)), ((1, 3, 3), (3, 1, 3))))


def translations() -> list[ArrayCase]:
    """Arrays with offsets of either sign."""
    moves: tuple[tuple[Shape, Shape, Shape], ...] = (
        ((3,), (2,), (1,)),
        ((4,), (3,), (-2,)),
        ((3, 4), (2, 3), (1, 2)),
        ((4, 3), (3, 2), (-1, 2)),
        ((2, 3, 2), (1, 2, 2), (1, -1, 2)),
    )
    return by_size(ArrayCase(n, m, "full", offset) for n, m, offset in moves)


def circular_layers() -> list[LayerCase]:
    """Layers whose circular output is as long as the translation group needs: stride divides the input."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((4,), (2,), 2, 1, ((1, 0),), 1, 2, 1),
        ((6,), (3,), 3, 2, ((2, 2),), 2, 1, 1),
        ((4, 3), (2, 3), (2, 1), 1, ((0, 1), (1, 1)), 1, 2, 1),
        ((2, 6), (2, 2), (1, 3), (1, 2), ((1, 0), (0, 1)), 2, 2, 2),
    )
    return by_size(LayerCase(replace(Geometry(*row), boundary="circular")) for row in fields)


def first_layers() -> list[FirstLayerCase]:
    """Images and kernels of the sheet's first layer, p = m and p = 1 among them."""
    return by_size(FirstLayerCase(m, p, kernels) for m, p, kernels in ((2, 2, 1), (2, 1, 2), (3, 2, 2), (4, 3, 1)))


def axes() -> list[AxisCase]:
    """Every axis with input up to 4, kernel up to 3, stride up to 3, dilation up to 2, padding -1 to 2 on each side."""
    ranges = (range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-1, 3), range(-1, 3))
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(*ranges) if _fits(Axis(*sizes)))


def half_widths() -> list[ArrayCase]:
    """Inputs up to 5 x 4 and kernels of half-width up to 2 that fit, so of size up to 5."""
    made = (
        ArrayCase((m, n), (2 * p + 1, 2 * q + 1), "valid")
        for m, n, p, q in product(range(1, 6), range(1, 5), range(3), range(2))
        if m > 2 * p and n > 2 * q
    )
    return by_size(made)


def _fits(axis: Axis) -> bool:
    try:
        Geometry(axis.input_size, axis.kernel_size, axis.stride, axis.dilation, ((axis.low, axis.high),))
    except GeometryError:
        return False
    return True


def shifted_lines() -> list[ArrayCase]:
    """Mode `same` on a line, every size to 5, kernel to 4 and offset from -2 to 2; one plane."""
    line = (ArrayCase((n,), (m,), "same", (t,)) for n, m, t in product(range(1, 6), range(1, 5), range(-2, 3)))
    return by_size((*line, ArrayCase((3, 4), (3, 2), "same", (1, -1))))


def second_orders() -> list[SecondOrderCase]:
    """The layers, with cotangents of both gradients: those with at most 40 array entries."""
    made = (SecondOrderCase(case.geometry, case.batch) for case in layers())
    return by_size(case for case in made if entries(case) <= 60)


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


def three_arrays() -> list[ThreeArraysCase]:
    """Three arrays on a line, every size to 3; two examples on a plane."""
    line: list[tuple[Shape, Shape, Shape]] = [((n,), (m,), (p,)) for n, m, p in product(range(1, 4), repeat=3)]
    return by_size(map(ThreeArraysCase, (*line, ((2, 1), (1, 3), (2, 2)), ((1, 2), (2, 1), (3, 1)))))


def cyclic_arrays() -> list[ArrayCase]:
    """Arrays and kernels of one size, 1 to 6, on a circle."""
    return by_size(ArrayCase((n,), (n,), "same") for n in range(1, 7))


def ordered_pools() -> list[PoolCase]:
    """The windows of `pools`, with values for every pattern of winners that there is."""
    return by_size(PoolCase(case.geometry, order) for case in pools() for order in _patterns(case.geometry))


def circular_pools() -> list[PoolCase]:
    """Circular windows whose stride divides the input; a pattern of winners for each."""
    rows: tuple[tuple[Any, ...], ...] = (
        ((4,), (2,), 2, 1, 0),
        ((6,), (3,), 3, 1, ((1, -1),)),
        ((4,), (3,), 1, 1, ((1, 1),)),
        ((2, 4), (2, 2), (1, 2), 1, ((1, 0), (0, 0))),
    )
    made = (replace(Geometry(*row), boundary="circular") for row in rows)
    return by_size(PoolCase(geometry, order) for geometry in made for order in _some_orders(prod(geometry.input_size)))


def small_pools() -> list[PoolCase]:
    """Windows on two and three cells, every order and choice of signs."""
    fields: tuple[tuple[Any, ...], ...] = (((2,), (2,)), ((3,), (2,), 1), ((3,), (2,), 1, 1, ((1, 0),)))
    signed = (-3, -1, 2, 7)  # no two of them add up to 0
    return by_size(PoolCase(Geometry(*row), values) for row in fields for values in permutations(signed, row[0][0]))


def _patterns(geometry: Geometry) -> list[tuple[int, ...]]:
    """Values of the cells, the first of each pattern of winners; all below 0, since a zero of the padding would win."""
    orders = np.array(list(permutations(range(-prod(geometry.input_size), 0))))
    firsts = np.unique(winners(orders.reshape(-1, 1, *geometry.input_size), geometry), axis=0, return_index=True)[1]
    return [tuple(map(int, orders[first])) for first in firsts]


def _some_orders(cells: int) -> list[tuple[int, ...]]:
    random = np.random.default_rng(cells)
    return sorted({tuple(map(int, random.permutation(cells) - cells)) for _ in range(4)})


def points() -> list[PointsCase]:
    """Two numbers, each below 0, between 0 and 6, or above 6."""
    return by_size(map(PointsCase, product((-2, 3, 8), repeat=2)))


def signs() -> list[PointsCase]:
    """One number of either sign, and both."""
    return by_size(map(PointsCase, ((-2,), (3,), (3, -2))))


def classes() -> list[ClassesCase]:
    """Two classes, every place of the largest logit and every label; three classes."""
    pairs = [ClassesCase((order,), (label,)) for order in ((1, 2), (2, 1)) for label in range(2)]
    return by_size((*pairs, ClassesCase(((1, 3, 2),), (2,))))


def more_classes() -> list[ClassesCase]:
    """Up to four classes: every place of the largest logit and every label; two rows of three."""
    rows = [tuple(int(i == place) for i in range(n)) for n in (2, 3, 4) for place in range(n)]
    singles = [ClassesCase((row,), (label,)) for row in rows for label in range(len(row))]
    return by_size((*singles, ClassesCase(((1, 3, 2), (5, 4, 1)), (2, 0))))


def norms() -> list[NormCase]:
    """Two values in a channel, over the batch or positions; one channel and two."""
    return by_size(map(NormCase, ((2, 1), (1, 2, 2))))


def more_norms() -> list[NormCase]:
    """Up to four values in a channel, over the batch, positions or both; one to three channels."""
    return by_size(
        map(NormCase, ((2, 1), (3, 1), (4, 1), (2, 2), (1, 2, 2), (1, 3, 2), (2, 1, 2), (1, 1, 2, 2), (1, 2, 3)))
    )


def masks() -> list[MaskCase]:
    """Every mask on one row of three, and on two rows of two."""
    three = [((mask),) for mask in product((0, 1), repeat=3)]
    two = [(first, second) for first in product((0, 1), repeat=2) for second in product((0, 1), repeat=2)]
    return by_size(map(MaskCase, (*three, *two)))


def flat_shapes() -> list[ShapeCase]:
    """One to four axes."""
    return by_size(map(ShapeCase, ((2, 3), (3, 1), (2, 1, 3), (1, 2, 3), (2, 2, 1, 3))))


def lines(modes: tuple[Mode, ...] = ("full", "same", "valid")) -> list[ArrayCase]:
    """Arrays on a line, every size to 4 and kernel to 4 in every mode in which it fits."""
    made = (ArrayCase((n,), (m,), mode) for n, m, mode in product(range(1, 5), range(1, 5), modes))
    return by_size(case for case in made if min(case.output_size) > 0)


def named_axes() -> list[AxisCase]:
    """Every axis with input up to 6, kernel up to 3, stride up to 3 and dilation up to 2; no padding."""
    ranges = (range(1, 7), range(1, 4), range(1, 4), range(1, 3))
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(*ranges))


def cyclic_layers() -> list[LayerCase]:
    """Circular layers of stride 1 whose output has the input's size."""
    fields: tuple[tuple[Any, ...], ...] = (
        ((3,), (2,), 1, 1, ((0, 1),), 1, 2, 1),
        ((4,), (3,), 1, 2, ((1, 3),), 2, 1, 1),
        ((3, 4), (2, 3), 1, 1, ((1, 0), (1, 1)), 2, 2, 2),
        ((2, 3, 2), (1, 2, 2), 1, 1, ((0, 0), (0, 1), (1, 0)), 1, 1, 1),
    )
    return by_size(LayerCase(replace(Geometry(*row), boundary="circular")) for row in fields)


def fitting_axes() -> list[AxisCase]:
    """The axes of `axes` without padding."""
    return [case for case in axes() if case.axis.low == case.axis.high == 0]


def full_arrays() -> list[ArrayCase]:
    """The arrays of `arrays` in mode full."""
    return arrays(("full",))


def valid_lines() -> list[ArrayCase]:
    """The arrays of `lines` in mode valid."""
    return lines(("valid",))


def same_lines() -> list[ArrayCase]:
    """The arrays of `lines` in mode same."""
    return lines(("same",))


def batches() -> list[LayerCase]:
    """Layers on one axis, every input to 3 and kernel to 2 that fits, in batches of 1 to 3."""
    sizes = ((n, k, batch) for n, k, batch in product(range(1, 4), range(1, 3), range(1, 4)) if k <= n)
    return by_size(LayerCase(Geometry((n,), (k,)), batch) for n, k, batch in sizes)


def plain_axes() -> list[AxisCase]:
    """Every axis with input up to 6 and kernel up to 4; no stride, dilation or padding."""
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(range(1, 7), range(1, 5)))


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


def two_pools() -> list[PoolCase]:
    """Windows on two and three cells, every order of the cells; no value is the sum of two others."""
    made = (PoolCase(Geometry((n,), (2,), 1), values) for n in (2, 3) for values in permutations((-9, -4, -1)[:n]))
    return by_size(made)


def folds() -> list[FoldCase]:
    """A layer of one axis."""
    return [FoldCase(Geometry((3,), (2,), in_channels=1, out_channels=2))]


def mask_shapes() -> list[MaskCase]:
    """One mask of each shape."""
    return by_size(map(MaskCase, (((1, 1),), ((1, 1, 1),), ((1, 1), (1, 1)))))


def winograd_layers() -> list[LayerCase]:
    """Kernels of three taps: outputs that fill no tile, one and several; padding, groups, both boundaries."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((3,), (3,), 1, 1, 0, 1, 2), 1),
        (((7,), (3,), 1, 1, 0, 2, 1), 1),
        (((4,), (3,), 1, 1, ((1, 2),), 2, 4, 2), 2),
        (((6,), (3,), 1, 1, ((-1, 1),), 1, 1, 1, "circular"), 1),
        (((3, 4), (3, 3), 1, 1, ((0, 1), (1, 0)), 1, 2), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def fourier_layers() -> list[LayerCase]:
    """Small circles: of 2 to 6 cells, and 3 x 4."""
    rows: tuple[tuple[tuple[Any, ...], int], ...] = (
        (((3,), (2,), 1, 1, ((1, 0),), 1, 2), 1),
        (((4,), (2,), 2, 2, ((0, 1),), 2, 2, 2), 2),
        (((6,), (2,), 3, 1, ((-1, 1),), 1, 1), 1),
        (((3,), (2,), 1, 2, ((2, 0),), 1, 1, 1, "circular"), 1),
        (((2, 3), (2, 2), (1, 2), 1, ((0, 1), (1, 0)), 1, 1), 1),
    )
    return by_size(LayerCase(Geometry(*fields), batch) for fields, batch in rows)


def filters() -> list[FilterCase]:
    """F(m, r) for m up to 4 and r up to 5, at 0, 1, -1, 2, -2, ..."""
    signs = [0, *(sign * size for size in range(1, 5) for sign in (1, -1))]
    sizes = product(range(1, 5), range(1, 6))
    return by_size(FilterCase(m, r, tuple(signs[: m + r - 2])) for m, r in sizes if m + r > 2)


def networks() -> list[NetworkCase]:
    """One pattern of winners and signs."""
    return [NetworkCase((1,), 1)]


def more_networks() -> list[NetworkCase]:
    """Sixteen drawn patterns of winners and signs."""
    return [NetworkCase((seed % 2,), seed) for seed in range(16)]
