"""Real numbers to 2400 bits: elements with which the definitions, though unstable, serve as a reference for floats.

Every number that can cancel here is below 2**64 or so, and every bound is above 2**-1080, the smallest double; so what
these numbers are off by, some 2**-2300, is far below the `MARGIN` that `check_within_reals` adds for it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

CONTEXT = mpmath.mp.clone()
CONTEXT.prec = 2400
MARGIN = CONTEXT.ldexp(1, -1200)


class Real:
    """A number with no more than the operators and methods that the layers promise to call on objects."""

    __slots__ = ("number",)
    __hash__ = None

    def __init__(self, number: Any) -> None:
        self.number = _number(number)

    def __add__(self, other):
        return Real(self.number + _number(other))

    def __sub__(self, other):
        return Real(self.number - _number(other))

    def __mul__(self, other):
        return Real(self.number * _number(other))

    def __truediv__(self, other):
        return Real(self.number / _number(other))

    def __rsub__(self, other):
        return Real(_number(other) - self.number)

    def __rtruediv__(self, other):
        return Real(_number(other) / self.number)

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, power):
        return Real(self.number ** int(power))

    def __neg__(self):
        return Real(-self.number)

    def __eq__(self, other):
        return bool(self.number == _number(other))

    def __gt__(self, other):
        return bool(self.number > _number(other))

    def __ge__(self, other):
        return bool(self.number >= _number(other))

    def exp(self):
        """Exponential."""
        return Real(CONTEXT.exp(self.number))

    def expm1(self):
        """Exponential minus 1."""
        return Real(CONTEXT.expm1(self.number))

    def log(self):
        """Natural logarithm."""
        return Real(CONTEXT.log(self.number))

    def log1p(self):
        """Natural logarithm of 1 more."""
        return Real(CONTEXT.log1p(self.number))

    def tanh(self):
        """Hyperbolic tangent."""
        return Real(CONTEXT.tanh(self.number))

    def sqrt(self):
        """Square root."""
        return Real(CONTEXT.sqrt(self.number))


def reals(array: Any) -> Any:
    """The same numbers as objects."""
    array = np.asarray(array)
    out = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        out[index] = Real(array[index].item())
    return out


def check_within_reals(computed: Any, true: Any, bound: Any) -> None:
    """Off from the reference by at most the bound, in every entry; where the bound is infinite, nothing is claimed."""
    assert computed.shape == true.shape == bound.shape
    for index in np.ndindex(computed.shape):
        if not np.isinf(bound[index]):
            error = abs(_number(computed[index]) - _number(true[index]))
            allowed = _number(bound[index]) + MARGIN
            assert error <= allowed, f"{index}: off by {float(error):.3g}, bound {bound[index]:.3g}"


def check_sees(computed: Any, true: Any, bound: Any) -> None:
    """The bound holds, and no longer does when any entry of some size is wrong by a twentieth of a percent."""
    check_within_reals(computed, true, bound)
    assert np.isfinite(bound).all()
    size = np.abs(np.asarray(computed, float))
    assert (bound < 0.0005 / 2 * size)[size > size.mean()].all()


def _number(number: Any) -> Any:
    if isinstance(number, Real):
        return number.number
    if isinstance(number, Fraction):
        return CONTEXT.mpf(number.numerator) / number.denominator
    return number if isinstance(number, CONTEXT.mpf) else CONTEXT.mpf(getattr(number, "item", lambda: number)())
