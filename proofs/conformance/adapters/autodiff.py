"""A framework's functions, with the gradients that the framework itself derives from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
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

    def pullback(self, f: Callable[..., Any], at: Sequence[Any], index: int, cotangent: Any) -> Any:
        """Gradient of `<cotangent, f(*at)>` with respect to one of `at`."""

    def second(self, f: Callable[..., Any], at: Sequence[Any], given: Sequence[Any], index: int) -> Any:
        """Gradient of `<ddx, dx> + <ddw, dw>` with respect to one of (g, x, w).

        dx and dw are the gradients of `<g, f(x, w)>`, `at` is (g, x, w) and `given` (ddx, ddw).
        """

    def about(self) -> Mapping[str, str]:
        """Versions, devices that tensors came back from, flags."""


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
        try:
            with self.backend.settings():
                result = self.backend.array(self._result(of, geometry, given))
        except Unsupported:
            raise
        except Exception as error:  # whatever a framework raises, it did not run this
            raise Unsupported(first_line(error)) from error
        return turned_back(of.gives, result, self.layout)

    def _result(self, of: Function, geometry: Geometry, given: Mapping[str, Array]) -> Any:
        def f(*operands: Any) -> Any:
            return self.forward(of.operation, geometry, operands)

        tensor, letters = self.backend.tensor, OPERANDS[of.operation]
        if of.name == "forward":
            return f(*(tensor(given[letter]) for letter in letters))
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


@lru_cache(64)
def _integers(sizes: tuple[int, ...]) -> Array:
    """Integers of both signs and 0, which every type has."""
    found = (np.arange(prod(sizes)) % 5 - 2).reshape(sizes).astype(np.float32)
    found.flags.writeable = False  # it is kept
    return found
