"""Value of a derivation's term at concrete small sizes, by brute force: the second check of every step.

Sums are added up term by term over ranges of integers or multi-indices, array entries are generators of a polynomial
ring, so nothing here relies on SymPy's calculus of sums, deltas and indexed derivatives. A term is turned into Python
closures once and then run at every size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import Add, Integer, Mul, Pow, Rational, Symbol
from sympy.core.function import AppliedUndef

from proofs.chain_rule import chain_rule, coefficients
from proofs.expressions import Expression, Expressions
from proofs.forms import KinkError
from proofs.multi_index import MultiIndex, agree, box, spread
from proofs.polynomials import Polynomials
from proofs.signals import Above, At, D, Formula, Partial, Residue, Rounded

Index = tuple[Any, ...]
Values = dict[Any, Any]
Forward = tuple[Any, Sequence[Any]]


class Model:
    """Concrete sizes: a number or multi-index for every symbol, an index range per axis for every array, zero outside.

    `forward` is the term for the outputs and the indices that it is a function of, which the undefined loss depends
    on. `maps` are functions by name: index maps, None where they lead nowhere, and activations. A sum over the whole
    grid runs over `grid`. Terms with exponentials, logarithms and roots take `expressions` for their entries. Where
    entries are compared, they compare as the numbers of `sample` do, by array.
    """

    def __init__(
        self,
        sizes: Mapping[Any, Any],
        arrays: Mapping[str, Sequence[Any]],
        forward: Forward | None = None,
        maps: Mapping[str, Callable[..., Any]] | None = None,
        grid: Sequence[Any] = (),
        expressions: bool = False,
        sample: Mapping[str, Any] | None = None,
    ) -> None:
        self.sizes = dict(sizes)
        self.ranges = dict(arrays)
        self.forward = forward
        self.maps = dict(maps or {})
        self.grid = grid
        self.sample = dict(sample or {})
        self._values: dict[Any, Any] = {}
        self.kept: dict[Any, Any] = {}
        self.expressions = expressions

    @cached_property
    def numbers(self) -> Any:
        """Entries of every array."""
        if self.expressions:
            return Expressions({name: tuple(map(len, axes)) for name, axes in self.ranges.items()}, self.sample)
        return Polynomials(self.ranges, rational=True)

    @cached_property
    def _entries(self) -> dict[str, dict[Index, Any]]:
        return {
            name: dict(zip(product(*axes), self.numbers[name].flat, strict=True)) for name, axes in self.ranges.items()
        }

    def entry(self, name: str, index: Index) -> Any:
        """Array entry as a ring generator; zero outside of the array. A plain number is a place on every axis."""
        places = zip(index, self.ranges[name], strict=True)
        return self._entries[name].get(tuple([_place_on(axis, i) for i, axis in places]), 0)

    def value(self, e: Any, bound: Mapping[Any, Any] | None = None) -> Any:
        """Value of a term, with values for indices that have no size."""
        if bound:
            return _compiled(e)(self, {**self.sizes, **bound})
        if e not in self._values:  # the right side of a step is the left one of the next
            self._values[e] = _compiled(e)(self, dict(self.sizes))
        return self._values[e]

    def derivative(self, value: Any, entry: Any) -> Any:
        """Derivative of a value by an array entry."""
        if isinstance(entry, Expression):
            return self.numbers.derivative(value, entry)
        return self.numbers.ring(value).diff(entry)

    def above(self, value: Any, bound: Any) -> bool:
        """Whether a value is above another one at the sample. Raises `KinkError` where they are equal there."""
        if self.expressions:
            return bool(value > bound)
        terms = self.numbers.ring(value - bound).terms()
        difference = sum(c * prod(n**k for n, k in zip(self._point, powers, strict=True)) for powers, c in terms)
        if not difference:
            raise KinkError(f"{value} and {bound} are equal at the sample")
        return bool(difference > 0)

    @cached_property
    def _point(self) -> list[int]:
        """Number for every generator; 1 for those of arrays without a sample."""
        point = dict.fromkeys(self.numbers.ring.gens, 1)
        for name, numbers in self.sample.items():
            point.update(zip(self.numbers[name].flat, np.ravel(numbers).tolist(), strict=True))
        return list(point.values())

    @cached_property
    def outputs(self) -> list[Any]:
        """What the undefined loss is a function of."""
        if self.forward is None:
            raise TypeError("a loss needs the outputs that it is a function of: the model has no `forward`")
        term, indices = self.forward
        places = product(*self.ranges["g"])
        return [self.numbers.ring(self.value(term, dict(zip(indices, at, strict=True)))) for at in places]

    def loss_derivative(self, entry: Any) -> Any:
        """Derivative of the undefined loss by an array entry, by SymPy's chain rule, in terms of g."""
        rows = [coefficients(output, entry) for output in self.outputs]
        term, symbols = chain_rule(tuple(map(len, rows)))
        numbers = [entry, *self.numbers["g"].flat, *(c for row in rows for c in row)]
        return _compiled(term)(self, dict(zip(symbols, numbers, strict=True)))


def _place_on(axis: Sequence[Any], i: Any) -> Any:
    """Index as an axis of an array has it."""
    first = axis[0] if len(axis) else None
    return spread(i, len(first.entries)) if isinstance(first, MultiIndex) and isinstance(i, int) else i


Run = Callable[[Model, Values], Any]


@cache
def _compiled(e: Any) -> Run:
    """Turn a term into a function of a model and of values for its symbols. Raises `TypeError` for an unknown kind."""
    made = _KINDS.get(e.func)
    if made is not None:
        return made(e)
    if isinstance(e, At):
        return _kept(e, _compiled(e.unfold()))
    if isinstance(e, Formula):
        return _compiled(e.unfold())
    if isinstance(e, AppliedUndef):
        return _mapped(e)
    if isinstance(e, Rational):
        number = int(e) if isinstance(e, Integer) else Fraction(e.p, e.q)
        return lambda *_: number
    raise TypeError(f"cannot evaluate {e.func.__name__}: {e}")


def _kept(e: Any, run: Run) -> Run:
    """Keep what a term has been found to be: sums over signals made of others ask for it again and again."""
    symbols = sorted(e.free_symbols, key=str)

    def kept(model: Model, at: Values) -> Any:
        key = (e, *map(at.get, symbols))
        if key not in model.kept:
            model.kept[key] = run(model, at)
        return model.kept[key]

    return kept


def _all(terms: Iterable[Any]) -> list[Run]:
    return [_compiled(term) for term in terms]


def _symbol(e: Any) -> Run:
    return lambda _, at: at[e]


def _mapped(e: Any) -> Run:
    name, arguments = e.func.__name__, _all(e.args)
    return lambda model, at: model.maps[name](*(argument(model, at) for argument in arguments))


def _added(e: Any) -> Run:
    terms = _all(e.args)
    return lambda model, at: sum(term(model, at) for term in terms)


def _multiplied(e: Any) -> Run:
    """Deltas first: where one is zero, nothing else is evaluated."""
    factors = _all(sorted(e.args, key=lambda factor: not isinstance(factor, sympy.KroneckerDelta)))

    def run(model: Model, at: Values) -> Any:
        result: Any = 1
        for factor in factors:
            result = factor(model, at) * result
            if isinstance(result, int) and not result:
                return 0
        return result

    return run


def _power(e: Any) -> Run:
    base, exponent = _all(e.args)

    def run(model: Model, at: Values) -> Any:
        number, power = base(model, at), exponent(model, at)
        if isinstance(number, Expression):
            return number**power
        return number**power if power >= 0 else Fraction(1) / number**-power

    return run


def _exponential(e: Any) -> Run:
    (argument,) = _all(e.args)
    return lambda model, at: argument(model, at).exp()


def _logarithm(e: Any) -> Run:
    (argument,) = _all(e.args)
    return lambda model, at: argument(model, at).log()


def _floor(e: Any) -> Run:
    """Of a quotient, which multi-indices have as such: `⌊a / b⌋` is `a // b`."""
    numerator, denominator = _all(e.args[0].as_numer_denom())
    return lambda model, at: numerator(model, at) // denominator(model, at)


def _residue(e: Any) -> Run:
    number, modulus = _all(e.args)
    return lambda model, at: number(model, at) % modulus(model, at)


def _delta(e: Any) -> Run:
    left, right = _all(e.args)
    return lambda model, at: int(agree(left(model, at), right(model, at)))


def _above(e: Any) -> Run:
    value, bound = _all(e.args)
    return lambda model, at: int(model.above(value(model, at), bound(model, at)))


def _summed(e: Any) -> Run:
    body, indices = _compiled(e.function), [index for index, *_ in e.limits]
    spans = [_span(low, high) for _, low, high in e.limits]

    def run(model: Model, at: Values) -> Any:
        inner, total = dict(at), 0
        for place in product(*(span(model, at) for span in spans)):
            inner.update(zip(indices, place, strict=True))
            total += body(model, inner)
        return total

    return run


def _span(low: Any, high: Any) -> Run:
    if (low, high) == (-sympy.oo, sympy.oo):
        return lambda model, _: model.grid
    first, last = _all((low, high))
    return lambda model, at: box(first(model, at), last(model, at))


def _place(e: Any) -> tuple[str, Callable[[Model, Values], Index]]:
    indices = _all(e.indices)
    return e.base.label.name, lambda model, at: tuple([index(model, at) for index in indices])


def _indexed(e: Any) -> Run:
    name, place = _place(e)
    return lambda model, at: model.entry(name, place(model, at))


def _derivative(e: Any) -> Run:
    body, (name, place) = _compiled(e.args[0]), _place(e.args[1])

    def run(model: Model, at: Values) -> Any:
        entry = model.entry(name, place(model, at))
        return model.derivative(body(model, at), entry) if entry else 0  # 0: there is no such entry

    return _kept(e, run)


def _loss_derivative(e: Any) -> Run:
    """Derivative of the undefined loss, 0 by an entry that is not there."""
    name, place = _place(e.args[0])

    def run(model: Model, at: Values) -> Any:
        entry = model.entry(name, place(model, at))
        return model.loss_derivative(entry) if entry else 0

    return run


def _substituted(e: Any) -> Run:
    body, points = _compiled(e.expr), {s: int(n) for s, n in zip(e.variables, e.point, strict=True)}
    return lambda model, at: body(model, {**at, **points})


def _rounded(e: Any) -> Run:
    number, digits = _compiled(e.args[0]), int(e.args[1])

    def run(model: Model, at: Values) -> Fraction:
        fraction = Fraction(number(model, at))
        return Fraction(Context(prec=digits).divide(Decimal(fraction.numerator), Decimal(fraction.denominator)))

    return run


_KINDS: dict[Any, Callable[[Any], Run]] = {
    Symbol: _symbol,
    Add: _added,
    Mul: _multiplied,
    Pow: _power,
    sympy.exp: _exponential,
    sympy.log: _logarithm,
    sympy.floor: _floor,
    sympy.KroneckerDelta: _delta,
    sympy.Sum: _summed,
    sympy.Indexed: _indexed,
    sympy.Subs: _substituted,
    Above: _above,
    Residue: _residue,
    D: _derivative,
    Partial: _loss_derivative,
    Rounded: _rounded,
}
