"""Every planted fault is caught: by the property suite, and by the symbolic tier where one of its laws speaks of it."""

import inspect

import numpy as np
import pytest

import numeric
from numeric.paths import PATHS
from proofs import Verdict, prove
from tests.meta.planted import FAULTS, ROWS, kernels
from tests.meta.planted.fault import Fault, edited
from tests.meta.planted.suite import killer, passes_as_shipped, refuted

LAWS = {
    "forward": ("layer-weight-gradient-is-the-derivative", "layer-input-gradient-is-the-derivative"),
    "weight gradient": ("layer-weight-gradient-is-the-derivative",),
    "input gradient": ("layer-input-gradient-is-the-derivative",),
}


def test_there_are_enough_of_them():
    assert len(FAULTS) == len(ROWS), "two faults have one name"
    assert len(FAULTS) >= 150


def test_every_public_function_and_every_path_has_one():
    functions = {name for name in numeric.__all__ if inspect.isfunction(getattr(numeric, name))}
    assert functions - {fault.attribute for fault in ROWS if fault.owner is numeric} == set()
    places = {fault.place for fault in ROWS}
    for path in set(PATHS) - {"definition", "winograd4"}:
        assert any(path.rstrip("2") in place for place in places), path


@pytest.fixture(scope="module")
def silent():
    """Whether a check passes where nothing is planted, by its label; each is asked once."""
    return {}


@pytest.mark.parametrize("name", FAULTS)
def test_the_property_suite_kills(name, silent):
    """And it is the fault that does it: the check that fails passes on the functions that ship."""
    check = killer(FAULTS[name])
    assert check is not None
    if check.label not in silent:
        silent[check.label] = passes_as_shipped(check)
    assert silent[check.label], f"{check.label} fails on anything"


@pytest.mark.parametrize("name", FAULTS)
def test_the_symbolic_tier_refutes_what_is_wrong_in_real_arithmetic(name):
    """And nothing else: what a row says of it is so."""
    assert bool(refuted(FAULTS[name])) == FAULTS[name].symbolic


@pytest.mark.parametrize("name", kernels.KERNELS)
def test_a_wrong_kernel_disagrees_with_its_own_derivative(name, monkeypatch):
    """Without the definition's word: SymPy's derivative of the forward pass disagrees with the gradient."""
    monkeypatch.setitem(PATHS, "im2col", kernels.KERNELS[name])
    found = prove(*LAWS[name.split(":")[0]], tiers=["symbolic"])
    refuting = [evidence for (evidence,) in found.values() if evidence.verdict == Verdict.REFUTED]
    assert refuting
    assert all(evidence.counterexample for evidence in refuting)


def test_an_edit_that_is_no_longer_there_is_an_error():
    with pytest.raises(ValueError, match="flatten: expected 'x @ w' once, got it 0 times"):
        edited(numeric.flatten, "x @ w", "w @ x")


def test_a_fault_reaches_the_tests_and_the_laws_but_not_the_oracle(monkeypatch):
    from proofs.laws import layers
    from tests.properties import test_flatten

    true, definition = numeric.flatten, numeric.definition.flatten
    fault = next(fault for fault in ROWS if fault.place == "numeric.flatten")
    with monkeypatch.context() as patch:
        fault.plant(patch)
        planted = {numeric.flatten, layers.flatten, test_flatten.flatten, numeric.layers.flatten}
        assert planted == {fault.replacement}
        assert numeric.definition.flatten is definition
    assert numeric.flatten is layers.flatten is test_flatten.flatten is true


def test_nothing_kept_before_hides_a_fault_and_nothing_kept_with_it_outlasts_it(monkeypatch):
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 2))
    shape = numeric.conv(x, w).shape
    wrong = Fault("geometry", "one more", "numeric.geometry.Axis.output_size", ("+ 1", "+ 0"), ("conv",))
    with monkeypatch.context() as patch:
        wrong.plant(patch)
        assert numeric.conv(x, w).shape != shape
        assert numeric.conv(x[..., :3], w).shape == (1, 1, 1)
    assert numeric.conv(x, w).shape == shape
    assert numeric.conv(x[..., :3], w).shape == (1, 1, 2)


def test_a_fault_that_nobody_can_see_survives():
    """The score is no better than the suite: an edit that changes nothing is neither killed nor refuted."""
    same = Fault("dense", "nothing", "numeric.dense", ("y = y + b", "y = b + y"), ("flatten",))
    assert killer(same) is None
    assert refuted(same) == ""
