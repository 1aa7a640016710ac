"""The transposed layer: its sums, its gradients, its sizes, and TensorFlow's."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    Axis,
    Geometry,
    conv_transpose,
    conv_transpose_input_gradient,
    conv_transpose_weight_gradient,
    definition,
    rounding,
)
from numeric.paths import DIRECT, EXACT, PATHS
from tests import checks, strategies

FLOATS = (np.float16, np.float32, np.float64)


@pytest.mark.parametrize("path", PATHS)
@given(data=st.data())
def test_integers_are_exact(path, data):
    """G of a layer is the input of its transpose, and x its cotangent."""
    case = data.draw(strategies.layers_for(path))
    of = data.draw(strategies.values(case))
    x, w, g, geometry = of["x"], of["w"], of["g"], case.geometry
    options = {"path": path, **case.options}
    y = conv_transpose(g, w, output_padding=case.remainders, **options)
    checks.check_same(y, definition.input_gradient(g, w, geometry))
    checks.check_same(conv_transpose_input_gradient(x, w, **options), definition.conv(x, w, geometry))
    dw = conv_transpose_weight_gradient(x, g, geometry.kernel_size, **options)
    checks.check_same(dw, definition.weight_gradient(g, x, geometry))


@given(st.data())
def test_channels_last_and_bias_are_the_same_layer(data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    g, w, options = of["g"], of["w"], {"output_padding": case.remainders, **case.options}
    bias = np.arange(1, case.geometry.in_channels + 1)
    y = conv_transpose(g, w, bias, **options)
    expected = conv_transpose(g, w, **options)
    for channel, b in enumerate(bias):
        expected[:, channel] += b
    checks.check_same(y, expected)
    g_last, x_last = np.moveaxis(g, 1, -1), np.moveaxis(of["x"], 1, -1)
    last = conv_transpose(g_last, w, bias, channels_last=True, **options)
    checks.check_same(np.moveaxis(last, -1, 1), expected)
    dx = conv_transpose_input_gradient(x_last, w, channels_last=True, **case.options)
    checks.check_same(np.moveaxis(dx, -1, 1), conv_transpose_input_gradient(of["x"], w, **case.options))
    kernel = case.geometry.kernel_size
    dw = conv_transpose_weight_gradient(x_last, g_last, kernel, channels_last=True, **case.options)
    checks.check_same(dw, conv_transpose_weight_gradient(of["x"], g, kernel, **case.options))


def test_the_path_that_is_asked_for_is_the_one_that_runs(monkeypatch):
    """No result tells paths apart: here, one that gives zeros."""
    definitions = {name: getattr(definition, name) for name in ("conv", "weight_gradient", "input_gradient")}
    zeros = {name: lambda *args, true=true: np.zeros_like(true(*args)) for name, true in definitions.items()}
    monkeypatch.setitem(PATHS, "shift", SimpleNamespace(supports=lambda _: "", **zeros))
    x, w, g = np.ones((2, 3, 4), int), np.ones((3, 2, 2), int), np.ones((2, 2, 5), int)
    for y in (
        conv_transpose(x, w, path="shift"),
        conv_transpose_input_gradient(g, w, path="shift"),
        conv_transpose_weight_gradient(g, x, 2, path="shift"),
    ):
        assert not y.any()
    assert conv_transpose(x, w).all()


def test_same_padding_gives_stride_times_the_input():
    x, w = np.arange(6).reshape(1, 2, 3), np.arange(6).reshape(2, 1, 3)
    y = conv_transpose(x, w, stride=2, padding="same")
    assert y.shape == (1, 1, 6)
    assert (
        y.tolist() == definition.input_gradient(x, w, Geometry((6,), (3,), 2, padding="same", out_channels=2)).tolist()
    )


@pytest.mark.parametrize(
    ("path", "dtype"),
    [*(("im2col", dtype) for dtype in FLOATS), *((path, np.float32) for path in PATHS if path not in DIRECT)],
)
@given(data=st.data())
def test_floats_stay_within_the_bound(path, dtype, data):
    case = data.draw(strategies.layers_for(path, most=1500))
    of = data.draw(strategies.values(case, lambda shape: strategies.floats(shape, dtype, path)))
    bias = data.draw(strategies.floats((case.geometry.in_channels,), dtype, path))
    x, w, g = (of[name] for name in "gwx")  # the layer that this is the transpose of has them the other way
    true_x, true_w, true_g = map(strategies.exact, (x, w, g))
    geometry, options = case.geometry, {"path": path, **case.options}
    y = definition.conv_transpose(true_x, true_w, geometry)
    offset = strategies.exact(bias).reshape(-1, *(1,) * geometry.ndim)
    extra = case.remainders
    for ours, true, bound in (
        (
            conv_transpose(x, w, output_padding=extra, **options),
            y,
            rounding.conv_transpose_bound(x, w, geometry, path=path),
        ),
        (
            conv_transpose(x, w, bias, output_padding=extra, **options),
            y + offset,
            rounding.conv_transpose_bound(x, w, geometry, bias, path=path),
        ),
        (
            conv_transpose_input_gradient(g, w, **options),
            definition.conv_transpose_input_gradient(true_g, true_w, geometry),
            rounding.conv_transpose_input_gradient_bound(g, w, geometry, path=path),
        ),
        (
            conv_transpose_weight_gradient(g, x, geometry.kernel_size, **options),
            definition.conv_transpose_weight_gradient(true_g, true_x, geometry),
            rounding.conv_transpose_weight_gradient_bound(g, x, geometry, path=path),
        ),
    ):
        assert ours.dtype == dtype
        checks.check_within(ours, true, bound)


@pytest.mark.parametrize("path", EXACT)
@given(data=st.data())
def test_it_is_the_loop_that_scatters(path, data):
    """The definition has the index map written out: that of the geometry is the same."""
    case = data.draw(strategies.layers_for(path))
    of = data.draw(strategies.values(case))
    x, w, g, geometry = of["g"], of["w"], of["x"], case.geometry
    options = {"path": path, **case.options}
    y = conv_transpose(x, w, output_padding=case.remainders, **options)
    checks.check_same(y, definition.conv_transpose(x, w, geometry))
    dx = conv_transpose_input_gradient(g, w, **options)
    checks.check_same(dx, definition.conv_transpose_input_gradient(g, w, geometry))
    dw = conv_transpose_weight_gradient(g, x, geometry.kernel_size, **options)
    checks.check_same(dw, definition.conv_transpose_weight_gradient(g, x, geometry))


def test_sizes_invert_the_output_size():
    tried = 0
    for m, k, s, d, low, high in product(
        range(1, 5), range(1, 4), range(1, 4), range(1, 3), range(-1, 2), range(-1, 2)
    ):
        size = Axis(m, k, s, d, low, high).transposed_size
        for extra in range(s):
            if size + extra >= 1:
                assert Axis(size + extra, k, s, d, low, high).output_size == m
                tried += 1
    assert tried == 1269


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_it_is_tensorflows(stride, padding):
    tensorflow = pytest.importorskip("tensorflow")
    random = np.random.default_rng(0)
    x = random.integers(-9, 10, (2, 3, 4, 5)).astype(float)
    w = random.integers(-9, 10, (3, 2, 3, 2)).astype(float)
    ours = conv_transpose(x, w, stride=stride, padding=padding).transpose(0, 2, 3, 1)
    theirs = tensorflow.nn.conv2d_transpose(
        x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), ours.shape, stride, padding.upper()
    )
    assert ours.tolist() == theirs.numpy().tolist()
