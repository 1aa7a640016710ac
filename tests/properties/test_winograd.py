"""Winograd's filtering: its matrices are exactly the index map of a filter, in every entry."""

from dataclasses import replace
from fractions import Fraction
from itertools import chain, product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from numeric import Geometry, definition, rounding
from numeric.paths import PATHS, pointwise, winograd
from numeric.paths.tiles import ROLES, Tiling
from numeric.paths.toom_cook import Filtering, along, filtering, strided, stuffed
from numeric.paths.winograd import Winograd
from proofs.grids import LayerCase
from tests import checks, strategies
from tests.strategies import exact

FILTERINGS = {
    (2, 3): (0, 1, -1),
    (4, 3): (0, 1, -1, 2, -2),
    (3, 2): (0, 1, -1),
    (2, 5): (0, 1, -1, 2, -2),
    (1, 3): (3, -2),
    (3, 1): (5, 1),
    (5, 4): (0, 1, -1, 2, -2, 3, -3),
}


def _trilinear(used: Filtering):
    """Sum over the points of output[p, o] * kernel[p, u] * input[p, a]."""
    return np.einsum("po,pu,pa->oua", used.output, used.kernel, used.input)


def _index_map(used: Filtering):
    """1 where output o reads input a through tap u."""
    o, u, a = np.ogrid[: used.outputs, : used.taps, : used.inputs]
    return (a == used.stride * o + u).astype(int)


STRIDED = [(size, stride) for size in FILTERINGS for stride in (1, 2, 3) if 1 < size[1] >= stride]


@pytest.mark.parametrize(("size", "stride"), STRIDED)
def test_a_stride_takes_as_many_products_as_the_tile_has_inputs(size, stride):
    used = strided(*size, stride, FILTERINGS[size])
    assert (used.outputs, used.taps, used.inputs) == (*size, stride * (size[0] - 1) + size[1])
    assert (_trilinear(used) == _index_map(used)).all()
    assert (_trilinear(used.integers) == used.scale * _index_map(used)).all()
    assert used.integers.stride == used.absolute.stride == used.rounded(np.dtype(float)).stride == stride
    assert len(used.input) == used.inputs


@pytest.mark.parametrize(("size", "apart"), STRIDED)
def test_inputs_between_zeros_take_no_product_for_a_zero(size, apart):
    for first in range(apart):
        used = stuffed(*size, apart, FILTERINGS[size], first)
        assert (used.outputs, used.taps, used.inputs) == (apart * size[0], size[1], apart * size[0] + size[1] - 1)
        there = np.arange(used.inputs) % apart == first
        assert (_trilinear(used) == _index_map(used) * there).all()
        assert not used.input[:, ~there].any()
        assert (used.kernel == strided(*size, apart, FILTERINGS[size]).kernel).all()


@pytest.mark.parametrize("size", FILTERINGS)
def test_the_matrices_are_the_index_map_of_a_filter(size):
    used = filtering(*size, FILTERINGS[size])
    assert (used.outputs, used.taps, used.inputs) == (*size, sum(size) - 1)
    assert (_trilinear(used) == _index_map(used)).all()
    assert (_trilinear(used.integers) == used.scale * _index_map(used)).all()
    assert len(used.input) == used.inputs  # as many products as inputs: minimal


@pytest.mark.parametrize("name", ["output", "kernel", "input"])
@pytest.mark.parametrize("size", [(2, 3), (4, 3)])
def test_one_wrong_entry_is_caught(size, name):
    """In every place of every matrix, by the trilinear identity and by the layer."""
    used = filtering(*size, FILTERINGS[size])
    case = LayerCase(Geometry((7,), (3,), padding=((0, 1),), in_channels=2, out_channels=3), 2)
    random = np.random.default_rng(0)
    of = {array: random.integers(1, 9, shape) for array, shape in case.shapes().items()}
    caught = 0
    for place in np.ndindex(getattr(used, name).shape):
        matrix = getattr(used, name).copy()
        matrix[place] += 1
        wrong = replace(used, **{name: matrix})
        assert (_trilinear(wrong) != _index_map(used)).any()
        with pytest.raises(AssertionError, match="expected"):
            checks.check_computes_the_definition(Winograd((wrong,)), case, of)
        caught += 1
    assert caught == getattr(used, name).size


@pytest.mark.parametrize("points", [(0, 1), (0, 1, -1, 2), (0, 1, 1)])
def test_points_must_be_as_many_and_different(points):
    with pytest.raises(ValueError, match=r"F\(2, 3\) needs 3 different points, got \(0, 1"):
        filtering(2, 3, points)


def test_the_matrices_of_lavin_and_gray():
    """Of F(2, 3) up to a sign of the points 0 and infinity, which two matrices share."""
    used = Winograd.of_three_taps(2).filterings[0]
    half = Fraction(1, 2)
    assert abs(used.output.T).tolist() == [[1, 1, 1, 0], [0, 1, 1, 1]]
    assert abs(used.kernel).tolist() == [[1, 0, 0], [half, half, half], [half, half, half], [0, 0, 1]]
    assert used.kernel[1:3].tolist() == [[half, half, half], [half, -half, half]]
    assert abs(used.input).tolist() == [[1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
    assert Winograd.of_three_taps(4).filterings[0].kernel[:, 0].tolist() == [
        Fraction(1, n) for n in (4, -6, -6, 24, 24)
    ] + [0]
    assert [Winograd.of_three_taps(m).filterings[0].scale for m in (2, 4)] == [2, 24]


def test_rounded_matrices_are_rounded_once():
    for dtype, matrix in product((np.float16, np.float32, np.float64), ("output", "kernel", "input")):
        used = Winograd.of_three_taps(4).filterings[0]
        rounded, fractions = getattr(used.rounded(np.dtype(dtype)), matrix), getattr(used, matrix)
        assert rounded.dtype == dtype
        assert (abs(exact(rounded) - fractions) <= rounding.unit_roundoff(dtype) * abs(fractions)).all()


def test_a_matrix_is_applied_to_the_first_axes():
    x = np.arange(3 * 3 * 2).reshape(3, 3, 2)
    matrix = np.array([[1, 2, 0], [0, -1, 3]])
    checks.check_same(along(x, matrix, 2), np.einsum("ia,jb,abn->ijn", matrix, matrix, x))
    checks.check_same(along(x, matrix, 1), np.einsum("ia,abn->ibn", matrix, x))


@pytest.mark.parametrize("size", [(3, 2), (2, 5)])
@given(data=st.data())
def test_other_filterings_are_paths_too(size, data):
    """Kernels of other sizes, even ones among them."""
    case = data.draw(strategies.layers(kernel=size[1], most=2000))
    path = Winograd((filtering(*size, FILTERINGS[size]),))
    checks.check_computes_the_definition(path, case, data.draw(strategies.values(case)))


@pytest.mark.parametrize("name", ["winograd2", "winograd4"])
def test_every_small_plane_of_kernels_of_three(name):
    random, tried = np.random.default_rng(0), 0
    sizes_, paddings = ((3, 5), (6, 4), (7, 3)), product((-1, 0, 2), repeat=2)
    for n, (low, high), boundary in product(sizes_, paddings, ("zero", "circular")):
        if n[0] + low + high < 3:
            continue
        for stride in (1, 2):
            case = LayerCase(Geometry(n, (3, 3), stride, 1, ((low, high), (high + 1, 1)), 2, 1, boundary=boundary), 2)
            of = {array: random.integers(-9, 10, shape) for array, shape in case.shapes().items()}
            checks.check_computes_the_definition(PATHS[name], case, of)
            tried += 1
    assert tried == 96


@given(data=st.data(), size=st.tuples(*[st.integers(1, 4)] * 3))
def test_the_products_at_a_point_are_counted(data, size):
    """By the products themselves, of ones: for every function and any tiles."""
    case = data.draw(strategies.layers())
    tiling = Tiling(case.geometry, size[: case.geometry.ndim])
    arrays = {name: np.ones(shape) for name, shape in case.shapes().items()}
    at = {  # as if every tile had one cell, and every kernel
        "input": np.ones((case.geometry.in_channels, case.batch * prod(tiling.count))),
        "kernel": np.ones(arrays["w"].shape[:2]),
        "output": np.ones((case.geometry.out_channels, case.batch * prod(tiling.count))),
    }
    for name, (first, second, _) in ROLES.items():
        found = getattr(pointwise, name)(at[first], at[second], case.geometry)
        assert set(found.flat) <= {tiling.terms(name, case.batch)}


@given(data=st.data(), size=st.tuples(*[st.integers(1, 4)] * 3), block=st.integers(1, 5))
def test_blocks_of_tiles_are_all_tiles(data, size, block):
    """Each once; of whole samples or of one, and no more than asked for unless it is a row of them."""
    case = data.draw(strategies.layers())
    tiling = Tiling(case.geometry, size[: case.geometry.ndim], block)
    seen = np.zeros((case.batch, *tiling.count), int)
    for samples, rows in tiling.blocks(case.batch):
        part = seen[samples, rows]
        part += 1
        assert part.size <= max(block, prod(tiling.count[1:]))
        assert len(part) <= 1 or rows == slice(0, tiling.count[0])
    assert (seen == 1).all()


@given(data=st.data(), size=st.tuples(*[st.integers(1, 4)] * 3), block=st.integers(1, 5))
def test_no_two_blocks_of_a_round_hold_the_same_cell(data, size, block):
    """So threads may add to cells, and every cell gets its sum in one order."""
    case = data.draw(strategies.layers())
    _check_rounds(Tiling(case.geometry, size[: case.geometry.ndim], block), case.batch)


def test_blocks_of_two_tiles_each_hold_cells_of_the_next_one():
    """Four cells of six, which are two strides apart: two rounds, as for blocks of a tile."""
    for block in (1, 2, 3):
        tiling = Tiling(Geometry((14,), (3,)), (2,), block)
        assert len(tiling.rounds(1)) == 2
        _check_rounds(tiling, 2)


def _check_rounds(tiling, batch):
    of, rounds = tiling.cut("input"), tiling.rounds(batch)
    assert sorted(map(str, chain(*rounds))) == sorted(map(str, tiling.blocks(batch)))
    for blocks in rounds:
        held = np.zeros((batch, of.axes[0].padded_size), int)
        for samples, rows in blocks:
            last = min(rows.stop, tiling.count[0]) - 1
            held[samples, rows.start * of.stride[0] : last * of.stride[0] + of.kernel_size[0]] += 1
        assert held.max(initial=0) <= 1


@pytest.mark.parametrize("name", ["winograd2", "winograd4", "fft"])
def test_no_bit_depends_on_the_number_of_threads(name):
    """Of a layer that is worth several; a circle, so that tiles are added up."""
    geometry = Geometry((97, 90), (3, 3), padding=1, in_channels=24, out_channels=16, boundary="circular")
    random = np.random.default_rng(0)
    shapes = {"x": geometry.input_shape(5), "w": geometry.weight_shape, "g": geometry.output_shape(5)}
    of = {array: random.standard_normal(shape).astype(np.float32) for array, shape in shapes.items()}
    for function, (a, b) in {"conv": "xw", "weight_gradient": "gx", "input_gradient": "gw"}.items():
        found = []
        for threads in (1, 2, 3):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("numeric.threads.limit", lambda threads=threads: threads)
                patch.setattr("numeric.threads.WORTH", 0)
                with threadpool_limits(1, "blas"):
                    found.append(getattr(PATHS[name], function)(of[a], of[b], geometry))
        assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


@given(data=st.data(), size=st.tuples(*[st.integers(1, 4)] * 3))
def test_no_cell_is_in_more_tiles_than_counted(data, size):
    geometry = data.draw(strategies.layers()).geometry
    tiling = Tiling(geometry, size[: geometry.ndim])
    cut = replace(tiling.cut("input"), in_channels=1, out_channels=1, groups=1)
    ones = np.ones(cut.output_shape(1), int), np.ones(cut.weight_shape, int)
    assert definition.input_gradient(*ones, cut).max() <= tiling.overlaps


def test_inner_cells_are_in_two_tiles_on_every_axis_and_again_for_every_turn():
    plane = Geometry((9, 7), (3, 3))
    assert [Tiling(plane, (m, m)).overlaps for m in (2, 4)] == [4, 4]
    assert Tiling(Geometry((9,), (3,)), (1,)).overlaps == 3
    wound = Geometry((3, 5), (3, 3), padding=((3, 2), (1, 0)), boundary="circular")
    assert Tiling(wound, (2, 2)).overlaps == 2 * 2 * 3 * 2  # 8 cells on a circle of 3, 6 on one of 5


@pytest.mark.parametrize("bytes_", [1, 1 << 9])
@pytest.mark.parametrize("outputs", [1, 2, 4])
@given(data=st.data())
def test_small_blocks_are_the_layer_too(outputs, bytes_, data):
    """Where blocks hold the same cells: of F(1, 3), three of them an inner one."""
    case = data.draw(strategies.layers(kernel=3, most=2000))
    points = {1: (3, -2), 2: (0, 1, -1), 4: (0, 1, -1, 2, -2)}[outputs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "BLOCK", bytes_)
        path = Winograd((filtering(outputs, 3, points),))  # a new one: tilings are kept
        checks.check_computes_the_definition(path, case, data.draw(strategies.values(case)))


ON_A_LINE = {  # the largest sums of absolute values in the rows of the three matrices of F(2, 3), and the products
    "conv": ("x", "w", 2 * 3 * 3 * 2),  # two channels
    "weight_gradient": ("g", "x", 2 * 2 * 4 * 2 * 3),  # a batch of two, three tiles
    "input_gradient": ("g", "w", 2 * 3 * 3 * 3),  # three channels
    "input_gradient circular": ("g", "w", 2 * 3 * 3 * 3 * 2),  # and a cell is in two tiles, which are added up
}


@pytest.mark.parametrize("name", ON_A_LINE)
def test_integers_are_refused_from_the_first_that_could_leave_int64(name):
    first, second, factor = ON_A_LINE[name]
    name, _, circular = name.partition(" ")
    case = LayerCase(Geometry((8,), (3,), in_channels=2, out_channels=3, boundary=circular or "zero"), 2)
    of = {array: np.zeros(shape, int) for array, shape in case.shapes().items()}
    of[first][0, 1, 0], of[second][1, 0, 2] = -1, (2**63 - 1) // factor
    function = getattr(PATHS["winograd2"], name)
    checks.check_same(
        function(of[first], of[second], case.geometry), getattr(definition, name)(of[first], of[second], case.geometry)
    )
    of[second] = -of[second] - (of[second] > 0)
    with pytest.raises(ValueError, match="winograd2 on integers must stay below"):
        function(of[first], of[second], case.geometry)


@pytest.mark.parametrize("dtype", [np.int64, object])
def test_whole_numbers_are_divided_as_such(dtype):
    """Beyond the 53 bits of a float64."""
    large = 2**57 + 1
    x, w = np.array([[[large, 0, 0, large]]], dtype), np.array([[[1, 0, 1]]], dtype)
    y = PATHS["winograd2"].conv(x, w, Geometry((4,), (3,)))
    assert y.dtype == dtype
    assert y.tolist() == [[[large, large]]]
    assert {type(entry) for entry in y.flat} == {np.int64 if dtype is np.int64 else int}
