"""Derivation terms as text. What is printed is the object that was checked.

`proofs.report.latex` prints the same in LaTeX: what is alike in both is decided here, the notation by each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Indexed, IndexedBase, Rational, Sum, Symbol
from sympy.printing.str import StrPrinter

from proofs.layer_signals import INDICES, OUTPUT, Biased, Constant, whole
from proofs.signals import Above, At, Convolution, D, Plus, Residue, Signal

_RAISED = str.maketrans("0123456789T", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
NAMES = {
    "Layer": "conv",
    "OneGroup": "conv",
    "WeightGradient": "conv_weight_gradient",
    "InputGradient": "conv_input_gradient",
    "BiasGradient": "conv_bias_gradient",
    "LocallyConnected": "locally_connected",
    "LocalWeightGradient": "locally_connected_weight_gradient",
    "LocalInputGradient": "locally_connected_input_gradient",
    "AveragePool": "average_pool",
    "AveragePoolGradient": "average_pool_input_gradient",
    "Dense": "dense",
    "DenseInputGradient": "dense_input_gradient",
    "DenseWeightGradient": "dense_weight_gradient",
    "Dropout": "dropout",
    "MaxPool": "max_pool",
    "MaxPoolGradient": "max_pool_input_gradient",
    "Relu": "relu",
    "ReluGradient": "relu_input_gradient",
    "LeakyRelu": "leaky_relu",
    "Relu6": "relu6",
    "Elu": "elu",
    "Softplus": "softplus",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "silu",
    "Softmax": "softmax",
    "SoftmaxGradient": "softmax_input_gradient",
    "LogSoftmax": "log_softmax",
    "LogSoftmaxGradient": "log_softmax_input_gradient",
    "Mean": "mean",
    "Variance": "variance",
    "Deviation": "deviation",
    "BatchNorm": "batch_norm",
    "BatchNormInference": "batch_norm_inference",
    "Pointwise": "σ",
    "Windows": "windows",
    "Flatten": "flatten",
    "Unflatten": "flatten_input_gradient",
    "Rot180": "rot180",
    "Reversed": "rot180",
    "Rotated": "rot180",
    "Spread": "spread",
    "Valid": "valid",
    "Correlation": "correlate",
}
"""Operators that are written as functions, by the names of `numeric` where it has them."""


class TermPrinter(StrPrinter):  # type: ignore[misc]
    """SymPy terms and the operators of `proofs.signals` in the notation of the sheet."""

    printmethod = "_printed_here_alone"  # terms of SymPy would print themselves
    times, minus = "·", "−"
    stacked = False
    """Whether fractions have a line, so that what is above and below needs no parentheses."""

    def _print_At(self, e: Any) -> str:  # noqa: N802 - SymPy's printers are named by class
        signal = self._print(e.signal)
        infix = type(e.signal) in (Plus, Biased, Convolution, Constant)
        return f"{self.grouped(signal) if infix else signal}{self.index(e.args[1:])}"

    def _print_Formula(self, e: Any) -> str:  # noqa: N802
        return self.applied(e.name, e.arguments) if e.arguments else self.word(str(e.name))

    def _print_Indexed(self, e: Any) -> str:  # noqa: N802
        return f"{self.array(str(e.base.label))}{self.index(e.indices)}"

    def _print_IndexedBase(self, e: Any) -> str:  # noqa: N802
        return self.array(str(e.label))

    def _print_Function(self, e: Any) -> str:  # noqa: N802
        return self.applied(e.func.__name__, e.args)

    def _print_Signal(self, e: Any) -> str:  # noqa: N802
        """Function of its operands. Raises `TypeError` for an operator without a name."""
        name = str(type(e).__name__)
        if name not in NAMES:
            raise TypeError(f"there is no notation for {name}: {e!r}")
        operands = [operand for operand in e.args if isinstance(operand, IndexedBase | Signal)]
        number = str(e.args[2]) if name in ("Layer", "OneGroup") and len(e.args) > 2 else ""
        return self.applied(NAMES[name] + number, operands)

    def _print_Shift(self, e: Any) -> str:  # noqa: N802
        signal, *offset = e.args
        return self.moved(signal, offset, "")

    def _print_CircularShift(self, e: Any) -> str:  # noqa: N802
        signal, offset, size = e.args
        return self.moved(signal, [offset], self._print(size))

    def _print_Impulse(self, e: Any) -> str:  # noqa: ARG002, N802
        return self.word("δ")

    def _print_Named(self, e: Any) -> str:  # noqa: N802
        return self.array(str(e.args[0]))

    def _print_Constant(self, e: Any) -> str:  # noqa: N802
        return str(self._print(e.args[0]))

    def _print_From(self, e: Any) -> str:  # noqa: N802
        signal, place, start = e.args
        return f"{self._print(signal)}[{':, ' * int(place)}{self._print(start)}:]"

    def _print_Fixed(self, e: Any) -> str:  # noqa: N802
        signal, last = e.args
        return f"{self._print(signal)}[:, :, {self._print(last)}]"

    def _print_Exchanged(self, e: Any) -> str:  # noqa: N802
        return f"{self._print(e.args[0])}{self.raised('T')}"

    def _print_Biased(self, e: Any) -> str:  # noqa: N802
        return " + ".join(map(self._print, e.args))

    _print_Plus = _print_Biased  # noqa: N815

    def _print_Correlation(self, e: Any) -> str:  # noqa: N802
        return self._print_Signal(e)

    def _print_Convolution(self, e: Any) -> str:  # noqa: N802
        sides = (self.grouped(self._print(s)) if type(s) is Convolution else self._print(s) for s in e.args[:2])
        return self.word(" * ").join(sides)

    def _print_Partial(self, e: Any) -> str:  # noqa: N802
        return f"∂L/∂{self._print(e.args[0])}"

    def _print_D(self, e: Any) -> str:  # noqa: N802
        return f"∂/∂{self._print(e.args[1])} {self.grouped(self._print(e.args[0]))}"

    def _print_KroneckerDelta(self, e: Any) -> str:  # noqa: N802
        left, right = sorted(e.args, key=lambda side: (side.is_number, side.is_Symbol, side not in INDICES, str(side)))
        return f"[{self._print(left)} = {self._print(right)}]"

    def _print_Above(self, e: Any) -> str:  # noqa: N802
        return f"[{' > '.join(map(self._print, e.args))}]"

    def _print_Residue(self, e: Any) -> str:  # noqa: N802
        return str(self.word(" mod ").join(map(self._factor, e.args)))

    def _print_Rounded(self, e: Any) -> str:  # noqa: N802
        return f"{self._print(e.args[0])} to {e.args[1]} digits"

    def _print_Subs(self, e: Any) -> str:  # noqa: N802
        values = ", ".join(f"{s} = {n}" for s, n in zip(e.variables, e.point, strict=True))
        return f"{self._print(e.expr)} at {values}"

    def _print_floor(self, e: Any) -> str:
        return f"⌊{self._print(e.args[0])}⌋"

    def _print_Sum(self, e: Any) -> str:  # noqa: N802
        limits = list(e.limits)
        unbounded = [limit[0] for limit in limits if whole(limit) or limit[1] == -sympy.oo]
        bounded = [limit for limit in limits if limit[0] not in unbounded]
        sums = [*([self.over(unbounded)] if unbounded else []), *(self.limit(*limit) for limit in bounded)]
        body = self._print(e.function)
        return f"{' '.join(sums)} {self.grouped(body) if e.function.is_Add else body}"

    def _print_Pow(self, e: Any, rational: bool = False) -> str:  # noqa: N802 - SymPy's signature
        base, exponent = e.as_base_exp()
        if exponent.is_Integer and exponent > 0:
            bare = base.is_Atom or isinstance(base, At | Indexed)
            return f"{self._print(base) if bare else self.grouped(self._print(base))}{self.raised(exponent)}"
        if exponent.is_Rational and exponent.q == 2 and exponent > 0:
            return f"{self.rooted(self._print(base))}{self.raised(exponent.p) if exponent.p > 1 else ''}"
        if exponent.is_negative:
            below = self.divided("1", self._product(1, [1 / e]))
            return below.replace(" ", "") if base.is_Atom and exponent == -1 else below
        return str(super()._print_Pow(e, rational))

    def _print_Mul(self, e: Any) -> str:  # noqa: N802
        coefficient, factors = e.as_coeff_mul()
        numerator = [f for f in factors if not (f.is_Pow and f.exp.is_negative)]
        denominator = [1 / f for f in factors if f.is_Pow and f.exp.is_negative]
        coefficient = Rational(coefficient)
        sign = self.minus if coefficient < 0 else ""
        if coefficient.q == 1 and not denominator:
            alone = len(numerator) == 1 == abs(coefficient.p) and not numerator[0].is_Add
            return sign + (self._print(numerator[0]) if alone else self._product(abs(coefficient.p), numerator))
        above, below = self._product(abs(coefficient.p), numerator), self._product(coefficient.q, denominator)
        return sign + self.divided(above, below, len(denominator) + (coefficient.q > 1))

    def _product(self, number: int, factors: list[Any]) -> str:
        if self.stacked and number == len(factors) == 1:
            return str(self._print(factors[0]))
        parts = [] if number == 1 and factors else [str(number)]
        ordered = sorted(factors, key=_factor_order)
        for factor in ordered:
            last = factor is ordered[-1]
            open_ended = isinstance(factor, Sum | D) and not last
            bare = not (factor.is_Add or open_ended or isinstance(factor, Residue))
            parts.append(self._print(factor) if bare else self.grouped(self._print(factor)))
        return self.times.join(parts)

    def _factor(self, e: Any) -> str:
        return self._print(e) if e.is_Atom else self.grouped(self._print(e))

    def _print_Add(self, e: Any, order: Any = None) -> str:  # noqa: ARG002, N802 - SymPy's signature
        terms = sorted(e.args, key=_term_order)
        if terms[0].could_extract_minus_sign() and not terms[-1].could_extract_minus_sign():
            terms = [terms[-1], *terms[:-1]]  # 1 - x, and not -x + 1
        rest = [(self.minus, -term) if term.could_extract_minus_sign() else ("+", term) for term in terms[1:]]
        return self.summed([self._term(terms[0]), *(f"{sign} {self._term(term)}" for sign, term in rest)])

    def _term(self, e: Any) -> str:
        return self.grouped(self._print(e)) if isinstance(e, Residue) else str(self._print(e))

    def _print_Rational(self, e: Any) -> str:  # noqa: N802
        if e.q > 1000 and 10**30 % e.q == 0:  # a decimal fraction
            digits, exponent = f"{float(e):.3e}".split("e")
            return self.decimal(digits, int(exponent))
        return self.divided(str(e.p), str(e.q)).replace(" ", "") if e.q > 1 else self._print_Integer(e)

    def _print_Integer(self, e: Any) -> str:  # noqa: N802
        return f"{self.minus}{-e.p}" if e.p < 0 else str(e.p)

    _print_NegativeOne = _print_Integer  # noqa: N815

    def _print_Symbol(self, e: Symbol) -> str:  # noqa: N802
        letters, digits = split(str(e.name))
        return letters + (self.lowered(digits) if digits else "")

    def index(self, indices: Iterable[Any]) -> str:
        """Indices of a signal or an array."""
        shown = ", ".join(map(self._print, indices))
        return f"[{shown}]" if shown else ""

    def applied(self, name: str, arguments: Iterable[Any]) -> str:
        """Function of some arguments."""
        letters, digits = split(name)
        called = self.word(letters) + (self.lowered(digits) if digits else "")
        return f"{called}({', '.join(map(self._print, arguments))})"

    def array(self, name: str) -> str:
        """Name of an array."""
        return self._print(Symbol(name))  # type: ignore[no-any-return]

    def word(self, name: str) -> str:
        """Name or sign of an operator."""
        return name

    def summed(self, terms: list[str]) -> str:
        """Sum of terms, from the second on with their signs."""
        return " ".join(terms)

    def grouped(self, inside: str) -> str:
        """Term in parentheses."""
        return f"({inside})"

    def rooted(self, inside: str) -> str:
        """Square root."""
        return f"√({inside})"

    def lowered(self, digits: str) -> str:
        """Subscript."""
        return digits.translate(_LOWERED) if digits.isdecimal() else f"_({digits})"

    def raised(self, exponent: Any) -> str:
        """Exponent."""
        return str(exponent).translate(_RAISED)

    def divided(self, above: str, below: str, factors: int = 1) -> str:
        """Fraction with so many factors below."""
        return f"{above} / {f'({below})' if factors > 1 else below}"

    def decimal(self, digits: str, exponent: int) -> str:
        """Decimal number."""
        return f"{digits}e{exponent}"

    def moved(self, signal: Any, offset: Iterable[Any], size: str) -> str:
        """Shifted signal; on circles of that size, if there is one."""
        by = ", ".join(map(self._print, offset)) + (f" mod {size}" if size else "")
        return f"τ{self.lowered(by)}{self.grouped(self._print(signal))}"

    def over(self, indices: Iterable[Any]) -> str:
        """Sum over all of the indices."""
        named = ", ".join(map(self._print, indices))
        return f"Σ_({named})" if "," in named else f"Σ_{named}"

    def limit(self, index: Any, low: Any, high: Any) -> str:
        """Sum with limits."""
        return f"Σ_({self._print(index)}={self._print(low)}..{self._print(high)})".replace(" ", "")


def split(name: str) -> tuple[str, str]:
    """Letters of a name and the number that it ends with; of `rot180` and `relu6` it is part of the name."""
    found = re.fullmatch(r"(.*?)(\d*)", name)
    letters, digits = found.groups() if found and name not in ("rot180", "relu6") else (name, "")
    return letters, digits


_RANKS = {"scale": 1, "g": 2, "f": 3, "x": 3, "ddx": 3, "k": 4, "w": 4, "ddw": 4, "v": 4, "l": 4, "m": 4}
"""Order of the arrays in a product: cotangent, input, weights."""


def _factor_order(factor: Any) -> tuple[int, int, str]:
    """Deltas and sizes first, then cotangent, input and weights, sums and derivatives last."""
    if isinstance(factor, Sum | D):
        return 9, 0, str(factor)
    if isinstance(factor, sympy.KroneckerDelta | Above):
        return -1, 0, str(factor)
    if isinstance(factor, Indexed | At):
        labels = [str(leaf.label) for leaf in factor.atoms(IndexedBase)]
        return min((_RANKS.get(split(label)[0], 5) for label in labels), default=5), 0, str(factor)
    if isinstance(factor, sympy.exp | sympy.log):
        return 5, 0, str(factor)
    letters = split(str(factor))[0]
    if letters in ("s", "d"):
        return 0, "sd".index(letters), str(factor)
    return (1 if factor.as_base_exp()[0].is_Atom else 5), 0, str(factor)


def _term_order(term: Any) -> tuple[bool, bool, bool, str]:
    """Numbers last, what is subtracted before them, and the output position first."""
    named = str(term).replace("[", " ")  # x before x2
    return term.is_number, term.could_extract_minus_sign(), OUTPUT not in term.free_symbols, named


def text(term: Any) -> str:
    """One line of text for a term."""
    return str(TermPrinter().doprint(term))
