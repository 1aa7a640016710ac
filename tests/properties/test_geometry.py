"""The index map: sizes, reads, names of paddings; and that symbols go through the formulas that ship."""

from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from numeric import Axis, Geometry, conv
from numeric.geometry import named_padding, receptive_field
from tests import strategies


@given(strategies.geometries())
def test_output_size_counts_the_windows_inside(geometry):
    for axis, size in zip(geometry.axes, geometry.output_size, strict=True):
        inside = [
            o
            for o in range(axis.padded_size)
            if all(-axis.low <= axis.reads(o, u) < axis.input_size + axis.high for u in range(axis.kernel_size))
        ]
        assert inside == list(range(size))


@given(strategies.geometries())
def test_reads_is_the_formula_inside_and_none_outside(geometry):
    for o, u in product(list(geometry.outputs())[:20], list(geometry.taps())):
        plain = tuple(
            s * i + d * j - low
            for s, d, (low, _), i, j in zip(geometry.stride, geometry.dilation, geometry.padding, o, u, strict=True)
        )
        wrapped = tuple(a % n for a, n in zip(plain, geometry.input_size, strict=True))
        expected = wrapped if geometry.boundary == "circular" or wrapped == plain else None
        assert geometry.reads(o, u) == expected


@given(strategies.geometries())
def test_every_output_channel_reads_its_own_group(geometry):
    for c in range(geometry.out_channels):
        channels = [geometry.reads_channel(c, j) for j in range(geometry.group_in)]
        group = c // (geometry.out_channels // geometry.groups)
        size = geometry.in_channels // geometry.groups
        assert channels == list(range(group * size, (group + 1) * size))


@given(strategies.axes())
def test_remainder_is_what_no_window_reads(axis):
    last = axis.reads(axis.output_size - 1, axis.kernel_size - 1)
    assert axis.remainder == axis.input_size + axis.high - 1 - last
    assert 0 <= axis.remainder < axis.stride


@given(st.lists(strategies.axes(), max_size=3), st.integers(-5, 5))
def test_receptive_field_holds_what_an_output_reads(axes, o):
    """Cells found layer by layer, from the top one down."""
    cells = {o}
    for axis in reversed(axes):
        cells = {axis.reads(cell, u) for cell in cells for u in range(axis.kernel_size)}
    size, jump, start = receptive_field(*axes)
    assert (min(cells), max(cells)) == (start + jump * o, start + jump * o + size - 1)


def test_same_keeps_ceil_of_input_over_stride():
    tried = 0
    for n, k, s, d in product(range(1, 9), range(1, 6), range(1, 5), range(1, 4)):
        low, high = named_padding("same", n, k, s, d)
        assert 0 <= low <= high <= low + 1
        # a stride longer than the kernel leaves cells over instead of padding
        size = Axis(n, k, s, d, low, high).output_size
        assert size == -(-n // s), (n, k, s, d)
        if low + high:  # the least that does
            assert Axis(n, k, s, d, low, high - 1).output_size < size
        tried += 1
    assert tried == 480


def test_valid_is_no_padding():
    assert Geometry((5, 4), (3, 2), 2, padding="valid") == Geometry((5, 4), (3, 2), 2, padding=0)


def test_full_reaches_every_window_that_touches_the_input():
    for n, k, d in product(range(1, 6), range(1, 5), range(1, 4)):
        axis = Axis(n, k, 1, d, *named_padding("full", n, k, 1, d))
        assert axis.reads(0, k - 1) == 0
        assert axis.reads(axis.output_size - 1, 0) == n - 1


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_is_tensorflows(stride):
    """On integers in float64, so exactly; sizes and kernels even and odd."""
    tensorflow = pytest.importorskip("tensorflow")
    random = np.random.default_rng(0)
    for n, m, k, q in product((4, 7), (5, 6), (2, 3), (1, 4)):
        x = random.integers(-9, 10, (2, 2, n, m)).astype(float)
        w = random.integers(-9, 10, (3, 2, k, q)).astype(float)
        theirs = tensorflow.nn.conv2d(x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), stride, "SAME").numpy()
        ours = conv(x, w, stride=stride, padding="same")
        assert ours.transpose(0, 2, 3, 1).tolist() == theirs.tolist()


def test_symbols_go_through_the_formulas_that_ship():
    m, p, o, u, t = sympy.symbols("m p o u t", integer=True)
    assert Axis(m, 2 * p + 1).output_size == m - 2 * p
    assert Axis(m, 2 * p + 1, low=p, high=p).output_size == m
    axis = Axis(*sympy.symbols("n k s d l h", integer=True))
    assert sympy.expand(axis.reads(o + t, u) - axis.reads(o, u) - axis.stride * t) == 0


def test_numbers_are_settled_to_one_entry_per_axis():
    geometry = Geometry(input_size=(5, 7), kernel_size=(2, 3), stride=2, padding=((0, 1), 1))
    assert geometry.stride == (2, 2)
    assert geometry.padding == ((0, 1), (1, 1))
    assert geometry == Geometry(np.array([5, 7]), [2, 3], np.int64(2), 1, [(0, 1), np.int8(1)])
    assert len({geometry, Geometry((5, 7), (2, 3), (2, 2), padding=[[0, 1], [1, 1]])}) == 1


@given(st.data())
def test_named_padding_is_resolved_in_the_record(data):
    geometry = data.draw(strategies.geometries())
    name = data.draw(st.sampled_from(("same", "full")))
    named = Geometry(geometry.input_size, geometry.kernel_size, geometry.stride, geometry.dilation, name)
    sizes = zip(named.input_size, named.kernel_size, named.stride, named.dilation, strict=True)
    assert named.padding == tuple(named_padding(name, *axis) for axis in sizes)
