"""What a function gives in exact arithmetic, fast: floats cut into pieces so short that no sum of products rounds.

Source: K. Ozaki, T. Ogita, S. Oishi, S. Rump, Error-free transformations of matrix multiplication by using fast
routines of matrix multiplication (2012). Every product of two pieces is an exact matrix product in float64; their sum
is kept in two floats, with a relative error of about 2**-104.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import lcm, log2
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import shift
from numeric.paths.windows import overlap_add, windows
from proofs.conformance.functions import FUNCTIONS, PAIRS, table

KERNELS = {"g": "conv", "x": "input_gradient", "w": "weight_gradient"}
Pair = tuple[Array, Array]


def kernel(function: str) -> str:
    """Name of the layer's function of `numeric` that it is, by what it gives; for functions of two factors."""
    return KERNELS[FUNCTIONS[function].gives]


def factors(function: str, arrays: Sequence[Array]) -> list[Pair]:
    """What is multiplied: both factors of each of the function's `PAIRS`, in the order of `kernel`'s arguments."""
    of = dict(zip(FUNCTIONS[function].arguments, arrays, strict=True))
    ordered = (sorted(pair, key=lambda letter: "wxg".index(letter[-1]), reverse=True) for pair in PAIRS[function])
    return [(of[a], of[b]) for a, b in ordered] if bilinear(function) else []


def bilinear(function: str) -> bool:
    """Whether it is a sum of products of two arguments."""
    return all(len(pair) == 2 for pair in PAIRS[function])


def multiplied(function: str, geometry: Geometry, pairs: Sequence[Pair]) -> Array:
    """Sum over the pairs of the layer's function."""
    found: Array = sum(getattr(shift, kernel(function))(*pair, geometry) for pair in pairs)
    return found


@lru_cache(4096)
def products(function: str, geometry: Geometry, batch: int) -> int:
    """Largest number of terms that one entry of the result adds up, from the index map."""
    reads = table(geometry) >= 0
    of = FUNCTIONS[function]
    if of.gives == "b":
        return int(batch * len(reads))
    readers = int(np.bincount(table(geometry)[reads], minlength=1).max()) if reads.any() else 0
    if "pool" in of.operation:
        return int(reads.sum(1).max()) if of.gives == "g" else readers
    count = {
        "g": geometry.group_in * int(reads.sum(1).max()),
        "x": geometry.group_out * readers,
        "w": batch * int(reads.sum(0).max()),
    }[of.gives]
    return max(1, len(PAIRS[function]) * count)


def exactly(function: str, geometry: Geometry, *arrays: Array) -> Pair:
    """Value as a sum of two float64 arrays, the second one small."""
    of = FUNCTIONS[function]
    terms = max(1, products(function, geometry, len(arrays[0])))
    if bilinear(function):
        width = int(53 - log2(terms)) // 2
        parts = (
            getattr(shift, kernel(function))(a, b, geometry)
            for pair in factors(function, arrays)
            for a in pieces(pair[0], width)
            for b in pieces(pair[1], width)
        )
        return total(parts)
    if of.operation == "average_pool":
        return _average(of.gives, arrays[0], geometry, terms)
    width = int(53 - log2(terms))
    return total(of.expected(geometry, piece, *arrays[1:]) for piece in pieces(arrays[0], width))


def _average(gives: str, array: Array, geometry: Geometry, terms: int) -> Pair:
    """Window sums, exactly, and one division by two floats."""
    cells = np.maximum((table(geometry) >= 0).sum(1), 1).reshape(1, 1, *geometry.output_size)
    common = lcm(*(int(n) for n in cells.ravel()))
    width = int(53 - log2(terms) - log2(common))
    if gives == "g":
        return quotient(*total(window_sums(piece, geometry) for piece in pieces(array, width)), cells)
    weighted = (spread(piece * (common // cells), geometry) for piece in pieces(array, width))
    return quotient(*total(weighted), np.array(common))


def window_sums(x: Array, geometry: Geometry) -> Array:
    """Sum of each window."""
    found: Array = windows(x, geometry).sum(axis=tuple(range(-geometry.ndim, 0)))
    return found


def spread(g: Array, geometry: Geometry) -> Array:
    """Adjoint of `window_sums`."""
    parts = g.reshape(*g.shape, *(1,) * geometry.ndim)
    return overlap_add(np.broadcast_to(parts, (*g.shape, *geometry.kernel_size)), geometry)


def pieces(array: Array, width: int) -> Iterator[Array]:
    """Arrays of multiples of a power of two, at most `2**width` of it, that add up to the array exactly."""
    rest = np.array(array, np.float64)
    while np.any(rest != 0):
        last = max(int(np.frexp(np.abs(rest).max())[1]) - width, -1074)
        piece = np.ldexp(np.trunc(np.ldexp(rest, -last)), last)
        yield piece
        rest = rest - piece


def total(parts: Iterator[Array]) -> Pair:
    """Sum of arrays in two floats (Knuth's sum without a branch); 0 if there is none."""
    high: Any = 0.0
    low: Any = 0.0
    for part in parts:
        found = high + part
        there = found - high
        low = low + ((high - (found - there)) + (part - there))
        high = found
    return np.asarray(high + low), np.asarray((high - (high + low)) + low)


def quotient(high: Array, low: Array, divisor: Array) -> Pair:
    """Quotient of two floats by whole numbers below 2**26."""
    first = high / divisor
    coarse = np.ldexp(*_frexp_cut(first))
    rest = ((high - coarse * divisor) - (first - coarse) * divisor) + low
    return first, rest / divisor


def _frexp_cut(array: Array) -> tuple[Array, Array]:
    """Mantissa cut to 26 bits, and exponent."""
    mantissa, exponent = np.frexp(array)
    return np.trunc(np.ldexp(mantissa, 26)), exponent - 26
