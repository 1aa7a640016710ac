"""The gradients of the convolution's gradients: against their sums, and as derivatives of the number they are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    GeometryError,
    conv_double_backward,
    conv_input_gradient,
    conv_weight_gradient,
    definition,
)
from numeric.paths import EXACT
from tests import checks, strategies

NAMES = ("ddx", "ddw", "g", "x", "w")


@st.composite
def cases(draw, path="im2col", elements=strategies.integers):
    """A layer with all five arrays."""
    case = draw(strategies.layers_for(path))
    of = dict(draw(strategies.values(case, elements)))
    of |= {"ddx": draw(elements(of["x"].shape)), "ddw": draw(elements(of["w"].shape))}
    return case, [of[name] for name in NAMES]


def _number(ddx, ddw, g, x, w, geometry):
    """What is differentiated, by the definition."""
    inner = (ddx * definition.input_gradient(g, w, geometry)).sum()
    return inner + (ddw * definition.weight_gradient(g, x, geometry)).sum()


@pytest.mark.parametrize("path", EXACT)
@given(data=st.data())
def test_every_exact_path_computes_the_definition(path, data):
    case, arrays = data.draw(cases(path))
    theirs = definition.conv_double_backward(*arrays, case.geometry)
    for left, right in zip(conv_double_backward(*arrays, path=path, **case.options), theirs, strict=True):
        checks.check_same(left, right)


@given(data=st.data())
def test_they_are_the_gradients_of_that_number(data):
    """The number is linear in g, in x and in w: its difference along one is what the gradient says, exactly."""
    case, arrays = data.draw(cases())
    gradients = conv_double_backward(*arrays, **case.options)
    before = _number(*arrays, case.geometry)
    for place, gradient in zip((2, 3, 4), gradients, strict=True):
        step = data.draw(strategies.integers(arrays[place].shape))
        moved = [array + step if number == place else array for number, array in enumerate(arrays)]
        assert _number(*moved, case.geometry) - before == (gradient * step).sum()


@given(data=st.data())
def test_channels_last_is_the_same(data):
    case, arrays = data.draw(cases())
    last = [
        array if name in ("ddw", "w") else np.moveaxis(array, 1, -1) for name, array in zip(NAMES, arrays, strict=True)
    ]
    ours = conv_double_backward(*arrays, **case.options)
    dg, dx, dw = conv_double_backward(*last, channels_last=True, **case.options)
    for left, right in zip((np.moveaxis(dg, -1, 1), np.moveaxis(dx, -1, 1), dw), ours, strict=True):
        checks.check_same(left, right)


def test_half_of_it_is_one_gradient_of_each_kind():
    """With ddx = 0 or ddw = 0 it is the layer's own functions."""
    random = np.random.default_rng(0)
    x, w, g = (random.integers(-9, 10, shape) for shape in ((2, 3, 5, 4), (4, 3, 2, 3), (2, 4, 4, 2)))
    ddx, ddw = random.integers(-9, 10, x.shape), random.integers(-9, 10, w.shape)
    _, dx, dw = conv_double_backward(ddx, ddw, g, x, w)
    checks.check_same(dx, conv_input_gradient(g, ddw, (5, 4)))
    checks.check_same(dw, conv_weight_gradient(g, ddx, (2, 3)))


def test_it_is_tensorflows():
    """Small integers, so exactly."""
    tensorflow = pytest.importorskip("tensorflow")
    random = np.random.default_rng(1)
    x, w = random.integers(-4, 5, (2, 7, 6, 3)).astype(float), random.integers(-4, 5, (3, 2, 3, 4)).astype(float)
    variables = [tensorflow.Variable(array) for array in (x, w, random.integers(-4, 5, (2, 3, 3, 4)).astype(float))]
    ddx, ddw = (random.integers(-4, 5, array.shape).astype(float) for array in (x, w))
    with tensorflow.GradientTape() as outer:
        with tensorflow.GradientTape() as tape:
            y = tensorflow.nn.conv2d(variables[0], variables[1], 2, "VALID")
            y = tensorflow.reduce_sum(y * variables[2])
        dx, dw = tape.gradient(y, variables[:2])
        number = tensorflow.reduce_sum(dx * ddx) + tensorflow.reduce_sum(dw * ddw)
    theirs = outer.gradient(number, variables)
    kernel = (3, 2, 0, 1)
    dg, dx, dw = conv_double_backward(
        ddx, ddw.transpose(kernel), variables[2].numpy(), x, w.transpose(kernel), channels_last=True, stride=2
    )
    assert dx.tolist() == theirs[0].numpy().tolist()
    assert dw.tolist() == theirs[1].numpy().transpose(kernel).tolist()
    assert dg.tolist() == theirs[2].numpy().tolist()


X, W, G = np.ones((2, 3, 5)), np.ones((4, 3, 2)), np.ones((2, 4, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_double_backward(X[:1], W, G, X, W), r"ddx must have shape \(2, 3, 5\), got \(1, 3, 5\), for"),
        (lambda: conv_double_backward(X, W[:3], G, X, W), r"ddw must have shape \(4, 3, 2\), got \(3, 3, 2\), for"),
        (lambda: conv_double_backward(X, W, G[..., :3], X, W), r"g must have shape \(2, 4, 4\), got \(2, 4, 3\), for"),
        (lambda: conv_double_backward(X, W, G, X, W[0]), r"as many axes; got x \(2, 3, 5\) and w \(3, 2\)"),
        (lambda: conv_double_backward(X, W, G, X, W, groups=2), "in_channels=3 is not divisible by groups=2"),
        (lambda: conv_double_backward(X, W, G, X, W, path="fast"), "path must be one of"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()
