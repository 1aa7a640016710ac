"""Solution 3: backpropagation. x stands for the sheet's y^(l-1), y for its y^(l), g for ∂L/∂y^(l)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Sum, Symbol

from numeric import GeometryError, convolve, rot180
from numeric.dtypes import Array
from proofs.audit import Claim, Line, smallest_first
from proofs.derivations.plane_gradients import COLUMN, FORWARD, HALF, HEIGHT, PLANE, ROW, WIDTH, G, I, J, U, V, W, X
from proofs.derivations.symbols import centred
from proofs.evaluate import Model
from proofs.polynomials import Polynomials
from proofs.sheet.terms import same_terms
from proofs.signals import At, Convolution, D, Partial, Rot180

ELSEWHERE = Symbol("c", integer=True)
ORIGIN = Symbol("e", integer=True)


def _backward(
    left: Any,
    right: Any,
    free: dict[str, Any],
    condition: Callable[[dict[str, int]], bool] | None = None,
    where: Callable[[dict[Any, Any]], bool] = lambda _: True,
) -> Callable[[], Claim]:
    """Claim that two terms of the sheet's Solution 3 are equal, for an undefined loss of all outputs."""

    def sizes(case: dict[str, int]) -> Model:
        named = {
            symbol: case.get(symbol.name, 0)
            for symbol in (HALF, HEIGHT, WIDTH, U, V, ROW, COLUMN, I, J, ELSEWHERE, ORIGIN)
        }
        spaces = {
            "x": [range(-1, 2), range(2)],
            "w": centred(case["k"], case["k"]),
            "g": centred(case["M"], case["N"]),
        }
        return Model(named, spaces, (At(FORWARD, I, J), (I, J)))

    def claim() -> Claim:
        cases = smallest_first(where, k=range(2), M=range(2), N=(1,), **free)
        return Claim(cases, same_terms(left, right, sizes), condition)

    return claim


def _sum(term: Any) -> Any:
    return Sum(term, *PLANE)


def _taps_inside(case: dict[Any, Any]) -> bool:
    return bool(max(abs(case["u"]), abs(case["v"])) <= case["k"])


TAPS: dict[str, Any] = {"u": range(-1, 2), "v": range(-1, 2)}
CELLS: dict[str, Any] = {"m": range(-1, 2), "n": range(2)}
Y = At(FORWARD, I, J)
UNFOLDED = Y.unfold()
ACTIVATED = Y + ELSEWHERE * Y**2  # some activation instead of none
DW, DX = W[U, V], X[ROW, COLUMN]


def _not_elsewhere(case: dict[str, int]) -> bool:
    return case["c"] == 0


def _every_index_exists() -> Claim:
    def test(case: dict[str, Any]) -> str:
        missing = [i for i in range(-case["M"], case["M"] + 1) if abs(i - case["m"]) > case["k"]]
        if case["outside"] == ZERO or not missing:
            return ""
        return f"i = {missing[0]}: there is no w_({missing[0] - case['m']}, 0)"

    cases = smallest_first(k=range(2), M=range(2), m=range(-1, 2), outside=("w only has the entries −k .. k", ZERO))
    return Claim(cases, test, lambda c: c["outside"] == ZERO)


ZERO = "w is zero outside of −k .. k"


def _finite(of_name: str, factor: str, right_mode: str) -> Callable[[], Claim]:
    """On arrays: the forward pass is valid, and the gradient by `of_name` a convolution of g with a rotated factor."""

    def test(case: dict[str, Any]) -> str:
        n, m = case["n"], 2 * case["k"] + 1
        of = Polynomials({"x": (n,), "w": (m,), "g": (n - m + 1,)})

        def loss(array: Array) -> Any:
            both = {"x": of["x"], "w": of["w"], of_name: array}
            return (of["g"] * convolve(both["x"], both["w"], "valid")).sum()

        gradient = of.gradient(loss, of_name)
        try:
            larger, smaller = sorted((of["g"], rot180(of[factor])), key=len, reverse=True)
            ours = convolve(larger, smaller, case["mode"])
        except GeometryError as error:
            return str(error)
        if ours.shape != gradient.shape:
            return f"{case['mode']} has {ours.size} entries, ∂L/∂{of_name} has {gradient.size}"
        return "" if (ours == gradient).all() else "other entries"

    def claim() -> Claim:
        cases = smallest_first(lambda c: c["n"] > 2 * c["k"], n=range(1, 6), k=range(3), mode=("full", "same", "valid"))
        return Claim(cases, test, lambda c: c["mode"] == right_mode)

    return claim


W_LAW = ("weight-gradient-is-rotated-input-convolved-with-cotangent",)
X_LAW = ("input-gradient-is-rotated-kernel-convolved-with-cotangent",)

LINES = (
    Line(
        "3",
        "Solution 3 (Backpropagation through convolutional layers)",
        note="below, x stands for the sheet's y^(l−1) and y for its y^(l)",
    ),
    Line("3", "the derivative with respect to each entry w_(u,v), u, v in {−k, …, k}"),
    Line(
        "3 ∂w",
        "∂L/∂w_(u,v) = Σ_i Σ_j ∂L/∂y_(i,j) · ∂y_(i,j)/∂w_(u,v)",
        _backward(
            Partial(DW) + 2 * ELSEWHERE * DW,
            _sum(G[I, J] * D(Y, DW)),
            {**TAPS, "c": range(2)},
            _not_elsewhere,
            _taps_inside,
        ),
        needs="L is differentiable and depends on w through y alone; c = 1 adds a weight decay Σ w²",
        note="i and j run over all output positions, finitely many; the sheet does not say",
        laws=("gradients-hold-for-every-differentiable-loss",),
    ),
    Line(
        "3 ∂w",
        "∂y_(i,j)/∂w_(u,v) = ∂/∂w_(u,v) (Σ_s Σ_t x_(i−s,j−t) w_(s,t))",
        _backward(
            _sum(G[I, J] * D(ACTIVATED, DW)),
            _sum(G[I, J] * D(UNFOLDED, DW)),
            {**TAPS, "c": range(2)},
            _not_elsewhere,
            _taps_inside,
        ),
        needs="y is the convolution itself, before any activation; c = 1 puts z + z² in its place",
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) x_(i−u,j−v)",
        _backward(_sum(G[I, J] * D(UNFOLDED, DW)), _sum(G[I, J] * X[I - U, J - V]), TAPS, where=_taps_inside),
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) x_(−(u−i),−(v−j))",
        _backward(_sum(G[I, J] * X[I - U, J - V]), _sum(G[I, J] * X[-(U - I), -(V - J)]), TAPS, where=_taps_inside),
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) rot180(x)_(u−i,v−j)",
        _backward(
            _sum(G[I, J] * X[-(U - I), -(V - J)]),
            _sum(G[I, J] * X[ORIGIN - (U - I), -(V - J)]),
            {**TAPS, "e": range(2)},
            lambda c: c["e"] == 0,
            _taps_inside,
        ),
        needs="rot180 turns about the origin; an array whose indices run from 0 turns about its middle, which shifts "
        "the result (e = 1: by one)",
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "… = (rot180(x) * ∂L/∂y)_(u,v)",
        _backward(
            _sum(G[I, J] * At(Rot180(X), U - I, V - J)),
            At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V),
            TAPS,
        ),
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "Therefore ∂L/∂w = rot180(x) * ∂L/∂y",
        _backward(Partial(DW), At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V), TAPS, _taps_inside),
        needs="the right side is read at |u|, |v| ≤ k only; it has more entries than w",
        laws=W_LAW,
    ),
    Line(
        "3 ∂w",
        "Therefore ∂L/∂w = rot180(x) * ∂L/∂y, on arrays",
        _finite("w", "x", "valid"),
        needs="* is the valid convolution (the forward pass being valid)",
        laws=(*W_LAW, "rot180-gradients-hold-on-finite-arrays"),
    ),
    Line(
        "3 ∂x",
        "∂L/∂x_(m,n) = Σ_i Σ_j ∂L/∂y_(i,j) · ∂y_(i,j)/∂x_(m,n)",
        _backward(Partial(DX) + 2 * ELSEWHERE * DX, _sum(G[I, J] * D(Y, DX)), {**CELLS, "c": range(2)}, _not_elsewhere),
        needs="L is differentiable and depends on x through y alone; c = 1 adds a branch Σ x² past this layer",
        laws=("gradients-hold-for-every-differentiable-loss",),
    ),
    Line(
        "3 ∂x",
        "∂y_(i,j)/∂x_(m,n) = ∂/∂x_(m,n) (Σ_u Σ_v x_(i−u,j−v) w_(u,v))",
        _backward(
            _sum(G[I, J] * D(ACTIVATED, DX)), _sum(G[I, J] * D(UNFOLDED, DX)), {**CELLS, "c": range(2)}, _not_elsewhere
        ),
        needs="y is the convolution itself, before any activation; c = 1 puts z + z² in its place",
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) w_(i−m,j−n), every index being one of w",
        _every_index_exists,
        needs=f"{ZERO}, where the sum now reads it",
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) w_(i−m,j−n), as an equality",
        _backward(_sum(G[I, J] * D(UNFOLDED, DX)), _sum(G[I, J] * W[I - ROW, J - COLUMN]), CELLS),
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) rot180(w)_(m−i,n−j)",
        _backward(_sum(G[I, J] * W[I - ROW, J - COLUMN]), _sum(G[I, J] * At(Rot180(W), ROW - I, COLUMN - J)), CELLS),
        note="w is indexed from −k to k, so its middle is the origin",
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = (rot180(w) * ∂L/∂y)_(m,n)",
        _backward(
            _sum(G[I, J] * At(Rot180(W), ROW - I, COLUMN - J)),
            At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), ROW, COLUMN),
            CELLS,
        ),
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "hence ∂L/∂x = rot180(w) * ∂L/∂y",
        _finite("x", "w", "full"),
        needs="on the plane, or, on arrays with a valid forward pass, * being the full convolution",
        laws=(*X_LAW, "rot180-gradients-hold-on-finite-arrays"),
    ),
)
