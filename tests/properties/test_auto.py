"""The path that is chosen when none is named: which may be, that it runs, its bound, its blocks and its work space."""

import tracemalloc
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric as nm
from numeric import Geometry, GeometryError, definition, rounding
from numeric.paths import COMPILED, EVERY, SUMS, auto
from numeric.paths.auto import AUTOMATIC, MODELS, Work, costs, plan
from tests import checks, strategies

FUNCTIONS = get_args(auto.Function)
WIDE = Geometry((32, 32), (3, 3), padding=1, in_channels=8, out_channels=8)


@pytest.fixture
def little_space(monkeypatch):
    """Work space for a few samples; what is planned with it is forgotten."""
    plan.cache_clear()
    monkeypatch.setattr(auto, "SPACE", 1 << 22)
    yield auto.SPACE
    plan.cache_clear()


def arguments(function, geometry, batch, dtype=np.float64):
    """Small integers of that type, so that every path is exact or within its bound."""
    x, w, g = geometry.input_shape(batch), geometry.weight_shape, geometry.output_shape(batch)
    shapes = {"conv": (x, w), "input_gradient": (g, w), "weight_gradient": (g, x)}[function]
    generator = np.random.default_rng(0)
    return tuple(generator.integers(-3, 4, shape).astype(dtype) for shape in shapes)


def public(function, geometry, a, b, path):
    """The function that users call."""
    names = ("stride", "dilation", "padding", "groups", "boundary")
    options = {name: getattr(geometry, name) for name in names}
    if function == "conv":
        return nm.conv(a, b, path=path, **options)
    if function == "input_gradient":
        return nm.conv_input_gradient(a, b, geometry.input_size, path=path, **options)
    return nm.conv_weight_gradient(a, b, geometry.kernel_size, path=path, **options)


@pytest.mark.parametrize("path", AUTOMATIC)
@pytest.mark.parametrize("function", FUNCTIONS)
@given(case=strategies.layers(), dtype=st.sampled_from("?bBhilLqFDGegO"))
def test_all_but_single_and_double_floats_take_im2col(path, function, case, dtype):
    assert plan(path, function, case.geometry, case.batch, np.dtype(dtype))[0] == "im2col"


@pytest.mark.parametrize("path", AUTOMATIC)
@pytest.mark.parametrize("function", FUNCTIONS)
@given(case=strategies.layers(), dtype=st.sampled_from("fd"), batch=st.sampled_from((0, 1, 64, 4096)))
def test_what_is_chosen_is_allowed_takes_the_layer_and_is_expected_to_be_fastest(path, function, case, dtype, batch):
    dtype, geometry = np.dtype(dtype), case.geometry
    name = plan(path, function, geometry, batch, dtype)[0]
    found = costs(path, Work(function, geometry, batch, dtype.itemsize), dtype)
    assert name in found
    assert found[name] == min(found.values())
    assert set(found) <= set(AUTOMATIC[path])
    assert not any(EVERY[other].supports(geometry) for other in found)


def test_auto_only_adds_up_the_layers_own_products():
    assert set(AUTOMATIC["auto"]) == set(SUMS)
    assert set(MODELS) <= set(EVERY)


@pytest.mark.parametrize(
    ("path", "layer", "name"),
    [
        ("auto", Geometry((2048, 2048), (31, 31), padding=15), "direct"),  # columns alone would be 16 GB
        ("auto", Geometry((64, 64, 8), (3, 3, 3), in_channels=8, out_channels=8), "im2col"),
        ("auto-fast", Geometry((512, 512), (101, 101), padding=50), "fft"),
        ("auto-fastest", Geometry((8, 8), (3, 3)), "direct"),
    ],
    ids=str,
)
def test_the_choice_where_it_is_clear(path, layer, name):
    assert plan(path, "conv", layer, 1, np.dtype(np.float32))[0] == name


@pytest.mark.parametrize("path", AUTOMATIC)
@given(st.data())
def test_what_runs_is_what_was_chosen_and_its_bound_holds(path, data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, np.float32, "winograd4")))
    geometry = case.geometry
    name = plan(path, "conv", geometry, case.batch, np.dtype(np.float32))[0]
    y = public("conv", geometry, of["x"], of["w"], path)
    checks.check_same(y, EVERY[name].conv(of["x"], of["w"], geometry))
    true = definition.conv(strategies.exact(of["x"]), strategies.exact(of["w"]), geometry)
    bound = rounding.conv_bound(of["x"], of["w"], geometry, path=path)
    checks.check_same(bound, rounding.conv_bound(of["x"], of["w"], geometry, path=name))
    checks.check_within(y, true, bound)


def test_the_bound_is_that_of_the_path_that_was_chosen(monkeypatch):
    """Where Winograd is chosen, a direct sum's bound would be too small to promise."""
    plan.cache_clear()
    monkeypatch.setattr(auto, "costs", lambda path, *_: {"winograd2": 1.0} if path == "auto-fast" else {"im2col": 1.0})
    (x, w), geometry = arguments("conv", WIDE, 2, np.float32), WIDE
    chosen, direct = (rounding.conv_bound(x, w, geometry, path=path) for path in ("auto-fast", "auto"))
    checks.check_same(chosen, rounding.conv_bound(x, w, geometry, path="winograd2"))
    assert (chosen > direct).any()
    checks.check_same(public("conv", geometry, x, w, "auto-fast"), EVERY["winograd2"].conv(x, w, geometry))
    plan.cache_clear()


@pytest.mark.parametrize("path", [name for name in MODELS if name not in ("fft", *COMPILED)])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_large_batch_is_done_in_blocks(path, function, little_space):
    a, b = arguments(function, WIDE, 31)
    samples = plan(path, function, WIDE, 31, a.dtype)[1]
    assert 0 < samples < 31
    found = public(function, WIDE, a, b, path)
    whole = getattr(EVERY["shift"], function)(a.astype(np.int64), b.astype(np.int64), WIDE)
    np.testing.assert_array_equal(np.rint(found), whole)


def test_the_bound_of_a_gradient_that_is_added_up_in_blocks(little_space):
    g, x = arguments("weight_gradient", WIDE, 31, np.float32)
    g, x = g / np.float32(3), x / np.float32(7)
    true = EVERY["shift"].weight_gradient(g.astype(np.float64), x.astype(np.float64), WIDE)
    for path in ("winograd4", "fft"):
        bound = rounding.weight_gradient_bound(g, x, WIDE, path=path)
        assert (abs(public("weight_gradient", WIDE, g, x, path) - true) <= bound).all()
        blocks = plan(path, "weight_gradient", WIDE, 31, g.dtype)[1]
        assert blocks < 31
        alone = sum(
            rounding.weight_gradient_bound(g[n:][:blocks], x[n:][:blocks], WIDE, path=path)
            for n in range(0, 31, blocks)
        )
        assert (bound >= alone).all()


@pytest.mark.parametrize("path", [name for name in MODELS if name not in COMPILED])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_work_space_is_bounded(path, function, little_space):
    """What is held beside arguments and result, at most, as NumPy tells tracemalloc."""
    a, b = arguments(function, WIDE, 64, np.float32)
    samples = plan(path, function, WIDE, 64, a.dtype)[1]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = public(function, WIDE, a, b, path)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert samples < 64
    assert peak - 2 * result.nbytes <= little_space, f"{peak - result.nbytes:,} bytes"


def test_where_nothing_fits_into_the_space_it_is_im2col_sample_by_sample(little_space):
    layer = Geometry((128, 128, 256), (3, 3, 3))
    found = costs("auto-fastest", Work("conv", layer, 1, 4), np.dtype(np.float32))
    assert list(found) == ["im2col"]
    assert plan("im2col", "conv", layer, 3, np.dtype(np.float32)) == ("im2col", 1)


X, W = np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ({"stride": 1}, {"stride": True}, "stride must be an integer"),
        ({"stride": 1}, {"stride": 1.0}, "stride must be an integer or one entry per axis, got 1.0"),
        ({"padding": ((1, 0), 0)}, {"padding": ((1.0, 0), 0)}, "padding must be an integer, got 1.0"),
        ({"dilation": (1, 1)}, {"dilation": (1, True)}, "dilation must be an integer, got True"),
    ],
    ids=str,
)
def test_a_layer_that_was_seen_hides_no_mistake(good, bad, said):
    nm.conv(X, W, **good)
    with pytest.raises(GeometryError, match=said.split(" or")[0].replace("(", r"\(")):
        nm.conv(X, W, **bad)


def test_options_that_cannot_be_hashed_are_taken():
    expected = nm.conv(X, W, stride=(2, 1), padding=((1, 0), (0, 1)))
    checks.check_same(nm.conv(X, W, stride=[2, 1], padding=[[1, 0], (0, 1)]), expected)
    checks.check_same(nm.conv(X, W, stride=np.array([2, 1]), padding=((1, 0), (0, 1))), expected)
