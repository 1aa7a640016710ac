"""Hard cases for rounding bounds by the ten thousand, and how close they come, decided in exact integers.

A float is an integer times a power of two. Arrays are brought to one scale, as Python's integers, and the function
that is bounded runs on those as well: its sums of products are then exact, and so is every comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from numeric import rounding

FLOATS = (np.float16, np.float32, np.float64)
SPARE = 32  # bits below the smallest product, so that a bound that is cut off to an integer loses nothing that counts

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
KINDS = ("ordinary", "cancellation", "subnormals", "wide", "order", "products")


@dataclass(frozen=True)
class Row:
    """A bound, the function that it bounds, and the shapes of their arguments.

    `degree`: factors in each product; an argument called `bias` is added to such products. `leading`: the factors on
    whose order or rounding a directed case turns, one of each product; the first and the bias if none is given.
    `reference`: the numbers on which the function, or `exact` if it is given, runs for the true value. With `float64`
    it is off by the bound of that type, which is added. `least` is how close to the bound the closest case must come.
    """

    name: str
    function: Callable[..., Any]
    bound: Callable[..., Any]
    shapes: Shapes
    degree: int = 2
    reference: Literal["integers", "fractions", "float64"] = "integers"
    exact: Callable[..., Any] | None = None
    leading: tuple[str, ...] = ()
    kinds: Sequence[str] = KINDS
    least: float = 1 / 2
    floats: Sequence[Any] = FLOATS


@dataclass(frozen=True)
class Found:
    """What a row came to on one class of cases: entries with a finite bound, violations, largest error / bound."""

    cases: int
    violations: int
    closest: float


def ordinary(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Normally distributed numbers."""
    return random.standard_normal(shape)


def cancellation(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Numbers near 1 of either sign: sums are small beside their terms."""
    return random.choice((-1, 1), shape) * (1 + random.standard_normal(shape) / 64)


def subnormals(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Products around the smallest number."""
    return random.standard_normal(shape) * 2.0 ** ((limits.minexp - limits.nmant) / degree)


def wide(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Products from the smallest number to nearly the largest."""
    low, high = (limits.minexp - limits.nmant) // degree, limits.maxexp // degree - 4
    return random.uniform(1, 2, shape) * random.choice((-1, 1), shape) * 2.0 ** random.integers(low, high, shape)


def order(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Few ones among numbers just above u: where a one comes first, every addition rounds up by nearly u."""
    u = float(limits.eps) / 2
    return np.where(random.random(shape) < 1 / 8, 1.0, u * (1 + 4 * u)) if leads else np.ones(shape)


def products(random: Any, shape: Shape, limits: Any, degree: int, leads: bool) -> Any:
    """Few numbers among zeros, whose product lies just below the middle of two numbers and rounds down by nearly u."""
    half = limits.nmant // 2
    tail = 2.0**half - random.integers(1, 3, shape) if leads else 2.0 ** (limits.nmant - 1 - half)
    number = 1 + float(limits.eps) * tail
    return number * (random.random(shape) < 1 / 4) if leads else np.full(shape, number)


CLASSES: Mapping[str, Callable[..., Any]] = dict(
    zip(KINDS, (ordinary, cancellation, subnormals, wide, order, products), strict=True)
)


def integers(array: Any, bits: int) -> Any:
    """Return `array * 2**bits` as Python's integers, rounded down if it is none."""

    def scaled(value: float) -> int:
        numerator, denominator = value.as_integer_ratio()
        return (numerator << bits) // denominator

    return np.frompyfunc(scaled, 1, 1)(np.asarray(array, np.float64))


def flat(result: Any) -> Any:
    """One or several arrays as one line."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


def run(row: Row, kind: str, cases: int, seed: int = 0) -> Found:
    """At least that many cases of a class, a tenth of them in float64, whose integers are long."""
    found = []
    for dtype in row.floats:
        random = np.random.default_rng(seed)
        share = 1 / 10 if dtype == np.float64 else 1 / sum(short != np.float64 for short in row.floats)
        done = 0
        while done < cases * share:
            found.append(once(row, kind, dtype, random))
            assert found[-1].cases, f"{row.name}: no finite bound among {kind} of {np.dtype(dtype)}"
            done += found[-1].cases
    counts, violations, closest = zip(*((one.cases, one.violations, one.closest) for one in found), strict=True)
    return Found(sum(counts), sum(violations), max(closest))


def once(row: Row, kind: str, dtype: Any, random: Any) -> Found:
    """One call of the function, each of whose entries is a case."""
    leading = row.leading or (*tuple(row.shapes)[:1], "bias")
    drawn = [
        CLASSES[kind](random, shape, np.finfo(dtype), 1 if name == "bias" else row.degree, name in leading).astype(
            dtype
        )
        for name, shape in row.shapes.items()
    ]
    with np.errstate(over="ignore", invalid="ignore"):  # the bound is infinite there
        computed, bound = flat(row.function(*drawn)), flat(row.bound(*drawn))
        true, own, bits = (_closely if row.reference == "float64" else _exactly)(row, drawn)
    finite = np.isfinite(bound) & np.isfinite(own)
    allowed = integers(bound[finite], bits) + integers(own[finite], bits)
    error = abs(integers(computed[finite], bits) - true(finite))
    return Found(len(error), int((error > allowed).sum()), max(map(_share, error, allowed), default=0.0))


def _exactly(row: Row, drawn: list[Any]) -> tuple[Callable[[Any], Any], Any, int]:
    """True values at some entries, times 2 to the power of bits; the error of these, which is none; and bits."""
    bits = SPARE - round(np.log2(rounding.smallest_subnormal(drawn[0].dtype)))
    scales = [bits * (row.degree if name == "bias" else 1) for name in row.shapes]
    whole = [integers(array, scale) for array, scale in zip(drawn, scales, strict=True)]
    if row.reference == "fractions":
        whole = [np.frompyfunc(Fraction, 1, 1)(array) for array in whole]
    true = flat((row.exact or row.function)(*whole))
    return lambda some: true[some], np.zeros(true.shape), bits * row.degree


def _closely(row: Row, drawn: list[Any]) -> tuple[Callable[[Any], Any], Any, int]:
    """Return the same from float64, with its bound."""
    bits = 1074  # every number of float64 is an integer then
    wide = [array.astype(np.float64) for array in drawn]
    true = flat((row.exact or row.function)(*wide))
    return lambda some: integers(true[some], bits), flat(row.bound(*wide)), bits


def _share(error: Any, allowed: int) -> float:
    if not error:
        return 0.0
    return float(error / allowed) if allowed else float("inf")
