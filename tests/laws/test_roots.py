"""Exact roots of unity: the arithmetic of numbers with such roots, and transforms that undo each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.roots import Cyclotomic, ExactFourier

PRIME = 27720 * 2 + 1  # a prime: 1 modulo every number up to 12, so that it has roots of each order
GENERATOR = 38


def _value(number):
    """Image in the integers modulo PRIME, where ω is a number of that order."""
    root = pow(GENERATOR, (PRIME - 1) // number.order, PRIME)
    return sum(c * pow(root, power, PRIME) for power, c in number.coefficients.items()) % PRIME


def test_there_is_a_root_of_every_order():
    for order in range(1, 13):
        root = pow(GENERATOR, (PRIME - 1) // order, PRIME)
        assert [pow(root, power, PRIME) == 1 for power in range(1, order + 1)] == [False] * (order - 1) + [True]


@given(st.integers(1, 12), st.data())
def test_arithmetic_is_that_of_numbers(order, data):
    terms = st.dictionaries(st.integers(0, order - 1), st.integers(-9, 9), max_size=4)
    a, b = (Cyclotomic(order, data.draw(terms)) for _ in range(2))
    assert _value(a + b) == (_value(a) + _value(b)) % PRIME
    assert _value(a * b) == _value(a) * _value(b) % PRIME
    assert _value(3 * a + 2) == (3 * _value(a) + 2) % PRIME


@pytest.mark.parametrize("order", range(2, 13))
def test_all_roots_add_up_to_zero(order):
    assert Cyclotomic(order, dict.fromkeys(range(order), 1)).rational() == 0
    assert Cyclotomic(order, {0: 5, **dict.fromkeys(range(1, order), 3)}).rational() == 2


def test_what_is_no_number_without_roots_is_refused():
    with pytest.raises(ValueError, match=r"a transform left powers of ω behind: \[0, 1\]"):
        Cyclotomic(4, {1: 1}).rational()


@pytest.mark.parametrize("circle", [(1,), (4,), (5,), (6,), (2, 3)])
def test_the_inverse_undoes_the_transform(circle):
    x = np.arange(2, 2 + np.prod(circle)).reshape(1, 1, *circle).astype(object)
    path = ExactFourier()
    assert path.inverse(path.forward(x), circle, x.dtype).tolist() == x.tolist()


def test_the_transform_is_its_definition():
    x = [3, 1, 4, 1, 5]
    ours = [_value(entry) for entry in ExactFourier().forward(np.array([[x]], object))[0, 0]]
    root = pow(GENERATOR, (PRIME - 1) // 5, PRIME)
    assert ours == [sum(entry * pow(root, -j * a, PRIME) for a, entry in enumerate(x)) % PRIME for j in range(5)]
