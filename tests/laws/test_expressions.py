"""Expressions: equal exactly where they are the same function, compared at a sample, differentiated by SymPy."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from proofs.expressions import Expression, Expressions, vanishes
from proofs.forms import Forms, KinkError

A, B, C = sympy.symbols("a b c")
EXP, SQRT, LOG = sympy.exp, sympy.sqrt, sympy.log


def _cube(term):
    """Zero, though SymPy leaves it as it is."""
    return SQRT(term + 1) ** 3 - term * SQRT(term + 1) - SQRT(term + 1)


ZERO = {
    "exponentials multiply": EXP(A + B) - EXP(A) * EXP(B),
    "halves": (EXP(A / 2) + 1) ** 2 - EXP(A) - 2 * EXP(A / 2) - 1,
    "thirds and halves": (EXP(A / 2) + 1) * (EXP(A / 3) + 1) - EXP(5 * A / 6) - EXP(A / 2) - EXP(A / 3) - 1,
    "thirds and fifths": (EXP(A / 3) + 1) * (EXP(A / 5) + 1) - EXP(8 * A / 15) - EXP(A / 3) - EXP(A / 5) - 1,
    "quotient": EXP(A) / (EXP(A) + EXP(B)) - 1 / (1 + EXP(B - A)),
    "products of variables": EXP(A * B + C) - EXP(A * B) * EXP(C),
    "expanded argument": EXP((A + B) * C) - EXP(A * C) * EXP(B * C),
    "logarithm in an exponent": EXP((LOG(A) + B) * (C + 2) - C * LOG(A)) - A**2 * EXP(B * C + 2 * B),
    "the same logarithm": LOG(A * (B + 1)) - LOG(A * B + A),
    "square of a root": (SQRT(A + B) + 1) ** 2 - A - B - 2 * SQRT(A + B) - 1,
    "root in a denominator": 1 / (SQRT(A + B) + 1) - (SQRT(A + B) - 1) / (A + B - 1),
    "cube of a root": _cube(A),
    "root of a quotient": (SQRT(A / (B + 1)) + 1) ** 2 - A / (B + 1) - 2 * SQRT(A / (B + 1)) - 1,
    "two roots": (SQRT(A) + SQRT(B)) * (SQRT(A) - SQRT(B)) - A + B,
    "fractions": 1 / A + 1 / B - (A + B) / (A * B),
}
# Roots are taken one after the other, in SymPy's order of terms: one goes, another with it, a third may still be there.
GOING = (SQRT(B + 1) ** 5 + B * SQRT(B + 1) + B**2 + B + 7) * _cube(A)
ZERO |= {
    "one root goes with another": GOING,
    "and a third is still there": GOING + sum(C**n for n in range(9)) * _cube(C),
}
NOT_ZERO = {
    "exponentials do not add": EXP(A) + EXP(B) - EXP(A + B),
    "sign in an exponent": EXP(A) - EXP(-A),
    "square root of a square": SQRT(A + B) - A - B,
    "root in a denominator": 1 / SQRT(A + B) - SQRT(A + B),
    "another logarithm": LOG(A) - LOG(B),
    "a small coefficient": EXP(A) * sympy.Rational(10**9 + 1, 10**9) - EXP(A),
    "a number": sympy.Rational(1, 3),
    "variables": A * B - A * C,
    "one is left of roots": _cube(A) + 1,
}


@pytest.mark.parametrize("name", ZERO)
def test_identities_vanish(name):
    assert ZERO[name] != 0  # SymPy does not see it by itself
    assert vanishes(ZERO[name])


def test_nothing_vanishes():
    assert vanishes(sympy.Integer(0))


@pytest.mark.parametrize("name", NOT_ZERO)
def test_nothing_else_vanishes(name):
    assert not vanishes(NOT_ZERO[name])


def _of(**sample):
    return Expressions({name: (len(values),) for name, values in sample.items()}, sample)


def test_the_ufuncs_reach_the_methods():
    x = _of(x=[1])["x"]
    (symbol,) = (entry.term for entry in x)
    for ufunc, expected in (
        (np.exp, EXP(symbol)),
        (np.expm1, EXP(symbol) - 1),
        (np.log, LOG(symbol)),
        (np.log1p, LOG(1 + symbol)),
        (np.sqrt, SQRT(symbol)),
        (np.tanh, (EXP(symbol) - EXP(-symbol)) / (EXP(symbol) + EXP(-symbol))),
    ):
        assert vanishes(ufunc(x)[0].term - expected), ufunc
        assert ufunc(x)[0] > -1, ufunc  # and what they give is compared at the sample too


def test_arithmetic_is_sympys():
    a, b = _of(x=[1, 2])["x"]
    s, t = a.term, b.term
    for ours, theirs in (
        (1 + a - b, 1 + s - t),
        (2 - a, 2 - s),
        (3 * a * b, 3 * s * t),
        (a / b, s / t),
        (1 / a, 1 / s),
        (a**3, s**3),
        (-a, -s),
        (a * 0.5, s / 2),
        (a * Fraction(1, 3), s / 3),
    ):
        assert ours.term == theirs
    with pytest.raises(TypeError):
        a + "1"


def test_equality_is_decided_by_the_normal_form():
    a, b = _of(x=[1, 2])["x"]
    assert a.exp() * b.exp() == (a + b).exp()
    assert a.exp() != b.exp()
    assert a != "a"
    assert a - a == 0
    assert hash(a + b) == hash(b + a)
    assert str(a) == repr(a) == "x[0]"


def test_comparisons_are_decided_at_the_sample():
    a, b = _of(x=[Fraction(1, 3), -2])["x"]
    assert a > b
    assert b < 0
    assert b <= 0
    assert a.exp() >= 1
    assert abs(b) == -b
    assert abs(a) == a
    assert not a > a
    assert not a < a
    assert a >= a
    assert a <= a
    assert not (a.sqrt() * a.sqrt() > a)  # equal everywhere, so no kink


def test_a_sample_on_a_kink_is_refused():
    a, b = _of(x=[1, 1])["x"]
    with pytest.raises(KinkError, match=r"x\[0\] and x\[1\] are equal at the sample"):
        a > b  # noqa: B015 - the comparison is what is tested


def test_half_of_the_digits_decide_what_is_equal_at_the_sample():
    """Forty are computed: a difference above 10**-20 has a sign, a smaller one may be none."""
    a, b, c = _of(x=[1, 1 + Fraction(3, 2 * 10**20), 1 + Fraction(2, 3 * 10**20)])["x"]
    assert a < b
    with pytest.raises(KinkError, match="are equal at the sample"):
        a < c  # noqa: B015 - the comparison is what is tested


def test_without_a_sample_nothing_is_compared():
    (a,) = Expressions({"x": (1,)})["x"]
    with pytest.raises(TypeError, match=r"the sign of x\[0\] is not decided"):
        a > 0  # noqa: B015 - the comparison is what is tested


def test_gradients_are_sympys():
    of = _of(x=[1, 2])
    gradient = of.gradient(lambda x: (np.exp(x[:1]) * np.sqrt(x[1:]))[0], "x")
    s, t = (entry.term for entry in of["x"])
    assert gradient[0] == Expression(EXP(s) * SQRT(t), of)
    assert gradient[1] == Expression(EXP(s) / (2 * SQRT(t)), of)
    assert gradient[0] > gradient[1] > 0


def test_a_polynomial_is_converted():
    forms, of = Forms({"x": (2,)}), Expressions({"x": (2,)})
    (a, b), (s, t) = forms["x"], of["x"]
    assert of.converted(3 * a * a * b - b / 2 + 1) == 3 * s * s * t - t / 2 + 1
    assert of.converted(5) == 5
    sampled = Expressions({"x": (2,)}, {"x": [2, 1]})
    assert sampled.converted(a - b) > 0
