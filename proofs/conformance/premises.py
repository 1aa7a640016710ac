"""Tier `premises`: what the other tiers take for granted of a target, probed and stated one by one.

Each is probed on integers that are exact in every direct sum, so that most are compared bit for bit; a path that rounds
there (Winograd, FFT) is allowed the bounds of the runs that are compared, and nothing beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.budget import Budget, integer_arrays
from proofs.conformance.functions import FUNCTIONS, PAIRS, shape
from proofs.conformance.inexact import DIRECT, bounds
from proofs.conformance.integers import judge
from proofs.conformance.joint import LETTERS, as_alone
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.precision import CAUTIOUS, PRECISIONS
from proofs.conformance.probes import Found, Probe, Refuted, decide, first_difference, generator, storage, told
from proofs.conformance.target import Target

BATCH = 3
LARGEST = 9
BATCHES = (1, 2, 65535, 65536)
CELLS = 2**22  # of the largest array of a large batch, its windows counted
VARIANTS = ("channels-last", "non-contiguous", "negative strides")
Arrays = tuple[Array, ...]


@dataclass
class Premise:
    """A function of a target, with arrays to probe it by."""

    probe: Probe
    geometry: Geometry

    @property
    def function(self) -> str:
        """Name of the function."""
        return self.probe.function

    @property
    def dtype(self) -> str:
        """Type of the target."""
        return self.probe.target.dtype

    @property
    def linear(self) -> tuple[tuple[str, ...], ...]:
        """Arguments in which it is linear, those together that must be scaled and added together."""
        if self.function == "max_pool":
            return ()
        pairs = PAIRS[self.function]
        return tuple(tuple(pair[k] for pair in pairs) for k in range(len(pairs[0])))

    def draw(self, key: object, share: int = 4, batch: int = BATCH) -> Arrays:
        """Integers of at most a part of the budget, so that sums of that many stay within."""
        precision = PRECISIONS[CAUTIOUS.get(self.dtype, self.dtype)]
        budget = Budget.of(self.function, self.geometry, batch, precision)
        if budget.kept is None:  # small ones: what is off by 1 is off by more than any bound
            first, second = (max(1, min(LARGEST, size // share)) for size in (budget.first, budget.second))
            budget = replace(budget, first=first, second=second)
        random = generator("premises", key, self.function, self.geometry, self.dtype)
        return integer_arrays(self.function, self.geometry, batch, self.dtype, budget, random)

    def run(self, arrays: Sequence[Array]) -> Array:
        """Run the function on copies: what it does to them is one premise alone."""
        return self.probe.run(self.geometry, *(array.copy() for array in arrays)).copy()

    def replaced(self, arrays: Arrays, letters: Sequence[str], change: Callable[[Array, int], Array]) -> Arrays:
        """Arguments with some of them changed; the change is told their place."""
        names = FUNCTIONS[self.function].arguments
        return tuple(
            change(a, k) if name in letters else a for k, (name, a) in enumerate(zip(names, arrays, strict=True))
        )

    def expect(self, computed: Array, expected: Array, what: str, runs: Sequence[Arrays]) -> None:
        """Raise `Refuted` unless they are equal, or as close as the runs' bounds let a path that rounds be."""
        wrong = computed != expected
        if not wrong.any():
            return
        error = np.abs(computed.astype(np.float64) - expected.astype(np.float64))
        allowed: Any = sum(self._allowed(arrays) for arrays in runs)
        wrong = ~(error <= allowed)
        if wrong.any():
            difference = first_difference(expected, computed, wrong)
            raise Refuted(f"{what}: {told(difference)}", difference)

    def _allowed(self, arrays: Arrays) -> Array:
        """Largest bound that a path may have at every entry; 0 where no path is known."""
        kinds = bounds(self.function, self.geometry, arrays, self.dtype, False)
        averages = self.function.startswith(
            "average_pool"
        )  # the only ones that round in a direct sum of these integers
        found = [np.where(np.isfinite(limit), limit, 0) for kind, limit in kinds if averages or kind != DIRECT]
        return np.asarray(np.max(found, axis=0) if found else 0.0)


def premises(target: Target, function: str, geometry: Geometry) -> list[Finding]:
    """Probe every premise on a function and a layer; each is certified, refuted or not run."""

    def finding(name: str, check: Callable[[Premise], str]) -> Finding:
        def judged(probe: Probe) -> Found:
            said = check(Premise(probe, geometry))
            outcome = Outcome.NOT_RUN if said.startswith("not run") else Outcome.CERTIFIED
            return Found(outcome, f"{name}: {said}", f"{function} in {target.dtype}, one layer")

        found = decide("premises", target, function, geometry, BATCH, judged)
        named = found.detail if found.detail.startswith(f"{name}: ") else f"{name}: {found.detail}"
        return replace(found, detail=named)

    return [finding(name, check) for name, check in CHECKS.items()]


def _additive(of: Premise) -> str:
    if not of.linear:
        return "not run: a maximum is not linear"
    for letters in of.linear:
        one, other = of.draw("one"), of.draw("other")
        other = of.replaced(one, letters, lambda _, k, other=other: other[k])  # type: ignore[misc]
        both = of.replaced(one, letters, lambda a, k, other=other: a + other[k])  # type: ignore[misc]
        sums = of.run(one).astype(np.float64) + of.run(other).astype(np.float64)
        of.expect(of.run(both), sums, f"f(a + b) is not f(a) + f(b) in {' and '.join(letters)}", [one, other, both])
    return "f(a + b) = f(a) + f(b)"


def _homogeneous(of: Premise) -> str:
    for letters in of.linear or (("x",),):
        arrays = of.draw("scaled", 8)
        once = of.run(arrays).astype(np.float64)
        for factor in (2, 4, 0.5) if not of.linear else (2, 0.5, -1, 3, -2):
            if of.dtype == "int64" and factor == 0.5:
                continue
            scaled = of.replaced(arrays, letters, lambda a, _, c=factor: (a * c).astype(a.dtype))  # type: ignore[misc]
            said = f"f({factor} a) is not {factor} f(a) in {' and '.join(letters)}"
            of.expect(of.run(scaled), once * factor, said, [arrays] * 3 + [scaled])
    return "f(c a) = c f(a), for powers of two and small integers"


def _pure(of: Premise) -> str:
    arrays = of.draw("pure")
    kept = [array.copy() for array in arrays]
    of.probe.run(of.geometry, *arrays)
    for name, before, after in zip(FUNCTIONS[of.function].arguments, kept, arrays, strict=True):
        if before.tobytes() != after.tobytes():
            wrong = before != after
            raise Refuted(f"it modifies {name}", first_difference(before, after, wrong))
    return "its arguments are what they were"


def _deterministic(of: Premise) -> str:
    arrays = _full(of)
    first = of.run(arrays)
    for _ in range(2):
        _same_bits(of.run(arrays), first, "another run gives something else")
    return "three runs give the same bits"


def _stateless(of: Premise) -> str:
    arrays, first = _full(of), None
    for key in ("a", "b"):
        found = of.run(arrays)
        if first is not None:
            _same_bits(found, first, "after other calls it gives something else")
        first = found
        of.run(of.draw(key))
        of.run(tuple(-array for array in of.draw(key, batch=1)))
    return "calls in between change nothing"


def _magnitude(of: Premise) -> str:
    steps = {"float16": (-6, -3, 3), "int64": (4, 8)}.get(of.dtype, (-30, -12, 4, 11, 20, 30))
    arrays = of.draw("magnitude")
    once = of.run(arrays).astype(np.float64)
    for letters in of.linear or (("x",),):
        for k in steps:
            scaled = of.replaced(arrays, letters, lambda a, _, k=k: _shifted(a, k))  # type: ignore[misc]
            said = f"scaled by 2**{k} in {' and '.join(letters)} it gives something else"
            of.expect(of.run(scaled), np.ldexp(once, k), said, [arrays, scaled])
    return f"scaled by 2**{steps[0]} to 2**{steps[-1]}, the result is"


def _samples(of: Premise) -> str:
    arrays = of.draw("batch", 8)
    batched = [name[-1] in ("x", "g") for name in FUNCTIONS[of.function].arguments]

    def rows(order: Any) -> Arrays:
        return tuple(a[order] if yes else a for a, yes in zip(arrays, batched, strict=True))

    whole, order = of.run(arrays), np.array([2, 0, 1])
    singles = [of.run(rows([n])) for n in range(BATCH)]
    turned = of.run(rows(order))
    runs = [arrays, arrays]
    if FUNCTIONS[of.function].gives in ("w", "b"):
        of.expect(
            whole, np.sum([s.astype(np.float64) for s in singles], axis=0), "a batch is not its samples' sum", runs
        )
        of.expect(turned, whole, "it depends on the order of the samples", runs)
        return "a batch gives the sum over its samples, in any order"
    of.expect(whole, np.concatenate(singles), "a sample alone gives something else than in a batch", runs)
    of.expect(turned, whole[order], "it depends on the order of the samples", [rows(order), rows(order)])
    return "a sample gives the same alone, in a batch, and in another order"


def _layouts(of: Premise) -> str:
    arrays = of.draw("layout")
    expected = of.run(arrays)
    tried = []
    for name, laid in (("non-contiguous", _spread), ("negative strides", _reversed)):
        found = of.probe.run(of.geometry, *map(laid, arrays))
        of.expect(found, expected, f"arrays that are {name} give something else", [arrays, arrays])
        tried.append(name)
    variant = getattr(of.probe.target, "variant", lambda _: None)
    for name in VARIANTS:
        other = variant(name)
        if other is not None:
            found = Probe(other, of.function).run(of.geometry, *(array.copy() for array in arrays))
            of.expect(found, expected, f"the target's own variant {name} gives something else", [arrays, arrays])
            tried.append(f"the target's {name}")
    return f"memory layout does not matter: {', '.join(tried)}"


def _batches(of: Premise) -> str:
    layers = [small(of.geometry, most) for most in (2, 3, max(of.geometry.kernel_size))]
    tiny = next((layer for layer in layers if not of.probe.target.supports(of.function, layer)), None)
    if tiny is None:
        return "not run: the target takes no such small layer"
    tried = []
    for batch in BATCHES:
        if batch * _cells(tiny) > CELLS:
            continue
        try:
            judge(of.probe.target, of.function, tiny, batch, most=1)(of.probe)
        except Refuted as wrong:
            raise Refuted(f"at a batch of {batch}, {wrong.detail}", wrong.difference) from wrong
        tried.append(batch)
    return f"right at batches of {', '.join(map(str, tried))}"


def _joint(of: Premise) -> str:
    arrays = dict(zip(FUNCTIONS[of.function].arguments, _full(of), strict=True))
    random = generator("premises", "joint", of.function, of.geometry, of.dtype)
    for letter in LETTERS:  # what the function does not look at is not what it depends on
        drawn = random.integers(-LARGEST, LARGEST + 1, shape(letter, of.geometry, BATCH))
        arrays.setdefault(letter, drawn.astype(storage(of.dtype)))
    return as_alone(of.probe, of.geometry, arrays)


def _types(of: Premise) -> str:
    found = of.run(of.draw("type"))
    return f"the result is {found.dtype}, as expected of {of.dtype}"


def _device(of: Premise) -> str:
    of.run(of.draw("device"))
    about = of.probe.target.about()
    ran, asked = about.get("device", ""), about.get("device asked for", "")
    if not ran:
        return "not run: the target does not say where it ran"
    kind = asked.partition(":")[0].lower().replace("cuda", "gpu")
    if kind and kind not in ran.lower().replace("cuda", "gpu"):
        raise Refuted(f"asked for {asked}, ran on {ran}", {"expected": asked, "computed": ran})
    return f"ran on {ran}"


CHECKS: dict[str, Callable[[Premise], str]] = {
    "additive": _additive,
    "homogeneous": _homogeneous,
    "pure": _pure,
    "deterministic": _deterministic,
    "stateless": _stateless,
    "magnitude": _magnitude,
    "samples": _samples,
    "layout": _layouts,
    "batch size": _batches,
    "joint": _joint,
    "type": _types,
    "device": _device,
}


def small(geometry: Geometry, most: int) -> Geometry:
    """Layer of as many axes, at most two groups and so many taps on each axis, and hardly more cells than taps."""
    groups = min(geometry.groups, 2)
    kernel = tuple(min(k, most) for k in geometry.kernel_size)
    size = (kernel[0] + 1, *kernel[1:])
    return Geometry(size, kernel, groups=groups, in_channels=groups, out_channels=groups)


def _cells(geometry: Geometry) -> int:
    windows = prod(geometry.output_size) * prod(geometry.kernel_size)
    return int(geometry.in_channels * max(windows, prod(geometry.input_size)))


def _full(of: Premise) -> Arrays:
    """Numbers with a full significand: whatever the order of summation, they round."""
    random = generator("premises", "full", of.function, of.geometry, of.dtype)
    if of.dtype == "int64":
        return of.draw("full")
    short = {"bfloat16": 8, "float16": 11}.get(of.dtype, 24)
    numbers = (random.integers(-(2**short) + 1, 2**short, array.shape) for array in of.draw("full"))
    return tuple(np.ldexp(array, -short).astype(storage(of.dtype)) for array in numbers)


def _shifted(array: Array, power: int) -> Array:
    """Times a power of two, in its own type."""
    return np.asarray(np.ldexp(array, power) if array.dtype.kind == "f" else array << power)


def _same_bits(computed: Array, expected: Array, what: str) -> None:
    if computed.tobytes() != expected.tobytes():
        wrong = computed != expected
        raise Refuted(what, first_difference(expected, computed, wrong))


def _spread(array: Array) -> Array:
    """Every other entry of a wider array, NaN in between where the type has it."""
    between = np.nan if array.dtype.kind == "f" else 1 << 20
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), between, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _reversed(array: Array) -> Array:
    """Same entries, stored from the last one to the first."""
    back = (slice(None, None, -1),) * array.ndim
    return array[back].copy()[back]
