"""Derivation terms as text. What is printed is the object that was checked."""

from __future__ import annotations

from typing import Any

from sympy import Indexed, Rational, Sum, Symbol
from sympy.printing.str import StrPrinter

from proofs.signals import OUTPUT, OUTPUTS, POSITIONS, Convolution, D, Plus

_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_NAMES = {"Layer": "conv", "WeightGradient": "weight_gradient", "InputGradient": "input_gradient"}


class TermPrinter(StrPrinter):  # type: ignore[misc]
    """SymPy terms and the operators of `proofs.signals` in the notation of the sheet."""

    def _print_At(self, e: Any) -> str:  # noqa: N802 - SymPy's printers are named by class
        signal = self._print(e.signal)
        infix = type(e.signal) in (Convolution, Plus)
        return f"({signal})[{self._indices(e.args[1:])}]" if infix else f"{signal}[{self._indices(e.args[1:])}]"

    def _print_Formula(self, e: Any) -> str:  # noqa: N802
        return f"{e.name}({self._indices(e.arguments)})" if e.arguments else str(e.name)

    def _print_Indexed(self, e: Any) -> str:  # noqa: N802
        return f"{e.base.label}[{self._indices(e.indices)}]"

    def _indices(self, indices: Any) -> str:
        return ", ".join(map(self._print, indices))

    def _print_Shift(self, e: Any) -> str:  # noqa: N802
        signal, *offset = e.args
        return f"τ_({self._indices(offset)})({self._print(signal)})"

    def _print_Rot180(self, e: Any) -> str:  # noqa: N802
        return f"rot180({self._print(e.args[0])})"

    def _print_Plus(self, e: Any) -> str:  # noqa: N802
        return " + ".join(map(self._print, e.args))

    def _print_Convolution(self, e: Any) -> str:  # noqa: N802
        return f"{self._print(e.args[0])} * {self._print(e.args[1])}"

    def _print_Correlation(self, e: Any) -> str:  # noqa: N802
        return f"correlate({self._print(e.args[0])}, {self._print(e.args[1])})"

    def _print_Layer(self, e: Any) -> str:  # noqa: N802
        return f"{_NAMES[type(e).__name__]}({self._print(e.args[0])}, {self._print(e.args[1])})"

    _print_WeightGradient = _print_InputGradient = _print_Layer  # noqa: N815

    def _print_Partial(self, e: Any) -> str:  # noqa: N802
        return f"∂L/∂{self._print(e.args[0])}"

    def _print_D(self, e: Any) -> str:  # noqa: N802
        return f"∂/∂{self._print(e.args[1])} ({self._print(e.args[0])})"

    def _print_KroneckerDelta(self, e: Any) -> str:  # noqa: N802
        return f"[{self._print(e.args[0])} = {self._print(e.args[1])}]"

    def _print_Rounded(self, e: Any) -> str:  # noqa: N802
        return f"{self._print(e.args[0])} to {e.args[1]} digits"

    def _print_Subs(self, e: Any) -> str:  # noqa: N802
        values = ", ".join(f"{s} = {n}" for s, n in zip(e.variables, e.point, strict=True))
        return f"{self._print(e.expr)} at {values}"

    def _print_floor(self, e: Any) -> str:
        return f"⌊{self._print(e.args[0])}⌋"

    def _print_Sum(self, e: Any) -> str:  # noqa: N802
        limits = " ".join(self._limit(limit) for limit in e.limits)
        body = self._print(e.function)
        return f"{limits} ({body})" if e.function.is_Add else f"{limits} {body}"

    def _limit(self, limit: Any) -> str:
        if limit == OUTPUTS:
            return "Σ_o"
        index, low, high = map(self._print, limit)
        return f"Σ_({index}={low}..{high})".replace(" ", "")

    def _print_Pow(self, e: Any, rational: bool = False) -> str:  # noqa: N802 - SymPy's signature
        base, exponent = e.as_base_exp()
        if exponent.is_Integer and exponent > 0:
            power = str(exponent).translate(_DIGITS)
            return f"{self._print(base)}{power}" if base.is_Atom else f"({self._print(base)}){power}"
        return str(super()._print_Pow(e, rational))

    def _print_Mul(self, e: Any) -> str:  # noqa: N802
        coefficient, factors = e.as_coeff_mul()
        numerator = [f for f in factors if not (f.is_Pow and f.exp.is_negative)]
        denominator = [1 / f for f in factors if f.is_Pow and f.exp.is_negative]
        coefficient = Rational(coefficient)
        sign = "−" if coefficient < 0 else ""
        above = self._product(abs(coefficient.p), numerator)
        if coefficient.q == 1 and not denominator:
            return sign + above
        below = self._product(coefficient.q, denominator)
        return f"{sign}{above} / {f'({below})' if '·' in below else below}"

    def _product(self, number: int, factors: list[Any]) -> str:
        parts = [] if number == 1 and factors else [str(number)]
        ordered = sorted(factors, key=_factor_order)
        for factor in ordered:
            text = self._print(factor)
            grouped = factor.is_Add or (isinstance(factor, Sum) and factor is not ordered[-1])
            parts.append(f"({text})" if grouped else text)
        return "·".join(parts)

    def _print_Add(self, e: Any, order: Any = None) -> str:  # noqa: ARG002, N802 - SymPy's signature
        terms = sorted(e.args, key=_term_order)
        text: str = self._print(terms[0])
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            text += f" − {self._print(-term)}" if minus else f" + {self._print(term)}"
        return text

    def _print_Rational(self, e: Any) -> str:  # noqa: N802
        if e.q > 1000 and 10**30 % e.q == 0:  # a decimal fraction
            digits, exponent = f"{float(e):.3e}".split("e")
            return f"{digits}e{int(exponent)}"
        return f"{e.p}/{e.q}" if e.q > 1 else self._print_Integer(e)

    def _print_Integer(self, e: Any) -> str:  # noqa: N802
        return f"−{-e.p}" if e.p < 0 else str(e.p)

    _print_NegativeOne = _print_Integer  # noqa: N815

    def _print_Symbol(self, e: Symbol) -> str:  # noqa: N802
        return "m" if e == POSITIONS else str(e.name)


def _factor_order(factor: Any) -> tuple[int, str]:
    """Stride and dilation first, then the cotangent, input and weights, sums and derivatives last."""
    if isinstance(factor, Sum | D):
        return 9, ""
    name = str(factor.base.label) if isinstance(factor, Indexed) else str(factor)
    ranks = {"s": 0, "d": 0, "g": 2, "f": 3, "x": 3, "x2": 3, "k": 4, "w": 4, "w2": 4}
    return ranks.get(name, 1 if factor.as_base_exp()[0].is_Atom else 5), str(factor)


def _term_order(term: Any) -> tuple[bool, bool, bool, str]:
    """Numbers last, what is subtracted before them, and the output position first."""
    return term.is_number, term.could_extract_minus_sign(), OUTPUT not in term.free_symbols, str(term)


def text(term: Any) -> str:
    """One line of text for a term."""
    return str(TermPrinter().doprint(term))
