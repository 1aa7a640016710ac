"""Tier `structure`: what is right passes bit for bit, planted wrong kernels are refuted, maps are read off."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Geometry
from proofs.conformance.basis import measure, structure
from proofs.conformance.blocks import CELLS, blocks, coded, law, sizes, spans
from proofs.conformance.functions import FUNCTIONS, table
from tests import strategies
from tests.conformance import targets
from tests.conformance.targets import changed, of_output
from tests.meta.planted.kernels import KERNELS

LAYERS = [
    Geometry((6, 5), (3, 2), (2, 1), (1, 2), ((1, 0), (2, 1)), in_channels=4, out_channels=6, groups=2),
    Geometry((9,), (3,), (3,), (2,), ((2, 1),), in_channels=2, out_channels=3),
    Geometry((3, 2, 4), (2, 2, 3), (1, 2, 1), padding=((0, 1), (1, 0), (2, 1)), in_channels=2, out_channels=2),
    Geometry((5, 4), (2, 3), (1, 2), padding=((3, 1), (0, 4)), in_channels=2, out_channels=4, boundary="circular"),
]
POOL = Geometry((6, 5), (3, 2), (2, 1), padding=((1, 1), (0, 1)), in_channels=3, out_channels=3, groups=3)
CONVOLUTIONS = [name for name in FUNCTIONS if "pool" not in name]
POOLS = [name for name in FUNCTIONS if "pool" in name]
ROLES = {"forward": "conv", "input gradient": "conv.input_gradient", "weight gradient": "conv.weight_gradient"}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_right_functions_are_certified(function, dtype):
    for geometry in [POOL] if function in POOLS else LAYERS:
        for path in ("im2col", "shift") if "pool" not in function else ("im2col",):
            found = structure(targets.numeric(path, dtype), function, geometry)
            assert found.outcome == "certified", found


@given(geometry=strategies.geometries(), data=st.data())
def test_any_layer_is_certified_and_measured_as_the_law_says(geometry, data):
    function = data.draw(st.sampled_from(CONVOLUTIONS))
    target = targets.numeric(dtype="float64")
    assert structure(target, function, geometry).outcome == "certified"
    array = measure(target, function, geometry).array
    whole = tuple(map(slice, sizes(function, geometry)))
    assert (array == law(function, geometry, whole, coded(function, geometry))).all()


@given(geometry=strategies.geometries())
def test_the_table_is_the_index_map(geometry):
    cells = table(geometry)
    for number, o in enumerate(geometry.outputs()):
        for tap, u in enumerate(geometry.taps()):
            a = geometry.reads(o, u)
            assert cells[number, tap] == (-1 if a is None else np.ravel_multi_index(a, geometry.input_size))


@pytest.mark.parametrize("function", POOLS)
def test_the_map_of_pooling_is_that_of_its_windows(function):
    found = measure(targets.numeric(), function, POOL).array
    whole = tuple(map(slice, sizes(function, POOL)))
    assert (found == law(function, POOL, whole, coded(function, POOL))).all()


@pytest.mark.parametrize("name", KERNELS)
def test_planted_wrong_kernels_are_refuted(name):
    """Each on some layer; and what is not wrong in it is certified."""
    function = ROLES[name.partition(":")[0]]
    target = targets.planted(KERNELS[name])
    outcomes = [structure(target, function, geometry).outcome for geometry in LAYERS]
    assert "refuted" in outcomes
    assert set(outcomes) <= {"refuted", "certified"}
    for other in set(ROLES.values()) - {function}:
        if name != "input gradient: remainder dropped":
            assert structure(target, other, LAYERS[0]).outcome == "certified"


def _group_two_reads_one(_, function):
    """Wrong in the third group alone: it takes the weights of the second one."""

    def wrong(geometry, a, w):
        if geometry.groups > 2:
            w = w.reshape(geometry.groups, -1, *w.shape[1:]).copy()
            w[2] = w[1]
            w = w.reshape(-1, *w.shape[2:])
        return function(geometry, a, w)

    return wrong


@pytest.mark.parametrize("function", ["conv", "conv.input_gradient"])
def test_a_group_that_takes_anothers_weights_is_seen(function):
    geometry = Geometry((5, 4), (2, 3), in_channels=6, out_channels=9, groups=3)
    found = structure(changed(_group_two_reads_one), function, geometry)
    assert found.outcome == "refuted"
    assert found.difference["group"] == 2


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_nan_never_passes_and_minus_zero_does(function):
    geometry = POOL if function in POOLS else LAYERS[0]

    def nan(y, _geometry, _arrays):
        y.flat[-1] = np.nan
        return y

    assert structure(changed(of_output(nan)), function, geometry).outcome == "refuted"
    minus = changed(of_output(lambda y, *_: np.where(y == 0, -0.0, y).astype(y.dtype)))
    assert structure(minus, function, geometry).outcome == "certified"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (lambda y, *_: y.astype(np.float64), "the result is float64, expected float32"),
        (lambda y, *_: y.swapaxes(0, 1), "the result has shape"),
        (lambda y, *_: y.tolist(), "the result is a list, expected a NumPy array"),
    ],
)
def test_what_is_no_array_of_the_right_shape_and_type_is_refuted(how, says):
    found = structure(changed(of_output(how)), "conv", LAYERS[0])
    assert found.outcome == "refuted"
    assert found.detail.startswith(says)


def test_an_exception_is_refuted_in_its_own_words():
    def fails(*_):
        raise KeyError("no such thing")

    found = structure(changed(of_output(fails)), "conv", LAYERS[0])
    assert (found.outcome, found.detail) == ("refuted", "it raised KeyError: 'no such thing'")


def test_the_first_wrong_entry_is_named():
    found = structure(targets.planted(KERNELS["forward: kernel rotated"]), "conv", LAYERS[1])
    assert found.difference["expected"] != found.difference["computed"]
    assert found.detail.startswith("slice 0, tap (0,), output (")


def test_the_scope_says_what_was_probed():
    found = structure(targets.numeric(), "conv", LAYERS[0])
    assert found.scope == (
        "every cell, tap and output, at the probe's batch (6) and channels (4 in, 24 out, 2 groups), not the layer's"
    )
    assert found.assumptions == ("linear in x and in w", "with integer coefficients of less than 4 bits")


def test_what_is_not_there_or_not_supported_is_not_judged():
    target = targets.numeric("winograd2")
    found = structure(target, "conv", LAYERS[0])
    assert found.outcome == "unsupported"
    assert "winograd2 needs kernels of size 3" in found.detail
    del target.kernels["conv.bias_gradient"]
    found = structure(target, "conv.bias_gradient", LAYERS[0])
    assert (found.outcome, found.detail) == ("not run", "numeric:winograd2 has no conv.bias_gradient")


@pytest.mark.parametrize("function", ["conv", "conv.input_gradient", "conv.weight_gradient"])
def test_probes_of_a_real_layer_stay_small(function):
    geometry = Geometry((28, 28), (5, 5), padding=2, in_channels=6, out_channels=16)
    for block in islice(blocks(function, geometry, "float32"), 20):
        assert sum(array.nbytes for array in block.arrays) < 50_000_000
    assert CELLS * 8 < 50_000_000


def test_spans_cover_a_range_in_pieces_of_one_size():
    for total in range(1, 30):
        for size in range(1, 35):
            found = spans(total, size)
            assert {part.stop - part.start for part in found} == {min(size, total)}
            assert set().union(*(range(part.start, part.stop) for part in found)) == set(range(total))


def test_a_map_too_large_is_said_to_be():
    geometry = Geometry((224, 224), (7, 7), padding=3, in_channels=3, out_channels=64)
    found = structure(targets.numeric(), "conv", geometry)
    assert found.outcome == "not run"
    assert "are not read off" in found.detail
    with pytest.raises(ValueError, match=r"more than 2\*\*26"):
        measure(targets.numeric(), "conv", geometry)
