"""SymPy expressions as array entries: what the symbolic tier runs layers on that divide or take exp, log, sqrt, tanh.

NumPy's ufuncs call the method of their name on the entries of an object array, so the shipped functions run as they
are. Equality is decided by a normal form: exp and sqrt become generators of a field of fractions, `exp(a + b)` being
`exp(a)*exp(b)` and a square root's square what it is the root of, and a difference is zero if its numerator is the
zero polynomial. Comparisons are decided at a sample, as in `proofs.forms`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from math import lcm
from numbers import Rational
from typing import Any

import numpy as np
import sympy
from sympy.polys.fields import field

from numeric.dtypes import Array
from proofs.forms import Form, KinkError, exact, filled

DIGITS = 40
"""Decimal digits to which a difference is evaluated at the sample in order to see its sign."""


class Expression:
    """SymPy expression with the arithmetic, comparisons and elementary functions that NumPy asks of an entry."""

    __slots__ = ("of", "term")

    def __init__(self, term: Any, of: Expressions) -> None:
        self.term = term
        self.of = of

    def _with(self, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
        term = _term(other)
        return NotImplemented if term is None else Expression(operation(self.term, term), self.of)

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a**b)

    def __neg__(self) -> Expression:
        return Expression(-self.term, self.of)

    def __abs__(self) -> Expression:
        return self if self >= 0 else -self

    def exp(self) -> Expression:
        """What `np.exp` calls."""
        return Expression(sympy.exp(self.term), self.of)

    def expm1(self) -> Expression:
        """What `np.expm1` calls."""
        return Expression(sympy.exp(self.term) - 1, self.of)

    def log(self) -> Expression:
        """What `np.log` calls."""
        return Expression(sympy.log(self.term), self.of)

    def log1p(self) -> Expression:
        """What `np.log1p` calls."""
        return Expression(sympy.log(1 + self.term), self.of)

    def sqrt(self) -> Expression:
        """What `np.sqrt` calls."""
        return Expression(sympy.sqrt(self.term), self.of)

    def tanh(self) -> Expression:
        """What `np.tanh` calls: `1 - 2 / (exp(2x) + 1)`."""
        return Expression(1 - 2 / (sympy.exp(2 * self.term) + 1), self.of)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        term = _term(other)
        return term is not None and vanishes(self.term - term)

    def __hash__(self) -> int:
        return hash(self.term)

    def __gt__(self, other: Any) -> bool:
        return self._sign(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._sign(other) >= 0

    def __lt__(self, other: Any) -> bool:
        return self._sign(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._sign(other) <= 0

    def _sign(self, other: Any) -> int:
        """Sign of the difference at the sample; 0 only where it vanishes everywhere."""
        difference = self.term - _term(other)
        value = difference.xreplace(self.of.sample).evalf(DIGITS)
        if not value.is_Number:
            raise TypeError(f"the sign of {difference} is not decided: {value.free_symbols} have no sample")
        if abs(value) > sympy.Rational(1, 10 ** (DIGITS // 2)):
            return 1 if value > 0 else -1
        if vanishes(difference):
            return 0
        raise KinkError(f"{self} and {other} are equal at the sample, though not everywhere")

    def __str__(self) -> str:
        return str(self.term)

    __repr__ = __str__


def _term(value: Any) -> Any:
    if isinstance(value, Expression):
        return value.term
    if isinstance(value, Rational | float):
        number = exact(value)
        return sympy.Rational(number.numerator, number.denominator)
    return None


def vanishes(term: Any) -> bool:
    """Whether a term in exp, log, square roots and rational operations is zero wherever it is defined.

    Sufficient always; necessary since exponentials of different monomials are independent over the rational functions
    and no square root here is one of a square.
    """
    term, roots = _rooted(_exponentials(term))
    term = term.replace(sympy.log, lambda argument: sympy.Symbol(f"log({sympy.expand(argument)})"))
    if not term.free_symbols:
        return bool(sympy.expand(term) == 0)
    numerator = field(sorted(term.free_symbols, key=str), sympy.QQ)[0].from_expr(term).numer
    for root, square in roots.items():
        if not numerator or root not in numerator.ring.symbols:
            continue
        above, below = sympy.fraction(sympy.together(square))
        rest = sympy.prem(numerator.as_expr(), below * root**2 - above, root)
        numerator = sympy.ring(sorted(rest.free_symbols, key=str), sympy.QQ)[0].from_expr(rest) if rest != 0 else 0
    return not numerator


def _exponentials(term: Any) -> Any:
    """Write every exponential as a product of generators `exp(m / q)`, one for each monomial m, q its denominator."""
    whole: dict[Any, int] = {}
    for found in term.atoms(sympy.exp):
        for c, monomial in map(_split, sympy.Add.make_args(sympy.expand(found.args[0]))):
            whole[monomial] = lcm(whole.get(monomial, 1), int(c.q))

    def written(argument: Any) -> Any:
        factors = []
        for c, monomial in map(_split, sympy.Add.make_args(sympy.expand(argument))):
            if isinstance(monomial, sympy.log):
                factors.append(_exponentials(monomial.args[0]) ** c)
            else:
                factors.append(sympy.Symbol(f"exp({monomial}/{whole[monomial]})") ** (c * whole[monomial]))
        return sympy.Mul(*factors)

    return term.replace(sympy.exp, written)


def _split(part: Any) -> tuple[Any, Any]:
    """Rational coefficient and the rest."""
    c, rest = part.as_coeff_Mul(rational=True)
    return c, rest


def _rooted(term: Any) -> tuple[Any, dict[Any, Any]]:
    """Write every square root as a generator; return them with their squares."""
    roots: dict[Any, Any] = {}

    def written(base: Any, exponent: Any) -> Any:
        if not (exponent.is_Rational and exponent.q == 2):
            return base**exponent
        square = _square(base)
        root = sympy.Symbol(f"sqrt({square})")
        roots[root] = square
        return root ** (2 * exponent)

    return term.replace(sympy.Pow, written), roots


@cache
def _square(base: Any) -> Any:
    """What a root is the root of, as one fraction."""
    return sympy.together(sympy.expand(base))


class Expressions:
    """Arrays of symbols, one for each entry of the named shapes; `sample` gives numbers for some of the arrays."""

    def __init__(self, shapes: Mapping[str, Sequence[int]], sample: Mapping[str, Any] | None = None) -> None:
        self.sample: dict[Any, Any] = {}
        self._arrays: dict[str, Array] = {}
        self._symbols: list[Any] = []
        for name, shape in shapes.items():
            array = np.empty(tuple(shape), object)
            for index in product(*map(range, shape)):
                symbol = sympy.Symbol(f"{name}[{','.join(map(str, index))}]")
                array[index] = Expression(symbol, self)
                self._symbols.append(symbol)
                if sample and name in sample:
                    self.sample[symbol] = _term(np.asarray(sample[name], object)[index])
            self._arrays[name] = array

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def converted(self, form: Any) -> Any:
        """Expression for a polynomial of `proofs.forms` over arrays of the same shapes; numbers stay what they are."""
        if not isinstance(form, Form):
            return form
        products = (_term(c) * sympy.Mul(*(self._symbols[v] for v in monomial)) for monomial, c in form.terms.items())
        return Expression(sympy.Add(*products), self)

    def number(self, side: Any) -> str:
        """Value at the sample, and at 1 where that leaves a symbol open, to four digits."""
        point = {symbol: self.sample.get(symbol, sympy.Integer(1)) for symbol in self._symbols}
        return str(sympy.sympify(_term(side)).xreplace(point).evalf(4))

    def gradient(self, loss: Callable[[Array], Any], at: str) -> Array:
        """Let SymPy differentiate the executed `loss` by every entry of the array named `at`."""
        array = self[at]
        value = loss(array)
        entries: list[Any] = list(array.flat)
        return filled(array.shape, (self.derivative(value, entry) for entry in entries))

    def derivative(self, value: Any, entry: Expression) -> Expression:
        """Let SymPy differentiate a value by one entry."""
        return Expression(sympy.diff(_term(value), entry.term), self)
