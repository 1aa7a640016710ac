"""Every law: proved by each tier that it has, and true of drawn numbers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Geometry, rounding
from proofs import LAWS, TIERS, Verdict, grids, prove
from proofs.grids import entries
from proofs.tiers import symbolic
from tests import strategies


def _keeps_the_size(case):
    geometry = case.geometry
    return geometry.output_size == geometry.input_size and set(geometry.stride) == {1}


def _unpadded(axis):
    return axis.low == axis.high == 0


def _with_one_tap(case):
    g = case.geometry
    return grids.LayerCase(
        Geometry(g.input_size, (1,) * g.ndim, in_channels=g.in_channels, out_channels=g.out_channels), case.batch
    )


def _with_the_whole_kernel(case):
    g = case.geometry
    return grids.LayerCase(
        Geometry(g.input_size, g.input_size, in_channels=g.in_channels, out_channels=g.out_channels), case.batch
    )


ON_NUMBERS = [name for name, law in LAWS.items() if not law.needs_symbols and not law.fails]
STRATEGIES: dict[Callable[[], Any], st.SearchStrategy[Any]] = {
    grids.layers: strategies.layers(),
    grids.column_layers: strategies.layers(),
    grids.linearity: strategies.layers().map(lambda case: grids.LinearityCase(case.geometry, case.batch)),
    grids.uncircular_layers: strategies.layers().filter(lambda case: case.geometry.boundary == "zero"),
    grids.sampled_layers: strategies.layers().filter(lambda case: case.batch > 0),
    grids.circular_layers: strategies.circular_layers(),
    grids.locals_: strategies.layers().map(lambda case: grids.LocalCase(case.geometry, case.batch)),
    grids.denses: st.builds(grids.DenseCase, *[st.integers(1, 5)] * 3),
    grids.arrays: strategies.array_cases(),
    grids.translations: strategies.array_cases().map(
        lambda c: grids.ArrayCase(c.input_size, c.kernel_size, "full", c.offset)
    ),
    grids.centred: strategies.centred_cases(),
    grids.axes: strategies.axes().map(grids.AxisCase),
    grids.few_axes: strategies.axes().map(grids.AxisCase),
    grids.fitting_axes: strategies.axes(padding=0).map(grids.AxisCase),
    grids.overlapping_axes: strategies.axes(padding=0).filter(lambda a: a.output_size > 1).map(grids.AxisCase),
    grids.half_widths: st.sampled_from(grids.half_widths()),
    grids.cyclic_layers: strategies.circular_layers().filter(_keeps_the_size),
    grids.circular_stacks: strategies.circular_stacks(),
    grids.named_axes: strategies.axes(padding=0).filter(_unpadded).map(grids.AxisCase),
    grids.full_arrays: strategies.array_cases().map(lambda c: grids.ArrayCase(c.input_size, c.kernel_size)),
    grids.three_arrays: strategies.three_arrays(),
    grids.second_orders: strategies.layers().map(lambda case: grids.SecondOrderCase(case.geometry, case.batch)),
    grids.one_tap_layers: strategies.layers().map(_with_one_tap),
    grids.whole_kernels: strategies.layers().map(_with_the_whole_kernel),
    grids.grouped_layers: strategies.layers().filter(lambda case: case.geometry.groups > 1),
    grids.flat_shapes: st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple).map(grids.ShapeCase),
    grids.filters: st.sampled_from(grids.filters()),
}


class Integers:
    """Drawn integers for the arrays of a case; gradients by differences, exact since the losses are linear."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __getitem__(self, name):
        return self.arrays[name]

    def gradient(self, loss, at):
        """Difference of the loss when one entry grows by one."""
        x = self.arrays[at]
        base = loss(x)
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            step = x.copy()
            step[index] += 1
            gradient[index] = loss(step) - base
        return gradient


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_proves_the_law(name, tier):
    for evidence in prove(name, tiers=[tier])[name]:
        assert evidence.verdict == Verdict.PROVED, evidence.counterexample
        assert evidence.cases > 0
        assert evidence.scope
        assert evidence.path


@pytest.mark.parametrize("name", LAWS)
def test_every_law_says_what_it_rests_on(name):
    law = LAWS[name]
    assert law.statement
    assert law.source
    assert law.check.__doc__
    assert law.scope
    assert bool(law.full) == bool(law.full_scope)
    if law.fails:
        assert law.statement.startswith("not")
        assert "refuted" in law.source


def test_the_sheets_laws_are_derived_for_all_sizes():
    """Those that quote a line of it, but for what is about a finite array's border, or refuted."""
    exceptions = {"rot180-gradients-hold-on-finite-arrays"}
    for name, law in LAWS.items():
        if re.fullmatch(r"sheet, Solution [123](\.\d)?(, (first|second) chain)?", law.source):
            assert law.derivation is not None or name in exceptions


def test_popular_falsehoods_are_in_the_catalogue():
    false = [name for name, law in LAWS.items() if law.fails]
    assert len(false) >= 15
    for name in false:
        (evidence,) = prove(name, tiers=["symbolic"])[name]
        assert evidence.counterexample


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.fails])
def test_the_counterexample_is_the_smallest(name):
    """Run without the belief's refutation in mind: the claim holds on every case before the one that is shown."""
    law = LAWS[name]
    cases = list(law.cases())
    shown = symbolic.decide(law).cases
    assert entries(cases[shown - 1]) == min(entries(case) for case in cases if _fails_on(law, case))


def _fails_on(law, case):
    return bool(symbolic.run(law, [case]).counterexample)


def test_the_reading_order_is_the_sheets():
    numbers = [law.source.split("Solution ")[1][0] for law in LAWS.values() if "Solution" in law.source]
    assert numbers == sorted(numbers)
    assert set(numbers) == {"1", "2", "3"}


@pytest.mark.parametrize("name", ON_NUMBERS)
@given(data=st.data())
def test_the_law_holds_on_integers(name, data):
    law = LAWS[name]
    case = data.draw(STRATEGIES[law.cases].filter(lambda case: sum(map(np.prod, case.shapes().values())) < 250))
    numbers = Integers(data.draw(strategies.values(case, lambda shape: strategies.integers(shape, 9))))
    equations = 0
    for label, left, right in law(case, numbers):
        np.testing.assert_array_equal(left, right, err_msg=label)
        equations += 1
    assert equations > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name",
    [
        "convolution-commutes-with-translation",
        "stride-s-layer-commutes-with-shifts-by-s",
        "convolution-is-correlation-with-the-rotated-kernel",
        "layer-is-bilinear",
        "gradients-are-adjoints",
        "im2col-computes-the-definition",
    ],
)
@given(data=st.data())
def test_the_law_holds_on_floats_within_the_bound(name, dtype, data):
    """Both sides add up the same monomials, so each is off by at most gamma(n) times the sum of their sizes.

    That sum is the law itself, run on the absolute values as fractions; no more than n roundings lie between an
    entry and the result, where n counts all entries of all arrays twice (one product and one addition each).
    The numbers are multiples of 2**-8 below 2**3, so that no product of three underflows.
    """
    law = LAWS[name]
    case = data.draw(STRATEGIES[law.cases].filter(lambda case: sum(map(np.prod, case.shapes().values())) < 120))

    def coarse(shape):
        return strategies.integers(shape, 2**11).map(lambda array: (array / 2**8).astype(dtype))

    arrays = data.draw(strategies.values(case, coarse))
    sizes = {key: abs(strategies.exact(array)) for key, array in arrays.items()}
    n = 2 * sum(array.size for array in arrays.values())
    for (label, left, right), (_, size, _) in zip(law(case, Integers(arrays)), law(case, Integers(sizes)), strict=True):
        bound = 2 * rounding.gamma(n, dtype) * np.asarray(size, dtype=float) * (1 + 1e-12)
        assert (np.abs(np.asarray(left, float) - np.asarray(right, float)) <= bound).all(), label
