"""Windows and one product, in blocks: whatever a block holds, the result is the definition's."""

from itertools import product

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

from numeric import Geometry, threads
from numeric.paths import im2col
from proofs.grids import LayerCase
from tests import checks, strategies

WHOLE = im2col.BLOCK
BYTES = (1, 400, 1000, 4000, WHOLE)  # from one row of the output to all of the batch
GEOMETRIES = [
    Geometry((7, 5), (3, 2), stride=s, dilation=d, padding=p, in_channels=4, out_channels=6, groups=n, boundary=b)
    for s, d, p, n, b in product((1, (2, 3)), (1, (2, 1)), (0, ((2, 1), (0, 3))), (1, 2), ("zero", "circular"))
]
GEOMETRIES += [
    Geometry((6, 4), (1, 1), in_channels=2, out_channels=3),
    Geometry((6, 4), (1, 1), stride=(2, 1), padding=((1, 0), (-1, 2)), in_channels=2, out_channels=3),
    Geometry((9,), (4,), stride=2, padding=((3, -1),), in_channels=2, out_channels=3),
    Geometry((4, 3, 5), (2, 2, 3), padding=1, in_channels=2, out_channels=2),
]


def _integers(case: LayerCase):
    random = np.random.default_rng(0)
    return {name: random.integers(-9, 10, shape) for name, shape in case.shapes().items()}


@pytest.mark.parametrize("size", BYTES)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_blocks_of_every_size_compute_the_definition(monkeypatch, geometry, size):
    monkeypatch.setattr(im2col, "BLOCK", size)
    for batch in (0, 1, 5):
        case = LayerCase(geometry, batch)
        checks.check_computes_the_definition(im2col, case, _integers(case))


@given(st.data(), st.integers(1, 2**13))
def test_any_layer_in_blocks_of_any_size(data, size):
    case = data.draw(strategies.layers())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "BLOCK", size)
        checks.check_computes_the_definition(im2col, case, _integers(case))


@pytest.mark.parametrize("size", BYTES)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_blocks_are_every_position_once_and_no_larger_than_said(monkeypatch, geometry, size):
    """One row of the output is the least that a block holds."""
    monkeypatch.setattr(im2col, "BLOCK", size)
    rows, width = geometry.output_size[0], int(np.prod(geometry.output_size[1:]))
    columns = 8 * geometry.in_channels * int(np.prod(geometry.kernel_size))
    copied = (*geometry.kernel_size, *geometry.stride) != (1,) * 2 * geometry.ndim
    seen = np.zeros((5, rows), int)
    for samples, part in product(im2col._samples(5, 8, geometry), im2col._rows(8, geometry)):
        seen[samples, part] += 1
        held = seen[samples, part].size
        assert not copied or held == 1 or held * width * columns <= size
    assert (seen == 1).all()


@pytest.mark.parametrize("repeated", [0, 2], ids=["left out", "twice"])
def test_a_row_that_is_left_out_or_comes_twice_is_caught(monkeypatch, repeated):
    """In the gradients, which add up blocks; the output is what is written last."""
    case = LayerCase(next(of for of in GEOMETRIES if not im2col.gathers(of)), 2)
    of, geometry = _integers(case), case.geometry
    rows = [slice(row, row + 1) for row in range(geometry.output_size[0])]
    true = [function(of, geometry) for function in (_dw, _dx)]
    for times in (1, repeated):
        blocks = rows[:1] * times + rows[1:]
        monkeypatch.setattr(im2col, "_rows", lambda *_, blocks=blocks: blocks)
        found = [function(of, geometry) for function in (_dw, _dx)]
        assert [(a == b).all() for a, b in zip(found, true, strict=True)] == [times == 1] * 2


def _dw(of, geometry):
    return im2col.weight_gradient(of["g"], of["x"], geometry)


def _dx(of, geometry):
    assert not im2col.gathers(geometry)
    return im2col.input_gradient(of["g"], of["w"], geometry)


def test_views_and_reversed_arrays():
    """Neither their order in memory nor their direction matters, and no argument is written into."""
    case = LayerCase(GEOMETRIES[5], 3)
    of = _integers(case)
    kept = {name: np.asfortranarray(array)[::-1] for name, array in of.items()}
    for array in kept.values():
        array.flags.writeable = False
    checks.check_computes_the_definition(im2col, case, kept)


@pytest.mark.parametrize("worth", [0, 10**9], ids=["threads", "one after the other"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_threads_compute_the_same(monkeypatch, geometry, worth):
    monkeypatch.setattr(threads, "WORTH", worth)
    monkeypatch.setattr(threads, "limit", lambda: 3)
    monkeypatch.setattr(im2col, "BLOCK", 1000)
    for batch in (1, 7):
        case = LayerCase(geometry, batch)
        checks.check_computes_the_definition(im2col, case, {n: a.astype(float) for n, a in _integers(case).items()})


def test_blas_has_one_thread_while_samples_have_several(monkeypatch):
    monkeypatch.setattr(threads, "limit", lambda: 2)
    threads._controller.cache_clear()  # it knows the libraries that were there when it was made

    def pools(_):
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    before = pools(0)
    assert threads.each(pools, [1, 2, 3], threads.WORTH) == [{1}] * 3
    assert pools(0) == before
    assert threads.each(pools, [1, 2], threads.WORTH - 1) == [before] * 2


def test_a_fault_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(threads, "limit", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        threads.each(lambda item: 1 // item, [1, 0, 2], threads.WORTH)


def test_kernels_of_size_one_are_one_block_that_is_not_copied_and_the_results_are_new(monkeypatch):
    monkeypatch.setattr(im2col, "BLOCK", 1)
    geometry = Geometry((6, 4), (1, 1), in_channels=2, out_channels=2)
    x = np.arange(2 * 48.0).reshape(2, 2, 6, 4)
    (rows,) = im2col._rows(8, geometry)
    assert np.shares_memory(im2col._columns(im2col._by_taps(x, geometry), rows, geometry), x)
    identity = np.eye(2).reshape(2, 2, 1, 1)
    for result in (im2col.conv(x, identity, geometry), im2col.input_gradient(x, identity, geometry)):
        checks.check_same(result, x)
        assert not np.shares_memory(result, x)
