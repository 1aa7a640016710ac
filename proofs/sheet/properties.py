"""Solution 1: properties of the convolutional layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Sum

from numeric import GeometryError, convolve
from proofs.audit import Claim, Line, equals, smallest_first
from proofs.derivations.symbols import arrays, centred, integers
from proofs.evaluate import Model
from proofs.polynomials import Polynomials
from proofs.sheet.terms import same_terms
from proofs.signals import At, Convolution, Shift

x_, y_, u_, v_, s_, t_ = integers("x y u v s t")
p_, q_ = integers("p q", nonnegative=True)
F, K = arrays("f k")
BOUNDS, LIMITS = ((u_, p_), (v_, q_)), ((u_, -p_, p_), (v_, -q_, q_))
SHIFTED = Shift(F, s_, t_)
START = At(Shift(Convolution(F, K, *BOUNDS), s_, t_), x_, y_)
END = At(Convolution(SHIFTED, K, *BOUNDS), x_, y_)
PRINTED_1 = Sum(F[x_ - s_ - v_, y_ - t_ - v_] * K[u_, v_], *LIMITS)
PRINTED_2 = Sum(At(SHIFTED, x_ - v_, y_ - v_) * K[u_, v_], *LIMITS)
MENDED_1 = Sum(F[x_ - s_ - u_, y_ - t_ - v_] * K[u_, v_], *LIMITS)
MENDED_2 = Sum(At(SHIFTED, x_ - u_, y_ - v_) * K[u_, v_], *LIMITS)


def _translated(case: dict[str, int]) -> Model:
    named = {symbol: case[symbol.name] for symbol in (p_, q_, s_, t_, x_, y_)}
    return Model(named, {"f": [range(2), range(2)], "k": centred(case["p"], case["q"])})


def _translation(left: Any, right: Any, mended: tuple[Any, Any] | None = None) -> Callable[[], Claim]:
    def claim() -> Claim:
        cases = smallest_first(p=range(2), q=range(2), s=range(2), t=range(2), x=range(3), y=range(3))
        corrected = same_terms(*mended, _translated) if mended else None
        return Claim(cases, same_terms(left, right, _translated), corrected=corrected)

    return claim


def _size(m: int, n: int, p: int, q: int, mode: str) -> tuple[int, int] | str:
    """Size of the convolution, from the code that ships."""
    polynomials = Polynomials({"f": (m, n), "k": (2 * p + 1, 2 * q + 1)})
    try:
        return convolve(polynomials["f"], polynomials["k"], mode).shape  # type: ignore[arg-type]
    except GeometryError:
        return "no output"


SIZES: dict[str, Any] = {"m": range(1, 4), "n": range(1, 4), "p": range(2), "q": range(2)}


def _valid_size() -> Claim:
    test = equals(lambda c: _size(**c), lambda c: (c["m"] - 2 * c["p"], c["n"] - 2 * c["q"]))
    inside = lambda c: c["mode"] == "valid" and c["m"] > 2 * c["p"] and c["n"] > 2 * c["q"]  # noqa: E731
    return Claim(smallest_first(**SIZES, mode=("full", "same", "valid")), test, inside)


def _fits(case: dict[Any, Any]) -> bool:
    return bool(case["m"] > 2 * case["p"] and case["n"] > 2 * case["q"])


def _smaller() -> Claim:
    def test(c: dict[str, int]) -> str:
        size: Any = _size(**c, mode="valid")
        whole = (c["m"], c["n"])
        smaller = size != whole and all(a <= b for a, b in zip(size, whole, strict=True))
        return "" if smaller else f"f has size {whole}, f * k {size}"

    return Claim(smallest_first(_fits, **SIZES), test, lambda c: c["p"] > 0 or c["q"] > 0)


def _padded_size() -> Claim:
    def padded(c: dict[str, Any]) -> tuple[int, ...] | str:
        return _size(c["m"] + 2 * c["p"], c["n"] + 2 * c["q"], c["p"], c["q"], c["mode"])

    cases = smallest_first(**SIZES, mode=("full", "same", "valid"))
    return Claim(cases, equals(padded, lambda c: (c["m"], c["n"])), lambda c: c["mode"] == "valid")


T_LAW = ("convolution-commutes-with-translation",)

LINES = (
    Line("1", "Solution 1 (Properties of convolutional layer)"),
    Line(
        "1.1",
        "τ_(s,t)(f * k)(x, y) = Σ_u Σ_v f(x−s−v, y−t−v) k(u, v)",
        _translation(START, PRINTED_1, (START, MENDED_1)),
        correction="Σ_u Σ_v f(x−s−u, y−t−v) k(u, v)",
        note="the first index subtracts u, the second v",
        laws=T_LAW,
    ),
    Line(
        "1.1",
        "Σ_u Σ_v f(x−s−v, y−t−v) k(u, v) = Σ_u Σ_v (τf)(x−v, y−v) k(u, v)",
        _translation(PRINTED_1, PRINTED_2),
        note="both sides carry the slip; with x−u in both places it holds as well",
        laws=T_LAW,
    ),
    Line(
        "1.1",
        "Σ_u Σ_v (τf)(x−v, y−v) k(u, v) = ((τf) * k)(x, y)",
        _translation(PRINTED_2, END, (MENDED_2, END)),
        correction="Σ_u Σ_v (τf)(x−u, y−v) k(u, v)",
        note="the same slip",
        laws=T_LAW,
    ),
    Line("1.1", "τ(f * k) = (τf) * k, the two ends of the chain", _translation(START, END), laws=T_LAW),
    Line(
        "1.2",
        "The size of f * k is (m−2p) × (n−2q)",
        _valid_size,
        needs="only positions where the kernel lies inside f are kept (mode valid), and m > 2p, n > 2q",
        note="f of m × n and k of (2p+1) × (2q+1), which the line leaves to the exercise's text",
        laws=("valid-convolution-shrinks-by-twice-the-half-width",),
    ),
    Line(
        "1.2",
        "which is smaller than the size of f",
        _smaller,
        needs="p > 0 or q > 0: a 1 × 1 kernel keeps the size",
        laws=("valid-convolution-shrinks-by-twice-the-half-width",),
    ),
    Line(
        "1.2",
        "padded to (m+2p) × (n+2q), the output size is the same as the input size",
        _padded_size,
        needs="the padded image, too, is convolved where the kernel lies inside it only (mode valid)",
        laws=("padding-by-the-half-width-keeps-the-size",),
    ),
)
