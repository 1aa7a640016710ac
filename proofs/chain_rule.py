"""Derivative of an undefined function of polynomials by one of their variables: SymPy's chain rule, on short terms.

Each polynomial is taken as one in that variable alone, its coefficients as symbols. SymPy sees how often the variable
stands in each argument, and nothing of what is multiplied with it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy


def coefficients(output: Any, entry: Any) -> list[Any]:
    """Of an output as a polynomial in one entry, the constant term first."""
    ring, place = output.ring, output.ring.gens.index(entry)
    rows: dict[int, dict[tuple[int, ...], Any]] = {0: {}}
    for powers, c in output.terms():
        rows.setdefault(powers[place], {})[(*powers[:place], 0, *powers[place + 1 :])] = c
    return [ring.from_dict(rows.get(power, {})) for power in range(max(rows) + 1)]


@cache
def chain_rule(lengths: tuple[int, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Let SymPy differentiate an undefined function of polynomials in one variable, with so many coefficients each.

    Returns it and its symbols: the variable, the function's derivatives by its arguments, all of the coefficients.
    """
    variable, rows = sympy.Symbol("t"), [sympy.symbols(f"c{n}_:{count}") for n, count in enumerate(lengths)]
    cotangents = sympy.symbols(f"g:{len(lengths)}")
    sums = [sum(c * variable**power for power, c in enumerate(row)) for row in rows]
    derivative = sympy.diff(sympy.Function("L")(*sums), variable)
    # xreplace works from the outside in, so that a Derivative inside of a Subs is left to that
    names = {e: cotangents[_argument(e)] for e in derivative.atoms(sympy.Subs, sympy.Derivative)}
    return derivative.xreplace(names), (variable, *cotangents, *(c for row in rows for c in row))


def _argument(derivative: Any) -> int:
    """Number of the argument by which an undefined function is differentiated."""
    unevaluated = derivative.expr if isinstance(derivative, sympy.Subs) else derivative
    return int(unevaluated.expr.args.index(unevaluated.variables[0]))
