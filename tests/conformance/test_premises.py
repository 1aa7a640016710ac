"""Tier `premises`: each premise that a target breaks is the one that is refuted, and none that it keeps."""

import numpy as np
import pytest

from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.premises import CHECKS, premises
from tests.conformance import targets
from tests.conformance.targets import changed, of_output
from tests.conformance.test_basis import LAYERS, POOL, POOLS
from tests.conformance.test_inexact import PLAIN, THREE


def refuted(target, function="conv", geometry=LAYERS[0]):
    """Names of the premises that are."""
    found = premises(target, function, geometry)
    assert [finding.detail.partition(":")[0] for finding in found] == list(CHECKS)
    return {finding.detail.partition(":")[0] for finding in found if finding.outcome == "refuted"}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_right_functions_keep_all(function, dtype):
    geometry = POOL if function in POOLS else LAYERS[0]
    assert refuted(targets.numeric(dtype=dtype), function, geometry) == set()


@pytest.mark.parametrize("path", ["winograd2", "fft"])
@pytest.mark.parametrize("function", THREE)
def test_paths_that_round_keep_all(path, function):
    assert refuted(targets.numeric(path), function, PLAIN) == set()


def test_one_that_modifies_its_input():
    def scale_in_place(_, function):
        def wrong(geometry, *arrays):
            found = function(geometry, *arrays)
            arrays[0][...] *= 2
            return found

        return wrong

    assert refuted(changed(scale_in_place)) == {"pure"}


def test_one_with_a_state():
    def adds_up(_, function):
        calls = []

        def wrong(geometry, *arrays):
            calls.append(1)
            return function(geometry, *arrays) + len(calls) % 7

        return wrong

    assert {"deterministic", "stateless"} <= refuted(changed(adds_up))


def test_one_that_remembers_its_weights():
    """Right until it has seen another batch with weights of the same shape."""

    def remembers(_, function):
        seen = {}

        def wrong(geometry, x, w):
            return function(geometry, x, seen.setdefault((len(x), w.shape), w))

        return wrong

    assert "additive" in refuted(changed(remembers))
    assert "deterministic" not in refuted(changed(remembers))


def test_one_that_is_wrong_for_large_numbers_alone():
    assert "magnitude" in refuted(changed(of_output(lambda y, *_: np.where(np.abs(y) > 2.0**30, 0, y).astype(y.dtype))))


def test_one_that_is_not_homogeneous():
    assert {"additive", "homogeneous"} <= refuted(changed(of_output(lambda y, *_: y + np.float32(1))))


@pytest.mark.parametrize("batch", [1, 2, 65535, 65536])
def test_one_that_is_wrong_at_one_batch_alone(batch):
    def wrong(y, _, arrays):
        if len(arrays[0]) == batch:
            y[..., -1] = 0
        return y

    assert "batch size" in refuted(changed(of_output(wrong)))
    found = {f.detail.partition(":")[0]: f for f in premises(changed(of_output(wrong)), "conv", LAYERS[0])}
    assert f"at a batch of {batch}" in found["batch size"].detail


def test_one_whose_samples_depend_on_each_other():
    assert "samples" in refuted(changed(of_output(lambda y, *_: y + y.sum(0, keepdims=True) - y[:1])))


@pytest.mark.parametrize("order", ["C", "K"])
def test_one_that_reads_memory_instead_of_an_array(order):
    def reads_memory(_, function):
        def wrong(geometry, *arrays):
            flat = [np.ascontiguousarray(a) if a.flags.c_contiguous else np.zeros_like(a) for a in arrays]
            return function(geometry, *flat)

        return wrong

    found = refuted(changed(reads_memory))
    assert found == {"layout"}


def test_one_whose_variant_is_wrong():
    target = targets.numeric()
    target.variant = lambda name: changed(of_output(lambda y, *_: y + 1)) if name == "channels-last" else None
    found = {f.detail.partition(":")[0]: f for f in premises(target, "conv", LAYERS[0])}["layout"]
    assert found.outcome == "refuted"
    assert "the target's own variant channels-last gives something else" in found.detail


def test_one_that_gives_another_type():
    target = changed(of_output(lambda y, *_: y.astype(np.float64)))
    assert "type" in refuted(target)


def test_one_that_ran_elsewhere():
    target = targets.numeric()
    target.about = lambda: {"device": "cpu", "device asked for": "cuda:1"}
    found = {f.detail.partition(":")[0]: f for f in premises(target, "conv", LAYERS[0])}["device"]
    assert (found.outcome, found.detail) == ("refuted", "device: asked for cuda:1, ran on cpu")
    target.about = dict
    found = {f.detail.partition(":")[0]: f for f in premises(target, "conv", LAYERS[0])}["device"]
    assert found.outcome == "not run"
