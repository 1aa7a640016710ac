"""Every planted mistake is diagnosed by its name, in each number of dimensions; what is right has no diagnosis."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from numeric.geometry import Geometry
from proofs.conformance.diagnose import diagnose
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.hypotheses import PLACES
from proofs.conformance.shrink import size, smallest, trial
from tests.conformance.wrong import CONV, Fake, from_edit, from_kernel, layer, on
from tests.meta.planted import FAULTS
from tests.meta.planted.kernels import KERNELS

NAMES = {
    "forward: kernel rotated": "kernel rotated",
    "forward: H and W of the kernel swapped": "height and width swapped",
    "forward: groups mixed": "groups mixed",
    "forward: first group for all": "first group for all",
    "forward: stride ignored": "stride ignored",
    "forward: dilation ignored": "dilation ignored",
    "forward: last output missing": "last output missing",
    "forward: circular read as zero": "circular padding read as zero",
    "forward: edge replicated": "circular padding replicates the edge",
    "input gradient: kernel not rotated": "kernel not rotated",
    "input gradient: stride ignored": "stride ignored",
    "input gradient: channels not transposed": "channels not transposed",
    "input gradient: groups mixed": "groups mixed",
    "input gradient: overwrites": "overwrites instead of accumulating",
    "input gradient: padding off by one": "padding off by one (a cell early)",
    "input gradient: dilation and stride swapped": "stride and dilation swapped",
    "input gradient: remainder dropped": "last cells cut off",
    "input gradient: far edge missing": "far edge missing",
    "weight gradient: kernel rotated": "kernel rotated",
    "weight gradient: stride ignored": "stride ignored",
    "weight gradient: dilation ignored": "dilation ignored",
    "weight gradient: overwrites": "overwrites instead of accumulating",
    "weight gradient: low and high padding swapped": "low and high padding swapped",
    "weight gradient: H and W swapped": "height and width swapped",
}
PLACED = {"forward": "conv", "input gradient": "conv.input_gradient", "weight gradient": "conv.weight_gradient"}
SWAPPED = "height and width swapped"


def name_of(kernel, ndim):
    """What a planted kernel is to be called; nothing where it is right."""
    name = NAMES[kernel]
    if name != SWAPPED:
        return name
    return {1: None, 2: name, 3: "kernel axes in reverse order"}[ndim]


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("kernel", KERNELS)
def test_planted_kernel_is_diagnosed_by_its_name(kernel, ndim):
    boundary = "circular" if "circular" in NAMES[kernel] else "zero"
    geometry = replace(CONV[ndim], boundary=boundary)
    target = from_kernel(KERNELS[kernel])
    wrong = PLACED[kernel.partition(":")[0]]
    for function in PLACED.values():
        found = diagnose(target, function, geometry)
        expected = name_of(kernel, ndim) if function == wrong else None
        assert (found and found.names) == ((f"{expected} in {PLACES[function]}",) if expected else None)


@pytest.mark.parametrize(
    ("kernel", "function", "name"),
    [
        ("input gradient: stride ignored", "conv_transpose", "stride ignored in the transposed convolution"),
        ("input gradient: kernel not rotated", "conv_transpose", "kernel not rotated in the transposed convolution"),
        (
            "forward: groups mixed",
            "conv_transpose.input_gradient",
            "groups mixed in the input gradient of the transposed convolution",
        ),
        (
            "weight gradient: overwrites",
            "conv_transpose.weight_gradient",
            "overwrites instead of accumulating in the weight gradient of the transposed convolution",
        ),
    ],
)
def test_the_same_mistakes_in_the_transposed_layer(kernel, function, name):
    for ndim in CONV:
        assert diagnose(from_kernel(KERNELS[kernel]), function, CONV[ndim]).names == (name,)


def test_every_planted_kernel_has_its_name_here():
    assert set(NAMES) == set(KERNELS)


@pytest.mark.parametrize(("function", "ndim"), list(product(FUNCTIONS, (1, 2, 3))))
def test_what_is_right_has_no_diagnosis(function, ndim):
    target = Fake({function: FUNCTIONS[function].expected})
    assert diagnose(target, function, layer(FUNCTIONS[function].operation, ndim)) is None


BATCH_MEAN = "mean over the batch instead of the sum"
EDITS = {
    "convolution: conv_input_gradient: input gradient averaged over the batch": {"conv.input_gradient": BATCH_MEAN},
    "convolution: conv_weight_gradient: weight gradient averaged over the batch": {"conv.weight_gradient": BATCH_MEAN},
    "convolution: conv_bias_gradient: bias gradient of the first sample": {"conv.bias_gradient": "first sample only"},
    "convolution: conv_bias_gradient: bias gradient doubled": {"conv.bias_gradient": "twice too large"},
    "transposed convolution: conv_transpose_input_gradient: kernel rotated": {
        "conv_transpose.input_gradient": ("kernel rotated", "kernel flipped along its last axis")
    },
    "transposed convolution: conv_transpose_weight_gradient: gradient of the rotated kernel": {
        "conv_transpose.weight_gradient": ("kernel rotated", "kernel flipped along its last axis")
    },
    "max pooling: _parts: padding's zero wins": {"max_pool": "padding's zero wins the maximum"},
    "max pooling: _windows: dilation ignored": {
        "max_pool": "dilation ignored",
        "average_pool": "dilation ignored",  # the gradients refuse a cotangent of the right shape
    },
    "max pooling: max_pool_input_gradient: gradient to the first tap": {"max_pool.input_gradient": "first tap wins"},
    "max pooling: max_pool_input_gradient: gradient to the mean of the window": {
        "max_pool.input_gradient": "every cell of the window gets the whole"
    },
    "max pooling: max_pool: minimum": {"max_pool": "minimum instead of the maximum"},
    "max pooling: winners: last of equal maxima wins": {"max_pool.input_gradient": "last of equal maxima wins"},
    "max pooling: max_pool_input_gradient: gradient to all equal maxima": {
        "max_pool.input_gradient": "every one of equal maxima gets the whole"
    },
    "average pooling: _counts: padding counted, in both": {
        "average_pool": "padding counted in the average",
        "average_pool.input_gradient": "padding counted in the average",
    },
    "average pooling: average_pool_input_gradient: padding always counted": {
        "average_pool.input_gradient": "padding counted in the average"
    },
    "average pooling: average_pool_input_gradient: not divided": {
        "average_pool.input_gradient": "sum instead of the average"
    },
}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("fault", EDITS)
def test_planted_edit_is_diagnosed_by_its_name(fault, ndim):
    target = from_edit(FAULTS[fault])
    for function, names in EDITS[fault].items():
        found = diagnose(target, function, layer(FUNCTIONS[function].operation, ndim))
        name = names if isinstance(names, str) else names[ndim > 1]
        assert found.names == (f"{name} in {PLACES[function]}",)


# what a diagnosis says


class Reproducible(Fake):
    """A target that says how it is called."""

    def reproduction(self, function, _geometry, _arrays):
        """The call."""
        return f"target.run({function!r}, geometry, {', '.join(FUNCTIONS[function].arguments)})"


@pytest.mark.parametrize(
    "kernel", ["forward: stride ignored", "weight gradient: H and W swapped", "input gradient: overwrites"]
)
def test_the_reproduction_runs_and_shows_the_difference(kernel, capsys):
    function = PLACED[kernel.partition(":")[0]]
    target = Reproducible(from_kernel(KERNELS[kernel]).by_name)
    found = diagnose(target, function, CONV[2])
    assert len(found.reproduction.splitlines()) == 5
    exec(found.reproduction, {"target": target})  # noqa: S102 - what is tested
    expected, _, got = capsys.readouterr().out.strip().removeprefix("expected ").partition(" got ")
    assert np.shape(json.loads(expected)) == np.shape(json.loads(got))
    assert json.loads(expected) != json.loads(got)


def test_the_reproduction_loads_the_target_by_its_name():
    found = diagnose(from_kernel(KERNELS["forward: stride ignored"]), "conv", CONV[1])
    assert "load('fake', dtype='float32', op='conv').run('conv', geometry, x, w)" in found.reproduction


def test_the_map_is_told_in_words():
    found = diagnose(from_kernel(KERNELS["forward: stride ignored"]), "conv", CONV[2])
    assert found.axes == (
        "axis 0: reads(o, u) = 1*o + 1*u - 1, expected 2*o + 1*u - 1",
        "axis 1: reads(o, u) = 1*o + 3*u - 2, as expected",
    )
    assert str(found.first_difference) == "tap (0, 0) of output (1, 0) reads x[0, 0, 0], expected nothing"


def test_counted_twice_and_left_out_in_words():
    twice = on("conv", lambda geometry, x, w: 2 * FUNCTIONS["conv"].expected(geometry, x, w))
    assert (
        str(diagnose(twice, "conv", CONV[1]).first_difference)
        == "tap (0,) of output (0,) reads 2 * x[0, 0], expected x[0, 0]"
    )
    none = on("conv", lambda geometry, x, w: 0 * FUNCTIONS["conv"].expected(geometry, x, w))
    assert (
        str(diagnose(none, "conv", CONV[1]).first_difference)
        == "tap (0,) of output (0,) reads nothing, expected x[0, 0]"
    )


def test_not_a_number_is_told():
    target = on("conv", lambda geometry, x, w: FUNCTIONS["conv"].expected(geometry, x, w) * np.nan)
    found = diagnose(target, "conv", CONV[1])
    assert not found.names
    assert "nan" in found.map_in_words
    assert "the forward pass is wrong in a way that has no name here" in str(found)


def test_smallest_is_the_smallest():
    """Wrong only where an input of 3 cells or more has stride 2: among all such layers the first in order."""

    def call(geometry, x, w):
        wrong = geometry.input_size[0] >= 3 and geometry.stride[0] >= 2
        return FUNCTIONS["conv"].expected(geometry, x, w) + wrong

    from_layer = Geometry((5,), (1,), 3)
    found = diagnose(on("conv", call), "conv", from_layer)
    assert found.smallest == Geometry((3,), (1,), 2)
    assert found.sure == "every smaller layer passes"
    assert size(found.smallest) < size(from_layer)


def test_a_search_that_is_cut_short_says_so():
    seen = []

    def fails(geometry):
        seen.append(geometry)
        return geometry.in_channels >= 2

    found, sure = smallest(fails, CONV[3], calls=20)
    assert fails(found)
    assert sure == "the 20 smallest layers pass; there are others below this one"
    assert len(seen) <= 41


def test_as_json_and_as_text():
    found = diagnose(from_kernel(KERNELS["forward: kernel rotated"]), "conv", CONV[2])
    told = json.loads(json.dumps(found.as_dict()))
    assert told["names"] == ["kernel rotated in the forward pass"]
    assert told["smallest"]["kernel_size"] == list(found.smallest.kernel_size)
    assert set(told["first_difference"]) == {"where", "reads", "expected"}
    lines = str(found).splitlines()
    assert lines[0] == "kernel rotated in the forward pass"
    assert "to reproduce:" in lines


def test_a_layer_that_is_not_run_is_no_failure():
    target = from_kernel(KERNELS["forward: stride ignored"])
    target.supports = lambda *_: "not this one"
    assert trial(target, FUNCTIONS["conv"], CONV[1], 0) is None
    assert diagnose(target, "conv", CONV[1]) is None


def test_the_same_diagnosis_each_time():
    target = from_kernel(KERNELS["input gradient: stride ignored"])
    first, second = (diagnose(target, "conv.input_gradient", CONV[2]) for _ in range(2))
    assert str(first) == str(second)
