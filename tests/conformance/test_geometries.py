"""The grids: what they must cover is counted again from the layers themselves, not from how they were made."""

import json
from itertools import combinations, product

import pytest

from numeric import Geometry
from proofs.conformance import geometries
from proofs.conformance.functions import OPERATIONS
from proofs.conformance.geometries import ATTRIBUTES, BATCHES, Case, GridError, cases, from_file, full, quick


def pairs(rows):
    """Every pair of attribute values that some row holds."""
    return {(i, row[i], j, row[j]) for row in rows for i, j in combinations(range(len(row)), 2)}


@pytest.mark.parametrize("pools", [False, True])
def test_every_pair_of_attribute_values_that_can_occur_together_does(pools):
    """And of values that can occur with others at all, none is missing from the candidates."""
    possible = [row for row, _ in geometries.candidates(pools)]
    chosen = [row for _, row in geometries.design(pools, 2)]
    assert pairs(chosen) == pairs(possible)
    for values, named in zip(zip(*possible, strict=True), ATTRIBUTES.values(), strict=False):
        assert pools or set(values) == set(named)


def test_every_four_attribute_values_that_can_occur_together_do_in_the_full_grid():
    columns = list(combinations(range(len(ATTRIBUTES)), 4))
    possible, chosen = (
        {(c, *(row[i] for i in c)) for row in rows for c in columns}
        for rows in (
            [row for row, _ in geometries.candidates(False)][::29],
            [row for _, row in geometries.design(False, 4)],
        )
    )
    assert possible <= chosen


@pytest.mark.parametrize("operation", OPERATIONS)
def test_grids_are_of_the_size_that_is_promised_without_repetition_smallest_first(operation):
    small, large = quick(operation), full(operation)
    assert 20 <= len(small) <= 50
    assert 300 <= len(large) <= 500
    assert len(set(small)) == len(small)
    assert len(set(large)) == len(large)
    assert all(a.geometry.input_size for a in small)
    assert {case.batch for case in small} == set(BATCHES)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_risks_are_there(operation):
    """Seen in the layers themselves."""
    layers = [case.geometry for case in quick(operation)]
    axes = [axis for layer in layers for axis in layer.axes]
    assert {layer.ndim for layer in layers} == {1, 2, 3}
    assert any(axis.low != axis.high for axis in axes)
    assert any(axis.low < 0 for axis in axes)
    assert any(axis.kernel_size > axis.input_size for axis in axes)
    assert any(axis.kernel_size % 2 == 0 for axis in axes)
    assert any(axis.remainder for axis in axes)
    assert any(axis.input_size == 1 for axis in axes)
    assert any(len(set(layer.stride)) > 1 for layer in layers)
    assert any(len(set(layer.dilation)) > 1 for layer in layers)
    assert any(layer.stride[0] > layer.kernel_size[0] for layer in layers)
    assert all(len(set(layer.input_size)) == layer.ndim for layer in layers)
    assert {layer.boundary for layer in layers} == {"zero"}
    if operation.startswith("conv"):
        assert {1, 2, 3} <= {layer.groups for layer in layers}
        assert any(layer.groups == layer.in_channels > 1 for layer in layers)
        assert any(layer.groups > 1 and layer.group_in > 1 for layer in layers)


@pytest.mark.parametrize("operation", ["average_pool", "max_pool"])
def test_no_window_of_a_pooling_layer_lies_in_the_padding(operation):
    for case in (*quick(operation), *full(operation)):
        layer = case.geometry
        assert layer.groups == layer.in_channels == layer.out_channels
        for o in product(*({0, size - 1} for size in layer.output_size)):
            assert any(layer.reads(o, u) is not None for u in layer.taps())


def test_a_grid_of_one_number_of_axes_covers_its_pairs():
    possible = [row for row, _ in geometries.candidates(False) if row[0] == "2"]
    assert pairs(row for _, row in geometries.design(False, 2, 2)) == pairs(possible)
    assert {case.geometry.ndim for case in cases("quick", "conv", 2)} == {2}


def test_full_has_the_layers_of_the_trained_networks():
    sizes = {(case.geometry.input_size, case.geometry.kernel_size) for case in full("conv")}
    assert ((28, 28), (5, 5)) in sizes
    assert ((24, 24), (2, 2)) in {(case.geometry.input_size, case.geometry.kernel_size) for case in full("max_pool")}


def test_cover_is_right_for_a_table_of_which_it_is_known():
    levels = geometries.np.array(list(product(range(2), repeat=3)))
    chosen = geometries.cover(levels, 2)
    assert len(chosen) == 4  # the orthogonal array
    assert pairs(levels[chosen].tolist()) == pairs(levels.tolist())


def test_layers_from_a_file(tmp_path):
    file = tmp_path / "layers.json"
    layer = Geometry((7, 5), (3, 2), stride=(2, 1), padding=((1, 0), (0, 2)), in_channels=4, out_channels=6, groups=2)
    content = [{**geometries.fields(layer), "batch": 3}, {"input_size": [4], "kernel_size": [2]}]
    file.write_text(json.dumps(content), encoding="utf-8")
    assert from_file(file) == (Case(layer, 3), Case(Geometry((4,), (2,)), 1))
    assert cases(file, "conv", 1) == (Case(Geometry((4,), (2,)), 1),)
    pooled = cases(str(file), "max_pool")[0].geometry
    assert (pooled.in_channels, pooled.out_channels, pooled.groups, pooled.stride) == (4, 4, 4, (2, 1))


def test_layers_themselves_are_a_grid():
    layer = Geometry((4, 3), (2, 1))
    assert cases([layer, Case(layer, 5)], "conv") == (Case(layer, 2), Case(layer, 5))
    with pytest.raises(GridError, match="only layers with the boundary zero are certified"):
        cases([Geometry((4,), (2,), boundary="circular")], "conv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nothing", "cannot read layers from "),
        ("{}", "must hold a list of layers, got {}"),
        ("[]", "must hold a list of layers, got "),
        ("[3]", "layer 1: a layer is an object with fields, got 3"),
        ('[{"input_size": [4]}]', "layer 1: a layer has input_size and kernel_size, and may have stride, dilation"),
        ('[{"input_size": [4], "kernel_size": [2], "strides": 2}]', "and may have stride, dilation, padding"),
        ('[{"input_size": [4], "kernel_size": [2], "batch": 0}]', "layer 1: batch must be a whole number from 1 up"),
        ('[{"input_size": [4], "kernel_size": [2]}, {"input_size": [4], "kernel_size": [5]}]', "layer 2: the kernel"),
    ],
)
def test_a_file_of_other_things_is_an_error_that_says_where(content, message, tmp_path):
    file = tmp_path / "layers.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(GridError) as error:
        from_file(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(GridError, match=r"cannot read layers from .*No such file"):
        cases(tmp_path / "none.json", "conv")
