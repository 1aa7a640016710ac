"""Light polynomials: what the symbolic tier runs the shipped code on, at a cost linear in the number of monomials.

A `Form` is a polynomial with integer or fraction coefficients. Its normal form is a dict from monomials to non-zero
coefficients, a monomial being the sorted tuple of its variables' numbers (`x*x*w` is `(0, 0, 5)`); two forms are equal
exactly if their dicts are. Sums are kept as lists of what they add up and merged once, when they are looked at, since
a layer's outputs are long sums: merging each partial sum would cost the square of the length.

A form is compared with another (`>`, `max`, `abs`) at a sample: a rational point given for every variable. What is
computed then holds wherever the comparisons come out the same, so for a region of real inputs and not for a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from numbers import Rational
from typing import Any

import numpy as np

from numeric.dtypes import Array

Monomial = tuple[int, ...]
Coefficient = int | Fraction


class KinkError(ValueError):
    """A comparison whose two sides are equal at the sample, though not everywhere: the region has no side."""


class Form:
    """Polynomial in the variables of a `Forms`; made by arithmetic on those."""

    __slots__ = ("_parts", "_terms", "space")

    def __init__(self, space: Forms, terms: dict[Monomial, Coefficient] | None, parts: Sequence[Any] = ()) -> None:
        self.space = space
        self._terms = terms
        self._parts = parts

    @property
    def terms(self) -> dict[Monomial, Coefficient]:
        """Normal form."""
        if self._terms is None:
            self._terms, self._parts = _merged(self), ()
        return self._terms

    def __add__(self, other: Any) -> Form:
        return self._sum(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Form:
        return self._sum(other, -1)

    def __rsub__(self, other: Any) -> Form:
        return (-self)._sum(other, 1)

    def __neg__(self) -> Form:
        return Form(self.space, None, ((-1, self),))

    def _sum(self, other: Any, sign: int) -> Form:
        form = self._form(other)
        return NotImplemented if form is None else Form(self.space, None, ((1, self), (sign, form)))

    def __mul__(self, other: Any) -> Form:
        form = self._form(other)
        if form is None:
            return NotImplemented
        if len(form.terms) <= 1 and () in form.terms:
            return self if form.terms[()] == 1 else Form(self.space, None, ((form.terms[()], self),))
        mine, others = self.terms, form.terms
        if len(mine) == len(others) == 1:  # the usual case: an entry of the input times one of the kernel
            ((ours, a),), ((theirs, b),) = mine.items(), others.items()
            return Form(self.space, {tuple(sorted(ours + theirs)): a * b})
        made: dict[Monomial, Coefficient] = {}
        for ours, a in mine.items():
            for theirs, b in others.items():
                monomial = tuple(sorted(ours + theirs))
                made[monomial] = made.get(monomial, 0) + a * b
        return Form(self.space, {monomial: c for monomial, c in made.items() if c})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Form:
        """Quotient by a number."""
        if not isinstance(other, Rational | float):
            return NotImplemented
        return Form(self.space, {m: _whole(Fraction(c) / exact(other)) for m, c in self.terms.items()})

    def __pow__(self, exponent: int) -> Form:
        made = Form(self.space, {(): 1})
        for _ in range(exponent):
            made = made * self
        return made

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        form = self._form(other)
        return form is not None and self.terms == form.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __len__(self) -> int:
        """Return the number of monomials."""
        return len(self.terms)

    def __gt__(self, other: Any) -> bool:
        return self._sign(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._sign(other) >= 0

    def __lt__(self, other: Any) -> bool:
        return self._sign(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._sign(other) <= 0

    def __abs__(self) -> Form:
        return self if self >= 0 else -self

    def _sign(self, other: Any) -> int:
        """Sign of the difference at the sample; 0 only for equal polynomials."""
        difference = self - other
        if not difference.terms:
            return 0
        value = difference.at(self.space.sample)
        if value == 0:
            raise KinkError(f"{self} and {other} are equal at the sample, though not everywhere")
        return 1 if value > 0 else -1

    def at(self, point: Mapping[int, Coefficient]) -> Coefficient:
        """Value at a point, which has a number for every variable. Raises `TypeError` where one is missing."""
        total: Coefficient = 0
        for monomial, c in self.terms.items():
            for variable in monomial:
                if variable not in point:
                    raise TypeError(f"the sign of {self} is not decided: {self.space.names[variable]} has no sample")
                c = c * point[variable]
            total = total + c
        return total

    def _form(self, other: Any) -> Form | None:
        if isinstance(other, Form):
            return other
        if type(other) is int:  # the usual case, long before the abstract types are asked
            return Form(self.space, {(): other} if other else {})
        if not isinstance(other, Rational | float):
            return None
        number = exact(other)
        return Form(self.space, {(): number} if number else {})

    def __str__(self) -> str:
        return _text(self)

    __repr__ = __str__


def _merged(root: Form) -> dict[Monomial, Coefficient]:
    """Add up what a sum was made of: every part once."""
    merged: dict[Monomial, Coefficient] = {}
    todo: list[tuple[Coefficient, Form]] = [(1, root)]
    while todo:
        factor, form = todo.pop()
        if form._terms is None:
            todo.extend((factor * sign, part) for sign, part in reversed(form._parts))
            continue
        for monomial, c in form._terms.items():
            merged[monomial] = merged.get(monomial, 0) + factor * c
    return {monomial: c for monomial, c in merged.items() if c}


def exact(number: Any) -> Coefficient:
    """Exact Python number for any rational one, NumPy's among them; a finite float is its value."""
    if isinstance(number, float):
        return _whole(Fraction(float(number)))
    return _whole(Fraction(int(number.numerator), int(number.denominator)))


def _whole(fraction: Fraction) -> Coefficient:
    return fraction.numerator if fraction.denominator == 1 else fraction


def _text(form: Form) -> str:
    parts = []
    for monomial, c in sorted(form.terms.items()):
        names = [form.space.names[v] for v in dict.fromkeys(monomial)]
        powers = [monomial.count(v) for v in dict.fromkeys(monomial)]
        factors = [name if power == 1 else f"{name}**{power}" for name, power in zip(names, powers, strict=True)]
        factors = factors if abs(c) == 1 and factors else [str(abs(c)), *factors]
        parts.append(("-" if c < 0 else "+", "*".join(factors)))
    if not parts:
        return "0"
    first, *rest = parts
    return ("-" if first[0] == "-" else "") + first[1] + "".join(f" {sign} {text}" for sign, text in rest)


class Forms:
    """Arrays of variables, one for each entry of the named shapes: `numbers["x"][0, 1]` is `x[0,1]`.

    `sample` gives numbers for some of the arrays, at which comparisons are decided.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], sample: Mapping[str, Any] | None = None) -> None:
        self.names: list[str] = []
        self.sample: dict[int, Coefficient] = {}
        self._arrays: dict[str, Array] = {}
        for name, shape in shapes.items():
            values = np.asarray(sample[name], object) if sample and name in sample else None
            self._arrays[name] = self._variables(name, tuple(shape), values)

    def _variables(self, name: str, shape: tuple[int, ...], sample: Array | None) -> Array:
        array = np.empty(shape, object)
        for index in product(*map(range, shape)):
            if sample is not None:
                self.sample[len(self.names)] = exact(sample[index])
            array[index] = Form(self, {(len(self.names),): 1})
            self.names.append(f"{name}[{','.join(map(str, index))}]")
        return array

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def number(self, side: Any) -> Any:
        """Value of a polynomial at the sample, and 1 where that leaves a variable open; numbers stay."""
        point = {v: self.sample.get(v, 1) for v in range(len(self.names))}
        return side.at(point) if isinstance(side, Form) else side

    def gradient(self, loss: Callable[[Array], Any], at: str) -> Array:
        """Differentiate the executed `loss` by every entry of the array named `at`: one pass over its monomials."""
        array = self[at]
        value = loss(array)
        entries: list[Any] = list(array.flat)
        parts: dict[int, dict[Monomial, Coefficient]] = {variable(entry): {} for entry in entries}
        for monomial, c in (value.terms if isinstance(value, Form) else {}).items():
            for v in dict.fromkeys(monomial):
                if v in parts:
                    place = monomial.index(v)
                    parts[v][monomial[:place] + monomial[place + 1 :]] = c * monomial.count(v)
        return filled(array.shape, (Form(self, parts[variable(entry)]) for entry in entries))


def filled(shape: tuple[int, ...], entries: Iterable[Any]) -> Array:
    """Array of objects with these entries, in row-major order."""
    out: Any = np.empty(shape, object)
    for index, entry in zip(np.ndindex(shape), entries, strict=True):
        out[index] = entry
    return out  # type: ignore[no-any-return]


def variable(form: Form) -> int:
    """Number of the variable that a form is."""
    ((v,),) = form.terms
    return v
