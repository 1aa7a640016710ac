"""The exercise sheet, line by line, with its errata.

ETH Zürich, Deep Learning, Fall 2018 (F. Pérez-Cruz), series 5, solutions. Every equality sign of a displayed
equation, every number and every claim in words is a `Line` whose status `proofs.audit` finds out. x stands for
the sheet's y^(l-1), y for its y^(l) and g for ∂L/∂y^(l).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from sympy import Sum, Symbol

from numeric import Geometry, GeometryError, convolve, rot180
from proofs.audit import Claim, Line, Test, equals, smallest_first
from proofs.derivations.gradients import (
    FORWARD,
    HALF,
    HEIGHT,
    KERNEL_TAPS,
    PLANE,
    WIDTH,
    A,
    B,
    G,
    I,
    J,
    S,
    T,
    U,
    V,
    W,
    X,
)
from proofs.derivations.symbols import arrays, centred, integers
from proofs.evaluate import Model
from proofs.polynomials import Polynomials
from proofs.signals import At, Convolution, D, Partial, Rot180, Shift
from proofs.tiers.symbolic import instance

# --- Solution 1.1 -----------------------------------------------------------------------------------------------

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


def _terms(left: Any, right: Any, sizes: Callable[[dict[str, int]], Model]) -> Test:
    """Test that two terms have the same value, as polynomials in all array entries, at a case's sizes."""

    def test(case: dict[str, int]) -> str:
        model = sizes(case)
        ours, theirs = model.value(left), model.value(right)
        return "" if ours == theirs else f"{ours}, not {theirs}{instance(ours, theirs)}"

    return test


def _translated(case: dict[str, int]) -> Model:
    named = {symbol: case[symbol.name] for symbol in (p_, q_, s_, t_, x_, y_)}
    return Model(named, {"f": [range(2), range(2)], "k": centred(case["p"], case["q"])})


def _translation(left: Any, right: Any, mended: tuple[Any, Any] | None = None) -> Callable[[], Claim]:
    def claim() -> Claim:
        cases = smallest_first(p=range(2), q=range(2), s=range(2), t=range(2), x=range(3), y=range(3))
        corrected = _terms(*mended, _translated) if mended else None
        return Claim(cases, _terms(left, right, _translated), corrected=corrected)

    return claim


# --- Solution 1.2 -----------------------------------------------------------------------------------------------


def _size(m: int, n: int, p: int, q: int, mode: str) -> tuple[int, int] | str:
    """Size of the convolution, from the code that ships."""
    polynomials = Polynomials({"f": (m, n), "k": (2 * p + 1, 2 * q + 1)})
    try:
        return convolve(polynomials["f"], polynomials["k"], mode).shape  # type: ignore[return-value,arg-type]
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
        size = _size(**c, mode="valid")
        return "" if size < (c["m"], c["n"]) else f"f has size {(c['m'], c['n'])}, f * k {size}"  # type: ignore[operator]

    return Claim(smallest_first(_fits, **SIZES), test, lambda c: c["p"] > 0 or c["q"] > 0)


def _padded_size() -> Claim:
    padded = lambda c: _size(c["m"] + 2 * c["p"], c["n"] + 2 * c["q"], c["p"], c["q"], "valid")  # noqa: E731
    return Claim(smallest_first(**SIZES), equals(padded, lambda c: (c["m"], c["n"])))


# --- Solution 2 -------------------------------------------------------------------------------------------------

APART = "each kernel is applied to each channel by itself"
SPANNING = "each kernel spans the channels, which are summed (the frameworks' layer)"
OWN = "each kernel has weights of its own for each channel"
LAYERS: dict[str, Any] = {"m": range(1, 5), "p": range(1, 4), "K": range(1, 3)}
READINGS: dict[str, Any] = {**LAYERS, "reading": (APART, SPANNING)}


def _first_layer(case: dict[str, Any]) -> Geometry:
    """First layer in a reading; apart, it is 3 channels through a layer with as many groups."""
    m, p, k = case["m"], case["p"], case["K"]
    apart = case.get("reading", APART) == APART
    options = {"stride": case.get("stride", 1), "padding": case.get("padding", 0)}
    return Geometry(
        (m, m), (p, p), in_channels=3, out_channels=3 * k if apart else k, groups=3 if apart else 1, **options
    )


def _inside(case: dict[Any, Any]) -> bool:
    return bool(case["p"] <= case["m"])


def _outputs(case: dict[str, Any]) -> int:
    geometry = _first_layer(case)
    return geometry.out_channels * len(list(geometry.outputs()))


def _edges(case: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All pairs (output, input) that the index map connects."""
    geometry = _first_layer(case)
    return list(_connections(geometry))


def _connections(geometry: Geometry) -> Iterator[tuple[Any, ...]]:
    for c in range(geometry.out_channels):
        for o in geometry.outputs():
            for j in range(geometry.group_in):
                for u in geometry.taps():
                    yield (c, o), (geometry.reads_channel(c, j), geometry.reads(o, u))


def _positions(case: dict[str, Any]) -> int:
    return int((case["m"] - case["p"] + 1) ** 2)


def _channel_size() -> Claim:
    def size(case: dict[str, Any]) -> int | str:
        try:
            return len(list(_first_layer(case).outputs()))
        except GeometryError:
            return "no output"

    cases = smallest_first(m=range(1, 5), p=range(1, 4), K=(1,), stride=(1, 2), padding=(0, 1))
    plain = lambda c: c["stride"] == 1 and c["padding"] == 0 and _inside(c)  # noqa: E731
    return Claim(cases, equals(size, _positions), plain)


def _all_kernels() -> Claim:
    return Claim(
        smallest_first(_inside, **LAYERS), equals(lambda c: _outputs(c) // 3, lambda c: c["K"] * _positions(c))
    )


def _total_outputs() -> Claim:
    test = equals(_outputs, lambda c: 3 * c["K"] * _positions(c))
    return Claim(smallest_first(_inside, **READINGS), test, lambda c: c["reading"] == APART)


def _dense_weights(case: dict[str, Any]) -> int:
    return int(_outputs(case) * 3 * case["m"] ** 2)


def _dense_fraction() -> Claim:
    top = lambda c: 3 * c["K"] * c["m"] ** 2 * _positions(c)  # noqa: E731
    bottom = lambda c: 9 * c["K"] * c["m"] ** 2 * _positions(c)  # noqa: E731
    printed = equals(lambda c: Fraction(top(c), bottom(c)), _dense_weights)
    return Claim(smallest_first(_inside, **LAYERS), printed, corrected=equals(bottom, _dense_weights))


def _fan_in() -> Claim:
    def test(case: dict[str, Any]) -> str:
        fans = set(Counter(output for output, _ in set(_edges(case))).values())
        return "" if fans == {case["p"] ** 2} else f"{fans.pop()} inputs, not {case['p'] ** 2}"

    return Claim(smallest_first(_inside, **READINGS), test, lambda c: c["reading"] == APART)


def _local_weights() -> Claim:
    test = equals(lambda c: len(_edges(c)), lambda c: 3 * c["K"] * c["p"] ** 2 * _positions(c))
    return Claim(smallest_first(_inside, **READINGS), test)


def _printed_ratio(printed: str, dense: bool) -> Callable[[], Claim]:
    """Ratio at 128 x 128 x 3 and 5 x 5 in each reading; K cancels."""

    def ratio(case: dict[str, Any]) -> str:
        m, p, reading = 128, 5, case["reading"]
        outputs = (1 if reading == SPANNING else 3) * (m - p + 1) ** 2
        weights = p**2 if reading == APART else 3 * p**2
        inputs = 3 * m**2 if dense else (3 * p**2 if reading == SPANNING else p**2)
        return _scientific(Fraction(weights, outputs * inputs))

    def claim() -> Claim:
        cases = [{"reading": reading} for reading in (APART, OWN, SPANNING)]
        return Claim(cases, equals(ratio, lambda _: printed), lambda c: c["reading"] == APART)

    return claim


def _scientific(number: Fraction) -> str:
    digits, exponent = f"{float(number):.3e}".split("e")
    return f"{digits}e{int(exponent)}"


def _fewer_weights() -> Claim:
    def test(case: dict[str, Any]) -> str:
        shared, local, dense = case["K"] * case["p"] ** 2, len(_edges(case)), _dense_weights(case)
        return "" if shared < local and shared < dense else f"{shared} against {local} and {dense} weights"

    return Claim(smallest_first(_inside, **LAYERS), test)


def _less_work() -> Claim:
    def test(case: dict[str, Any]) -> str:
        products = len(_edges(case))  # the shared weights are used once for every connection, too
        other = products if case["against"] == LOCAL else _dense_weights(case)
        return "" if products < other else f"{products} products against {other}"

    cases = smallest_first(_inside, **LAYERS, against=(LOCAL, FULL))
    return Claim(cases, test, lambda c: c["against"] == FULL and c["p"] < c["m"])


LOCAL, FULL = "against the locally connected layer", "against the fully connected layer"

# --- Solution 3 -------------------------------------------------------------------------------------------------

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
            symbol: case.get(symbol.name, 0) for symbol in (HALF, HEIGHT, WIDTH, U, V, A, B, I, J, ELSEWHERE, ORIGIN)
        }
        spaces = {
            "x": [range(-1, 2), range(2)],
            "w": centred(case["k"], case["k"]),
            "g": centred(case["M"], case["N"]),
        }
        return Model(named, spaces, lambda i, j: At(FORWARD, i, j))

    def claim() -> Claim:
        cases = smallest_first(where, k=range(2), M=range(2), N=(1,), **free)
        return Claim(cases, _terms(left, right, sizes), condition)

    return claim


def _sum(term: Any) -> Any:
    return Sum(term, *PLANE)


def _taps_inside(case: dict[Any, Any]) -> bool:
    return max(abs(case["u"]), abs(case["v"])) <= int(case["k"])


TAPS: dict[str, Any] = {"u": range(-1, 2), "v": range(-1, 2)}
CELLS: dict[str, Any] = {"a": range(-1, 2), "b": range(2)}
Y = At(FORWARD, I, J)
UNFOLDED = Y.unfold()
ACTIVATED = Y + ELSEWHERE * Y**2  # some activation instead of none
DW, DX = W[U, V], X[A, B]


def _not_elsewhere(case: dict[str, int]) -> bool:
    return case["c"] == 0


def _every_index_exists() -> Claim:
    def test(case: dict[str, Any]) -> str:
        missing = [i for i in range(-case["M"], case["M"] + 1) if abs(i - case["a"]) > case["k"]]
        outside = (
            ""
            if case["outside"] == ZERO
            else f"i = {missing[0]}: there is no w_({missing[0] - case['a']}, 0)"
            if missing
            else ""
        )
        return outside

    cases = smallest_first(k=range(2), M=range(2), a=range(-1, 2), outside=("w only has the entries −k .. k", ZERO))
    return Claim(cases, test, lambda c: c["outside"] == ZERO)


ZERO = "w is zero outside of −k .. k"


def _finite_input_gradient() -> Claim:
    """On arrays: the forward pass is valid, and the gradient a convolution of some mode."""

    def test(case: dict[str, Any]) -> str:
        n, m = case["n"], 2 * case["k"] + 1
        of = Polynomials({"x": (n,), "w": (m,), "g": (n - m + 1,)})
        gradient = of.gradient(lambda x: (of["g"] * convolve(x, of["w"], "valid")).sum(), "x")
        try:
            ours = convolve(of["g"], rot180(of["w"]), case["mode"])
        except GeometryError as error:
            return str(error)
        if ours.shape != gradient.shape:
            return f"{case['mode']} has {ours.size} entries, ∂L/∂x has {gradient.size}"
        return "" if (ours == gradient).all() else "other entries"

    cases = smallest_first(lambda c: c["n"] > 2 * c["k"], n=range(1, 6), k=range(3), mode=("full", "same", "valid"))
    return Claim(cases, test, lambda c: c["mode"] == "full")


W_LAW = ("weight-gradient-is-rotated-input-convolved-with-cotangent",)
X_LAW = ("input-gradient-is-rotated-kernel-convolved-with-cotangent",)
T_LAW = ("convolution-commutes-with-translation",)

LINES: tuple[Line, ...] = (
    Line("0", "Deep Learning, Fall 2018, exercise series 5, solutions (title, course, date)"),
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
        laws=("padding-by-the-half-width-keeps-the-size",),
    ),
    Line("2", "Solution 2 (Local connectivity and parameter sharing in CNNs)"),
    Line("2", "Setting clarification: the bias is ignored for simplicity", note="with it, one more weight per kernel"),
    Line(
        "2.1",
        "For each channel, the output with a kernel has size (m−p+1)²",
        _channel_size,
        needs="stride 1, no padding, and p ≤ m; p is now the kernel's size, no longer its half-width as in Solution 1",
        laws=("output-size-counts-the-windows-inside",),
    ),
    Line("2.1", "with all K kernels, for a channel: K(m−p+1)²", _all_kernels),
    Line(
        "2.1",
        "The total number of outputs of the first layer is 3K(m−p+1)²",
        _total_outputs,
        needs=f"{APART}; a layer that sums over the channels has K(m−p+1)²",
    ),
    Line("2.1", "with 3 channels, the total output size is 3K(m−p+1)²", _total_outputs, needs=f"{APART}, as above"),
    Line(
        "2.1",
        "fully connected, the number of parameters is (3Km²(m−p+1)²) / (9Km²(m−p+1)²)",
        _dense_fraction,
        correction="3m² · 3K(m−p+1)² = 9Km²(m−p+1)²",
        note="inputs times outputs; as a fraction it is 1/3 for every layer",
        laws=("dense-layer-has-9K-m2-(m-p+1)2-weights",),
    ),
    Line(
        "2.2",
        "each node in the first layer is only connected with p² input nodes",
        _fan_in,
        needs=f"{APART}; a kernel that spans 3 channels reads 3p²",
    ),
    Line(
        "2.2",
        "locally connected, the number of parameters is 3Kp²(m−p+1)²",
        _local_weights,
        note="the same in both readings: 3K outputs per position with p² inputs each, or K with 3p²",
        laws=("locally-connected-layer-has-3K-p2-(m-p+1)2-weights",),
    ),
    Line("2.3", "When the image size is 128 × 128 × 3 and kernel size is 5 × 5"),
    Line(
        "2.3",
        "the ratio between the CNN and the locally connected network is 2.168 × 10⁻⁵",
        _printed_ratio("2.168e-5", dense=False),
        needs="the kernels are shared by the channels: the CNN has Kp² weights, not 3Kp²",
        laws=("convolution-has-K-p2-weights", "convolution-to-locally-connected-ratio"),
    ),
    Line(
        "2.3",
        "between the CNN and the fully-connected network, the ratio is 1.103 × 10⁻⁸",
        _printed_ratio("1.103e-8", dense=True),
        needs="the kernels are shared by the channels, and outputs are counted per channel",
        laws=("convolution-has-K-p2-weights", "convolution-to-dense-ratio"),
    ),
    Line(
        "2.3",
        "CNNs reduce the number of parameters by a large amount",
        _fewer_weights,
        note="46128 and 90691338 times fewer at the sheet's sizes",
        laws=("convolution-to-locally-connected-ratio", "convolution-to-dense-ratio"),
    ),
    Line(
        "2.3",
        "which makes it much more computationally efficient to train them",
        _less_work,
        needs="compared with a fully connected layer, and p < m: local connectivity saves work, sharing weights "
        "saves memory only",
        laws=("sharing-saves-weights-not-work",),
    ),
    Line("3", "Solution 3 (Backpropagation through convolutional layers)"),
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
        _backward(_sum(G[I, J] * D(UNFOLDED, DX)), _sum(G[I, J] * W[I - A, J - B]), CELLS),
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = Σ_i Σ_j ∂L/∂y_(i,j) rot180(w)_(m−i,n−j)",
        _backward(_sum(G[I, J] * W[I - A, J - B]), _sum(G[I, J] * At(Rot180(W), A - I, B - J)), CELLS),
        note="w is indexed from −k to k, so its middle is the origin",
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "… = (rot180(w) * ∂L/∂y)_(m,n)",
        _backward(
            _sum(G[I, J] * At(Rot180(W), A - I, B - J)),
            At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), A, B),
            CELLS,
        ),
        laws=X_LAW,
    ),
    Line(
        "3 ∂x",
        "hence ∂L/∂x = rot180(w) * ∂L/∂y",
        _finite_input_gradient,
        needs="on the plane, or, on arrays with a valid forward pass, * being the full convolution",
        laws=(*X_LAW, "rot180-gradients-hold-on-finite-arrays"),
    ),
    Line("4", "Solution 4 (Practical: CNNs in tensorflow)"),
    Line(
        "4",
        "See train_and_test_MNIST_solution.py.",
        unchecked="the file is not part of the sheet; training/train.py --recipe sheet is the kind of network such exercises used",
    ),
)
