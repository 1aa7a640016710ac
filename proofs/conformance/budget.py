"""How large random integers may be so that floats add up their products exactly, and how many trials decide.

A sum of at most n products of integers up to M_a and M_b, of any subset of them in any order, is an integer up to
`n * M_a * M_b`. If the accumulator and the output hold every integer up to there, and the inputs' format those up to
M_a and M_b, nothing rounds. A bilinear form with integer coefficients that is not zero vanishes at integers drawn
independently and uniformly from `-M..M` with probability at most `2 / (2 * M + 1)`. Source: J. Schwartz, Fast
Probabilistic Algorithms for Verification of Polynomial Identities (1980), R. Zippel (1979).

Where nothing fits, all but a few entries of one factor are zero, so that few products are added up: a wrong coefficient
is seen only if its entry is among them, and the probability says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, isqrt, log, log2, prod

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.blocks import distinct
from proofs.conformance.exact import bilinear, products
from proofs.conformance.functions import FUNCTIONS, PAIRS, shape
from proofs.conformance.precision import Precision
from proofs.conformance.probes import storage

FAILURE = 40  # binary digits: a probability of at most 2**-40
SPARSE = 4  # largest magnitude where inputs are thinned out
MOST = 100  # trials of those that decide
FEW = 34  # trials of those where not even `MOST` would decide: they see no less than `MOST` of magnitude `SPARSE` do


@dataclass(frozen=True)
class Budget:
    """Magnitudes of the first and the second factor, the products that one sum may have, and the trials.

    `kept` is None, or, where nothing fits otherwise, how many entries are kept of those of the sparse argument that one
    entry of the result adds up; the others are zero. `failure` is log2 of the probability that a wrong form passes.
    """

    first: int
    second: int
    products: int
    trials: int
    failure: float
    kept: int | None = None

    @classmethod
    @lru_cache(4096)
    def of(
        cls, function: str, geometry: Geometry, batch: int, precision: Precision, *, wide: int | None = None
    ) -> Budget:
        """Budget at a shape. `wide` makes one factor, 0 or 1, as large as it can be, and the other one small."""
        n, most, largest = products(function, geometry, batch), precision.sums, 2**precision.input_bits
        if not bilinear(function):
            first = second = min(most // n, largest)
        elif wide is None:
            first = second = min(isqrt(most // n), largest)
        else:
            long = min(most // n, largest)
            short = min(most // (n * max(long, 1)), largest)
            first, second = (long, short) if wide == 0 else (short, long)
        if min(first, second) < 1:
            return cls._sparse(function, geometry, batch, precision)
        return cls(first, second, n, *_trials(_degree(function), min(first, second)))

    @classmethod
    def _sparse(cls, function: str, geometry: Geometry, batch: int, precision: Precision) -> Budget:
        """The small magnitude that sees most, and as many entries as it leaves room for; one may count repeatedly."""
        degree, most, largest = _degree(function), precision.sums, 2**precision.input_bits
        entries = _set_size(function, geometry, batch)
        times = -(-products(function, geometry, batch) // entries)

        def kept(size: int) -> int:
            return max(1, min(entries, most // (int(size**degree) * times)))

        def seen(size: int) -> float:
            return kept(size) / entries * (1 - degree / (2 * size + 1))

        size = max(range(1, min(SPARSE, largest, isqrt(most)) + 1), key=seen)
        passed = float(np.log1p(-seen(size))) / log(2)
        needed = ceil(-FAILURE / passed)
        trials = needed if needed <= MOST else FEW
        return cls(size, size, kept(size) * times, trials, trials * passed, kept(size))

    def narrowed(self, function: str, size: int) -> Budget:
        """The same with integers of one size, no larger than they are here, so perhaps more trials."""
        trials, failure = _trials(_degree(function), size)
        return replace(self, first=size, second=size, trials=trials, failure=failure)

    @property
    def exponent(self) -> int:
        """The probability is at most 2 to this power."""
        return -int(-self.failure + 1e-9)


def _degree(function: str) -> int:
    return 2 if bilinear(function) else 1


def _set_size(function: str, geometry: Geometry, batch: int) -> int:
    """Entries of the argument that is thinned out of which one entry of the result may add up some."""
    taps, outputs = prod(geometry.kernel_size), prod(geometry.output_size)
    if bilinear(function):
        counts: dict[str, int] = {"g": geometry.group_in * taps, "x": geometry.group_out * taps, "w": batch * outputs}
        return len(PAIRS[function]) * counts[FUNCTIONS[function].gives]
    alone: dict[str, int] = {"b": batch * outputs, "x": outputs, "g": prod(geometry.input_size)}
    return alone[FUNCTIONS[function].gives]


def _trials(degree: int, magnitude: int) -> tuple[int, float]:
    """As many as it takes, and log2 of the probability that is left."""
    one = log2(2 * magnitude + 1) - log2(degree)
    trials = ceil(FAILURE / one)
    return trials, -trials * one


def integer_arrays(
    function: str, geometry: Geometry, batch: int, dtype: str, budget: Budget, random: np.random.Generator
) -> tuple[Array, ...]:
    """Uniform integers for every argument, thinned out if the budget says so; without ties for what is not linear."""
    second = {pair[1] for pair in PAIRS[function] if len(pair) == 2}
    found = []
    for letter in FUNCTIONS[function].arguments:
        if letter in FUNCTIONS[function].fixed:
            found.append(without_ties(shape(letter, geometry, batch), dtype, random))
            continue
        size = budget.second if letter in second else budget.first
        narrow = np.int32 if size < 2**31 - 1 else np.int64  # quicker to draw
        array = random.integers(-size, size + 1, shape(letter, geometry, batch), narrow)
        if budget.kept is not None and letter in sparse_letters(function):
            array = array * kept_entries(letter, function, array.shape, budget.kept, geometry, random)
        found.append(array.astype(storage(dtype)))
    return tuple(found)


def without_ties(sizes: tuple[int, ...], dtype: str, random: np.random.Generator) -> Array:
    """Different numbers in every image."""
    count = prod(sizes[2:])
    order = random.random((*sizes[:2], count)).argsort(-1)
    found: Array = distinct(count, storage(dtype))[order].reshape(sizes)
    return found


def sparse_letters(function: str) -> tuple[str, ...]:
    """Arguments that are thinned out, one of each product: the weights, and g where the weights are what is given."""
    of = FUNCTIONS[function]
    ends = "g" if of.gives in ("w", "b") else "w"
    letters = tuple(letter for pair in PAIRS[function] for letter in pair if letter[-1] == ends)
    return letters or PAIRS[function][0]


def kept_entries(
    letter: str, function: str, shape: tuple[int, ...], kept: int, geometry: Geometry, random: np.random.Generator
) -> Array:
    """1 for `kept` entries, chosen at random, of each set that one entry of the result may add up, 0 for the others."""
    kept = max(1, kept // len(PAIRS[function]))
    if letter[-1] == "w" and FUNCTIONS[function].gives == "x":
        sets = (geometry.groups, geometry.group_out, *shape[1:])
        chosen = _choose((geometry.groups, shape[1], prod(shape[2:]) * geometry.group_out), kept, random)
        laid = chosen.reshape(geometry.groups, shape[1], geometry.group_out, *shape[2:])
        return np.moveaxis(laid, 2, 1).reshape(sets).reshape(shape)
    if letter[-1] == "w":
        return _choose((shape[0], prod(shape[1:])), kept, random).reshape(shape)
    if FUNCTIONS[function].gives in ("w", "b"):  # the batch and all positions are added up
        chosen = _choose((shape[1], shape[0] * prod(shape[2:])), kept, random)
        return np.moveaxis(chosen.reshape(shape[1], shape[0], *shape[2:]), 1, 0)
    return _choose((shape[0] * shape[1], prod(shape[2:])), kept, random).reshape(shape)


def _choose(shape: tuple[int, ...], kept: int, random: np.random.Generator) -> Array:
    """Exactly `kept` ones along the last axis."""
    chosen = np.zeros(shape, np.int8)
    np.put_along_axis(chosen, random.random(shape).argpartition(kept - 1, -1)[..., :kept], 1, -1)
    return chosen
