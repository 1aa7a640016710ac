"""Layers that branch: for each, the regions in which every comparison comes out the same way."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from math import prod
from typing import Any

import numpy as np

from numeric import Geometry
from numeric.pooling import winners
from proofs.grids.cases import by_size
from proofs.grids.samples import ClassesCase, FoldCase, MaskCase, NetworkCase, NormCase, PointsCase, PoolCase


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


def ordered_pools() -> list[PoolCase]:
    """The windows of `pools`, with values for every pattern of winners that there is."""
    return by_size(PoolCase(case.geometry, order) for case in pools() for order in _patterns(case.geometry))


def _patterns(geometry: Geometry) -> list[tuple[int, ...]]:
    """Values of the cells, the first of each pattern of winners; all below 0, since a zero of the padding would win."""
    orders = np.array(list(permutations(range(-prod(geometry.input_size), 0))))
    firsts = np.unique(winners(orders.reshape(-1, 1, *geometry.input_size), geometry), axis=0, return_index=True)[1]
    return [tuple(map(int, orders[first])) for first in firsts]


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


def _some_orders(cells: int) -> list[tuple[int, ...]]:
    random = np.random.default_rng(cells)
    return sorted({tuple(map(int, random.permutation(cells) - cells)) for _ in range(2)})


def small_pools() -> list[PoolCase]:
    """Windows on two and three cells, every order and choice of signs."""
    fields: tuple[tuple[Any, ...], ...] = (((2,), (2,)), ((3,), (2,), 1), ((3,), (2,), 1, 1, ((1, 0),)))
    signed = (-3, -1, 2, 7)  # no two of them add up to 0
    return by_size(PoolCase(Geometry(*row), values) for row in fields for values in permutations(signed, row[0][0]))


def two_pools() -> list[PoolCase]:
    """Windows on two and three cells, every order of the cells; no value is the sum of two others."""
    made = (PoolCase(Geometry((n,), (2,), 1), values) for n in (2, 3) for values in permutations((-9, -4, -1)[:n]))
    return by_size(made)


def points() -> list[PointsCase]:
    """Two numbers, each below 0, between 0 and 6, or above 6."""
    return by_size(map(PointsCase, product((-2, 3, 8), repeat=2)))


def signs() -> list[PointsCase]:
    """One number of either sign."""
    return by_size(map(PointsCase, ((-2,), (3,))))


def classes() -> list[ClassesCase]:
    """Two classes, each as the largest logit and as the label, one row and two."""
    pairs = [ClassesCase(((1, 2),), (0,)), ClassesCase(((2, 1),), (1,))]
    return by_size((*pairs, ClassesCase(((1, 2), (5, 4)), (1, 1))))


def more_classes() -> list[ClassesCase]:
    """Up to four classes: every place of the largest logit and every label; two rows of three; ten classes."""
    rows = [tuple((i - place) % n for i in range(n)) for n in (2, 3, 4) for place in range(n)]
    singles = [ClassesCase((row,), (label,)) for row in rows for label in range(len(row))]
    digits = ClassesCase((tuple((i - 3) % 10 for i in range(10)),), (7,))
    return by_size((*singles, ClassesCase(((1, 3, 2), (5, 4, 1)), (2, 0)), digits))


def norms() -> list[NormCase]:
    """Two values in a channel, over the batch or positions; one channel and two."""
    return by_size(map(NormCase, ((2, 1), (1, 2, 2))))


def more_norms() -> list[NormCase]:
    """Up to four values in a channel, over the batch, positions or both; one to three channels."""
    return by_size(
        map(NormCase, ((2, 1), (3, 1), (4, 1), (2, 2), (1, 2, 2), (1, 3, 2), (2, 1, 2), (1, 1, 2, 2), (1, 2, 3)))
    )


def folds() -> list[FoldCase]:
    """A layer of one axis."""
    return [FoldCase(Geometry((3,), (2,), in_channels=1, out_channels=2))]


def networks() -> list[NetworkCase]:
    """One pattern of winners and signs."""
    return [NetworkCase((1,), 1)]


def more_networks() -> list[NetworkCase]:
    """Sixteen drawn patterns of winners and signs."""
    return [NetworkCase((seed % 2,), seed) for seed in range(16)]


def masks() -> list[MaskCase]:
    """Every mask on one row of three, and on two rows of two."""
    three = [((mask),) for mask in product((0, 1), repeat=3)]
    two = [(first, second) for first in product((0, 1), repeat=2) for second in product((0, 1), repeat=2)]
    return by_size(map(MaskCase, (*three, *two)))


def mask_shapes() -> list[MaskCase]:
    """One mask of each shape."""
    return by_size(map(MaskCase, (((1, 1),), ((1, 1, 1),), ((1, 1), (1, 1)))))
