"""The strategies reach what hides wrong kernels, and the grids contain it."""

from itertools import product

import pytest
from hypothesis import find, settings

from numeric.paths import PATHS
from proofs import grids
from tests import strategies

QUICK = settings(max_examples=3000, derandomize=True, database=None)
WANTED = {
    "H != W": lambda c: c.geometry.ndim == 2 and len(set(c.geometry.input_size)) == 2,
    "kh != kw": lambda c: c.geometry.ndim == 2 and len(set(c.geometry.kernel_size)) == 2,
    "C_in != C_out": lambda c: c.geometry.in_channels != c.geometry.out_channels,
    "batch of two": lambda c: c.batch == 2,
    "stride": lambda c: max(c.geometry.stride) > 1,
    "stride leaves a remainder": lambda c: any(axis.remainder for axis in c.geometry.axes),
    "dilation": lambda c: max(c.geometry.dilation) > 1 and max(c.geometry.kernel_size) > 1,
    "stride differs from dilation": lambda c: c.geometry.stride != c.geometry.dilation,
    "asymmetric padding": lambda c: any(low != high for low, high in c.geometry.padding),
    "padding crops": lambda c: min(min(pair) for pair in c.geometry.padding) < 0,
    "groups": lambda c: c.geometry.groups > 1 and c.geometry.group_in > 1,
    "kernel larger than the input": lambda c: any(a.kernel_size > a.input_size for a in c.geometry.axes),
    "even kernel": lambda c: any(k % 2 == 0 for k in c.geometry.kernel_size),
    "axis of size one": lambda c: 1 in c.geometry.input_size,
    "circular": lambda c: c.geometry.boundary == "circular",
    "three axes": lambda c: c.geometry.ndim == 3,
}


@pytest.mark.parametrize("name", WANTED)
def test_layers_reach(name):
    assert WANTED[name](find(strategies.layers(), WANTED[name], settings=QUICK))


UNIT = ("stride", "kernel", "dilation", "kh != kw")  # not there when every kernel is of size 3


@pytest.mark.parametrize("name", [name for name in WANTED if not any(word in name for word in UNIT)])
def test_layers_for_winograd_reach(name):
    drawn = strategies.layers_for("winograd2")
    case = find(drawn, WANTED[name], settings=QUICK)
    assert WANTED[name](case)
    assert PATHS["winograd2"].supports(case.geometry) == ""


@pytest.mark.parametrize("tile", [2, 4])
def test_layers_for_winograd_reach_tiles_that_are_not_full(tile):
    def several(case):
        return all(n > tile and n % tile for n in case.geometry.output_size)

    assert find(strategies.layers_for(f"winograd{tile}", 2), several, settings=QUICK)


def test_an_empty_batch_is_reached():
    assert find(strategies.layers(), lambda c: c.batch == 0, settings=QUICK).batch == 0


@pytest.mark.parametrize("name", WANTED)
def test_the_symbolic_grid_contains(name):
    assert any(WANTED[name](case) for case in grids.layers())


@pytest.mark.parametrize(
    "grid", [grids.layers, grids.arrays, grids.translations, grids.circular_layers, grids.axes, grids.half_widths]
)
def test_grids_are_in_order_of_size_and_without_repetition(grid):
    cases = grid()
    sizes = [sum(_entries(shape) for shape in case.shapes().values()) for case in cases]
    assert sizes == sorted(sizes)
    assert len({str(case) for case in cases}) == len(cases) > 0


def _shapes(grid):
    return {(case.input_size, case.kernel_size, case.mode) for case in grid()}


def test_the_grids_hold_what_the_scopes_of_the_laws_say():
    """Scopes are words; this ties them to the cases."""
    layers = grids.layers()
    assert len(layers) == 15
    assert {case.geometry.ndim for case in layers} == {1, 2, 3}
    assert len(grids.linearity()) == len(layers)
    # on a line every size to 4 and kernel to 3, in every mode in which it fits
    modes = product(range(1, 5), range(1, 4), ("full", "same", "valid"))
    line = {((n,), (m,), mode) for n, m, mode in modes if mode != "valid" or n >= m}
    assert line <= _shapes(grids.arrays)
    assert {len(n) for n, _, _ in _shapes(grids.arrays)} == {1, 2, 3}
    # m <= 5, n <= 4, p <= 2, q <= 1, where the kernel fits
    halves = product(range(1, 6), range(1, 5), range(3), range(2))
    fits = {((m, n), (2 * p + 1, 2 * q + 1), "valid") for m, n, p, q in halves if m > 2 * p and n > 2 * q}
    assert _shapes(grids.half_widths) == fits
    # every axis to the stated sizes that holds its kernel
    ranges = product(range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-1, 3), range(-1, 3))
    assert len(grids.axes()) == sum(d * (k - 1) + 1 <= n + low + high for n, k, _, d, low, high in ranges)
    first = {(case.m, case.p, case.kernels) for case in grids.first_layers()}
    assert tuple(map(max, zip(*first, strict=True))) == (4, 3, 2)
    assert any(m == p for m, p, _ in first)
    assert any(p == 1 for _, p, _ in first)
    assert {t > 0 for case in grids.translations() for t in case.offset} == {True, False}
    assert {len(case.offset) for case in grids.translations()} == {1, 2, 3}
    assert {len(case.input_size) for case in grids.centred()} == {1, 2, 3}
    assert all(size % 2 for case in grids.centred() for size in (*case.input_size, *case.kernel_size))
    for case in grids.circular_layers():
        sizes = zip(case.geometry.input_size, case.geometry.stride, case.geometry.output_size, strict=True)
        assert all(n == s * m for n, s, m in sizes)
    assert {case.geometry.ndim for case in grids.circular_layers()} == {1, 2}
    small = grids.small_layers()
    assert {case.geometry.ndim for case in small} == {1, 2}
    for attribute in ("stride", "dilation"):
        assert any(max(getattr(case.geometry, attribute)) > 1 for case in small)
    assert any(case.geometry.groups > 1 for case in small)


def _entries(shape):
    total = 1
    for size in shape:
        total *= size
    return total
