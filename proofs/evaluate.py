"""Value of a derivation's term at concrete small sizes, by brute force: the second check of every step.

Sums are added up term by term over ranges of integers and array entries are generators of a polynomial ring, so
nothing here relies on SymPy's calculus of sums, deltas and indexed derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy import Add, Integer, Mul, Pow, Rational, Symbol

from proofs.polynomials import Polynomials
from proofs.signals import At, D, Formula, Partial, Rounded

Index = tuple[int, ...]


class Model:
    """Concrete sizes: an integer for every symbol, an index range per axis for every array, zero outside.

    `forward` is the term for the outputs, a function of the position, which the undefined loss depends on.
    """

    def __init__(self, sizes: Mapping[Any, int], arrays: Mapping[str, list[range]], forward: Any = None) -> None:
        self.sizes = dict(sizes)
        self.ranges = dict(arrays)
        self.forward = forward
        self.numbers = Polynomials(self.ranges)

    def entry(self, name: str, index: Index) -> Any:
        """Array entry as a ring generator; zero outside of the array."""
        axes = self.ranges[name]
        if any(i not in axis for i, axis in zip(index, axes, strict=True)):
            return 0
        return self.numbers[name][tuple(axis.index(i) for i, axis in zip(index, axes, strict=True))]

    def value(self, e: Any, bound: Mapping[Any, int] | None = None) -> Any:
        """Value of a term, with the summation indices bound so far."""
        bound = bound or {}
        handler = self._handlers.get(e.func)
        if handler is not None:
            return handler(e, bound)
        if isinstance(e, At | Formula):
            return self.value(e.unfold(), bound)
        if isinstance(e, Symbol):
            return bound[e] if e in bound else self.sizes[e]
        if isinstance(e, Rational):
            return int(e) if isinstance(e, Integer) else Fraction(e.p, e.q)
        raise TypeError(f"cannot evaluate {e.func.__name__}: {e}")

    @cached_property
    def _handlers(self) -> dict[Any, Any]:
        return {
            Add: lambda e, bound: sum(self.value(term, bound) for term in e.args),
            Mul: lambda e, bound: math.prod(self.value(factor, bound) for factor in e.args),
            Pow: self._power,
            sympy.floor: lambda e, bound: math.floor(self.value(e.args[0], bound)),
            sympy.KroneckerDelta: lambda e, bound: int(self.value(e.args[0], bound) == self.value(e.args[1], bound)),
            sympy.Sum: self._sum,
            sympy.Indexed: self._indexed,
            sympy.Subs: lambda e, bound: self.value(
                e.expr, {**bound, **{s: int(n) for s, n in zip(e.variables, e.point, strict=True)}}
            ),
            D: lambda e, bound: self._derivative(self.value(e.args[0], bound), e.args[1], bound),
            Partial: self._loss_derivative,
            Rounded: lambda e, bound: _rounded(self.value(e.args[0], bound), int(e.args[1])),
        }

    def _power(self, e: Any, bound: Mapping[Any, int]) -> Any:
        base, exponent = (self.value(part, bound) for part in e.args)
        return base**exponent if exponent >= 0 else Fraction(1) / base**-exponent

    def _sum(self, e: Any, bound: Mapping[Any, int]) -> Any:
        indices = [index for index, _, _ in e.limits]
        spans = [range(self.value(low, bound), self.value(high, bound) + 1) for _, low, high in e.limits]
        return sum(self.value(e.function, {**bound, **dict(zip(indices, at, strict=True))}) for at in product(*spans))

    def _place(self, e: Any, bound: Mapping[Any, int]) -> tuple[str, Index]:
        return e.base.label.name, tuple(self.value(index, bound) for index in e.indices)

    def _indexed(self, e: Any, bound: Mapping[Any, int]) -> Any:
        return self.entry(*self._place(e, bound))

    def _derivative(self, polynomial: Any, variable: Any, bound: Mapping[Any, int]) -> Any:
        generator = self.entry(*self._place(variable, bound))
        return self.numbers.ring(polynomial).diff(generator) if generator else 0  # 0: there is no such entry

    def _loss_derivative(self, e: Any, bound: Mapping[Any, int]) -> Any:
        """Let SymPy's own chain rule differentiate an undefined function of all outputs."""
        (variable,) = e.args
        entry = self.entry(*self._place(variable, bound))
        if not entry:
            return 0  # there is no such entry
        axes = self.ranges["g"]
        outputs = np.empty(tuple(map(len, axes)), object)
        for place, at in zip(np.ndindex(outputs.shape), product(*axes), strict=True):
            outputs[place] = self.value(self.forward(*map(Integer, at)), bound)
        return self.numbers.loss_derivative(self.numbers.undefined_loss(outputs), entry)


def _rounded(number: Fraction | int, digits: int) -> Fraction:
    fraction = Fraction(number)
    return Fraction(Context(prec=digits).divide(Decimal(fraction.numerator), Decimal(fraction.denominator)))
