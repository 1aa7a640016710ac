"""Arrays that carry a bound on their error, for bounds on functions that are more than sums of products.

An `Approximation` stands for arrays `c` that some evaluation in a float type has instead of the true `t`, all with
`|c - t| <= error` in every entry. Its `value` is one of these: it is computed here, in float64, by the same steps, and
float64 rounds no worse than the type. So `|t| <= |value| + error` and `|c| <= |value| + 2 * error`, and each operation
passes errors on by its exact difference, and adds its own rounding of the type (`numeric.rounding`).

Assumed of exp, expm1, log, log1p and tanh: at most `ELEMENTARY_ULPS` units in the last place from the true value, in
the subnormal range too. NumPy's vectorised functions are made for that, and its tests (`test_umath_accuracy.py`) allow
2 to 4; the largest error seen when this was written was 2.6. sqrt is correctly rounded (IEEE 754).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.reals import scalar
from numeric.rounding.model import gamma, smallest_subnormal, unit_roundoff

ELEMENTARY_ULPS = 4
SLACK = 1 + 2.0**-40  # for the rounding of the bound's own arithmetic
TINY = 4 * smallest_subnormal(np.float64)  # and its underflow
quiet = partial(np.errstate, divide="ignore", over="ignore", invalid="ignore")  # the bound is infinite there


@dataclass(frozen=True)
class Approximation:
    """One of the arrays that may come out, the error that any of them may have, and the type that they are in."""

    value: Array
    error: Array
    dtype: np.dtype[Any]

    @classmethod
    def exact(cls, array: Array) -> Approximation:
        """Numbers as they are given. Raises `TypeError` for a type that is no real float, or wider than float64."""
        if unit_roundoff(array.dtype) < unit_roundoff(np.float64):
            raise TypeError(f"these bounds are computed in float64, and for no wider type: got {array.dtype}")
        value = array.astype(np.float64)
        return cls(value, np.zeros(value.shape), array.dtype)

    @classmethod
    def number(cls, true: Any, used: Any, dtype: np.dtype[Any]) -> Approximation:
        """One number, of which the type has the nearest to `used`."""
        value = float(used)
        taken = (Fraction(value), Fraction(scalar("number", used, dtype).item()))
        error = max(abs(number - Fraction(true)) for number in taken)
        return cls(np.asarray(value), np.asarray(float(error) * SLACK + TINY * (error > 0)), dtype)

    def __add__(self, other: Approximation) -> Approximation:
        with quiet():
            return self._rounded(self.value + other.value, self.error + other.error, 0)

    def __sub__(self, other: Approximation) -> Approximation:
        return self + -other

    def __neg__(self) -> Approximation:
        return Approximation(-self.value, self.error, self.dtype)

    def __mul__(self, other: Approximation) -> Approximation:
        with quiet():
            passed = self.size * other.error + other.size * self.error + self.error * other.error
            return self._rounded(self.value * other.value, passed, 1)

    def __truediv__(self, other: Approximation) -> Approximation:
        with quiet():
            true, computed = other._least(1), other._least(2)
            passed = self.error / computed + self.size * (other.error / true) / computed
            return self._rounded(self.value / other.value, passed, 1)

    def exp(self) -> Approximation:
        """Exponential; two of them are at most `exp(t) * expm1(error)` apart."""
        with quiet():
            return self._elementary(np.exp(self.value), self._exp_passed())

    def expm1(self) -> Approximation:
        """Exponential without its 1, which changes no difference."""
        with quiet():
            return self._elementary(np.expm1(self.value), self._exp_passed())

    def log(self) -> Approximation:
        """Logarithm; its slope is at most one over the least argument."""
        with quiet():
            return self._elementary(np.log(self.value), self.error / self._least(2))

    def log1p(self) -> Approximation:
        """Logarithm of 1 more, for arguments from 0 up, where its slope is at most 1."""
        return self._elementary(np.log1p(self.value), self.error)

    def tanh(self) -> Approximation:
        """Hyperbolic tangent; its slope is at most 1."""
        return self._elementary(np.tanh(self.value), self.error)

    def sqrt(self) -> Approximation:
        """Square root; two are apart by the arguments' difference over the roots' sum, and by its root at most."""
        with quiet():
            roots = np.sqrt(self._least(2)) + np.sqrt(self._least(1))
            passed = np.fmin(self.error / roots, np.sqrt(self.error))
            return self._rounded(np.sqrt(self.value), passed, 0)

    def sum(self, axis: int | tuple[int, ...]) -> Approximation:
        """Sum of n terms along axes that stay, in any order: `n - 1` additions."""
        n = prod(self.value.shape[number] for number in np.atleast_1d(axis))
        with quiet():
            value = self.value.sum(axis=axis, keepdims=True)
            reached = (self.size + self.error).sum(axis=axis, keepdims=True)
            error = self.error.sum(axis=axis, keepdims=True) + gamma(max(n - 1, 0), self.dtype) * reached
            slack = SLACK + 4 * gamma(n, np.float64)
            return Approximation(value, self._limited(error * slack + n * TINY, reached * slack), self.dtype)

    def where(self, condition: Array, other: Approximation) -> Approximation:
        """Self where a condition on exact numbers holds, else the other."""
        value = np.where(condition, self.value, other.value)
        return Approximation(value, np.where(condition, self.error, other.error), self.dtype)

    @property
    def size(self) -> Array:
        """At least the true absolute values."""
        return np.asarray(np.abs(self.value) + self.error)

    def _least(self, errors: int) -> Array:
        """At most the absolute values: of the true numbers for one error, of the computed ones for two."""
        return np.asarray(np.maximum(np.nan_to_num((np.abs(self.value) - errors * self.error) / SLACK), 0))

    def _exp_passed(self) -> Array:
        return np.asarray(np.exp(self.value + self.error) * np.expm1(self.error) * SLACK)

    def _elementary(self, value: Array, passed: Array) -> Approximation:
        """Result whose unit in the last place is at most two roundoffs of it, or the smallest number."""
        return self._rounded(value, passed, ELEMENTARY_ULPS, 2 * ELEMENTARY_ULPS)

    def _rounded(self, value: Array, passed: Array, lost: int, roundoffs: int = 1) -> Approximation:
        """Result of one operation: errors passed on, some roundoffs, `lost` smallest numbers for its underflow."""
        unit, least = roundoffs * unit_roundoff(self.dtype), lost * smallest_subnormal(self.dtype)
        with quiet():
            kept = passed * (1 + unit) + least
            true = (np.abs(value) + kept) / (1 - unit)
            error = (kept + unit * true) * SLACK + TINY
            return Approximation(np.asarray(value), self._limited(error, true), self.dtype)

    def _limited(self, error: Array, true: Array) -> Array:
        """Infinite where a value could overflow, or where nothing is known."""
        inside = (true + error) * SLACK < float(np.finfo(self.dtype).max)
        return np.where(inside, error, np.inf)
