"""Every planted wrong kernel is caught: by the property suite, and by the symbolic tier."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from numeric.paths import PATHS
from proofs import Verdict, prove
from tests import checks, strategies
from tests.meta.planted import FUNCTIONS, KERNELS

DEFINITION = "im2col-computes-the-definition"
LAWS = {
    "forward": ("layer-weight-gradient-is-the-derivative", "layer-input-gradient-is-the-derivative"),
    "weight gradient": ("layer-weight-gradient-is-the-derivative",),
    "input gradient": ("layer-input-gradient-is-the-derivative",),
}


def test_there_are_enough_of_them():
    assert len(KERNELS) + len(FUNCTIONS) >= 15


@pytest.mark.parametrize("name", KERNELS)
def test_the_property_suite_catches(name):
    @settings(max_examples=300, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False)
    @given(st.data())
    def suite(data):
        case = data.draw(strategies.layers())
        checks.check_computes_the_definition(KERNELS[name], case, data.draw(strategies.values(case)))

    with pytest.raises(AssertionError, match="expected"):
        suite()


@pytest.mark.parametrize("name", KERNELS)
def test_the_symbolic_tier_refutes(name, monkeypatch):
    monkeypatch.setitem(PATHS, "im2col", KERNELS[name])
    laws = LAWS[name.split(":")[0]]
    found = prove(DEFINITION, *laws, tiers=["symbolic"])
    verdicts = {law: evidence.verdict for law, (evidence,) in found.items()}
    assert verdicts[DEFINITION] == Verdict.REFUTED
    # and without the definition: SymPy's derivative of the forward pass disagrees with the gradient
    assert Verdict.REFUTED in {verdicts[law] for law in laws}
    assert all(e.counterexample for (e,) in found.values() if e.verdict == Verdict.REFUTED)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_fault_in_a_function_refutes_its_laws(name, monkeypatch):
    place, wrong = FUNCTIONS[name]
    monkeypatch.setattr(place, wrong)
    verdicts = {evidence.verdict for (evidence,) in prove(tiers=["symbolic"]).values()}
    assert Verdict.REFUTED in verdicts


def test_the_true_kernels_pass_the_same_checks():
    """The checks do not fail on just anything."""

    @settings(max_examples=50, derandomize=True)
    @given(st.data())
    def suite(data):
        case = data.draw(strategies.layers())
        checks.check_computes_the_definition(PATHS["im2col"], case, data.draw(strategies.values(case)))

    suite()
