"""Targets that run on NumPy arrays: type, layout, and memory layout."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.layouts import VARIANTS, Layout, laid_out, turned, turned_back
from proofs.conformance.adapters.operations import Operation, first_line
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.target import TargetError, Unsupported


@dataclass(frozen=True)
class Host:
    """Target that is functions on NumPy arrays, by name: `f(geometry, *arrays)` in the target's layout.

    A library's exceptions are refusals, so `Unsupported`; of one's `own` code that is `NotImplementedError` alone, and
    any other one goes through, to be judged as a failure. What comes back is judged as it is, of whatever shape.
    """

    name: str
    dtype: str
    run_by: Mapping[str, Callable[..., object]]
    operation: Operation = field(default_factory=Operation)
    layout: Layout = "NCHW"
    refuses: Callable[[str, Geometry], str] = lambda _function, _geometry: ""
    versions: Mapping[str, str] = field(default_factory=dict)
    memory: str = ""
    own: bool = False

    @property
    def functions(self) -> tuple[str, ...]:
        """Those that are there."""
        return self.operation.functions(tuple(self.run_by))

    def about(self) -> Mapping[str, str]:
        """Versions; the device is the processor."""
        own = {"device": "cpu", "layout": self.layout, "memory": self.memory or "as given"}
        return {"numpy": np.__version__, "machine": platform.machine(), **own, **self.versions}

    def supports(self, function: str, geometry: Geometry) -> str:
        """Why it does not run a function on a layer."""
        if function not in self.run_by:
            return f"{self.name} has no {function}"
        return self.operation.supports(function, geometry) or self.refuses(function, geometry)

    def variant(self, name: str) -> Host | None:
        """Target whose arrays are laid out otherwise in memory."""
        return replace(self, name=f"{self.name} ({name})", memory=name) if name in VARIANTS else None

    def run(self, function: str, geometry: Geometry, *arrays: Array) -> Array:
        """Run a function on the arrays themselves, unless their type is another."""
        reason = self.supports(function, geometry)
        if reason:
            raise Unsupported(reason)
        of = FUNCTIONS[function]
        given = [self._given(letter, array) for letter, array in zip(of.arguments, arrays, strict=True)]
        try:
            result = np.asarray(self.run_by[function](geometry, *given))
        except Exception as error:
            if self.own and not isinstance(error, NotImplementedError):
                raise
            raise Unsupported(first_line(error)) from error
        return turned_back(of.gives, result, self.layout)

    def _given(self, letter: str, array: Array) -> Array:
        array = turned(letter, array.astype(self.dtype, copy=False), self.layout)
        return laid_out(array, self.memory) if self.memory else array


def only_host(name: str, dtype: str, device: str | None, dtypes: Sequence[str]) -> None:
    """Raise `TargetError` for a device or a type that a library of NumPy arrays does not have."""
    if device not in (None, "cpu"):
        raise TargetError(f"{name} runs on the CPU alone, not on {device!r}")
    if dtype not in dtypes:
        raise TargetError(f"{name} has the types {', '.join(dtypes)}; got {dtype!r}")
