"""Running a target on probes: what comes back is an array of the right shape and type before anything is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from time import perf_counter
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.target import Target, Unsupported


class Refuted(Exception):  # noqa: N818 - an outcome, not a mistake
    """The target did something that is wrong whatever the layer: the first argument says what."""

    def __init__(self, detail: str, difference: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail, self.difference = detail, dict(difference or {})


@dataclass(frozen=True)
class Found:
    """What a tier saw, before it is made a `Finding`."""

    outcome: Outcome
    detail: str
    scope: str = ""
    assumptions: tuple[str, ...] = ()
    difference: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Probe:
    """One function of a target, counting its runs."""

    target: Target
    function: str
    calls: int = 0

    def run(self, geometry: Geometry, *arrays: Array) -> Array:
        """Run it. Raises `Refuted` if it raises, or gives anything but an array of the right shape and type."""
        self.calls += 1
        found: Array = judged(lambda: self.target.run(self.function, geometry, *arrays))
        self.check(found, shape(FUNCTIONS[self.function].gives, geometry, batch_of(self.function, arrays)))
        return found

    def check(self, found: Any, expected: tuple[int, ...]) -> None:
        """Raise `Refuted` for anything but an array of that shape and of the target's type."""
        if not isinstance(found, np.ndarray):
            raise Refuted(f"the result is a {type(found).__name__}, expected a NumPy array")
        if found.shape != expected:
            raise Refuted(
                f"the result has shape {found.shape}, expected {expected}", {"shape": found.shape, "expected": expected}
            )
        if found.dtype != storage(self.target.dtype):
            raise Refuted(
                f"the result is {found.dtype}, expected {storage(self.target.dtype)}",
                {"dtype": str(found.dtype), "expected": str(storage(self.target.dtype))},
            )


def judged(call: Callable[[], Any]) -> Any:
    """What the target gives. Raises `Refuted` for an exception of its own, which may be any."""
    try:
        return call()
    except Unsupported:
        raise
    except Exception as error:
        message = str(error).strip().partition("\n")[0]
        raise Refuted(f"it raised {type(error).__name__}: {message}") from error


def decide(
    tier: str, target: Target, function: str, geometry: Geometry, batch: int, judge: Callable[[Probe], Found]
) -> Finding:
    """Let `judge` run the function, and make what it found, or why it could not, a finding of that tier."""
    probe, started = Probe(target, function), perf_counter()
    try:
        found = _refused(target, function, geometry) or judge(probe)
    except Unsupported as reason:
        found = Found(Outcome.UNSUPPORTED, str(reason))
    except Refuted as reason:
        found = Found(Outcome.REFUTED, reason.detail, difference=reason.difference)
    seconds = perf_counter() - started
    return Finding(
        tier,
        function,
        geometry,
        batch,
        found.outcome,
        found.detail,
        found.scope,
        found.assumptions,
        probe.calls,
        seconds,
        found.difference,
    )


def _refused(target: Target, function: str, geometry: Geometry) -> Found | None:
    """Why nothing is run at all."""
    if function not in target.functions:
        return Found(Outcome.NOT_RUN, f"{target.name} has no {function}")
    reason = target.supports(function, geometry)
    if reason:
        return Found(Outcome.UNSUPPORTED, reason)
    if "pool" in function and geometry.in_channels != geometry.out_channels:
        return Found(Outcome.NOT_RUN, f"pooling gives as many channels as it takes, not {geometry.out_channels}")
    if function.startswith("max_pool") and empty_windows(geometry):
        return Found(Outcome.NOT_RUN, "a window reads padding only: it has no maximum")
    return None


def empty_windows(geometry: Geometry) -> bool:
    """Whether some window has no cell."""
    return any(
        all(not 0 <= axis.reads(o, u) < axis.input_size for u in range(axis.kernel_size))
        for axis in geometry.axes
        for o in range(axis.output_size)
    )


def storage(dtype: str) -> np.dtype[Any]:
    """Type of the NumPy arrays that a target takes and gives: bfloat16 travels as float32."""
    return np.dtype(np.float32 if dtype == "bfloat16" else dtype)


def batch_of(function: str, arrays: tuple[Array, ...]) -> int:
    """Number of samples of a function's arguments."""
    return next(
        len(a) for letter, a in zip(FUNCTIONS[function].arguments, arrays, strict=True) if letter[-1] in ("x", "g")
    )


def generator(*key: object) -> np.random.Generator:
    """Random numbers that depend on the key alone, so that a record of what came out can be judged again."""
    digest = blake2b(repr(key).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def first_difference(expected: Array, computed: Array, wrong: Array) -> dict[str, Any]:
    """Where the two differ first in row-major order, what was expected there, what came, and how often they differ."""
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    return {
        "at": place,
        "expected": float(np.broadcast_to(expected, wrong.shape)[place]),
        "computed": float(computed[place]),
        "count": int(np.count_nonzero(wrong)),
        "of": int(wrong.size),
    }


def told(difference: Mapping[str, Any]) -> str:
    """The same in words."""
    return (
        f"{difference['count']} of {difference['of']} entries differ, first at {difference['at']}: expected "
        f"{difference['expected']:.17g}, got {difference['computed']:.17g}"
    )
