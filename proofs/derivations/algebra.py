"""Algebra of convolution, for all sizes."""

from typing import Any

from sympy import Integer, KroneckerDelta, Sum, oo

from proofs.derivations.layer_sizes import LAYER_ASSUMES, LAYER_SCOPE, layers
from proofs.derivations.symbols import PLANE_MEANS, arrays, at_sizes, centred, integers, on_grid
from proofs.layer_signals import CHANNEL, OUTPUT, READS, READS_CHANNEL, SAMPLE, SLICE, SLICES, TAP, TAPS, Layer
from proofs.rules import ARITHMETIC, EXCHANGE, Rule, collapse, fold, negate_index, substitute, unfold
from proofs.signals import At, Convolution, Correlation, Impulse, Plus, Rot180, Shift
from proofs.tiers.derivation import Derivation, chain

GRID_MEANS = {
    **dict.fromkeys(integers("i"), "position on the grid, a multi-index"),
    **dict.fromkeys(integers("u v"), "tap, a multi-index"),
    **dict.fromkeys(integers("t"), "translation"),
}
GRID_SCOPE = "the whole grid, any number of axes; every size, position and shift"
FINITE = "finitely many products are not zero"


def rotated_kernel() -> Derivation:
    """Count the taps the other way round."""
    x, y, u, v = integers("x y u v")
    p, q = integers("p q", nonnegative=True)
    f, k = arrays("f k")
    bounds, limits = ((u, p), (v, q)), ((u, -p, p), (v, -q, q))
    rotated = Rot180(k)
    steps = chain(
        At(Convolution(f, k, *bounds), x, y),
        (Sum(f[x - u, y - v] * k[u, v], *limits), unfold(Convolution, "*")),
        (Sum(f[x + u, y + v] * k[-u, -v], *limits), negate_index(u, v)),
        (Sum(f[x + u, y + v] * At(rotated, u, v), *limits), fold(Rot180, "rot180")),
        (At(Correlation(f, rotated, *bounds), x, y), fold(Correlation, "correlate")),
    )
    models = at_sizes(
        {p: range(3), q: range(2), x: range(-1, 4), y: range(-1, 3)},
        lambda sizes: {"f": [range(3), range(2)], "k": centred(sizes[p], sizes[q])},
    )
    goal = (At(Convolution(f, k, *bounds), x, y), At(Correlation(f, rotated, *bounds), x, y))
    return Derivation((goal,), steps, models, "two axes, every half-width p, q and position", (), PLANE_MEANS)


def bilinear() -> Derivation:
    """A sum over taps of products is linear in each factor."""
    x, x2, w, w2 = arrays("x x2 w w2")
    n, c, j, o, u = SAMPLE, CHANNEL, SLICE, OUTPUT, TAP
    cell = (n, READS_CHANNEL(c, j), READS(o, u))

    def total(term: Any) -> Any:
        return Sum(term, SLICES, TAPS)

    def y(x: Any, w: Any) -> Any:
        return At(Layer(x, w), n, c, o)

    in_x = chain(
        y(Plus(x, x2), w),
        (total(At(Plus(x, x2), *cell) * w[c, j, u]), unfold(Layer, "the layer")),
        (total((x[cell] + x2[cell]) * w[c, j, u]), unfold(Plus, "+")),
        (total(x[cell] * w[c, j, u]) + total(x2[cell] * w[c, j, u]), ARITHMETIC, "distributivity, finite sums"),
        (y(x, w) + y(x2, w), fold(Layer, "the layer")),
    )
    in_w = chain(
        y(x, Plus(w, w2)),
        (total(x[cell] * At(Plus(w, w2), c, j, u)), unfold(Layer, "the layer")),
        (total(x[cell] * (w[c, j, u] + w2[c, j, u])), unfold(Plus, "+")),
        (total(x[cell] * w[c, j, u]) + total(x[cell] * w2[c, j, u]), ARITHMETIC, "distributivity, finite sums"),
        (y(x, w) + y(x, w2), fold(Layer, "the layer")),
    )
    goals = ((y(Plus(x, x2), w), y(x, w) + y(x2, w)), (y(x, Plus(w, w2)), y(x, w) + y(x, w2)))
    return Derivation(goals, (*in_x, *in_w), layers("x x2 w w2"), LAYER_SCOPE, LAYER_ASSUMES)


def commutative() -> Derivation:
    """Count the taps from the other end: u → i − u meets every position of the grid once."""
    i, u = integers("i u")
    f, k = arrays("f k")
    steps = chain(
        At(Convolution(f, k, (u, oo)), i),
        (Sum(f[i - u] * k[u], (u, -oo, oo)), unfold(Convolution, "*")),
        (Sum(k[i - u] * f[u], (u, -oo, oo)), substitute(u, i - u), FINITE),
        (At(Convolution(k, f, (u, oo)), i), fold(Convolution, "*")),
    )
    return Derivation(((steps[0].left, steps[-1].right),), steps, on_grid("f k", i), GRID_SCOPE, (FINITE,), GRID_MEANS)


def associative() -> Derivation:
    """Both are the sum of f[i − u − v]·k[u]·l[v]."""
    i, u, v = integers("i u v")
    f, k, last = arrays("f k l")
    both = ((u, -oo, oo), (v, -oo, oo))
    inner = Convolution(k, last, (v, oo))
    steps = chain(
        At(Convolution(Convolution(f, k, (u, oo)), last, (v, oo)), i),
        (Sum(At(Convolution(f, k, (u, oo)), i - v) * last[v], both[1]), _outer(last)),
        (Sum(Sum(f[i - v - u] * k[u], both[0]) * last[v], both[1]), unfold(Convolution, "*")),
        (Sum(Sum(f[i - u] * k[u - v], both[0]) * last[v], both[1]), substitute(u, u - v), FINITE),
        (Sum(f[i - u] * Sum(k[u - v] * last[v], both[1]), both[0]), EXCHANGE),
        (Sum(f[i - u] * At(inner, u), both[0]), fold(Convolution, "*")),
        (At(Convolution(f, inner, (u, oo)), i), _outer(inner, backwards=True)),
    )
    return Derivation(
        ((steps[0].left, steps[-1].right),), steps, on_grid("f k l", i), GRID_SCOPE, (FINITE,), GRID_MEANS
    )


def two_correlations() -> Derivation:
    """Correlating with k and then with l reads f[i + u + v]: once with the convolution of both."""
    i, u, v = integers("i u v")
    f, k, last = arrays("f k l")
    both = ((u, -oo, oo), (v, -oo, oo))
    inner = Convolution(k, last, (v, oo))
    steps = chain(
        At(Correlation(Correlation(f, k, (u, oo)), last, (v, oo)), i),
        (Sum(At(Correlation(f, k, (u, oo)), i + v) * last[v], both[1]), _outer(last)),
        (Sum(Sum(f[i + v + u] * k[u], both[0]) * last[v], both[1]), unfold(Correlation, "correlate")),
        (Sum(Sum(f[i + u] * k[u - v], both[0]) * last[v], both[1]), substitute(u, u - v), FINITE),
        (Sum(f[i + u] * Sum(k[u - v] * last[v], both[1]), both[0]), EXCHANGE),
        (Sum(f[i + u] * At(inner, u), both[0]), fold(Convolution, "*")),
        (At(Correlation(f, inner, (u, oo)), i), _outer(inner, backwards=True)),
    )
    return Derivation(
        ((steps[0].left, steps[-1].right),), steps, on_grid("f k l", i), GRID_SCOPE, (FINITE,), GRID_MEANS
    )


def impulse() -> Derivation:
    """Of all taps of a shifted impulse one is not zero; without a shift it is the middle one."""
    i, u, t = integers("i u t")
    (f,) = arrays("f")
    moved = Shift(Impulse(), t)
    steps = chain(
        At(Convolution(f, moved, (u, oo)), i),
        (Sum(f[i - u] * At(moved, u), (u, -oo, oo)), unfold(Convolution, "*")),
        (Sum(f[i - u] * At(Impulse(), u - t), (u, -oo, oo)), unfold(Shift, "τ")),
        (Sum(f[i - u] * KroneckerDelta(u - t, 0), (u, -oo, oo)), unfold(Impulse, "δ")),
        (f[i - t], collapse((u, t)), "u runs over the whole grid"),
        (At(Shift(f, t), i), fold(Shift, "τ")),
    )
    alone = chain(
        At(Convolution(f, Impulse(), (u, oo)), i),
        (Sum(f[i - u] * At(Impulse(), u), (u, -oo, oo)), unfold(Convolution, "*")),
        (Sum(f[i - u] * KroneckerDelta(u, 0), (u, -oo, oo)), unfold(Impulse, "δ")),
        (f[i], collapse((u, Integer(0))), "u runs over the whole grid"),
    )
    goals = ((alone[0].left, f[i]), (steps[0].left, At(Shift(f, t), i)))
    return Derivation(goals, (*alone, *steps), on_grid("f", i, t), GRID_SCOPE, (), GRID_MEANS)


def _outer(operand: Any, *, backwards: bool = False) -> Rule:
    """Definition of the operator whose second operand this is, and of no other."""
    names = {Convolution: "*", Correlation: "correlate"}

    def outer(t: Any) -> bool:
        return isinstance(t, At) and type(t.signal) in names and t.signal.args[1] == operand

    return Rule("definition of the outer sum", lambda e: e.replace(outer, lambda t: t.unfold()), backwards)
