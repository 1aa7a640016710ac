"""The layer: each path against the definition and the adjoint identity, on all number types and layouts."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    Geometry,
    GeometryError,
    conv,
    conv_bias_gradient,
    conv_input_gradient,
    conv_weight_gradient,
    convolve,
    correlate,
    definition,
    rounding,
)
from numeric.paths import EXACT, PATHS
from proofs.grids import LayerCase
from tests import checks, strategies

FAST = [name for name in PATHS if name != "definition"]
EVERY_AXIS = {"im2col": 2076, "shift": 2076, "winograd2": 220, "winograd4": 220, "fft": 2076}  # cases taken
FLOATS = (np.float16, np.float32, np.float64)


@pytest.mark.parametrize("name", FAST)
@given(data=st.data())
def test_integers_are_exact(name, data):
    case = data.draw(strategies.layers_for(name))
    checks.check_computes_the_definition(PATHS[name], case, data.draw(strategies.values(case)))


@pytest.mark.parametrize("name", [name for name in FAST if name in EXACT])
@given(data=st.data())
def test_fractions_are_exact(name, data):
    case = data.draw(strategies.layers_for(name, most=500))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, np.float64).map(strategies.exact)))
    checks.check_computes_the_definition(PATHS[name], case, of)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_floats_stay_within_the_bound(name, dtype, data):
    case = data.draw(strategies.layers_for(name, most=1500))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, dtype, name)))
    checks.check_stays_within_bounds(name, case, of)


@pytest.mark.parametrize("name", PATHS)
@given(data=st.data())
def test_gradients_are_adjoints_on_integers(name, data):
    case = data.draw(strategies.layers_for(name))
    checks.check_adjoint(PATHS[name], case, data.draw(strategies.values(case)))


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_gradients_are_adjoints_on_floats(name, dtype, data):
    case = data.draw(strategies.layers_for(name, most=1500))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, dtype, name)))
    checks.check_adjoint_within_bounds(name, case, of)


@pytest.mark.parametrize(("name", "count"), EVERY_AXIS.items())
def test_every_small_axis_exhaustively(name, count):
    tried = 0
    random = np.random.default_rng(0)
    ranges = (range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-2, 3), range(-2, 3), ("zero", "circular"))
    for n, k, s, d, low, high, boundary in product(*ranges):
        try:
            geometry = Geometry((n,), (k,), s, d, ((low, high),), 2, 4, 2, boundary)
        except GeometryError:
            continue
        if PATHS[name].supports(geometry):
            continue
        case = LayerCase(geometry, 2)
        of = {array: random.integers(-9, 10, shape) for array, shape in case.shapes().items()}
        checks.check_computes_the_definition(PATHS[name], case, of)
        tried += 1
    assert tried == count


def test_crops_that_reach_beyond_the_input():
    """Every cell left is padding: only zeros are read, or wrapped around."""
    for low, high, boundary in product((-5, 6), (-5, 6), ("zero", "circular")):
        if low + high + 4 >= 2:
            case = LayerCase(Geometry((4,), (2,), padding=((low, high),), boundary=boundary), 2)
            of = {array: np.arange(1, np.prod(shape) + 1).reshape(shape) for array, shape in case.shapes().items()}
            checks.check_computes_the_definition(PATHS["im2col"], case, of)


def test_a_path_that_is_asked_for_runs(monkeypatch):
    """Every function that takes a path reaches the one that is named."""
    ran = []

    class Spy:
        supports = staticmethod(definition.supports)

        def __getattr__(self, name):
            ran.append(name)
            return getattr(PATHS["definition"], name)

    monkeypatch.setitem(PATHS, "spy", Spy())
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 2))
    conv(x, w, path="spy")
    conv_input_gradient(w, w, 3, path="spy")
    conv_weight_gradient(w, x, 2, path="spy")
    convolve([1, 2], [1], path="spy")
    correlate([1, 2], [1], path="spy")
    assert ran == ["conv", "input_gradient", "weight_gradient", "conv", "conv"]


def test_a_single_input_size_stands_for_every_axis():
    g, w = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    checks.check_same(conv_input_gradient(g, w, 4), conv_input_gradient(g, w, (4, 4)))
    checks.check_same(conv_input_gradient(g, w, np.int64(4)), conv_input_gradient(g, w, (4, 4)))


def test_every_small_plane_exhaustively():
    """Both axes at once, so that a swap of them shows: sizes differ in every case."""
    tried = 0
    random = np.random.default_rng(1)
    for n, k, s, pads in product(
        ((2, 3), (4, 3)), ((1, 2), (2, 1), (2, 3)), ((1, 2), (2, 1)), product((-1, 0, 2), repeat=4)
    ):
        low_h, high_h, low_w, high_w = pads
        try:
            case = LayerCase(Geometry(n, k, s, (1, 1), ((low_h, high_h), (low_w, high_w)), 1, 2), 2)
        except GeometryError:
            continue
        of = {array: random.integers(-9, 10, shape) for array, shape in case.shapes().items()}
        for path in (PATHS[name] for name in FAST):
            if not path.supports(case.geometry):
                checks.check_computes_the_definition(path, case, of)
                tried += 1
    assert tried == 3 * 722  # no kernel is one of Winograd's


@given(st.data())
def test_channels_last_is_the_same_layer(data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    x, w, b, g, options = of["x"], of["w"], of["b"], of["g"], case.options
    first = (0, -1, *range(1, x.ndim - 1))
    last = (0, *range(2, x.ndim), 1)
    x_last, g_last = x.transpose(last), g.transpose(last)
    y = conv(x_last, w, b, channels_last=True, **options)
    checks.check_same(y.transpose(first), conv(x, w, b, **options))
    sizes = case.geometry.input_size, case.geometry.kernel_size
    dx = conv_input_gradient(g_last, w, sizes[0], channels_last=True, **options)
    checks.check_same(dx.transpose(first), conv_input_gradient(g, w, sizes[0], **options))
    dw = conv_weight_gradient(g_last, x_last, sizes[1], channels_last=True, **options)
    checks.check_same(dw, conv_weight_gradient(g, x, sizes[1], **options))
    checks.check_same(conv_bias_gradient(g_last, channels_last=True), conv_bias_gradient(g))


@given(st.data())
def test_views_give_what_copies_give(data):
    """Negative strides, steps and transposed axes; and the arguments are left as they were."""
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    views = {}
    for name, array in of.items():
        wide = np.full([2 * size + 1 for size in array.shape], 99)
        view = wide[tuple(slice(2 * size - 1, None, -2) if size else slice(0, 0) for size in array.shape)]
        view[...] = array
        views[name] = view
    x, w, g, options, geometry = views["x"], views["w"], views["g"], case.options, case.geometry
    checks.check_same(conv(x, w, **options), conv(of["x"], of["w"], **options))
    checks.check_same(
        conv_weight_gradient(g, x, geometry.kernel_size, **options),
        definition.weight_gradient(of["g"], of["x"], geometry),
    )
    checks.check_same(
        conv_input_gradient(g, w, geometry.input_size, **options),
        definition.input_gradient(of["g"], of["w"], geometry),
    )
    for name, view in views.items():
        checks.check_same(view, of[name])


@given(st.data())
def test_bias_is_added_to_every_position_of_its_channel(data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    y = conv(of["x"], of["w"], of["b"], **case.options)
    expected = conv(of["x"], of["w"], **case.options)
    for channel, b in enumerate(of["b"]):
        expected[:, channel] += b
    checks.check_same(y, expected)


@given(st.data())
def test_bias_gradient_is_the_definition(data):
    case = data.draw(strategies.layers())
    g = data.draw(strategies.integers(case.shapes()["g"]))
    checks.check_same(conv_bias_gradient(g), definition.bias_gradient(g))


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_bias_gradient_stays_within_the_bound(dtype, data):
    case = data.draw(strategies.layers())
    g = data.draw(strategies.floats(case.shapes()["g"], dtype))
    true = definition.bias_gradient(strategies.exact(g))
    checks.check_within(conv_bias_gradient(g), true, rounding.bias_gradient_bound(g))


@given(st.data())
def test_keywords_spell_the_same_layer(data):
    """A number stands for itself on every axis, a name for the padding that it resolves to."""
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    geometry = Geometry(case.geometry.input_size, case.geometry.kernel_size, 2, 1, "same")
    short = conv(of["x"], of["w"], groups=case.geometry.groups, stride=2, padding="same")
    spelled = {"stride": (2,) * geometry.ndim, "dilation": 1, "padding": geometry.padding}
    checks.check_same(short, conv(of["x"], of["w"], groups=case.geometry.groups, **spelled))
