"""Every law: proved by each tier that it has, and true of drawn numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import rounding
from proofs import LAWS, TIERS, Verdict, grids, prove
from tests import strategies

ON_NUMBERS = [name for name, law in LAWS.items() if not law.needs_symbols]
STRATEGIES: dict[Callable[[], Any], st.SearchStrategy[Any]] = {
    grids.layers: strategies.layers(),
    grids.linearity: strategies.layers().map(lambda case: grids.LinearityCase(case.geometry, case.batch)),
    grids.circular_layers: strategies.circular_layers(),
    grids.locals_: strategies.layers().map(lambda case: grids.LocalCase(case.geometry, case.batch)),
    grids.denses: st.builds(grids.DenseCase, *[st.integers(1, 5)] * 3),
    grids.arrays: strategies.array_cases(),
    grids.translations: strategies.array_cases().map(
        lambda c: grids.ArrayCase(c.input_size, c.kernel_size, "full", c.offset)
    ),
    grids.centred: strategies.centred_cases(),
    grids.axes: strategies.axes().map(grids.AxisCase),
    grids.half_widths: st.sampled_from(grids.half_widths()),
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
    # proved for all sizes too, but for what is about finite arrays of several axes or about one algorithm
    exceptions = {
        "rot180-gradients-hold-on-finite-arrays",
        "transposed-convolution-gradients-are-the-derivatives",
        "locally-connected-gradients-are-the-derivatives",
        "dense-gradients-are-the-derivatives",
        "average-pooling-gradient-is-the-derivative",
        "max-pooling-gradient-is-the-derivative-off-ties",
        "im2col-computes-the-definition",
    }
    assert (law.derivation is None) == (name in exceptions)


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
