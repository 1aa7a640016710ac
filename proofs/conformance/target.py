"""What can be certified: anything that runs some of the functions on NumPy arrays and says what it does not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from numeric.dtypes import Array
from numeric.geometry import Geometry


class Unsupported(Exception):  # noqa: N818 - an outcome, not a mistake
    """The target does not run this function on this layer: the reason in the target's own words."""


class Target(Protocol):
    """An implementation, with whatever it needs (layout, device) settled when it was made.

    `dtype` is the type in which it computes, as NumPy names it or as `bfloat16`; arrays come in as NumPy arrays of
    integers or floats that are representable there, and go out as NumPy arrays (bfloat16 as float32). What it does to
    its inputs, and which device ran, is for the premises to see, so an adapter makes no needless copies.
    """

    @property
    def name(self) -> str:
        """What it is called, as it was asked for."""

    @property
    def dtype(self) -> str:
        """Type in which it computes."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions in `FUNCTIONS` that it has."""

    def about(self) -> Mapping[str, str]:
        """Versions, device, and the settings that decide which algorithm runs."""

    def supports(self, function: str, geometry: Geometry) -> str:
        """Why it does not run a function on a layer; nothing if it does, as far as can be told without running it."""

    def run(self, function: str, geometry: Geometry, *arrays: Array) -> Array:
        """Run a function. Raises `Unsupported` where the implementation itself refuses."""


class Joint(Target, Protocol):
    """A target that gives several functions in one call, as training does: one forward pass and one backward pass.

    What comes out of that call is judged on its own, beside `run`: a framework may compute both gradients at once by
    other kernels than one alone. `loss.backward()` in the midst of a network is `joint`; inference, a first layer,
    whose input needs no gradient, and a frozen one are `run`.
    """

    @property
    def jointly(self) -> tuple[str, ...]:
        """Names of the functions that come out of one call, with the others of their operation."""

    def joint(self, functions: Sequence[str], geometry: Geometry, arrays: Mapping[str, Array]) -> Sequence[Array]:
        """Run functions of one operation at once; `arrays` by their letters: x, w, g. Raises `Unsupported`.

        A bias, where its gradient is asked for, is zero.
        """


class TargetError(Exception):
    """A target that cannot be made, or not called at all: what is wrong, and what to do about it."""
