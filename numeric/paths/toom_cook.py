"""Minimal filtering F(m, r): m outputs of a filter of r taps by m + r - 1 products instead of m * r.

Source: S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin, S. Gray, Fast Algorithms for Convolutional
Neural Networks (2016), arXiv 1509.09308. The matrices are computed, not typed. A product of polynomials v and w of
degrees m - 1 and r - 1 is known from its values at n = m + r - 1 points, one of which may be infinity (the leading
coefficient): `s = C [(E_m v) * (E_r w)]`, with E_k evaluating k coefficients at the points and C interpolating.
Filtering is the adjoint of that in v: `y = E_m^T [(E_r w) * (C^T d)]`, for n inputs d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import lcm

import numpy as np

from numeric.dtypes import Array


@dataclass(frozen=True)
class Filtering:
    """The matrices of F(m, r), each with one row for every point: `y = output^T [(kernel w) * (input d)]`.

    They say the same thing as the filter if `sum over p of output[p, o] * kernel[p, u] * input[p, a]` is 1 where
    `a = o + u`, and 0 elsewhere. Entries are fractions; `integers` has them times `scale`.
    """

    output: Array
    kernel: Array
    input: Array

    @property
    def outputs(self) -> int:
        """M: outputs of one tile."""
        return int(self.output.shape[1])

    @property
    def taps(self) -> int:
        """R: size of the kernel."""
        return int(self.kernel.shape[1])

    @property
    def inputs(self) -> int:
        """N = m + r - 1: inputs of one tile."""
        return int(self.input.shape[1])

    @cached_property
    def scale(self) -> int:
        """What the kernel's matrix is multiplied with to become one of integers."""
        return lcm(*(entry.denominator for entry in self.kernel.flat))

    @cached_property
    def integers(self) -> Filtering:
        """`output`, `scale * kernel`, `input`, as Python's integers: what they compute is `scale` times the filter."""
        return Filtering(*(_map(int, matrix) for matrix in (self.output, self.scale * self.kernel, self.input)))

    @cached_property
    def absolute(self) -> Filtering:
        """The absolute values of all entries."""
        return Filtering(abs(self.output), abs(self.kernel), abs(self.input))

    def rounded(self, dtype: np.dtype[np.floating]) -> Filtering:
        """Every entry rounded once to a floating-point type."""
        return Filtering(*(_rounded(matrix, dtype) for matrix in (self.output, self.kernel, self.input)))


def filtering(outputs: int, taps: int, points: Sequence[int | Fraction]) -> Filtering:
    """F(outputs, taps) from `outputs + taps - 2` different points; infinity is the last one.

    Factors are moved from `input` to `kernel`, so that integer points give integer matrices `output` and `input`.
    Raises `ValueError` for another number of points, or one that comes twice.
    """
    size = outputs + taps - 1
    if len(points) != size - 1 or len(set(points)) != len(points):
        raise ValueError(f"F({outputs}, {taps}) needs {size - 1} different points, got {tuple(points)}")
    factors = [reduce(lambda product, q: product * (p - q), set(points) - {p}, Fraction(1)) for p in points]
    scales = np.array([*factors, Fraction(1)], object)[:, None]
    # row p: coefficients of the polynomial that is factors[p] at p and 0 at the other points; at infinity: of all
    rows = [_coefficients([q for q in points if q != p], size) for p in points] + [_coefficients(points, size)]
    return Filtering(_powers(points, outputs), _powers(points, taps) / scales, np.array(rows, object))


def along(array: Array, matrix: Array, ndim: int) -> Array:
    """`matrix @` every one of the last `ndim` axes."""
    for _ in range(ndim):
        array = np.tensordot(array, matrix, ([-ndim], [1]))  # the axis that is left comes last
    return array


def _powers(points: Sequence[int | Fraction], count: int) -> Array:
    """Rows `1, p, p**2, ...`, and `0, ..., 0, 1` for infinity."""
    rows = [[Fraction(p) ** power for power in range(count)] for p in points]
    return np.array([*rows, [Fraction(0)] * (count - 1) + [Fraction(1)]], object)


def _coefficients(roots: Sequence[int | Fraction], size: int) -> list[Fraction]:
    """Of the product of all `x - root`, lowest power first, filled up with zeros."""
    found = [Fraction(1)]
    for root in roots:
        found = [low - root * high for low, high in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)]
    return found + [Fraction(0)] * (size - len(found))


def _map(function: type[int], matrix: Array) -> Array:
    return np.array([[function(entry) for entry in row] for row in matrix], object)


def _rounded(matrix: Array, dtype: np.dtype[np.floating]) -> Array:
    tops, bottoms = ([[getattr(e, part) for e in row] for row in matrix] for part in ("numerator", "denominator"))
    return np.array(tops, dtype) / np.array(bottoms, dtype)  # both are small integers: one rounding
