"""Rules by which a derivation goes from one line to the next.

A rule is a transformation of SymPy terms. It must turn one side of a step into the other; used backwards, the
right into the left (to *fold* a definition is to unfold the other side).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import sympy
from sympy import Add, Function, KroneckerDelta, Mul, Sum
from sympy.core.function import AppliedUndef

from numeric import Axis
from proofs.layer_signals import WINNER
from proofs.signals import Above, At, D, Formula, Partial, Residue, Rounded, Signal


@dataclass(frozen=True)
class Rule:
    """A named transformation of terms; a `conditional` one is right only under what the step says beside it.

    `words` name it, with `{}` for each of the `terms` that it speaks of. It uses the equalities `given`, which the
    steps before must have derived, and the `law` of that name, which must be derived itself.
    """

    words: str
    apply: Callable[[Any], Any]
    backwards: bool = False
    conditional: bool = False
    terms: tuple[Any, ...] = ()
    given: tuple[tuple[Any, Any], ...] = ()
    law: str = ""

    def named(self, show: Callable[[Any], str]) -> str:
        """Name of the rule, its terms shown in some notation."""
        return self.words.format(*map(show, self.terms)) if self.terms else self.words

    @property
    def name(self) -> str:
        """Name of the rule, its terms as SymPy writes them."""
        return self.named(str)


def unfold(kind: type[Signal], name: str) -> Rule:
    """Replace every value of that kind of signal by its definition."""
    return Rule(f"definition of {name}", lambda e: _replace(e, kind))


def fold(kind: type[Signal], name: str) -> Rule:
    """Recognise a definition."""
    return Rule(f"definition of {name}", lambda e: _replace(e, kind), backwards=True)


def add_equal(limits: Any) -> Rule:
    """Add up what does not depend on the index, so many times the same: a number, not a multi-index."""
    index, low, high = limits

    def added(e: Any) -> Any:
        if limits not in e.limits or len(e.limits) > 1:
            return e
        terms = Add.make_args(sympy.expand(e.function))
        alike = Add(*(term for term in terms if not term.has(index)))
        rest = Add(*(term for term in terms if term.has(index)))
        return (Sum(rest, limits) if rest != 0 else 0) + (high - low + 1) * alike

    return Rule("add up equal terms", lambda e: e.replace(Sum, lambda *args: added(Sum(*args))))


def backwards(rule: Rule) -> Rule:
    """The rule from the right side of a step to the left one."""
    return replace(rule, backwards=not rule.backwards)


def _replace(e: Any, kind: type[Signal]) -> Any:
    return e.replace(lambda t: isinstance(t, At) and type(t.signal) is kind, lambda t: t.unfold())


def index_map(axis: Axis, *, circular: bool = False, which: str = "", backwards: bool = False) -> Rule:
    """Write `reads(o, u)` by the formula of `numeric.Axis`: on the whole grid, or on a circle of `input_size` cells."""

    def reads(o: Any, u: Any) -> Any:
        cell = axis.reads(o, u)
        return Residue(cell, axis.input_size) if circular else cell

    words, terms = (
        ("formula of reads, on circles of {} cells", (axis.input_size,)) if circular else ("formula of reads", ())
    )
    return Rule(words, lambda e: e.replace(Function(f"reads{which}", integer=True), reads), backwards, terms=terms)


def wrap(modulus: Any, *, backwards: bool = False) -> Rule:
    """Drop remainders inside of one by `modulus`: `s·(z mod m) ≡ s·z` wherever `s·m` is a multiple of it."""

    def plain(number: Any, by: Any) -> Any:
        spread = sympy.expand(number)
        for inner in spread.atoms(Residue) if by == modulus else ():
            times = spread.coeff(inner)
            rest = sympy.expand(spread - times * inner)
            if not rest.has(inner) and sympy.cancel(times * inner.args[1] / modulus).is_integer:
                spread = sympy.expand(rest + times * inner.args[0])
        return Residue(spread, by)

    return Rule("arithmetic modulo {}", lambda e: e.replace(Residue, plain), backwards, terms=(modulus,))


def at_sizes(**sizes: Any) -> Rule:
    """Give sizes their values, by the names of their symbols, and drop the sums that have one term left."""

    def given(e: Any) -> Any:
        values = {symbol: sizes[symbol.name] for symbol in e.free_symbols if symbol.name in sizes}
        return e.subs(values).replace(Sum, lambda *args: _single(Sum(*args)))

    words = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    return Rule(words, given, conditional=True)


def _single(e: Any) -> Any:
    for index, low, high in _independent(e):
        if low == high:
            rest = [limit for limit in e.limits if limit[0] != index]
            term = put(e.function, index, low)
            return _single(Sum(term, *rest)) if rest else term
    return e


def rename(*limits: tuple[Any, Any]) -> Rule:
    """Call the index of a sum otherwise: `rename((CELLS, TAPS))`, for two ranges that are the same."""

    def renamed(e: Any) -> Any:
        for old, new in limits:
            if old in _independent(e):
                if new[0] in e.free_symbols | set(e.variables):
                    raise ValueError(f"{new[0]} already stands in {e}")
                rest = [new if limit == old else limit for limit in e.limits]
                e = Sum(put(e.function, old[0], new[0]), *rest)
        return e

    terms = tuple(end for old, new in limits for end in (old[0], new[0]))
    words = "rename " + ", ".join("{} → {}" for _ in limits)
    return Rule(words, lambda e: e.replace(Sum, lambda *args: renamed(Sum(*args))), conditional=True, terms=terms)


def unfold_one(signal: Signal, name: str, *, backwards: bool = False) -> Rule:
    """Definition of one signal, and of no other of its kind."""

    def own(t: Any) -> bool:
        return isinstance(t, At) and t.signal == signal

    return Rule(f"definition of {name}", lambda e: e.replace(own, lambda t: t.unfold()), backwards)


def known(*given: tuple[Any, Any]) -> Rule:
    """Replace left sides by right sides that the steps before have derived."""
    return Rule("as derived above", lambda e: e.subs(dict(given)), given=given)


def known_for_every(index: Any, given: tuple[Any, Any]) -> Rule:
    """Replace one side by the other, derived before, under sums over an index that stands free in it."""
    left, right = given

    def used(e: Any) -> Any:
        bound = {i for total in e.atoms(Sum) for i in total.variables} - {index}
        if bound & (left.free_symbols | right.free_symbols):
            raise ValueError(f"a sum in {e} runs over another index of {left} than {index}")
        return e.xreplace({left: right})

    return Rule("as derived above for every {}", used, terms=(index,), given=(given,))


def lemma(law: str, kind: type[Signal], right: Callable[[Any], Any]) -> Rule:
    """Use what another law says of every signal of that kind."""
    return Rule(f"law {law}", lambda e: e.replace(lambda t: type(t) is kind, right), law=law)


def chain_rule(outputs: Callable[[Any], Any]) -> Rule:
    """Write the loss's derivative as a sum over the outputs: `outputs(variable)` is that sum."""
    return Rule("chain rule", lambda e: e.replace(Partial, outputs))


def substitute(index: Any, by: Any) -> Rule:
    """Count a sum by another index: `u -> by`, where `by` is u or -u and a number, so that every term is met once."""
    sign = by.coeff(index)
    if sign not in (1, -1) or (by - sign * index).has(index):
        raise ValueError(f"{index} → {by} does not run through all integers once")

    def counted(e: Any) -> Any:
        if index not in [limit[0] for limit in _independent(e)]:
            return e
        moved = {limit[0]: _moved(limit, sign, by - sign * index) for limit in e.limits if limit[0] == index}
        if any(set(e.variables) & set().union(*(end.free_symbols for end in ends)) for _, *ends in moved.values()):
            raise ValueError(f"the limits of {index} would depend on another index of the same sum: {index} → {by}")
        limits = [moved.get(limit[0], limit) for limit in e.limits]
        return Sum(put(e.function, index, by), *limits)

    return Rule("substitute {} → {}", lambda e: e.replace(Sum, lambda *args: counted(Sum(*args))), terms=(index, by))


def _independent(e: Any) -> tuple[Any, ...]:
    """Limits of a sum, whose order does not matter; none where some depend on its own indices."""
    ends = set().union(*(end.free_symbols for _, *ends in e.limits for end in ends))
    return () if ends & set(e.variables) else tuple(e.limits)


def put(e: Any, index: Any, by: Any) -> Any:
    """Term with an index replaced. Raises `ValueError` where a sum inside of it runs over an index of either."""
    inner = {index for total in e.atoms(Sum) for index in total.variables}
    if inner & {index, *by.free_symbols}:
        raise ValueError(f"a sum in {e} runs over an index of {index} → {by}")
    return e.subs(index, by)


def _moved(limit: Any, sign: Any, offset: Any) -> tuple[Any, Any, Any]:
    """Limits of the new index, where the old one is `sign * new + offset`."""
    index, low, high = limit
    return (index, low - offset, high - offset) if sign == 1 else (index, offset - high, offset - low)


def negate_index(*indices: Any) -> Rule:
    """Substitute `u -> -u` under a sum."""
    rules = [substitute(u, -u) for u in indices]

    def apply(e: Any) -> Any:
        for rule in rules:
            e = rule.apply(e)
        return e

    terms = tuple(term for u in indices for term in (u, -u))
    return Rule("substitute " + ", ".join("{} → {}" for _ in indices), apply, terms=terms)


def collapse(*terms: tuple[Any, Any]) -> Rule:
    """Keep the one term of a sum on which its Kronecker delta is 1: `collapse((u, v))` is the one with u = v.

    Off the sum's range there is no such term: the condition says why the one that is left is 0 there too.
    """
    words = "only the term {} is left".format(", ".join("{} = {}" for _ in terms))
    return Rule(words, lambda e: _collapsed(e, terms), conditional=True, terms=tuple(chain(*terms)))


def insert(*terms: tuple[Any, Any]) -> Rule:
    """Write a term as a sum of which only that term is left."""
    return Rule("insert a sum with one term", lambda e: _collapsed(e, terms), backwards=True, conditional=True)


def on_both_sides(number: Any) -> Rule:
    """Add a number to both sides of every delta's equation."""

    def moved(left: Any, right: Any) -> Any:
        return KroneckerDelta(sympy.expand(left + number), sympy.expand(right + number))

    return Rule("add {} on both sides", lambda e: e.replace(KroneckerDelta, moved), terms=(number,))


def _collapsed(e: Any, terms: Sequence[tuple[Any, Any]]) -> Any:
    for index, at in terms:
        e = e.replace(Sum, lambda *args, index=index, at=at: _without(Sum(*args), index, at))
    return e


def _without(e: Any, index: Any, at: Any) -> Any:
    """Drop the sum over `index` where its delta leaves only the term `index = at`."""
    limits = [limit for limit in _independent(e) if limit[0] != index]
    factors = Mul.make_args(e.function)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta) and _solves(f, index, at)]
    if len(limits) != len(e.limits) - 1 or not deltas or at.has(index):
        return e
    rest = put(Mul(*(f for f in factors if f is not deltas[0])), index, at)
    return Sum(rest, *limits) if limits else rest


def _solves(delta: Any, index: Any, at: Any) -> bool:
    """Whether the delta is 1 exactly for `index = at`."""
    difference = sympy.expand(delta.args[0] - delta.args[1])
    return bool(difference in (sympy.expand(index - at), sympy.expand(at - index)))


def proper_fraction(r: Any, below: Any) -> Rule:
    """Drop the floor of `n + r / s`, where n is a whole number and r a remainder modulo s."""

    def drop(a: Any) -> Any:
        whole_part = sympy.cancel(a.subs(r, 0))
        fits = whole_part.is_integer and sympy.cancel(a - whole_part - r / below) == 0
        return whole_part if fits else sympy.floor(a)

    return Rule("0 ≤ {} < {}", lambda e: e.replace(sympy.floor, drop), conditional=True, terms=(r, below))


def _smooth(e: Any, entry: Any) -> Any:
    """Differentiate what does not branch. Raises `ValueError` for what does."""
    if e.has(Above) or any(chosen.func.__name__.startswith(WINNER) for chosen in e.atoms(AppliedUndef)):
        raise ValueError(f"{e} branches on its entries, so it is differentiated on a region only")
    return _differentiated(e, entry)


def _differentiated(e: Any, entry: Any) -> Any:
    """Let SymPy differentiate, which takes indices of the same name for the same. Raises `ValueError` for such."""
    captured = {index for total in e.atoms(Sum) for index in total.variables} & entry.free_symbols
    if captured:
        raise ValueError(f"{e} sums over {captured}, by whose entry {entry} it is differentiated")
    return sympy.diff(e, entry)


DIFFERENTIATE = Rule("differentiate under the sum", lambda e: e.replace(D, _smooth))
ON_A_REGION = Rule("differentiate on a region", lambda e: e.replace(D, _differentiated), conditional=True)
"""Every comparison comes out as it does nearby, off kinks and ties: brackets and winners are constant."""
EXCHANGE = Rule("exchange the sums", lambda e: e)
FORMULA = Rule("formulas of numeric.Axis", lambda e: e.replace(Formula, lambda *args: Formula(*args).unfold()))
ARITHMETIC = Rule("arithmetic", lambda e: e)
ADD_UP = Rule("add up", lambda e: e.doit())
SUBSTITUTE = Rule("substitute the numbers", lambda e: e.doit())
ROUND = Rule("round", lambda e: e.replace(Rounded, lambda x, digits: sympy.Rational(str(sympy.Float(x, int(digits))))))
