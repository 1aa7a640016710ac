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
from typing import Any

import numpy as np
import sympy
from sympy import Add, Integer, Mul, Pow, Rational, Symbol
from sympy.core.function import AppliedUndef

from proofs.expressions import Expression, Expressions
from proofs.multi_index import MultiIndex, agree, box, spread
from proofs.polynomials import Polynomials
from proofs.signals import At, D, Formula, Partial, Residue, Rounded

Index = tuple[Any, ...]
Values = dict[Any, Any]
Forward = tuple[Any, Sequence[Any]]


class Model:
    """Concrete sizes: a number or multi-index for every symbol, an index range per axis for every array, zero outside.

    `forward` is the term for the outputs and the indices that it is a function of, which the undefined loss depends
    on. `maps` are functions by name: index maps, None where they lead nowhere, and activations. A sum over the whole
    grid runs over `grid`. Terms with exponentials, logarithms and roots take `expressions` for their entries.
    """

    def __init__(
        self,
        sizes: Mapping[Any, Any],
        arrays: Mapping[str, Sequence[Any]],
        forward: Forward | None = None,
        maps: Mapping[str, Callable[..., Any]] | None = None,
        grid: Sequence[Any] = (),
        expressions: bool = False,
    ) -> None:
        self.sizes = dict(sizes)
        self.ranges = dict(arrays)
        self.forward = forward
        self.maps = dict(maps or {})
        self.grid = grid
        self._values: dict[Any, Any] = {}
        self.numbers: Any = (
            Expressions({name: tuple(map(len, axes)) for name, axes in self.ranges.items()})
            if expressions
            else Polynomials(self.ranges, rational=True)
        )

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

    @cached_property
    def loss(self) -> Any:
        """Undefined function of all outputs."""
        if self.forward is None:
            raise TypeError("a loss needs the outputs that it is a function of: the model has no `forward`")
        (term, indices), axes = self.forward, self.ranges["g"]
        outputs = np.empty(tuple(map(len, axes)), object)
        for place, at in zip(np.ndindex(outputs.shape), product(*axes), strict=True):
            outputs[place] = self.value(term, dict(zip(indices, at, strict=True)))
        return self.numbers.undefined_loss(outputs)


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
    if isinstance(e, At | Formula):
        return _compiled(e.unfold())
    if isinstance(e, AppliedUndef):
        return _mapped(e)
    if isinstance(e, Rational):
        number = int(e) if isinstance(e, Integer) else Fraction(e.p, e.q)
        return lambda *_: number
    raise TypeError(f"cannot evaluate {e.func.__name__}: {e}")


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

    return run


def _loss_derivative(e: Any) -> Run:
    """Let SymPy's own chain rule differentiate an undefined function of all outputs."""
    name, place = _place(e.args[0])

    def run(model: Model, at: Values) -> Any:
        entry = model.entry(name, place(model, at))
        return model.numbers.loss_derivative(model.loss, entry) if entry else 0

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
    Residue: _residue,
    D: _derivative,
    Partial: _loss_derivative,
    Rounded: _rounded,
}
