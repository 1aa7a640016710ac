"""What a target was asked and what came out, kept so that it can be judged again without the framework.

The engine is deterministic given the target's answers: it asks the same questions in the same order. So a record of the
answers in order is enough. `Recorder` keeps them, `Replayed` gives them back, and refuses where another question comes
than the one that was answered. A record is JSON, and reading one runs no code. It shows what was found, to be judged
again by whoever trusts its author; it is no proof against a forger, who may write what a right kernel would have given.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.target import Target, Unsupported

LARGEST = 2**30
"""Bytes of an array that is read from a record, at most."""


class RecordError(ValueError):
    """A record that cannot be read, or that does not answer what is asked."""


class Failed(Exception):  # noqa: N818 - the target's failure, not ours
    """What a replayed target raises for an exception of its own; the class has that one's name."""


@dataclass(frozen=True)
class Packed:
    """An array: type and shape as NumPy has them, and the compressed bytes, row-major."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: Array) -> Packed:
        """Pack an array of numbers; what is none is kept as an empty one of bytes, which is as wrong."""
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
            return cls("|u1", (0,), zlib.compress(b""))
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return cls(little.dtype.str, array.shape, zlib.compress(little.tobytes(), 6))

    def array(self) -> Array:
        """The array again. Raises `RecordError` if there is none in it."""
        try:
            dtype = np.dtype(self.dtype)
            size = dtype.itemsize * prod(self.shape)
            if dtype.kind not in "biufc" or size > LARGEST or min(self.shape, default=0) < 0:
                raise RecordError(f"an array of {self.dtype}, {self.shape}, is none that a record holds")
            content = zlib.decompressobj().decompress(self.data, size + 1)
            return np.frombuffer(content, dtype).reshape(self.shape).copy()
        except (TypeError, ValueError, zlib.error) as error:
            raise RecordError(f"an array of the record cannot be read: {error}") from error


@dataclass(frozen=True)
class Call:
    """A question to a target and its answer.

    `asked` is run, joint, supports or variant; `of` the variant that was asked, nothing for the target itself;
    `arguments` a digest. `answer` is a text: of `run` why there is no array, where `raised` is the class of an
    exception of its own and nothing for `Unsupported`. `after` holds arguments that it changed. What is asked `joint`
    has the functions as its name, and gives `several`.
    """

    asked: str
    name: str
    of: str = ""
    geometry: Geometry | None = None
    arguments: str = ""
    answer: str = ""
    raised: str = ""
    gave: Packed | None = None
    after: tuple[tuple[int, Packed], ...] = ()
    several: tuple[Packed, ...] | None = None

    @property
    def question(self) -> tuple[Any, ...]:
        """All but the answer."""
        return self.asked, self.name, self.of, self.geometry, self.arguments

    def __str__(self) -> str:
        of = f" of its variant {self.of}" if self.of else ""
        where = f", on {self.geometry}, arguments {self.arguments or 'none'}" if self.geometry else ""
        return f"{self.asked} {self.name}{of}{where}"


def digest(array: Array) -> str:
    """What tells arrays apart, whatever their layout in memory: type, shape and bytes."""
    content = blake2b(f"{array.dtype.str} {array.shape}".encode(), digest_size=8)
    content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


class Recorder:
    """A target whose calls are kept in a list, where there is one; `failures` are the exceptions that it raised."""

    def __init__(self, target: Target, calls: list[Call] | None = None) -> None:
        self._target, self._calls, self._of = target, calls, ""
        self.name, self.dtype = target.name, target.dtype
        self.failures: list[Exception] = []

    def __getattr__(self, name: str) -> Any:  # what else a target may have: `reproduction`
        return getattr(self._target, name)

    def supports(self, function: str, geometry: Geometry) -> str:
        """As the target."""
        reason = self._target.supports(function, geometry)
        self._keep(Call("supports", function, self._of, geometry, answer=reason))
        return reason

    def variant(self, name: str) -> Recorder | None:
        """The target's variant, its calls kept with the others; nothing where it has none."""
        made = getattr(self._target, "variant", lambda _: None)(name)
        self._keep(Call("variant", name, self._of, answer="" if made is None else made.name))
        if made is None:
            return None
        variant = Recorder(made, self._calls)
        variant._of, variant.failures = _within(self._of, name), self.failures
        return variant

    def run(self, function: str, geometry: Geometry, *arrays: Array) -> Array:
        """As the target."""
        asked = Call("run", function, self._of, geometry)
        found: Array = self._asked(
            asked, arrays, lambda: self._target.run(function, geometry, *arrays), lambda gave: {"gave": Packed.of(gave)}
        )
        return found

    def joint(self, functions: Sequence[str], geometry: Geometry, arrays: Mapping[str, Array]) -> Sequence[Array]:
        """As the target."""
        asked = Call("joint", " ".join(functions), self._of, geometry)
        target: Any = self._target  # one that has `jointly`
        found: Sequence[Array] = self._asked(
            asked, list(arrays.values()), lambda: target.joint(functions, geometry, arrays), _several
        )
        return found

    def _asked(
        self, asked: Call, arrays: Sequence[Array], ask: Callable[[], Any], answer: Callable[[Any], dict[str, Any]]
    ) -> Any:
        """Ask, and keep what came of it."""
        before = [digest(array) for array in arrays] if self._calls is not None else []
        asked = replace(asked, arguments=" ".join(before))
        try:
            result = ask()
        except Unsupported as error:
            self._keep(replace(asked, answer=str(error)))
            raise
        except Exception as error:
            self.failures.append(error)
            self._keep(replace(asked, answer=str(error), raised=type(error).__name__))
            raise
        if self._calls is not None:
            changed = [number for number, array in enumerate(arrays) if digest(array) != before[number]]
            after = tuple((number, Packed.of(arrays[number])) for number in changed)
            self._keep(replace(asked, after=after, **answer(result)))
        return result

    def _keep(self, call: Call) -> None:
        if self._calls is not None:
            self._calls.append(call)


def _several(results: Any) -> dict[str, Any]:
    """What a joint call gave, kept; what is no sequence of results is kept as an empty one, which is as wrong."""
    return {"several": tuple(map(Packed.of, results)) if isinstance(results, list | tuple) else ()}


def _within(variant: str, name: str) -> str:
    return f"{variant}/{name}" if variant else name


class Replayed:
    """A target that answers from a record, in order. A method raises `RecordError` where something else was asked."""

    def __init__(self, head: Mapping[str, Any], calls: Iterator[Call], of: str = "") -> None:
        self.name, self.dtype = str(head["name"]), str(head["dtype"])
        self._head, self._calls, self._of = head, calls, of

    @property
    def functions(self) -> tuple[str, ...]:
        """As recorded."""
        return tuple(self._head["functions"])

    @property
    def jointly(self) -> tuple[str, ...]:
        """As recorded; nothing in a record made before there was such a call."""
        return tuple(self._head.get("jointly", ()))

    def about(self) -> Mapping[str, str]:
        """As recorded."""
        return dict(self._head["about"])

    def supports(self, function: str, geometry: Geometry) -> str:
        """As recorded."""
        return self._next(Call("supports", function, self._of, geometry)).answer

    def variant(self, name: str) -> Replayed | None:
        """As recorded."""
        made = self._next(Call("variant", name, self._of)).answer
        return Replayed({**self._head, "name": made}, self._calls, _within(self._of, name)) if made else None

    def run(self, function: str, geometry: Geometry, *arrays: Array) -> Array:
        """What came out; changes the arguments that were changed."""
        call = self._answered(Call("run", function, self._of, geometry), arrays)
        if call.gave is None:
            raise RecordError(f"the record has no result of {call}")
        return call.gave.array()

    def joint(self, functions: Sequence[str], geometry: Geometry, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
        """What came out, as `run`."""
        call = self._answered(Call("joint", " ".join(functions), self._of, geometry), list(arrays.values()))
        return tuple(packed.array() for packed in call.several or ())

    def _answered(self, asked: Call, arrays: Sequence[Array]) -> Call:
        """The answer, arguments changed; raises what was raised."""
        call = self._next(replace(asked, arguments=" ".join(map(digest, arrays))))
        if call.gave is None and call.several is None:
            raise type(call.raised, (Failed,), {})(call.answer) if call.raised else Unsupported(call.answer)
        for number, packed in call.after:
            arrays[number][...] = packed.array()
        return call

    def _next(self, asked: Call) -> Call:
        call = next(self._calls, None)
        if call is None or call.question != asked.question:
            raise RecordError(f"the record answers {call or 'nothing more'}; it is asked {asked}")
        return call


class Pool:
    """Values that a record holds once each, and names by number."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        """The number of a value, a new one if it is new."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[Any]:
        """All values, in the order of their numbers."""
        return list(self._numbers)


def packed_to_json(packed: Packed) -> dict[str, Any]:
    """An array as JSON has it."""
    return {"dtype": packed.dtype, "shape": packed.shape, "data": b64encode(packed.data).decode("ascii")}


def packed_from_json(content: Mapping[str, Any]) -> Packed:
    """An array from JSON."""
    data = b64decode(content["data"], validate=True)
    return Packed(str(content["dtype"]), tuple(int(size) for size in content["shape"]), data)


def call_to_json(call: Call, layers: Pool, arrays: Pool) -> dict[str, Any]:
    """A call as JSON has it: what is empty is left out."""
    found: dict[str, Any] = {"asked": call.asked, "name": call.name, "of": call.of}
    if call.geometry is not None:
        found["layer"] = layers.number(call.geometry)
    found |= {"arguments": call.arguments, "answer": call.answer, "raised": call.raised}
    if call.gave is not None:
        found["gave"] = arrays.number(call.gave)
    if call.several is not None:
        found["several"] = [arrays.number(packed) for packed in call.several]
    found["after"] = [[number, arrays.number(packed)] for number, packed in call.after]
    return {name: value for name, value in found.items() if value or name in ("layer", "gave", "several")}


def call_from_json(content: Mapping[str, Any], layers: Sequence[Geometry], arrays: Sequence[Packed]) -> Call:
    """A call from JSON."""
    return Call(
        str(content["asked"]),
        str(content["name"]),
        str(content.get("of", "")),
        layers[content["layer"]] if "layer" in content else None,
        str(content.get("arguments", "")),
        str(content.get("answer", "")),
        str(content.get("raised", "")),
        arrays[content["gave"]] if "gave" in content else None,
        tuple((int(number), arrays[index]) for number, index in content.get("after", ())),
        tuple(arrays[index] for index in content["several"]) if "several" in content else None,
    )
