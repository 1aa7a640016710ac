"""Algebra of convolution, for all sizes."""

from sympy import Sum

from proofs.derivations.symbols import (
    AXIS,
    KERNEL,
    LINE_ASSUMES,
    LINE_SCOPE,
    arrays,
    at_sizes,
    centred,
    integers,
    layer_sizes,
)
from proofs.rules import ARITHMETIC, fold, negate_index, unfold
from proofs.signals import OUTPUT, TAP, At, Convolution, Correlation, Layer, Plus, Rot180, fields
from proofs.tiers.derivation import Derivation, chain


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
    return Derivation((goal,), steps, models, "two axes, every half-width p, q and position")


def bilinear() -> Derivation:
    """A sum over taps of products is linear in each factor."""
    x, x2, w, w2 = arrays("x x2 w w2")
    o, reads, taps, axis = OUTPUT, AXIS.reads(OUTPUT, TAP), (TAP, 0, KERNEL - 1), fields(AXIS)
    in_x = chain(
        At(Layer(Plus(x, x2), w, *axis), o),
        (Sum(At(Plus(x, x2), reads) * w[TAP], taps), unfold(Layer, "the layer")),
        (Sum((x[reads] + x2[reads]) * w[TAP], taps), unfold(Plus, "+")),
        (Sum(x[reads] * w[TAP], taps) + Sum(x2[reads] * w[TAP], taps), ARITHMETIC, "distributivity, finite sums"),
        (At(Layer(x, w, *axis), o) + At(Layer(x2, w, *axis), o), fold(Layer, "the layer")),
    )
    in_w = chain(
        At(Layer(x, Plus(w, w2), *axis), o),
        (Sum(x[reads] * At(Plus(w, w2), TAP), taps), unfold(Layer, "the layer")),
        (Sum(x[reads] * (w[TAP] + w2[TAP]), taps), unfold(Plus, "+")),
        (Sum(x[reads] * w[TAP], taps) + Sum(x[reads] * w2[TAP], taps), ARITHMETIC, "distributivity, finite sums"),
        (At(Layer(x, w, *axis), o) + At(Layer(x, w2, *axis), o), fold(Layer, "the layer")),
    )
    models = layer_sizes("x x2 w w2", {o: range(3)})
    y, in_x2, in_w2 = (At(Layer(*pair, *axis), o) for pair in ((x, w), (x2, w), (x, w2)))
    goals = ((At(Layer(Plus(x, x2), w, *axis), o), y + in_x2), (At(Layer(x, Plus(w, w2), *axis), o), y + in_w2))
    return Derivation(goals, (*in_x, *in_w), models, LINE_SCOPE, LINE_ASSUMES)
