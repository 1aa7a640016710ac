"""Arrays of polynomials: values for the arrays of a law that stand for all real numbers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy.polys.rings import PolyElement, PolyRing, ring

from numeric.dtypes import Array
from proofs.forms import Form, filled


class Polynomials:
    """Arrays of ring generators, one for each entry of the named shapes: `numbers["x"][0, 1]` is `x[0,1]`.

    A size may be a range instead of a number, for entries that do not count from 0. The coefficients are integers,
    or fractions if `rational`.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int | range]], rational: bool = False) -> None:
        ranges = {name: [range(n) if isinstance(n, int) else n for n in shape] for name, shape in shapes.items()}
        names = [f"{name}[{','.join(map(str, index))}]" for name, axes in ranges.items() for index in product(*axes)]
        self.ring: PolyRing
        self.ring, *generators = ring([sympy.Symbol(name) for name in names], sympy.QQ if rational else sympy.ZZ)
        unused = iter(generators)
        self._arrays = {name: np.empty(tuple(map(len, axes)), object) for name, axes in ranges.items()}
        for array in self._arrays.values():
            for index in np.ndindex(array.shape):
                array[index] = next(unused)

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def converted(self, form: Any) -> Any:
        """Ring element for a polynomial of `proofs.forms` over arrays of the same shapes; numbers stay."""
        if not isinstance(form, Form):
            return form
        count = len(self.ring.gens)
        return self.ring.from_dict(
            {
                tuple(map(Counter(monomial).__getitem__, range(count))): self.ring.domain(c.numerator) / c.denominator
                for monomial, c in form.terms.items()
            }
        )

    def gradient(self, loss: Callable[[Array], Any], at: str) -> Array:
        """Let SymPy differentiate the executed `loss` by every entry of the array named `at`."""
        value = self.ring(loss(self[at]))
        return _map(value.diff, self[at])

    def arbitrary(self, forward: Callable[[Array], Array], at: str) -> tuple[Array, Array]:
        """Gradient of `L(forward(...))` for an undefined function L of all outputs, by SymPy's chain rule.

        Returns it with the array `g` of the partial derivatives of L, in which it is written.
        """
        loss = self.undefined_loss(forward(self[at]))
        return _map(lambda entry: self.loss_derivative(loss, entry), self[at]), self["g"]

    def undefined_loss(self, outputs: Array) -> Any:
        """Undefined function L of all outputs. Raises `ValueError` unless g has their shape."""
        if self["g"].shape != outputs.shape:
            raise ValueError(f"g must have the shape of the outputs, {outputs.shape}, got {self['g'].shape}")
        return sympy.Function("L")(*(self.ring(output).as_expr() for output in outputs.flat))

    def loss_derivative(self, loss: Any, entry: PolyElement) -> PolyElement:
        """Derivative of an undefined loss by one entry, in terms of `g`, its derivatives by its own arguments."""
        derivative = sympy.diff(loss, entry.as_expr())
        # xreplace works from the outside in, so that a Derivative inside of a Subs is left to that
        names = {e: self._cotangent(e) for e in derivative.atoms(sympy.Subs, sympy.Derivative)}
        return self.ring.from_expr(derivative.xreplace(names))

    def _cotangent(self, derivative: Any) -> Any:
        """Name the derivative of L by its i-th argument `g[i]`."""
        unevaluated = derivative.expr if isinstance(derivative, sympy.Subs) else derivative
        position = unevaluated.expr.args.index(unevaluated.variables[0])
        return self["g"].flat[position].as_expr()


def _map(function: Callable[[Any], Any], array: Array) -> Array:
    entries: list[Any] = list(array.flat)
    return filled(array.shape, map(function, entries))
