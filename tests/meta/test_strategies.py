"""The strategies reach what hides wrong kernels, and the grids contain it."""

import pytest
from hypothesis import find, settings

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


def _entries(shape):
    total = 1
    for size in shape:
        total *= size
    return total
