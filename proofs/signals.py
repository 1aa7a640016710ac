"""Terms in which derivations are written: signals on the integer grid, and what operators make of them.

A leaf is a SymPy `IndexedBase` (`f`), and `f[i, j]` its value. `Shift`, `Rot180`, `Plus`, `Convolution` and those of
`proofs.layer_signals` are signals made of others; `At(signal, i, j)` is such a signal's value, which `unfold` rewrites
by the operator's definition. `Partial(w[u])` is the derivative of an undefined loss, `D(e, w[u])` that of a term.
Any index may be a multi-index: a position on several axes at once (`proofs.multi_index`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Basic, Expr, IndexedBase, Sum, Tuple

from numeric import Axis
from numeric.plane import mode_start


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

    def _eval_derivative(self, variable: Any) -> Any:
        """SymPy's hook: what is not unfolded is not differentiated either."""
        return D(self, variable)


class Formula(_Term, Expr):  # type: ignore[misc]
    """Formula of `numeric.Axis` by its name: `Formula("reads", axis, o, u)`; `unfold` runs it.

    `Formula("reads1", ...)` is that of the layer with the number 1.
    """

    is_commutative = True

    def __new__(cls, name: Any, *args: Any) -> Any:
        """Take the axis as an `Axis` or, as SymPy does when it rebuilds a term, as its six fields."""
        if isinstance(args[0], Axis):
            args = (*fields(args[0]), *args[1:])
        return super().__new__(cls, sympy.Symbol(str(name)), *args)

    @property
    def name(self) -> str:
        """Attribute of `numeric.Axis`, and the layer's number if it has one."""
        return str(self.args[0].name)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Arguments of the formula, beside the axis."""
        return tuple(self.args[7:])

    def unfold(self) -> Any:
        """What the shipped formula gives."""
        formula = getattr(Axis(*self.args[1:7]), self.name.rstrip("0123456789"))
        return formula(*self.arguments) if self.arguments else formula


class D(_Term, Expr):  # type: ignore[misc]
    """Derivative that is not taken yet: `D(expression, variable)`."""

    is_commutative = True


class Partial(_Term, Expr):  # type: ignore[misc]
    """Derivative of an undefined, differentiable loss of all outputs by one array entry: `Partial(w[u])`."""

    is_commutative = True


class Above(_Term, Expr):  # type: ignore[misc]
    """1 where a number is above another one, else 0: `Above(x[n], 0)`; constant off the kink, where they are equal."""

    is_commutative = True

    def _eval_derivative(self, _: Any) -> Any:
        """SymPy's hook, asked where a rule says that it is off the kink (`proofs.rules.ON_A_REGION`)."""
        return sympy.Integer(0)


class Rounded(_Term, Expr):  # type: ignore[misc]
    """Number rounded to significant decimal digits: `Rounded(number, digits)`."""

    is_commutative = True


class Residue(_Term, Expr):  # type: ignore[misc]
    """Remainder of a division, from 0 up: `Residue(number, modulus)`; as an index, a position on a circle."""

    is_commutative = True
    is_integer = True


class Signal(_Term):
    """Signal made by an operator; `at` is the operator's definition."""

    def at(self, *index: Any) -> Any:
        """Value at a position, by definition."""
        raise TypeError(f"{type(self).__name__} has no definition, so no value at {index}")


class Named(Signal):
    """`Named(Str("y"), f)`: f, called y."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return value(self.args[1], *index)


class Shift(Signal):
    """`Shift(f, *offset)`: `(τf)[i] = f[i - offset]`; where there are more indices, the last ones are shifted."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, *offset = self.args
        kept = len(index) - len(offset)
        return value(signal, *index[:kept], *(i - t for i, t in zip(index[kept:], offset, strict=True)))


class CircularShift(Signal):
    """`CircularShift(f, t, n)`: `(τf)[..., a] = f[..., (a - t) mod n]`, on the axes of the last index."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, offset, size = self.args
        *before, a = index
        return value(signal, *before, Residue(a - offset, size))


class Rot180(Signal):
    """`Rot180(f)`: `rot180(f)[i] = f[-i]`, about the origin."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return value(self.args[0], *(-i for i in index))


class Reversed(Signal):
    """`Reversed(f, n)`: `rot180(f)[a] = f[n - 1 - a]`, an array of n cells counted from the other end."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, *sizes = self.args
        return value(signal, *(n - 1 - a for a, n in zip(index, sizes, strict=True)))


class Valid(Signal):
    """`Valid(f, m)`: positions of a whole convolution where the array of m cells lies inside the other one."""

    def at(self, *index: Any) -> Any:
        """Value by definition: `valid` begins where `numeric.plane` says."""
        signal, *sizes = self.args
        return value(signal, *(mode_start("valid", m) + i for i, m in zip(index, sizes, strict=True)))


class Impulse(Signal):
    """`Impulse()`: `δ[i] = 1` at the origin and 0 elsewhere."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return sympy.Mul(*(sympy.KroneckerDelta(i, 0) for i in index))


class Plus(Signal):
    """`Plus(f, g)`: `(f + g)[i] = f[i] + g[i]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        return sum(value(signal, *index) for signal in self.args)


class Convolution(Signal):
    """`Convolution(f, k, (u, p), ...)`: `(f * k)[i] = Σ_{u=-p..p} f[i - u]·k[u]`, one pair for each axis.

    With p = ∞ the sum is over the whole grid, and finite since f and k vanish outside of their arrays.
    """

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


def fields(axis: Axis) -> Sequence[Any]:
    """Arguments by which a term holds an axis."""
    return (axis.input_size, axis.kernel_size, axis.stride, axis.dilation, axis.low, axis.high)
