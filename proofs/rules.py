"""Rules by which a derivation goes from one line to the next, and the normal form in which lines are compared.

A rule is a transformation of SymPy terms. It must turn one side of a step into the other; used backwards, the
right into the left (to *fold* a definition is to unfold the other side).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Add, Indexed, Mul, Piecewise, Sum

from proofs.signals import At, D, Formula, Partial, Rounded, Signal


@dataclass(frozen=True)
class Rule:
    """A named transformation of terms; a `conditional` one is right only under what the step says beside it."""

    name: str
    apply: Callable[[Any], Any]
    backwards: bool = False
    conditional: bool = False


def unfold(kind: type[Signal], name: str) -> Rule:
    """Replace every value of that kind of signal by its definition."""
    return Rule(f"definition of {name}", lambda e: _replace(e, kind))


def fold(kind: type[Signal], name: str) -> Rule:
    """Recognise a definition."""
    return Rule(f"definition of {name}", lambda e: _replace(e, kind), backwards=True)


def _replace(e: Any, kind: type[Signal]) -> Any:
    return e.replace(lambda t: isinstance(t, At) and type(t.signal) is kind, lambda t: t.unfold())


def chain_rule(outputs: Callable[[Any], Any]) -> Rule:
    """Write the loss's derivative as a sum over the outputs: `outputs(variable)` is that sum."""
    return Rule("chain rule", lambda e: e.replace(Partial, outputs))


def negate_index(*indices: Any) -> Rule:
    """Substitute `u -> -u` under a sum with limits `-p .. p`."""

    def apply(e: Any) -> Any:
        for u in indices:
            e = e.change_index(u, -u)
        return e

    return Rule("substitute " + ", ".join(f"{u} → −{u}" for u in indices), apply)


def proper_fraction(r: Any) -> Rule:
    """Drop the floor of `r / s`, where r is a remainder modulo s."""
    return Rule(f"0 ≤ {r} < s", lambda e: e.replace(sympy.floor, lambda a: sympy.floor(a.subs(r, 0))), conditional=True)


def _collapse(e: Any) -> Any:
    """Sum up Kronecker deltas. Off its range such a sum is 0, and so is the value that an array has there."""
    summed = e.replace(lambda t: isinstance(t, Sum) and t.has(sympy.KroneckerDelta), lambda t: t.doit())
    return summed.replace(
        Piecewise, lambda *branches: branches[0][0] if branches[1:] == ((0, True),) else Piecewise(*branches)
    )


DIFFERENTIATE = Rule("differentiate under the sum", lambda e: e.replace(D, lambda f, x: sympy.diff(f, x)))
COLLAPSE = Rule("only one term is left", _collapse, conditional=True)
INSERT = Rule("insert a sum with one term", _collapse, backwards=True, conditional=True)
EXCHANGE = Rule("exchange the sums", lambda e: e)
FORMULA = Rule("formulas of numeric.Axis", lambda e: e.replace(Formula, lambda *args: Formula(*args).unfold()))
ARITHMETIC = Rule("arithmetic", lambda e: e)
ADD_UP = Rule("add up", lambda e: e.doit())
SUBSTITUTE = Rule("substitute the numbers", lambda e: e.doit())
ROUND = Rule("round", lambda e: e.replace(Rounded, lambda x, digits: sympy.Rational(str(sympy.Float(x, int(digits))))))


def normal(e: Any) -> Any:
    """Normal form: indices expanded, products of sums merged into one sum, limits sorted, the rest cancelled."""
    if isinstance(e, Indexed | At):
        return e.func(e.args[0], *(sympy.expand(index) for index in e.args[1:]))
    if isinstance(e, Sum):
        return _merged([normal(e.function)], list(e.limits))
    if isinstance(e, Mul):
        return _merged([normal(factor) for factor in e.args], [])
    if isinstance(e, Add):
        return Add(*map(normal, e.args))
    if isinstance(e, D):
        return e.func(normal(e.args[0]), e.args[1])
    return e


def same(left: Any, right: Any) -> bool:
    """Whether two terms have the same normal form."""
    difference = normal(left) - normal(right)
    if difference.has(Sum, At, D):
        difference = sympy.expand(difference)
        return bool(difference == 0)
    return bool(sympy.cancel(sympy.expand(difference)) == 0)


def _merged(factors: list[Any], limits: list[Any]) -> Any:
    """Sum over `limits` of a product whose factors may be sums themselves."""
    product: list[Any] = []
    for number, factor in enumerate(factors):
        if isinstance(factor, Sum):
            others = set().union(*(other.free_symbols for other in (*factors[:number], *factors[number + 1 :])))
            if others & {limit[0] for limit in factor.limits}:
                raise ValueError(f"the index of {factor} stands free beside it")
            product.append(factor.function)
            limits = [*limits, *factor.limits]
        else:
            product.append(factor)
    if len({limit[0] for limit in limits}) < len(limits):
        raise ValueError(f"two sums over the same index cannot be merged: {limits}")
    body = sympy.expand(Mul(*product))
    if not limits:
        return body
    ordered = sorted(limits, key=lambda limit: limit[0].name)
    return Add(*(Sum(term, *ordered) for term in Add.make_args(body)))
