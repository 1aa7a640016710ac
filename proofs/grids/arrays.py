"""Single arrays and axes: what the exercise sheet speaks of, and sizes counted exhaustively."""

from __future__ import annotations

from itertools import product

from numeric import Axis, Geometry, GeometryError
from numeric.plane import Mode
from proofs.grids.cases import (
    ArrayCase,
    AxisCase,
    FirstLayerCase,
    Shape,
    ThreeArraysCase,
    by_size,
)


def arrays(modes: tuple[Mode, ...] = ("full", "same", "valid")) -> list[ArrayCase]:
    """Arrays on a line up to 4 with kernels up to 3, all of them; some on two and three axes; every mode that fits."""
    line = (((n,), (m,)) for n, m in product(range(1, 5), range(1, 4)))
    more = (((3, 4), (2, 3)), ((4, 3), (3, 2)), ((3, 5), (3, 3)), ((2, 3, 2), (1, 2, 2)))
    sizes: tuple[tuple[Shape, Shape], ...] = (*line, *more)
    made = (ArrayCase(n, m, mode) for (n, m), mode in product(sizes, modes))
    return by_size(case for case in made if min(case.output_size) > 0)


def full_arrays() -> list[ArrayCase]:
    """The arrays of `arrays` in mode full."""
    return arrays(("full",))


def lines(modes: tuple[Mode, ...] = ("full", "same", "valid")) -> list[ArrayCase]:
    """Arrays on a line, every size to 4 and kernel to 4 in every mode in which it fits."""
    made = (ArrayCase((n,), (m,), mode) for n, m, mode in product(range(1, 5), range(1, 5), modes))
    return by_size(case for case in made if min(case.output_size) > 0)


def valid_lines() -> list[ArrayCase]:
    """The arrays of `lines` in mode valid."""
    return lines(("valid",))


def same_lines() -> list[ArrayCase]:
    """The arrays of `lines` in mode same."""
    return lines(("same",))


def shifted_lines() -> list[ArrayCase]:
    """Mode `same` on a line, every size to 5, kernel to 4 and offset from -2 to 2; one plane."""
    line = (ArrayCase((n,), (m,), "same", (t,)) for n, m, t in product(range(1, 6), range(1, 5), range(-2, 3)))
    return by_size((*line, ArrayCase((3, 4), (3, 2), "same", (1, -1))))


def three_arrays() -> list[ThreeArraysCase]:
    """Three arrays on a line, every size to 3; two examples on a plane."""
    line: list[tuple[Shape, Shape, Shape]] = [((n,), (m,), (p,)) for n, m, p in product(range(1, 4), repeat=3)]
    return by_size(map(ThreeArraysCase, (*line, ((2, 1), (1, 3), (2, 2)), ((1, 2), (2, 1), (3, 1)))))


def cyclic_arrays() -> list[ArrayCase]:
    """Arrays and kernels of one size, 1 to 6, on a circle."""
    return by_size(ArrayCase((n,), (n,), "same") for n in range(1, 7))


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


def first_layers() -> list[FirstLayerCase]:
    """Images and kernels of the sheet's first layer, p = m and p = 1 among them."""
    return by_size(FirstLayerCase(m, p, kernels) for m, p, kernels in ((2, 2, 1), (2, 1, 2), (3, 2, 2), (4, 3, 1)))


def axes() -> list[AxisCase]:
    """Every axis with input up to 4, kernel up to 3, stride up to 3, dilation up to 2, padding -1 to 2 on each side."""
    ranges = (range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-1, 3), range(-1, 3))
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(*ranges) if _fits(Axis(*sizes)))


def few_axes() -> list[AxisCase]:
    """The axes of `axes` with input up to 3, kernel up to 2, and padding of at most 1 on each side."""
    return [
        case
        for case in axes()
        if case.axis.input_size < 4 and case.axis.kernel_size < 3 and max(case.axis.low, case.axis.high) < 2
    ]


def fitting_axes() -> list[AxisCase]:
    """The axes of `axes` without padding."""
    return [case for case in axes() if case.axis.low == case.axis.high == 0]


def overlapping_axes() -> list[AxisCase]:
    """The axes of `fitting_axes` with two outputs or more."""
    return [case for case in fitting_axes() if case.axis.output_size > 1]


def named_axes() -> list[AxisCase]:
    """Every axis with input up to 6, kernel up to 3, stride up to 3 and dilation up to 2; no padding."""
    ranges = (range(1, 7), range(1, 4), range(1, 4), range(1, 3))
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(*ranges))


def plain_axes() -> list[AxisCase]:
    """Every axis with input up to 6 and kernel up to 4; no stride, dilation or padding."""
    return by_size(AxisCase(Axis(*sizes)) for sizes in product(range(1, 7), range(1, 5)))


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
