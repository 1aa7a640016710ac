"""Paths that round where a direct sum would not: recognised by what they give, and judged by a derived bound.

On integers within the budget every direct sum is exact, in any order and grouping. What is not is off in a way that
tells which path ran: Winograd's filtering and the FFT by no more than their bounds in `numeric.rounding`; matrix units
that multiply in a shorter format by what rounding their inputs adds; a division done as a product with the rounded
reciprocal by one rounding more. Those are exact on short integers, so the probes
here are near the budget's edge, and floats with full significands. What fits no kind is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numeric import rounding
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import PATHS
from numeric.rounding.model import outward, present, size, smallest_subnormal
from proofs.conformance.budget import Budget, integer_arrays, kept_entries, sparse_letters, without_ties
from proofs.conformance.exact import bilinear, exactly, factors, kernel, multiplied, products
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.precision import PRECISIONS, Precision, cut, rounded, rounded_away
from proofs.conformance.probes import Found, Probe, Refuted, decide, first_difference, generator, storage, told
from proofs.conformance.target import Target

DIRECT, NARROW = "direct sum", "sums rounded to bfloat16 on the way"
RECIPROCAL = "products with the rounded reciprocal in place of divisions"
PATH_KINDS = {"winograd2": "Winograd F(2,3)", "winograd4": "Winograd F(4,3)", "fft": "FFT"}
# Formats that matrix units round their inputs to, for types with more bits.
UNITS: dict[str, tuple[str, int]] = {
    "float32 arithmetic": ("float64", 24),
    "TF32 (inputs rounded to 11 bits)": ("float32", 11),
    "bfloat16 products (inputs rounded to 8 bits)": ("float32", 8),
}
AVERAGES = ("average_pool", "average_pool.input_gradient")
ROUNDINGS: tuple[Callable[[Array, int], Array], ...] = (rounded, rounded_away, cut)
TRIALS = 3


@dataclass(frozen=True)
class Sample:
    """Arguments of a probe, what they are, and whether a direct sum of them is exact."""

    arrays: tuple[Array, ...]
    what: str
    exact: bool


def bound(target: Target, function: str, geometry: Geometry, batch: int) -> Finding:
    """Tier `bound`: integers near the edge of the budget, and full significands, where every path has to round.

    Certified: exact on the integers, and within the bound of a direct sum on the floats. Inexact: off as a path of a
    known kind is, and within its bound throughout. Refuted: anything else.
    """
    return decide("bound", target, function, geometry, batch, lambda probe: _judge(probe, geometry, batch))


def _judge(probe: Probe, geometry: Geometry, batch: int) -> Found:
    if probe.function == "max_pool" or probe.target.dtype == "int64":
        return Found(Outcome.NOT_RUN, "it rounds nothing: the other tiers decide it")
    kinds = {DIRECT: 0.0}
    first = True
    rounds = False
    for sample in _samples(probe, geometry, batch):
        computed = probe.run(geometry, *sample.arrays).astype(np.float64)
        high, low = exactly(probe.function, geometry, *sample.arrays)
        error = np.abs((computed - high) - low)
        if sample.exact and (error == 0).all():
            continue
        rounds |= sample.exact
        found = explained(probe.function, geometry, sample.arrays, probe.target.dtype, error, computed)
        kinds = found if first else {kind: max(kinds[kind], found[kind]) for kind in kinds if kind in found}
        first = False
        if not kinds:
            difference = first_difference(high, computed, error == error.max())
            said = f"off by more than every known path's bound, on {sample.what}: {told(difference)}"
            raise Refuted(said, difference)
    return _verdict(kinds, rounds, probe.target.dtype)


def _verdict(kinds: Mapping[str, float], rounds: bool, dtype: str) -> Found:
    scope = f"{TRIALS} probes with full significands of {dtype}, and integers near the edge of the budget"
    premises = ("the rounding model of the bound",)
    if DIRECT in kinds and not rounds:
        detail = f"exact near the budget; with full significands at most {kinds[DIRECT]:.2g} of a direct sum's bound"
        return Found(Outcome.CERTIFIED, detail, scope, premises)
    seen = {kind: part for kind, part in kinds.items() if kind != DIRECT} or kinds
    return Found(Outcome.INEXACT, looks_like(seen), scope, premises)


def looks_like(kinds: Mapping[str, float]) -> str:
    """Kinds that explain what was seen, in words: the one with the tightest bound first."""
    (first, part), *others = sorted(kinds.items(), key=lambda item: -item[1])
    also = f"; the bounds of {', '.join(kind for kind, _ in others)} cover it too" if others else ""
    return f"looks like {first} (reaches {part:.2g} of its bound{also})"


def explained(
    function: str,
    geometry: Geometry,
    arrays: tuple[Array, ...],
    dtype: str,
    error: Array,
    computed: Array | None = None,
) -> dict[str, float]:
    """Kinds of path whose bound covers the errors, each with the largest part of it that was reached.

    Matrix units are among them only if `computed` is given, and alone if it is exactly what their rounded inputs give.
    """
    if not np.isfinite(error).all():
        return {}
    if computed is not None and error.any():
        for kind, bits in units(dtype):
            if any(_is_of_rounded(function, geometry, arrays, computed, bits, how) for how in ROUNDINGS):
                return {kind: 1.0}
    found = {}
    for kind, limit in bounds(function, geometry, arrays, dtype, computed is not None):
        # of sums with more terms than the type has significands a direct path's model promises nothing
        if (kind in (DIRECT, NARROW) or np.isfinite(limit).all()) and (error <= limit).all():
            found[kind] = float((error / np.where(limit > 0, limit, 1)).max(initial=0))
    return found


def units(dtype: str) -> list[tuple[str, int]]:
    """Shorter formats that a type's products may be computed in."""
    return [(kind, bits) for kind, (of, bits) in UNITS.items() if of == dtype]


def _is_of_rounded(
    function: str, geometry: Geometry, arrays: tuple[Array, ...], computed: Array, bits: int, how: Any
) -> bool:
    """Whether it is, bit for bit, what a direct sum gives for rounded inputs."""
    if not bilinear(function):
        return False
    shorter = [how(array, bits) for array in arrays]
    if all((a == b).all() for a, b in zip(arrays, shorter, strict=True)):
        return False
    high, low = exactly(function, geometry, *shorter)
    return bool(((computed == high) & (low == 0)).all())


def bounds(
    function: str, geometry: Geometry, arrays: tuple[Array, ...], dtype: str, with_units: bool
) -> Iterator[tuple[str, Array]]:
    """Bound on the error of every kind of path, the tightest first as a rule."""
    if not bilinear(function):
        yield DIRECT, _linear_bound(function, geometry, arrays, dtype)
        if dtype == "bfloat16":
            yield NARROW, _narrow_bound(function, geometry, arrays)
        elif function in AVERAGES:
            yield RECIPROCAL, _reciprocal_bound(function, geometry, arrays)
        return
    yield DIRECT, mixed_bound(function, geometry, arrays, PRECISIONS[_narrowest(dtype)])
    if dtype == "bfloat16":
        yield NARROW, mixed_bound(function, geometry, arrays, PRECISIONS["bfloat16 in bfloat16"])
    else:
        for path, kind in PATH_KINDS.items():
            if not PATHS[path].supports(geometry):
                yield kind, _path_bound(function, geometry, arrays, path)
    if with_units:
        for kind, bits in units(dtype):
            yield kind, mixed_bound(function, geometry, arrays, Precision(bits, 24, 24, PRECISIONS[dtype].largest))


def _narrowest(dtype: str) -> str:
    """Precision of the least accurate direct sum: float16 may be added up in float16."""
    return "float16 in float16" if dtype == "float16" else dtype


def mixed_bound(function: str, geometry: Geometry, arrays: tuple[Array, ...], precision: Precision) -> Array:
    """Bound for inputs, sums and output rounded to three significands.

    `((1 + i)**2 * (1 + gamma(n)) * (1 + o) - 1) * sum of |a*b|`, and n products that underflow; inputs that the format
    holds anyway are not rounded. Source: as in `numeric.rounding`.
    """
    pairs = factors(function, arrays)
    kind = np.result_type(*arrays)
    counts = multiplied(function, geometry, [(present(a), present(b)) for a, b in pairs])
    sums = multiplied(function, geometry, [(size(a), size(b)) for a, b in pairs])
    held = all((rounded(size(array), precision.input_bits) == size(array)).all() for pair in pairs for array in pair)
    i = 0.0 if held else 2.0**-precision.input_bits
    o = 0.0 if precision.output_bits >= precision.accumulator_bits else 2.0**-precision.output_bits
    nu = np.minimum(counts * 2.0**-precision.accumulator_bits, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = (2 * i + i * i) + (nu / (1 - nu)) * (1 + i) ** 2
        relative = relative + o * (1 + relative)
        return outward(relative * sums + 2 * counts * smallest_subnormal(kind), sums, counts, kind)


def _path_bound(function: str, geometry: Geometry, arrays: tuple[Array, ...], path: str) -> Array:
    """Bound of a path of `numeric`; where it runs twice, of the sum as well."""
    pairs = factors(function, arrays)
    of = getattr(rounding, f"{kernel(function)}_bound")
    found: Any = sum(of(*pair, geometry, path=path) for pair in pairs)
    if len(pairs) == 1:
        return np.asarray(found)
    sums = multiplied(function, geometry, [(size(a), size(b)) for a, b in pairs])
    unit = rounding.unit_roundoff(np.result_type(*arrays))
    return outward(found + unit * (sums + found), sums, 4, np.result_type(*arrays))


def _linear_bound(function: str, geometry: Geometry, arrays: tuple[Array, ...], dtype: str) -> Array:
    """Bound of a sum or an average; of bfloat16 from that of float32, and what rounding the result adds."""
    of = {
        "conv.bias_gradient": lambda: rounding.bias_gradient_bound(arrays[0]),
        "average_pool": lambda: rounding.average_pool_bound(arrays[0], geometry),
        "average_pool.input_gradient": lambda: rounding.average_pool_input_gradient_bound(arrays[0], geometry),
        "max_pool.input_gradient": lambda: rounding.max_pool_input_gradient_bound(arrays[0], arrays[1], geometry),
    }
    found: Array = of[function]()
    if dtype != "bfloat16":
        return found
    high, _ = exactly(function, geometry, *arrays)
    return found + 2.0**-8 * (np.abs(high) + found)


def _reciprocal_bound(function: str, geometry: Geometry, arrays: tuple[Array, ...]) -> Array:
    """Bound of an average whose every quotient is a product with the reciprocal, which was rounded before."""
    (array,) = arrays
    direct = _linear_bound(function, geometry, arrays, str(array.dtype))
    sums, _ = exactly(function, geometry, size(array))
    return outward(direct + rounding.unit_roundoff(array.dtype) * (sums + direct), sums, 4, array.dtype)


def _narrow_bound(function: str, geometry: Geometry, arrays: tuple[Array, ...]) -> Array:
    """Bound where every addition, and a division before and after, rounds to bfloat16."""
    nu = (products(function, geometry, len(arrays[0])) + 2) * 2.0**-8
    sums, _ = exactly(function, geometry, np.abs(arrays[0]), *arrays[1:])
    return np.asarray(sums * (nu / (1 - nu) if nu < 1 else np.inf))


def _samples(probe: Probe, geometry: Geometry, batch: int) -> Iterator[Sample]:
    function, dtype = probe.function, probe.target.dtype
    precision = PRECISIONS[_narrowest(dtype)]
    random = generator("bound", function, geometry, batch, dtype)
    if function not in AVERAGES:
        for wide in (0, 1, None):
            budget = Budget.of(function, geometry, batch, precision, wide=wide)
            if budget.kept is None:
                arrays = integer_arrays(function, geometry, batch, dtype, budget, random)
                yield Sample(arrays, f"integers up to {budget.first} and {budget.second}", exact=True)
    if bilinear(function) and geometry.boundary == "zero":
        yield Sample(
            _alone(function, geometry, batch, dtype, random), "full significands, one product each", exact=True
        )
    for _ in range(TRIALS):
        arrays = tuple(
            without_ties(sizes, dtype, random)
            if letter in FUNCTIONS[function].fixed
            else _full(sizes, PRECISIONS[dtype].input_bits, random).astype(storage(dtype))
            for letter, sizes in ((name, shape(name, geometry, batch)) for name in FUNCTIONS[function].arguments)
        )
        yield Sample(arrays, "full significands", exact=False)


def _alone(function: str, geometry: Geometry, batch: int, dtype: str, random: np.random.Generator) -> tuple[Array, ...]:
    """Full significands times 1 or -1, and no sum of more than one product: exact, but for paths that mix cells."""
    thin = sparse_letters(function)
    found = []
    for letter in FUNCTIONS[function].arguments:
        of = shape(letter, geometry, batch)
        array = _full(of, PRECISIONS[dtype].input_bits, random)
        if letter in thin:
            kept = kept_entries(letter, function, of, 1, geometry, random)
            array = np.sign(array) * kept * (letter == thin[0])
        found.append(array.astype(storage(dtype)))
    return tuple(found)


def _full(shape: tuple[int, ...], bits: int, random: np.random.Generator) -> Array:
    """Numbers from 1/2 to 1 of either sign whose last bit is set."""
    numbers = random.integers(2 ** (bits - 2), 2 ** (bits - 1), shape) * 2 + 1
    found: Array = np.ldexp(numbers * random.choice((-1.0, 1.0), shape), -bits)
    return found
