"""Dense and locally connected layers: against their definitions, the convolution, and the adjoint identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    GeometryError,
    conv,
    definition,
    dense,
    dense_bias_gradient,
    dense_input_gradient,
    dense_weight_gradient,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
    rounding,
)
from tests import checks, strategies

FLOATS = (np.float16, np.float32, np.float64)


@st.composite
def locals_(draw, elements=strategies.integers):
    """A layer with weights of their own at every position."""
    case = draw(strategies.layers().filter(lambda case: strategies.work(case) < 2000))
    geometry = case.geometry
    shape = (*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size)
    arrays = draw(strategies.values(case, elements))
    return case, arrays["x"], draw(elements(shape)), arrays["g"]


@given(locals_())
def test_locally_connected_is_the_definition(drawn):
    case, x, w, g = drawn
    geometry, options = case.geometry, case.options
    checks.check_same(locally_connected(x, w, **options), definition.locally_connected(x, w, geometry))
    dx = locally_connected_input_gradient(g, w, geometry.input_size, **options)
    checks.check_same(dx, definition.locally_connected_input_gradient(g, w, geometry))
    dw = locally_connected_weight_gradient(g, x, geometry.kernel_size, **options)
    checks.check_same(dw, definition.locally_connected_weight_gradient(g, x, geometry))


@given(st.data())
def test_shared_weights_make_it_a_convolution(data):
    case = data.draw(strategies.layers())
    of = data.draw(strategies.values(case))
    geometry = case.geometry
    own = of["w"].reshape(*geometry.weight_shape[:2], *(1,) * geometry.ndim, *geometry.kernel_size)
    shape = (*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size)
    y = locally_connected(of["x"], np.broadcast_to(own, shape), **case.options)
    checks.check_same(y, conv(of["x"], of["w"], **case.options))


@st.composite
def denses(draw, elements=strategies.integers):
    batch, outputs, features = (draw(st.integers(low, 5)) for low in (0, 1, 1))
    shapes = ((batch, features), (outputs, features), (batch, outputs), (outputs,))
    return tuple(draw(elements(shape)) for shape in shapes)


@given(denses())
def test_dense_is_the_definition_and_its_gradients_are_adjoints(arrays):
    x, w, g, b = arrays
    y = dense(x, w)
    checks.check_same(y, definition.dense(x, w))
    checks.check_same(dense(x, w, b), y + b)
    form = (g * y).sum()
    dx, dw = dense_input_gradient(g, w), dense_weight_gradient(g, x)
    assert (dx.shape, dw.shape) == (x.shape, w.shape)
    assert (dx * x).sum() == form
    assert (dw * w).sum() == form
    assert (dense_bias_gradient(g) * b).sum() == (g * b).sum()


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_dense_and_its_gradients_stay_within_the_bound(dtype, data):
    x, w, g, b = data.draw(denses(lambda shape: strategies.floats(shape, dtype)))
    true_x, true_w, true_g, true_b = map(strategies.exact, (x, w, g, b))
    y = definition.dense(true_x, true_w)
    for ours, true, bound in (
        (dense(x, w), y, rounding.dense_bound(x, w)),
        (dense(x, w, b), y + true_b, rounding.dense_bound(x, w, b)),
        (
            dense_input_gradient(g, w),
            definition.dense_input_gradient(true_g, true_w),
            rounding.dense_input_gradient_bound(g, w),
        ),
        (
            dense_weight_gradient(g, x),
            definition.dense_weight_gradient(true_g, true_x),
            rounding.dense_weight_gradient_bound(g, x),
        ),
        (dense_bias_gradient(g), definition.dense_bias_gradient(true_g), rounding.dense_bias_gradient_bound(g)),
    ):
        assert ours.dtype == dtype
        checks.check_within(ours, true, bound)


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_locally_connected_and_its_gradients_stay_within_the_bound(dtype, data):
    case, *drawn = data.draw(locals_(lambda shape: strategies.floats(shape, dtype)))
    x, w, g = drawn
    true_x, true_w, true_g = map(strategies.exact, drawn)
    geometry, options = case.geometry, case.options
    for ours, true, bound in (
        (
            locally_connected(x, w, **options),
            definition.locally_connected(true_x, true_w, geometry),
            rounding.locally_connected_bound(x, w, geometry),
        ),
        (
            locally_connected_input_gradient(g, w, geometry.input_size, **options),
            definition.locally_connected_input_gradient(true_g, true_w, geometry),
            rounding.locally_connected_input_gradient_bound(g, w, geometry),
        ),
        (
            locally_connected_weight_gradient(g, x, geometry.kernel_size, **options),
            definition.locally_connected_weight_gradient(true_g, true_x, geometry),
            rounding.locally_connected_weight_gradient_bound(g, x, geometry),
        ),
    ):
        assert ours.dtype == dtype
        checks.check_within(ours, true, bound)


@given(denses())
def test_dense_gradients_are_the_definition(arrays):
    x, w, g, _ = arrays
    checks.check_same(dense_input_gradient(g, w), definition.dense_input_gradient(g, w))
    checks.check_same(dense_weight_gradient(g, x), definition.dense_weight_gradient(g, x))
    checks.check_same(dense_bias_gradient(g), definition.dense_bias_gradient(g))


def test_one_input_size_stands_for_every_axis():
    g, w = np.arange(2 * 5 * 4).reshape(1, 2, 5, 4), np.arange(2 * 3 * 5 * 4 * 2 * 3).reshape(2, 3, 5, 4, 2, 3)
    checks.check_same(locally_connected_input_gradient(g, w, 6), locally_connected_input_gradient(g, w, (6, 6)))


X, W, G = np.ones((2, 3, 5)), np.ones((4, 3, 3, 3)), np.ones((2, 4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dense(X, X), r"x must have two axes, got shape \(2, 3, 5\)"),
        (lambda: dense(X[0], X), r"w must have two axes, got shape \(2, 3, 5\)"),
        (lambda: dense_input_gradient(X, X[0]), "g must have two axes"),
        (lambda: dense_input_gradient(X[0], X), "w must have two axes"),
        (lambda: dense_weight_gradient(X, X[0]), "g must have two axes"),
        (lambda: dense_weight_gradient(X[0], X), "x must have two axes"),
        (lambda: dense(X[0], W[0, 0]), r"as many features, got x \(3, 5\) and w \(3, 3\)"),
        (lambda: dense(X[0], X[0], np.ones(2)), r"bias must have shape \(3,\), got \(2,\)"),
        (lambda: dense_input_gradient(X[0], X[0]), r"one column for each output of w, got g \(3, 5\) and w \(3, 5\)"),
        (lambda: dense_weight_gradient(X[0], X[0, :2]), r"same batch, got g \(3, 5\) and x \(2, 5\)"),
        (lambda: dense_bias_gradient(X), "g must have two axes"),
        (lambda: locally_connected(X, W[..., 0]), r"\*output, \*kernel\); got x \(2, 3, 5\) and w \(4, 3, 3\)"),
        (
            lambda: locally_connected(X, W[:, :, :2]),
            r"w must have shape \(4, 3, 3, 3\), got \(4, 3, 2, 3\), for Geometry",
        ),
        (lambda: locally_connected_input_gradient(G, W, 6), r"w must have shape \(4, 3, 4, 3\)"),
        (lambda: locally_connected_input_gradient(G[0], W, 5), r"got g \(4, 3\) and w"),
        (lambda: locally_connected_input_gradient(G[0], W[0, 0], 5), r"got g \(4, 3\) and w \(3, 3\)"),
        (lambda: locally_connected_input_gradient(G, W, 0), "input_size must be at least 1, got 0"),
        (lambda: locally_connected_input_gradient(G, W, 5, groups=0), "groups must be at least 1, got 0"),
        (lambda: locally_connected_input_gradient(G, W, 5, groups=1.5), "groups must be an integer, got 1.5"),
        (lambda: locally_connected_input_gradient(G[:, :2], W, 5), r"g must have shape \(2, 4, 3\), got \(2, 2, 3\)"),
        (lambda: locally_connected_weight_gradient(G, X, 2), r"g must have shape \(2, 4, 4\), got \(2, 4, 3\)"),
        (lambda: locally_connected_weight_gradient(G[0], X, 3), r"got x \(2, 3, 5\) and g \(4, 3\)"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()
