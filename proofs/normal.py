"""Normal form of terms, in which the sides of a step are compared: equality is never left to `simplify`."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy
from sympy import Add, Indexed, Mul, Sum

from proofs.signals import At, D


@cache
def normal(e: Any) -> Any:
    """Normal form: indices expanded, products of sums merged into one sum, limits sorted, the rest cancelled."""
    if isinstance(e, Indexed | At):
        return e.func(e.args[0], *(sympy.expand(index) for index in e.args[1:]))
    if isinstance(e, Sum):
        return _merged([normal(e.function)], list(e.limits))
    if isinstance(e, Mul):
        factors = [normal(factor) for factor in e.args]
        if any(isinstance(factor, Add) and factor.has(Sum) for factor in factors):
            return Add(*map(normal, Add.make_args(sympy.expand(Mul(*factors)))))
        return _merged(factors, [])
    if isinstance(e, Add):
        return Add(*map(normal, e.args))
    if isinstance(e, D):
        return e.func(normal(e.args[0]), e.args[1])
    return e


def same(left: Any, right: Any) -> bool:
    """Whether two terms have the same normal form."""
    left, right = normal(left), normal(right)
    if left == right:
        return True
    difference = left - right
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
