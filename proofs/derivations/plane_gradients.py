"""The sheet's gradient identities (Solution 3), for all sizes and every loss: on the plane, and on finite arrays."""

import random
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, get_args

from sympy import KroneckerDelta, Sum, oo

from numeric.plane import Mode, mode_start
from proofs.derivations.symbols import arrays, at_sizes, centred, integers
from proofs.evaluate import Forward, Model
from proofs.multi_index import MultiIndex, box
from proofs.rules import DIFFERENTIATE, chain_rule, collapse, fold, substitute, unfold
from proofs.signals import At, Convolution, D, Partial, Reversed, Rot180, Valid
from proofs.tiers.derivation import Derivation, Models, chain

I, J, U, V, S, T, ROW, COLUMN = integers("i j u v s t m n")  # noqa: E741 - the sheet's names
HALF, HEIGHT, WIDTH = integers("k M N", nonnegative=True)
X, W, G = arrays("x w g")
FORWARD = Convolution(X, W, (S, HALF), (T, HALF))
KERNEL_TAPS = ((S, -HALF, HALF), (T, -HALF, HALF))
PLANE = ((I, -HEIGHT, HEIGHT), (J, -WIDTH, WIDTH))
ARRAYS_SCOPE = "full, same and valid; every size of x and w on any number of axes"
ARRAYS_ASSUMES = ("L depends on the mode's outputs; G = ∂L/∂y at these and 0 elsewhere",)
PLANE_MEANS = {
    **dict.fromkeys((I, J), "position of an output"),
    **dict.fromkeys((S, T), "kernel tap"),
    **dict.fromkeys((U, V), "tap of the weight by which L is differentiated"),
    **dict.fromkeys((ROW, COLUMN), "position of the input by which L is differentiated"),
    HALF: "half-width of the kernel",
    HEIGHT: "half-height of the cotangent",
    WIDTH: "half-width of the cotangent",
}
PLANE_SCOPE = "two axes, every half-width k of the kernel, every support M, N of the cotangent, every position"
PLANE_ASSUMES = ("L depends on the outputs |i| ≤ M, |j| ≤ N; x, w and g = ∂L/∂y vanish outside of their arrays",)


def weight_gradient() -> Derivation:
    """The sheet's first chain."""
    variable = W[U, V]
    steps = chain(
        Partial(variable),
        (_by_chain_rule(variable), chain_rule(_by_chain_rule)),
        (_sum(G[I, J] * D(Sum(X[I - S, J - T] * W[S, T], *KERNEL_TAPS), variable)), unfold(Convolution, "*")),
        (
            _sum(G[I, J] * Sum(KroneckerDelta(S, U) * KroneckerDelta(T, V) * X[I - S, J - T], *KERNEL_TAPS)),
            DIFFERENTIATE,
        ),
        (_sum(G[I, J] * X[I - U, J - V]), collapse((S, U), (T, V)), "|u| ≤ k, |v| ≤ k"),
        (_sum(G[I, J] * At(Rot180(X), U - I, V - J)), fold(Rot180, "rot180")),
        (At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V), fold(Convolution, "*")),
    )
    inside = lambda sizes: max(abs(sizes[U]), abs(sizes[V])) <= sizes[HALF]  # noqa: E731
    goal = (Partial(variable), At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V))
    models = _plane({U: range(-1, 2), V: range(-1, 2)}, inside)
    return Derivation((goal,), steps, models, PLANE_SCOPE, PLANE_ASSUMES, PLANE_MEANS)


def input_gradient() -> Derivation:
    """The sheet's second chain."""
    variable = X[ROW, COLUMN]
    steps = chain(
        Partial(variable),
        (_by_chain_rule(variable), chain_rule(_by_chain_rule)),
        (_sum(G[I, J] * D(Sum(X[I - S, J - T] * W[S, T], *KERNEL_TAPS), variable)), unfold(Convolution, "*")),
        (
            _sum(G[I, J] * Sum(KroneckerDelta(I - S, ROW) * KroneckerDelta(J - T, COLUMN) * W[S, T], *KERNEL_TAPS)),
            DIFFERENTIATE,
        ),
        (
            _sum(G[I, J] * W[I - ROW, J - COLUMN]),
            collapse((S, I - ROW), (T, J - COLUMN)),
            "w vanishes outside of −k .. k",
        ),
        (_sum(G[I, J] * At(Rot180(W), ROW - I, COLUMN - J)), fold(Rot180, "rot180")),
        (At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), ROW, COLUMN), fold(Convolution, "*")),
    )
    goal = (Partial(variable), At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), ROW, COLUMN))
    return Derivation(
        (goal,), steps, _plane({ROW: range(-1, 2), COLUMN: range(2)}), PLANE_SCOPE, PLANE_ASSUMES, PLANE_MEANS
    )


def finite_arrays() -> Derivation:
    """Arrays from 0 on: `valid` begins where the smaller array, turned around, lies inside the larger one."""
    (o, u, v, a) = integers("o u v a")
    n, k = integers("n k", positive=True)
    y = At(Convolution(X, W, (u, oo)), o)
    outputs = (o, -oo, oo)
    products = Sum(X[o - u] * W[u], (u, -oo, oo))

    def forward(variable: Any) -> Any:
        return Sum(G[o] * D(y, variable), outputs)

    by_w = chain(
        Partial(W[v]),
        (forward(W[v]), chain_rule(forward)),
        (Sum(G[o] * D(products, W[v]), outputs), unfold(Convolution, "*")),
        (Sum(G[o] * Sum(KroneckerDelta(u, v) * X[o - u], (u, -oo, oo)), outputs), DIFFERENTIATE),
        (Sum(G[o] * X[o - v], outputs), collapse((u, v)), "u runs over the whole grid"),
        (Sum(G[o] * At(Reversed(X, n), n - 1 + v - o), outputs), fold(Reversed, "rot180")),
        (Sum(G[n - 1 + v - o] * At(Reversed(X, n), o), outputs), substitute(o, n - 1 + v - o)),
        (At(Convolution(G, Reversed(X, n), (o, oo)), n - 1 + v), fold(Convolution, "*")),
        (At(Valid(Convolution(G, Reversed(X, n), (o, oo)), n), v), fold(Valid, "valid")),
    )
    by_x = chain(
        Partial(X[a]),
        (forward(X[a]), chain_rule(forward)),
        (Sum(G[o] * D(products, X[a]), outputs), unfold(Convolution, "*")),
        (Sum(G[o] * Sum(KroneckerDelta(o - u, a) * W[u], (u, -oo, oo)), outputs), DIFFERENTIATE),
        (Sum(G[o] * W[o - a], outputs), collapse((u, o - a)), "u runs over the whole grid"),
        (Sum(G[o] * At(Reversed(W, k), k - 1 + a - o), outputs), fold(Reversed, "rot180")),
        (Sum(G[k - 1 + a - o] * At(Reversed(W, k), o), outputs), substitute(o, k - 1 + a - o)),
        (At(Convolution(G, Reversed(W, k), (o, oo)), k - 1 + a), fold(Convolution, "*")),
        (At(Valid(Convolution(G, Reversed(W, k), (o, oo)), k), a), fold(Valid, "valid")),
    )
    goals = tuple((steps[0].left, steps[-1].right) for steps in (by_w, by_x))
    where = {
        n: "size of x",
        k: "size of w",
        o: "position in the whole convolution, a multi-index",
        v: "tap of the weight by which L is differentiated",
    }
    models = _arrays(n, k, {v: "w", a: "x"}, (y, (o,)))
    return Derivation(goals, (*by_w, *by_x), models, ARRAYS_SCOPE, ARRAYS_ASSUMES, where)


def _arrays(n: Any, k: Any, places: dict[Any, str], forward: Forward) -> Models:
    """Arrays on one and two axes in each mode: g has the mode's outputs, in their places of `full`."""

    def models(seed: int = 0) -> list[Model]:
        pick, found = random.Random(seed), []  # noqa: S311 - nothing secret
        for mode, (size, taps) in product(get_args(Mode), (((3,), (2,)), ((2, 1), (1, 1)))):
            if mode == "valid" and any(m > s for s, m in zip(size, taps, strict=True)):
                continue
            starts = [mode_start(mode, m) for m in taps]
            counts = zip(size, taps, strict=True)
            lengths = [{"full": s + m - 1, "same": s, "valid": s - m + 1}[mode] for s, m in counts]
            arrays = {"x": _cells(size), "w": _cells(taps), "g": _cells(lengths, starts)}
            sizes = {n: MultiIndex(size), k: MultiIndex(taps)}
            free = {symbol: pick.choice(arrays[name]) for symbol, name in places.items()}
            everywhere = _cells([s + m + 1 for s, m in zip(size, taps, strict=True)], [-1] * len(size))
            found.append(
                Model({**sizes, **free}, {name: [at] for name, at in arrays.items()}, forward, grid=everywhere)
            )
        return found

    return models


def _cells(size: Sequence[int], start: Sequence[int] | None = None) -> list[MultiIndex]:
    """Multi-indices of an array of that size whose first cell is `start`."""
    first = MultiIndex(tuple(start or [0] * len(size)))
    return list(box(first, first + MultiIndex(tuple(n - 1 for n in size))))


def _sum(term: Any) -> Any:
    return Sum(term, *PLANE)


def _by_chain_rule(variable: Any) -> Any:
    return _sum(G[I, J] * D(At(FORWARD, I, J), variable))


def _plane(free: dict[Any, range], where: Callable[[dict[Any, int]], bool] = lambda _: True) -> Models:
    """Kernels up to 3 x 3, cotangents up to 3 x 3, an input of 3 x 2 beside the origin."""
    return at_sizes(
        {HALF: range(2), HEIGHT: range(2), WIDTH: range(2), **free},
        lambda sizes: {
            "x": [range(-1, 2), range(2)],
            "w": centred(sizes[HALF], sizes[HALF]),
            "g": centred(sizes[HEIGHT], sizes[WIDTH]),
        },
        where,
        (At(FORWARD, I, J), (I, J)),
        most=8,
    )
