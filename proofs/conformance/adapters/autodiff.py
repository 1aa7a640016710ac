"""A framework's functions, with the gradients that the framework itself derives from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any, Protocol

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.layouts import Layout, turned, turned_back
from proofs.conformance.adapters.operations import OPERANDS, Operation, first_line, refuse_circular
from proofs.conformance.functions import FUNCTIONS, Function, shape
from proofs.conformance.target import Unsupported

# Computes an operation on tensors in the target's layout: x and w, or whatever `OPERANDS` names, and perhaps a bias.
Forward = Callable[[str, Geometry, Sequence[Any]], Any]


class Backend(Protocol):
    """A framework's tensors."""

    dtype: str

    def settings(self) -> AbstractContextManager[Any]:
        """Device and flags, while something runs."""

    def tensor(self, array: Array) -> Any:
        """Tensor of the target's type on its device."""

    def array(self, tensor: Any) -> Array:
        """NumPy array of a tensor in its own type, bfloat16 as float32; notes the device that the tensor is on."""

    def apply(self, f: Callable[..., Any], at: Sequence[Any]) -> Any:
        """`f(*at)`."""

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """Gradient of `<cotangent, f(*at)>` with respect to one of `at`."""

    def pullbacks(self, f: Callable[..., Any], at: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """`f(*at)`, and the gradients of `<cotangent, f(*at)>` with respect to each of `at`, in one backward pass."""

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """Gradient of `<ddx, dx> + <ddw, dw>` with respect to one of (g, x, w).

        dx and dw are the gradients of `<g, f(x, w)>`, `at` is (g, x, w) and `given` (ddx, ddw).
        """

    def about(self) -> Mapping[str, str]:
        """Versions, devices that tensors came back from, flags."""


@dataclass(frozen=True)
class Applied:
    """An operation on a layer as a function of its operands; equal ones are the same, so compiled once."""

    forward: Forward
    operation: str
    geometry: Geometry

    def __call__(self, *operands: Any) -> Any:
        """Compute it."""
        return self.forward(self.operation, self.geometry, operands)


@dataclass
class Autodiff:
    """Target that is a framework's forward functions.

    `refuses` says what the framework's interface cannot express, so that nothing is built for it here; `operation`
    narrows it. A gradient is taken at an operand that holds small integers, on which it must not depend.
    """

    name: str
    backend: Backend
    forward: Forward
    operation: Operation
    layout: Layout = "NCHW"
    refuses: Callable[[str, Geometry], str] = lambda _function, _geometry: ""
    make_variant: Callable[[str], Autodiff | None] = lambda _name: None
    without: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def dtype(self) -> str:
        """Type in which it computes."""
        return self.backend.dtype

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions of its operations."""
        return tuple(name for name in self.operation.functions() if name not in self.without)

    @property
    def jointly(self) -> tuple[str, ...]:
        """The forward pass and the gradients of an operation of two operands; a pooling layer has but one gradient."""
        return tuple(name for name in self.functions if _first_order(FUNCTIONS[name]))

    def about(self) -> Mapping[str, str]:
        """Versions, device, flags."""
        return {**self.backend.about(), "layout": self.layout, **self.notes}

    def supports(self, function: str, geometry: Geometry) -> str:
        """Why it does not run a function on a layer."""
        return (
            self.operation.supports(function, geometry)
            or refuse_circular(geometry)
            or self.refuses(FUNCTIONS[function].operation, geometry)
        )

    def variant(self, name: str) -> Autodiff | None:
        """Target with its arrays laid out otherwise in memory, if the framework has such a layout."""
        return self.make_variant(name)

    def run(self, function: str, geometry: Geometry, *arrays: Array) -> Array:
        """Run a function. Raises `Unsupported` with the framework's own first line if it refuses."""
        reason = self.supports(function, geometry)
        if reason:
            raise Unsupported(reason)
        of = FUNCTIONS[function]
        given = {letter: turned(letter, a, self.layout) for letter, a in zip(of.arguments, arrays, strict=True)}
        with self._running():
            result = self.backend.array(self._result(of, geometry, given))
        return turned_back(of.gives, result, self.layout)

    def joint(self, functions: Sequence[str], geometry: Geometry, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
        """One forward pass and one backward pass. Raises `Unsupported` as `run` does."""
        reason = next(filter(None, (self.supports(function, geometry) for function in functions)), "")
        if reason:
            raise Unsupported(reason)
        forward, gives = FUNCTIONS[FUNCTIONS[functions[0]].operation], [FUNCTIONS[name].gives for name in functions]
        letters, given = forward.arguments, dict(arrays)
        if "b" in gives:
            letters, given["b"] = (*letters, "b"), np.zeros(geometry.out_channels, np.float32)

        f = Applied(self.forward, forward.operation, geometry)
        with self._running():
            tensors = {name: self.backend.tensor(turned(name, a, self.layout)) for name, a in given.items()}
            y, gradients = self.backend.pullbacks(f, [tensors[name] for name in letters], tensors[forward.gives])
            found = {forward.gives: y, **dict(zip(letters, gradients, strict=True))}
            results = [self.backend.array(found[letter]) for letter in gives]
        return tuple(turned_back(letter, a, self.layout) for letter, a in zip(gives, results, strict=True))

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Device and flags; whatever a framework raises, it did not run this."""
        try:
            with self.backend.settings():
                yield
        except Unsupported:
            raise
        except Exception as error:
            raise Unsupported(first_line(error)) from error

    def _result(self, of: Function, geometry: Geometry, given: Mapping[str, Array]) -> Any:
        f = Applied(self.forward, of.operation, geometry)
        tensor, letters = self.backend.tensor, OPERANDS[of.operation]
        if of.name == "forward":
            return self.backend.apply(f, [tensor(given[letter]) for letter in letters])
        if of.name.startswith("double_backward"):
            at, second = ("g", "x", "w"), [tensor(given[name]) for name in ("ddx", "ddw")]
            return self.backend.second(f, [tensor(given[name]) for name in at], second, at.index(of.gives))
        letters += ("b",) if of.gives == "b" else ()
        cotangent, *others = of.arguments
        batch = len(given[cotangent])
        at_tensors = [tensor(given[n] if n in others else self._small(n, geometry, batch)) for n in letters]
        return self.backend.pullback(f, at_tensors, letters.index(of.gives), tensor(given[cotangent]))

    def _small(self, letter: str, geometry: Geometry, batch: int) -> Array:
        return turned(letter, _integers(shape(letter, geometry, batch)), self.layout)


def _first_order(of: Function) -> bool:
    return len(OPERANDS[of.operation]) > 1 and not of.name.startswith("double_backward")


@lru_cache(64)
def _integers(sizes: tuple[int, ...]) -> Array:
    """Integers of both signs and 0, which every type has."""
    found = (np.arange(prod(sizes)) % 5 - 2).reshape(sizes).astype(np.float32)
    found.flags.writeable = False  # it is kept
    return found
