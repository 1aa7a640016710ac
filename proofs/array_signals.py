"""Arrays rearranged: what makes a gradient a layer of its own."""

from __future__ import annotations

from typing import Any

from sympy import KroneckerDelta, Sum

from proofs.layer_signals import KERNEL, OUTPUT, OUTPUTS
from proofs.signals import Signal, value


class Exchanged(Signal):
    """`Exchanged(f)`: f with its first two indices exchanged, batch and channels, or output and input channels."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        first, second, *rest = index
        return value(self.args[0], second, first, *rest)


class Rotated(Signal):
    """`Rotated(w)`: `rot180(w)[c, j, u] = w[c, j, k - 1 - u]`, the taps of each kernel from the other end."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        *channels, u = index
        return value(self.args[0], *channels, KERNEL - 1 - u)


class Spread(Signal):
    """`Spread(g, s)`: `[n, c, z]`, `g[n, c, o]` at `z = s·o` and 0 elsewhere: s - 1 zeros between its cells."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, stride = self.args
        n, c, z = index
        return Sum(KroneckerDelta(stride * OUTPUT, z) * value(g, n, c, OUTPUT), OUTPUTS)
