"""Terms in which derivations are written: signals on the integer grid, and what operators make of them.

A leaf is a SymPy `IndexedBase` (`f`), and `f[i, j]` its value. `Shift`, `Rot180`, `Plus`, `Convolution` and
the layer's maps are signals made of others; `At(signal, i, j)` is such a signal's value, which `unfold` rewrites
by the operator's definition. `Partial(w[u])` is the derivative of an undefined loss, `D(e, w[u])` that of a term.
The index arithmetic of layers is `numeric.Axis.reads`, run on symbols; o runs over the m output positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Basic, Expr, IndexedBase, KroneckerDelta, Sum, Tuple

from numeric import Axis

TAP = sympy.Symbol("u", integer=True)
OUTPUT = sympy.Symbol("o", integer=True)
POSITIONS = sympy.Symbol("m", integer=True, positive=True)
OUTPUTS = Tuple(OUTPUT, 0, POSITIONS - 1)


def value(signal: Any, *index: Any) -> Any:
    """Value of a signal at a position."""
    return signal[index] if isinstance(signal, IndexedBase) else At(signal, *index)


class _Term(Basic):  # type: ignore[misc]
    """Unevaluated SymPy term whose arguments may be given as plain numbers and tuples."""

    def __new__(cls, *args: Any) -> Any:
        return Basic.__new__(cls, *map(sympy.sympify, args))


class At(_Term, Expr):  # type: ignore[misc]
    """Value of an operator's signal at a position: `At(signal, *index)`."""

    is_commutative = True

    @property
    def signal(self) -> Any:
        """The signal that is read."""
        return self.args[0]

    def unfold(self) -> Any:
        """Value by the definition of the signal's operator.

        Raises `ValueError` where the definition sums over an index that stands free in what it is applied to.
        """
        made = self.signal.at(*self.args[1:])
        bound = {limit[0] for e in made.atoms(Sum) for limit in e.limits}
        operands = [e for e in self.signal.args if not isinstance(e, Tuple)]
        captured = bound & set().union(*(e.free_symbols for e in (*operands, *self.args[1:])))
        if captured:
            raise ValueError(f"{self} sums over {captured}, which it is also applied to")
        return made


class Formula(_Term, Expr):  # type: ignore[misc]
    """Formula of `numeric.Axis` by its name: `Formula("reads", axis, o, u)`; `at` runs it."""

    is_commutative = True

    def __new__(cls, name: Any, *args: Any) -> Any:
        """Take the axis as an `Axis` or, as SymPy does when it rebuilds a term, as its six fields."""
        if isinstance(args[0], Axis):
            args = (*fields(args[0]), *args[1:])
        return super().__new__(cls, sympy.Symbol(str(name)), *args)

    @property
    def name(self) -> str:
        """Attribute of `numeric.Axis`."""
        return str(self.args[0].name)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Arguments of the formula, beside the axis."""
        return tuple(self.args[7:])

    def unfold(self) -> Any:
        """What the shipped formula gives."""
        formula = getattr(Axis(*self.args[1:7]), self.name)
        return formula(*self.arguments) if self.arguments else formula


class D(_Term, Expr):  # type: ignore[misc]
    """Derivative that is not taken yet: `D(expression, variable)`."""

    is_commutative = True


class Partial(_Term, Expr):  # type: ignore[misc]
    """Derivative of an undefined, differentiable loss of all outputs by one array entry: `Partial(w[u])`."""

    is_commutative = True


class Rounded(_Term, Expr):  # type: ignore[misc]
    """Number rounded to significant decimal digits: `Rounded(number, digits)`."""

    is_commutative = True


class Signal(_Term):
    """Signal made by an operator; `at` is the operator's definition."""

    def at(self, *index: Any) -> Any:
        """Value at a position, by definition."""
        raise TypeError(f"{type(self).__name__} has no definition, so no value at {index}")


class Shift(Signal):
    """`Shift(f, *offset)`: `(τf)[i] = f[i - offset]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, *offset = self.args
        return value(signal, *(i - t for i, t in zip(index, offset, strict=True)))


class Rot180(Signal):
    """`Rot180(f)`: `rot180(f)[i] = f[-i]`, about the origin."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return value(self.args[0], *(-i for i in index))


class Plus(Signal):
    """`Plus(f, g)`: `(f + g)[i] = f[i] + g[i]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return sum(value(signal, *index) for signal in self.args)


class Convolution(Signal):
    """`Convolution(f, k, (u, p), ...)`: `(f * k)[i] = Σ_{u=-p..p} f[i - u]·k[u]`, one pair for each axis."""

    sign = -1

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, kernel, *bounds = self.args
        taps = [u for u, _ in bounds]
        product = value(signal, *(i + self.sign * u for i, u in zip(index, taps, strict=True))) * value(kernel, *taps)
        return Sum(product, *((u, -p, p) for u, p in bounds))


class Correlation(Convolution):
    """`Correlation(f, k, (u, p), ...)`: `Σ_{u=-p..p} f[i + u]·k[u]`."""

    sign = 1


class _LayerMap(Signal):
    """Map of a layer on one axis: two signals, then the fields of `numeric.Axis`."""

    @property
    def axis(self) -> Axis:
        return Axis(*self.args[2:])


class Layer(_LayerMap):
    """`Layer(x, w, axis)`: `y[o] = Σ_{u=0..k-1} x[reads(o, u)]·w[u]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, w = self.args[:2]
        (o,) = index
        return Sum(value(x, self.axis.reads(o, TAP)) * value(w, TAP), (TAP, 0, self.axis.kernel_size - 1))


class WeightGradient(_LayerMap):
    """`WeightGradient(g, x, axis)`: `dw[u] = Σ_o g[o]·x[reads(o, u)]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args[:2]
        (u,) = index
        return Sum(value(g, OUTPUT) * value(x, self.axis.reads(OUTPUT, u)), OUTPUTS)


class InputGradient(_LayerMap):
    """`InputGradient(g, w, axis)`: `dx[a] = Σ over (o, u) with reads(o, u) = a of g[o]·w[u]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, w = self.args[:2]
        (a,) = index
        reads = KroneckerDelta(self.axis.reads(OUTPUT, TAP), a)
        return Sum(reads * value(g, OUTPUT) * value(w, TAP), OUTPUTS, (TAP, 0, self.axis.kernel_size - 1))


def fields(axis: Axis) -> Sequence[Any]:
    """Arguments by which a layer map holds its axis."""
    return (axis.input_size, axis.kernel_size, axis.stride, axis.dilation, axis.low, axis.high)
