"""Exact roots of unity: the Fourier path of `numeric`, run in a number field instead of in floats.

A `Cyclotomic` is a sum of powers of a primitive n-th root of unity, ω, with coefficients that are numbers or
polynomials; what a transform and its inverse give is a polynomial again, which reduction modulo the n-th cyclotomic
polynomial shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import lcm, prod
from typing import Any

import numpy as np
import sympy

from numeric.dtypes import Array, as_numbers
from numeric.paths.fft import Circle, Fourier
from proofs.forms import filled


class Cyclotomic:
    """`Σ coefficients[p]·ω^p` with `ωⁿ = 1`, the powers from 0 to n - 1."""

    __slots__ = ("coefficients", "order")

    def __init__(self, order: int, coefficients: dict[int, Any]) -> None:
        self.order = order
        self.coefficients = coefficients

    def __add__(self, other: Any) -> Cyclotomic:
        found = dict(self.coefficients)
        for power, c in _powers(other).items():
            found[power] = found[power] + c if power in found else c
        return Cyclotomic(self.order, found)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Cyclotomic:
        found: dict[int, Any] = {}
        for p, a in self.coefficients.items():
            for q, b in _powers(other).items():
                power = (p + q) % self.order
                found[power] = found[power] + a * b if power in found else a * b
        return Cyclotomic(self.order, found)

    __rmul__ = __mul__

    def rational(self) -> Any:
        """What is left of it without ω. Raises `ValueError` if it is no number without ω."""
        parts: list[Any] = [0] * int(sympy.totient(self.order))
        for power, c in self.coefficients.items():
            for place, factor in enumerate(_reduced(self.order, power)):
                parts[place] = parts[place] + factor * c
        if any(part != 0 for part in parts[1:]):
            raise ValueError(f"a transform left powers of ω behind: {parts}")
        return parts[0]


def _powers(value: Any) -> dict[int, Any]:
    return value.coefficients if isinstance(value, Cyclotomic) else {0: value}


@cache
def _reduced(order: int, power: int) -> tuple[int, ...]:
    """Coefficients of `ω^power` modulo the cyclotomic polynomial, lowest power first."""
    z = sympy.Symbol("z")
    rest = sympy.Poly(sympy.rem(z**power, sympy.cyclotomic_poly(order, z), z), z)
    return tuple(int(rest.coeff_monomial(z**place)) for place in range(int(sympy.totient(order))))


class ExactFourier(Fourier):
    """The shipped path with transforms by their definition, exact on integers and polynomials."""

    def numbers(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Both as objects."""
        a, b = as_numbers(a, b)
        return a.astype(object), b.astype(object)

    def forward(self, array: Array) -> Array:
        """`Σ over a of array[a]·ω^(−j·a)` on all axes but the first two."""
        return _transformed(array, array.shape[2:], -1)

    def inverse(self, points: Array, circle: Circle, dtype: np.dtype[np.generic]) -> Array:  # noqa: ARG002 - of floats
        """Inverse of `forward`, without ω."""
        found: list[Any] = list(_transformed(points, circle, 1).flat)
        count = Fraction(prod(circle))
        return filled((*points.shape[:2], *circle), (entry.rational() / count for entry in found))


def _transformed(array: Array, circle: Sequence[int], sign: int) -> Array:
    order = lcm(*circle)
    for axis, size in enumerate(circle, start=2):
        matrix = np.empty((size, size), object)
        for j, a in np.ndindex(size, size):
            matrix[j, a] = Cyclotomic(order, {sign * j * a * (order // size) % order: 1})
        array = np.moveaxis(np.moveaxis(array, axis, -1) @ matrix, -1, axis)  # the matrix is symmetric
    return array
