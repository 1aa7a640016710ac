"""Translation equivariance, for all sizes."""

from sympy import Sum

from proofs.derivations.symbols import (
    AXIS,
    DILATION,
    KERNEL,
    LOW,
    STRIDE,
    arrays,
    at_sizes,
    centred,
    integers,
    layer_sizes,
)
from proofs.rules import ARITHMETIC, fold, unfold
from proofs.signals import OUTPUT, TAP, At, Convolution, Layer, Shift, fields
from proofs.tiers.derivation import Derivation, chain


def convolution_commutes_with_translation() -> Derivation:
    """The sheet's chain, with its index slip mended."""
    x, y, u, v, s, t = integers("x y u v s t")
    p, q = integers("p q", nonnegative=True)
    f, k = arrays("f k")
    bounds = ((u, p), (v, q))
    shifted = Shift(f, s, t)
    steps = chain(
        At(Shift(Convolution(f, k, *bounds), s, t), x, y),
        (At(Convolution(f, k, *bounds), x - s, y - t), unfold(Shift, "τ")),
        (Sum(f[x - s - u, y - t - v] * k[u, v], (u, -p, p), (v, -q, q)), unfold(Convolution, "*")),
        (Sum(At(shifted, x - u, y - v) * k[u, v], (u, -p, p), (v, -q, q)), fold(Shift, "τ")),
        (At(Convolution(shifted, k, *bounds), x, y), fold(Convolution, "*")),
    )
    models = at_sizes(
        {p: range(3), q: range(2), s: range(-1, 3), t: range(-1, 2), x: range(-1, 3), y: range(-1, 2)},
        lambda sizes: {"f": [range(3), range(2)], "k": centred(sizes[p], sizes[q])},
    )
    goal = (At(Shift(Convolution(f, k, *bounds), s, t), x, y), At(Convolution(shifted, k, *bounds), x, y))
    return Derivation((goal,), steps, models, "two axes, every half-width p, q, position and translation")


def layer_commutes_with_translation() -> Derivation:
    """A shift of the input by stride·t is a shift of the output by t, since `reads` is affine in o."""
    (t,) = integers("t")
    x, w = arrays("x w")
    o = OUTPUT
    moved = Shift(x, STRIDE * t)
    taps = (TAP, 0, KERNEL - 1)
    steps = chain(
        At(Layer(moved, w, *fields(AXIS)), o + t),
        (Sum(At(moved, AXIS.reads(o + t, TAP)) * w[TAP], taps), unfold(Layer, "the layer")),
        (Sum(x[AXIS.reads(o + t, TAP) - STRIDE * t] * w[TAP], taps), unfold(Shift, "τ")),
        (Sum(x[STRIDE * o + DILATION * TAP - LOW] * w[TAP], taps), ARITHMETIC),
        (At(Layer(x, w, *fields(AXIS)), o), fold(Layer, "the layer")),
    )
    models = layer_sizes("x w", {o: range(-1, 3), t: range(-2, 3)}, most=16)
    goal = (At(Layer(moved, w, *fields(AXIS)), o + t), At(Layer(x, w, *fields(AXIS)), o))
    return Derivation(
        (goal,), steps, models, "one axis of the line, every kernel, stride, dilation, padding, position and shift"
    )
