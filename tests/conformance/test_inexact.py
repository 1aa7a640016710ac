"""Tier `bound`: direct sums are certified, paths that round are recognised and judged, and nothing else passes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Geometry, definition
from numeric.paths import PATHS
from proofs.conformance.basis import structure
from proofs.conformance.exact import exactly, pieces
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.inexact import bound
from proofs.conformance.integers import integers
from proofs.conformance.precision import cut, rounded, rounded_away
from tests import strategies
from tests.conformance import targets
from tests.conformance.targets import changed, of_inputs, of_output
from tests.conformance.test_basis import LAYERS, POOL, POOLS, ROLES
from tests.meta.planted.kernels import KERNELS

PLAIN = Geometry((7, 6), (3, 3), padding=((1, 0), (2, 1)), in_channels=4, out_channels=6, groups=2)
THREE = ("conv", "conv.input_gradient", "conv.weight_gradient")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_direct_paths_are_certified(function, dtype):
    for geometry in [POOL] if function in POOLS else LAYERS:
        for path in ("im2col", "shift") if "pool" not in function else ("im2col",):
            found = bound(targets.numeric(path, dtype), function, geometry, 2)
            assert found.outcome == ("not run" if function == "max_pool" else "certified"), found


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("decide", [bound, integers])
def test_the_inputs_of_max_poolings_gradient_have_no_ties(decide, dtype):
    """On a tie a library may share the cotangent as it likes; that is no matter of rounding."""
    geometry = Geometry((9, 8), (3, 2), stride=(2, 1), in_channels=3, out_channels=3)
    seen = []
    kernel = FUNCTIONS["max_pool.input_gradient"].expected
    target = targets.FromKernels(
        {"max_pool.input_gradient": lambda layer, g, x: seen.append(x) or kernel(layer, g, x)}, dtype, "watched"
    )
    assert decide(target, "max_pool.input_gradient", geometry, 2).outcome == "certified"
    assert seen
    for x in seen:
        assert all(len(np.unique(image)) == image.size for image in x.reshape(-1, 72))


@given(geometry=strategies.geometries(), data=st.data())
def test_any_layer_is_certified(geometry, data):
    function = data.draw(st.sampled_from([name for name in FUNCTIONS if name not in POOLS]))
    assert bound(targets.numeric(dtype="float64"), function, geometry, 2).outcome == "certified"


@pytest.mark.parametrize("function", THREE)
@pytest.mark.parametrize(("path", "kind"), [("winograd2", "Winograd"), ("winograd4", "Winograd"), ("fft", "FFT")])
def test_paths_that_round_are_recognised_and_never_certified(path, kind, function):
    found = bound(targets.numeric(path), function, PLAIN, 2)
    assert found.outcome == "inexact"
    assert kind in found.detail


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_division_done_as_a_product_with_the_rounded_reciprocal_is_recognised(dtype):
    """As XLA compiles a division by a constant; a reciprocal that is off by more than its rounding is refuted."""
    function = "average_pool.input_gradient"
    thirds = Geometry((300,), (3,), stride=3, in_channels=2, out_channels=2, groups=2)

    def target(reciprocal):
        return targets.FromKernels({function: lambda _, g: np.repeat(g * reciprocal, 3, axis=-1)}, dtype)

    reciprocal = 1 / np.dtype(dtype).type(3)
    found = bound(target(reciprocal), function, thirds, 2)
    assert found.outcome == "inexact"
    assert "reciprocal" in found.detail
    spoilt = reciprocal * (1 + 4 * np.finfo(dtype).eps)
    assert bound(target(spoilt), function, thirds, 2).outcome == "refuted"


def test_small_basis_arrays_pass_winograd_but_not_the_probes_near_the_budget():
    """F(2,3) divides by powers of two alone: its map is right bit for bit."""
    assert structure(targets.numeric("winograd2"), "conv", PLAIN).outcome == "certified"
    assert structure(targets.numeric("fft"), "conv", PLAIN).outcome == "inexact"
    assert bound(targets.numeric("winograd2"), "conv", PLAIN, 2).outcome == "inexact"


@pytest.mark.parametrize("how", [rounded, rounded_away, cut])
@pytest.mark.parametrize(("bits", "kind"), [(11, "TF32"), (8, "bfloat16 products")])
def test_matrix_units_pass_short_integers_and_are_recognised_by_long_ones(bits, kind, how):
    target = changed(of_inputs(lambda a: how(a, bits).astype(np.float32)))
    for function in THREE:
        assert structure(target, function, PLAIN).outcome == "certified"
        assert integers(target, function, PLAIN, 2).outcome == "certified"
        found = bound(target, function, PLAIN, 2)
        if how is not cut:  # off by up to twice as much: refuted by the bound of rounding to nearest
            assert found.outcome == "inexact"
            assert kind in found.detail


def test_bfloat16_that_adds_up_in_bfloat16_is_recognised():
    """One tap after the other, each sum rounded."""

    def sums(geometry, x, w):
        total = np.float32(0)
        for tap in geometry.taps():
            part = np.zeros_like(w)
            part[(..., *tap)] = w[(..., *tap)]
            total = rounded(total + PATHS["im2col"].conv(x, part, geometry), 8).astype(np.float32)
        return total

    found = bound(targets.FromKernels({"conv": sums}, "bfloat16"), "conv", PLAIN, 2)
    assert found.outcome == "inexact"
    assert "sums rounded to bfloat16 on the way" in found.detail


def test_float64_computed_as_float32_is_not_certified():
    target = changed(lambda _, f: lambda g, *a: f(g, *(x.astype(np.float32) for x in a)).astype(np.float64), "float64")
    found = bound(target, "conv", PLAIN, 2)
    assert found.outcome == "inexact"
    assert "float32 arithmetic" in found.detail


@pytest.mark.parametrize("path", ["im2col", "winograd2", "fft"])
@pytest.mark.parametrize("function", THREE)
def test_what_is_beyond_every_bound_is_refuted(path, function):
    off = changed(of_output(lambda y, *_: y * np.float32(1.02)), path=path)
    assert bound(off, function, PLAIN, 2).outcome == "refuted"
    nan = changed(of_output(lambda y, *_: np.full_like(y, np.nan)), path=path)
    assert bound(nan, function, PLAIN, 2).outcome == "refuted"


@pytest.mark.parametrize("name", KERNELS)
def test_planted_wrong_kernels_are_refuted_here_too(name):
    function = ROLES[name.partition(":")[0]]
    assert "refuted" in [bound(targets.planted(KERNELS[name]), function, layer, 2).outcome for layer in LAYERS]


@given(data=st.data())
def test_the_exact_value_is_exact(data):
    case = data.draw(strategies.layers(most=500))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, np.float32)))
    true = {name: strategies.exact(array) for name, array in of.items()}
    high, low = exactly("conv", case.geometry, of["x"], of["w"])
    expected = definition.conv(true["x"], true["w"], case.geometry)
    for index in np.ndindex(expected.shape):
        value = Fraction(float(np.broadcast_to(high, expected.shape)[index]))
        value += Fraction(float(np.broadcast_to(low, expected.shape)[index]))
        assert abs(value - expected[index]) <= abs(expected[index]) / 2**90 + Fraction(1, 2**200)


@given(array=strategies.floats((3, 2), np.float64), width=st.integers(5, 26))
def test_pieces_add_up(array, width):
    parts = list(pieces(array, width))
    total = sum((strategies.exact(part) for part in parts), strategies.exact(np.zeros_like(array)))
    assert (total == strategies.exact(array)).all()


def test_roundings():
    array = np.array([5.0, -5.0, 7.0, 6.5, 0.0])
    assert rounded(array, 2).tolist() == [4, -4, 8, 6, 0]
    assert rounded_away(array, 2).tolist() == [6, -6, 8, 6, 0]
    assert cut(array, 2).tolist() == [4, -4, 6, 6, 0]
    assert (rounded(array.astype(np.float64) / 3, 24) == (array / 3).astype(np.float32)).all()
