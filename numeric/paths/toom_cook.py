"""Minimal filtering F(m, r): m outputs of a filter of r taps by m + r - 1 products instead of m * r; strides, too.

Source: S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin, S. Gray, Fast Algorithms for Convolutional
Neural Networks (2016), arXiv 1509.09308. The matrices are computed, not typed. A product of polynomials v and w of
degrees m - 1 and r - 1 is known from its values at n = m + r - 1 points, one of which may be infinity (the leading
coefficient): `s = C [(E_m v) * (E_r w)]`, with E_k evaluating k coefficients at the points and C interpolating.
Filtering is the adjoint of that in v: `y = E_m^T [(E_r w) * (C^T d)]`, for n inputs d.

With a stride s the taps u of the same residue modulo s read inputs of that residue only, without a stride: so a filter
is s filters of a part of the taps each, of which the results are added (its polyphase components). Their points side
by side are one filtering again, of `s (m - 1) + r` products. The adjoint in d, where inputs are apart and outputs are
not, is the same filters, whose results lie between each other. Source: P. P. Vaidyanathan, Multirate Systems and Filter
Banks (1993), section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce
from math import lcm

import numpy as np

from numeric.dtypes import Array


@dataclass(frozen=True, eq=False)
class Filtering:
    """The matrices of F(m, r), each with one row for every point: `y = output^T [(kernel w) * (input d)]`.

    They say the same thing as the filter if `sum over p of output[p, o] * kernel[p, u] * input[p, a]` is 1 where
    `a = stride * o + u`, and 0 elsewhere. Entries are fractions; `integers` has them times `scale`.
    """

    output: Array
    kernel: Array
    input: Array
    stride: int = 1

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
        """N: inputs of one tile, `stride * (m - 1) + r`."""
        return int(self.input.shape[1])

    @property
    def points(self) -> int:
        """Products of one tile."""
        return len(self.input)

    @cached_property
    def scale(self) -> int:
        """What the kernel's matrix is multiplied with to become one of integers."""
        return lcm(*(entry.denominator for entry in self.kernel.flat))

    @cached_property
    def integers(self) -> Filtering:
        """`output`, `scale * kernel`, `input`, as Python's integers: what they compute is `scale` times the filter."""
        return self._of(*(_map(int, matrix) for matrix in (self.output, self.scale * self.kernel, self.input)))

    @cached_property
    def absolute(self) -> Filtering:
        """The absolute values of all entries."""
        return self._of(abs(self.output), abs(self.kernel), abs(self.input))

    def rounded(self, dtype: np.dtype[np.floating]) -> Filtering:
        """Every entry rounded once to a floating-point type."""
        return _in_type(self, dtype)

    def _of(self, output: Array, kernel: Array, inputs: Array) -> Filtering:
        return replace(self, output=output, kernel=kernel, input=inputs)


@lru_cache(maxsize=256)
def _in_type(exact: Filtering, dtype: np.dtype[np.floating]) -> Filtering:
    return exact._of(*(_rounded(matrix, dtype) for matrix in (exact.output, exact.kernel, exact.input)))


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


def strided(outputs: int, taps: int, stride: int, points: Sequence[int | Fraction]) -> Filtering:
    """F(outputs, taps) with a stride: that of each residue of the taps, at the first of the points that it needs."""
    parts = [
        (part, (slice(None), slice(residue, None, stride), slice(residue, None, stride)))
        for residue, part in enumerate(_residues(outputs, taps, stride, points))
    ]
    return _joined(parts, (outputs, taps, stride * (outputs - 1) + taps), stride)


def stuffed(outputs: int, taps: int, apart: int, points: Sequence[int | Fraction], first: int) -> Filtering:
    """F(apart * outputs, taps) for inputs that are zero but for every `apart`-th one, from `first` below `apart` on.

    It is `strided` with the roles of inputs and outputs exchanged, and has the same `kernel`, for taps in reverse
    order. The other columns of `input` are zero.
    """
    parts = []
    for residue, part in enumerate(_residues(outputs, taps, apart, points)):
        start = (first - residue) % apart  # outputs that read by these taps what is not zero
        parts.append(
            (part, (slice(start, None, apart), slice(residue, None, apart), slice(start + residue, None, apart)))
        )
    return _joined(parts, (apart * outputs, taps, apart * outputs + taps - 1), 1)


def _residues(outputs: int, taps: int, stride: int, points: Sequence[int | Fraction]) -> list[Filtering]:
    """The filters of the taps of each residue; a single tap needs no points."""
    counts = [len(range(residue, taps, stride)) for residue in range(min(stride, taps))]
    one = np.array([[Fraction(int(i == j)) for j in range(outputs)] for i in range(outputs)], object)
    single = Filtering(one, np.array([[Fraction(1)]] * outputs, object), one)
    return [single if n == 1 else filtering(outputs, n, points[: outputs + n - 2]) for n in counts]


def _joined(
    parts: Sequence[tuple[Filtering, tuple[slice, slice, slice]]], columns: tuple[int, int, int], stride: int
) -> Filtering:
    """All points of some filters, of which each has columns of its own in the three matrices."""

    def placed(matrix: Array, place: slice, count: int) -> Array:
        whole = np.full((len(matrix), count), Fraction(0), object)
        whole[:, list(range(count)[place])[: matrix.shape[1]]] = matrix
        return whole

    output, kernel, inputs = (
        np.concatenate([placed(getattr(part, role), places[i], columns[i]) for part, places in parts])
        for i, role in enumerate(("output", "kernel", "input"))
    )
    return Filtering(output, kernel, inputs, stride)


def along(array: Array, matrix: Array, ndim: int) -> Array:
    """`matrix @` every one of the first `ndim` axes."""
    points, _ = matrix.shape
    rest, last = array.shape[ndim:], matrix.astype(array.dtype) if array.dtype.kind == "i" else matrix
    for axis in range(ndim):
        array = last @ array.reshape(points**axis, matrix.shape[1], -1)
    return array.reshape(*(points,) * ndim, *rest)


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
