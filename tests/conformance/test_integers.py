"""Tier `integers` and its budgets: at the edge every order of summation is exact, one step beyond some is not."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import proofs.conformance.integers as tier
from numeric import Geometry
from proofs.conformance.budget import FAILURE, MOST, SPARSE, Budget, integer_arrays, kept_entries
from proofs.conformance.exact import products
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.integers import integers
from proofs.conformance.precision import CAUTIOUS, PRECISIONS, Precision, rounded
from proofs.conformance.probes import generator
from tests import strategies
from tests.conformance import targets
from tests.conformance.targets import changed, of_inputs, of_output
from tests.conformance.test_basis import LAYERS, POOL, POOLS, ROLES
from tests.meta.planted.kernels import KERNELS

EDGES = {name: PRECISIONS[name] for name in ("tf32", "bfloat16", "float16", "float16 in float16", "float32")}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_right_functions_are_certified(function, dtype):
    for geometry in [POOL] if function in POOLS else LAYERS:
        found = integers(targets.numeric(dtype=dtype), function, geometry, 2)
        assert found.outcome in ("certified", "not run"), found
        assert found.outcome == "certified" or (dtype in ("bfloat16", "float16") and "no integers fit" in found.detail)


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if not name.startswith(("average", "max_pool"))])
def test_results_computed_side_by_side_are_those_of_each_trial(function):
    for geometry in LAYERS:
        budget, random = Budget.of(function, geometry, 2, PRECISIONS["float64"]), generator(function)
        trials = [integer_arrays(function, geometry, 2, "float64", budget, random) for _ in range(3)]
        found = tier.side_by_side(FUNCTIONS[function], geometry, trials)
        for arrays, right in zip(trials, found, strict=True):
            np.testing.assert_array_equal(right, FUNCTIONS[function].expected(geometry, *arrays), strict=True)


@pytest.mark.parametrize("together", [1, 2, 3])
def test_trials_are_the_same_however_many_are_computed_at_once(together, monkeypatch):
    """Also where the last ones are fewer: float32 takes five of them here."""
    seen = []
    target = changed(of_inputs(lambda a: seen.append(a.tolist()) or a))
    assert integers(target, "conv", LAYERS[0], 2).outcome == "certified"
    at_once, seen[:] = list(seen), []
    entries = sum(np.prod(sizes) for sizes in (LAYERS[0].input_shape(2), LAYERS[0].weight_shape))
    monkeypatch.setattr(tier, "AT_ONCE", together * entries)
    assert integers(target, "conv", LAYERS[0], 2).outcome == "certified"
    assert seen == at_once
    assert len(seen) == 2 * 5


@given(geometry=strategies.geometries(), data=st.data())
def test_any_layer_is_certified(geometry, data):
    function = data.draw(st.sampled_from([name for name in FUNCTIONS if name not in POOLS]))
    dtype = data.draw(st.sampled_from(["float16", "float32"]))
    assert integers(targets.numeric(dtype=dtype), function, geometry, 2).outcome == "certified"


@pytest.mark.parametrize("name", KERNELS)
def test_planted_wrong_kernels_are_refuted(name):
    function = ROLES[name.partition(":")[0]]
    outcomes = [integers(targets.planted(KERNELS[name]), function, geometry, 2).outcome for geometry in LAYERS]
    assert "refuted" in outcomes


def test_what_is_wrong_at_one_shape_alone_is_seen_there():
    """At the layer's own channels, where the probe of `structure` does not look."""
    wide = Geometry((5, 4), (2, 3), in_channels=33, out_channels=17)

    def tail(y, geometry, _):
        if geometry.in_channels == 33:
            y[:, 16] = 0
        return y

    target = changed(of_output(tail))
    assert integers(target, "conv", wide, 2).outcome == "refuted"


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("function", ["conv", "conv.input_gradient", "conv.weight_gradient", "conv.bias_gradient"])
def test_budgets_keep_every_sum_representable(name, function):
    precision = EDGES[name]
    for geometry in LAYERS:
        for wide in (None, 0, 1):
            budget = Budget.of(function, geometry, 2, precision, wide=wide)
            second = budget.second if "bias" not in function else 1
            assert budget.products * budget.first * second <= precision.sums
            assert max(budget.first, second) <= 2**precision.input_bits
            assert budget.trials * np.log2(1) - budget.failure >= 40 or budget.kept is not None


@pytest.mark.parametrize("name", EDGES)
def test_at_the_edge_every_order_is_exact_and_beyond_it_is_not(name):
    """The worst case: all products of one sign and as large as they may be, added up in a rounding accumulator."""
    precision = EDGES[name]
    n = 5
    geometry = Geometry((n,), (n,))
    budget = Budget.of("conv", geometry, 1, precision, wide=0)
    assert budget.products == n
    edge = precision.sums // n  # the largest product that n of them leave room for
    worst = [edge] * n
    for odd in range(n):  # one that is smaller, at every place
        terms = [*worst]
        terms[odd] -= 1
        assert all(_added(order, precision) == sum(terms) for order in permutations(terms))
    beyond = [precision.sums - 1, 1, 1]  # the largest whole number that is held, and a step past it
    assert any(_added(order, precision) != sum(beyond) for order in permutations(beyond))


def _added(terms, precision: Precision):
    """Sum in an accumulator, rounded after every step, and again as an output."""
    total = 0.0
    for term in terms:
        total = float(rounded(np.array(total + term), precision.accumulator_bits))
    return float(rounded(np.array(total), precision.output_bits))


def test_products_are_counted_by_the_index_map():
    geometry = Geometry((4, 3), (3, 2), (1, 2), padding=((1, 1), (0, 0)), in_channels=4, out_channels=6, groups=2)
    assert products("conv", geometry, 5) == 2 * 6
    assert products("conv.input_gradient", geometry, 5) == 3 * 3
    assert products("conv.weight_gradient", geometry, 5) == 5 * 4
    assert products("conv.bias_gradient", geometry, 5) == 5 * 4
    assert products("conv.double_backward_g", geometry, 5) == 2 * 2 * 6


@pytest.mark.parametrize("kept", [1, 2, 17, 96])
@pytest.mark.parametrize(
    ("function", "letter", "summed"),
    [
        ("conv", "w", (1, 2, 3)),
        ("conv.input_gradient", "w", (1, 3, 4)),
        ("conv.weight_gradient", "g", (0, 2, 3)),
        ("conv.bias_gradient", "g", (0, 2, 3)),
    ],
)
def test_of_what_one_entry_adds_up_exactly_as_many_are_kept_as_are_asked_for(function, letter, summed, kept):
    """No more, or the sum might round; no fewer, or a wrong coefficient is seen less often than is said."""
    geometry = Geometry((8, 7), (2, 3), in_channels=32, out_channels=32, groups=2)
    shape = {"w": geometry.weight_shape, "g": geometry.output_shape(3)}[letter]
    mask = kept_entries(letter, function, shape, kept, geometry, generator(function, kept))
    assert mask.shape == shape
    assert set(np.unique(mask)) <= {0, 1}
    if function == "conv.input_gradient":  # the output channels of a group, and all taps
        mask = mask.reshape(2, 16, 16, 2, 3)
    assert (mask.sum(summed) == kept).all()


@pytest.mark.parametrize("precision", [PRECISIONS["bfloat16"], PRECISIONS["float16 in float16"]], ids=str)
@pytest.mark.parametrize("batch", [3, 256, 4096])
def test_thinned_out_trials_see_no_less_than_the_most_there_may_be_of_the_largest_magnitude(batch, precision):
    """Whatever is chosen to save time: the probability that a wrong coefficient passes is not larger than there."""
    geometry = Geometry((24, 20), (3, 3), padding=1, in_channels=40, out_channels=48)
    entries = {"conv.bias_gradient": batch * 24 * 20, "conv.weight_gradient": batch * 24 * 20, "conv": 40 * 9}
    for function, count in entries.items():
        budget = Budget.of(function, geometry, batch, precision)
        if budget.kept is None:
            continue
        degree = 1 if function == "conv.bias_gradient" else 2
        kept = min(precision.sums // SPARSE**degree, count)
        seen = kept / count * (1 - degree / (2 * SPARSE + 1))
        assert budget.failure <= max(MOST * np.log2(1 - seen), -FAILURE)
        assert budget.kept * budget.first**degree <= precision.sums


@pytest.mark.parametrize("function", ["conv", "conv.input_gradient", "conv.weight_gradient", "conv.bias_gradient"])
def test_where_no_budget_fits_inputs_are_thinned_out_and_it_is_said(function):
    geometry = Geometry((24, 20), (3, 3), padding=1, in_channels=40, out_channels=48)
    budget = Budget.of(function, geometry, 3, PRECISIONS["bfloat16"])
    assert budget.kept is not None
    arrays = integer_arrays(function, geometry, 3, "bfloat16", budget, generator(function))
    ones = [np.abs(array).astype(np.float64) for array in arrays]
    assert FUNCTIONS[function].expected(geometry, *ones).max() <= 2**8
    found = integers(targets.numeric(dtype="bfloat16"), function, geometry, 3)
    assert found.outcome == "certified"
    assert "since no budget fits otherwise" in found.detail
    assert found.assumptions[-1] == f"a wrong map passes with probability at most 2**{budget.exponent}"
    assert budget.exponent > -40


def test_the_probability_is_stated_with_its_premises():
    found = integers(targets.numeric(), "conv", LAYERS[0], 2)
    assert found.assumptions == (
        "bilinear in its arguments",
        "with integer coefficients",
        "a wrong map passes with probability at most 2**-40",
    )
    assert found.calls == 5


def test_the_probability_holds_for_forms_that_vanish_as_often_as_they_can():
    """`(a0 - a1) * (b0 - b1)` at integers up to 1: 5/9 of all, less than 2 in 3."""
    values = range(-1, 2)
    zero = sum((a - b) * (c - d) == 0 for a in values for b in values for c in values for d in values)
    assert zero / 81 <= 2 / 3


def test_every_type_has_a_budget_that_each_of_its_paths_is_exact_in():
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        cautious, own = PRECISIONS[CAUTIOUS.get(dtype, dtype)], PRECISIONS[dtype]
        assert cautious.input_bits <= own.input_bits
        assert cautious.sums <= own.sums
