"""Flattening: against the place of every entry, and its own inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import GeometryError, definition, flatten, flatten_input_gradient
from tests import checks, strategies

SHAPES = ((3,), (0, 2, 3), (2, 3), (3, 2, 4), (2, 3, 1, 4), (2, 0, 3))


@given(st.sampled_from(SHAPES).flatmap(strategies.integers))
def test_it_is_the_definition_and_its_gradient_is_its_inverse(x):
    y = flatten(x)
    checks.check_same(y, definition.flatten(x))
    checks.check_same(flatten_input_gradient(y, x.shape), x)
    g = np.arange(y.size).reshape(y.shape) * 3 - 7
    checks.check_same(flatten_input_gradient(g, x.shape), definition.flatten_input_gradient(g, x.shape))
    assert (flatten_input_gradient(g, x.shape) * x).sum() == (g * y).sum()


def test_the_order_is_that_of_the_axes():
    x = np.arange(12).reshape(1, 2, 3, 2)
    assert flatten(x).tolist() == [list(range(12))]
    assert flatten(np.moveaxis(x, 1, -1)).tolist() == [[0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, object])
def test_numbers_keep_their_type(dtype):
    x = np.arange(6).reshape(2, 3, 1).astype(dtype)
    assert flatten(x).dtype == dtype
    assert flatten_input_gradient(flatten(x), x.shape).dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flatten(3), "x must have a batch axis, got a single number"),
        (
            lambda: flatten_input_gradient(np.ones((2, 5)), (2, 3, 2)),
            r"g must have shape \(2, 6\) for x of \(2, 3, 2\), got \(2, 5\)",
        ),
        (lambda: flatten_input_gradient(np.ones(2), (2,)), r"g must have shape \(2, 1\) for x of \(2,\), got \(2,\)"),
        (lambda: flatten_input_gradient(np.ones((2, 1)), (2, -1)), "shape must be at least 0, got -1"),
        (lambda: flatten_input_gradient(np.ones((2, 1)), (2, 1.0)), "shape must be an integer, got 1.0"),
        (lambda: flatten_input_gradient(np.ones((2, 1)), ()), "shape has 0 entries"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


def test_what_is_no_number_is_a_type_error():
    with pytest.raises(TypeError, match="expected numbers"):
        flatten(np.array([["a"]]))
