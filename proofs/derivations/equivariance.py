"""Translation equivariance, for all sizes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sympy import Integer, Sum

from numeric import Axis, Geometry
from proofs.derivations.layer_sizes import STRIDE1, layers, stacks
from proofs.derivations.symbols import (
    AXIS,
    DILATION,
    HIGH,
    LOW,
    PLANE_MEANS,
    STRIDE,
    arrays,
    at_sizes,
    centred,
    integers,
)
from proofs.layer_signals import (
    CHANNEL,
    KERNEL,
    OUTPUT,
    POSITIONS,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    WINDOW,
    AveragePool,
    Layer,
)
from proofs.rules import FORMULA, Rule, fold, index_map, lemma, unfold, wrap
from proofs.signals import At, CircularShift, Convolution, Formula, Residue, Shift, value
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.training_signals import ACTIVATION, Pointwise

X, W, V = arrays("x w v")
(T,) = integers("t")
SHIFT = "circular shift of the output"
CIRCLES = "circular boundary, s·m cells on each of any number of axes; every batch, channels, groups, kernel, stride"


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
    return Derivation(
        (goal,), steps, models, "two axes, every half-width p, q, position and translation", (), PLANE_MEANS
    )


def layer_on_circles() -> Derivation:
    """`reads` is affine in o, so a shift of the output by t is one of the input by stride·t, modulo the size."""
    found = _on_circles(STRIDE, Layer, "the layer", lambda x: Layer(x, W), _layer, "x w")
    moved, here = Formula("reads", AXIS, OUTPUT + T, TAP), Formula("reads", AXIS, OUTPUT, TAP)
    affine = Step(moved - here, STRIDE * T, FORMULA, "so reads(o + t, u) = reads(o, u) + s·t")
    return replace(found, goals=((affine.left, affine.right), *found.goals), steps=(affine, *found.steps))


def stride_one_on_circles() -> Derivation:
    """Stride 1: every shift is a multiple of it."""
    return _on_circles(Integer(1), Layer, "the layer", lambda x: Layer(x, W), _layer, "x w")


def pooling_on_circles() -> Derivation:
    """Average pooling has the layer's index map, and every window has as many cells."""
    found = _on_circles(STRIDE, AveragePool, "average pooling", AveragePool, _mean, "x:nca")
    return replace(found, scope=f"average pooling alone: {found.scope}")


def pointwise_on_circles() -> Derivation:
    """What works on each entry by itself does so wherever the entry is."""
    o, size = OUTPUT, POSITIONS
    back, moved = Residue(o - T, size), CircularShift(X, T, size)
    steps = chain(
        At(Pointwise(moved), o),
        (ACTIVATION(At(moved, o)), unfold(Pointwise, "σ, entry by entry")),
        (ACTIVATION(X[back]), unfold(CircularShift, "τ")),
        (At(Pointwise(X), back), fold(Pointwise, "σ, entry by entry")),
        (At(CircularShift(Pointwise(X), T, size), o), fold(CircularShift, "τ")),
    )
    models = at_sizes(
        {size: range(1, 5), o: range(4), T: range(-2, 4)},
        lambda sizes: {"x": [range(sizes[size])]},
        lambda sizes: sizes[o] < sizes[size],
        maps={ACTIVATION.__name__: lambda y: y * y + 2 * y},
    )
    scope = "every size and shift, every function σ of a number: an activation, or y ↦ y + b for a bias"
    where = {o: "cell", T: "circular shift", size: "number of cells"}
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, scope, (), where)


def stack_on_circles() -> Derivation:
    """One layer after the other: the first shifts its output by s₁·t, the second by t."""
    n, c, o = SAMPLE, CHANNEL, OUTPUT
    middle, size = STRIDE1 * POSITIONS, STRIDE * STRIDE1 * POSITIONS
    steps = chain(
        At(_upper(Layer(CircularShift(X, STRIDE * STRIDE1 * T, size), W)), n, c, o),
        (At(_upper(CircularShift(Layer(X, W), STRIDE1 * T, middle)), n, c, o), _shifts(STRIDE)),
        (At(CircularShift(_upper(Layer(X, W)), T, POSITIONS), n, c, o), _shifts(STRIDE1, 1)),
    )
    scope = f"{CIRCLES}, dilation and padding of both layers, shift"
    return Derivation(((steps[0].left, steps[-1].right),), steps, stacks("x w v", T), scope, (), {T: SHIFT})


def _upper(y: Any) -> Any:
    return Layer(y, V, 1)


def _shifts(stride: Any, *number: int) -> Rule:
    """The layer of that number, of a circularly shifted signal, is the shifted layer of the signal."""

    def moved(layer: Any) -> Any:
        x, w, *which = layer.args
        if not isinstance(x, CircularShift) or which != [*number]:
            return layer
        signal, offset, size = x.args
        return CircularShift(Layer(signal, w, *which), offset / stride, size / stride)

    return lemma("stride-s-layer-commutes-with-shifts-by-s", Layer, moved)


def _on_circles(
    stride: Any, kind: Any, name: str, made: Callable[[Any], Any], line: Callable[[Any, Any], Any], names: str
) -> Derivation:
    """From the layer of the shifted input to the shifted layer, through the one line `line(x, cell read)`."""
    n, c, o = SAMPLE, CHANNEL, OUTPUT
    axis = Axis(stride * POSITIONS, KERNEL, stride, DILATION, LOW, HIGH)
    size, back = axis.input_size, Residue(o - T, POSITIONS)
    moved, cell = CircularShift(X, stride * T, size), axis.reads(o, TAP)
    steps = chain(
        At(made(moved), n, c, o),
        (line(moved, READS(o, TAP)), unfold(kind, name)),
        (line(moved, Residue(cell, size)), index_map(axis, circular=True)),
        (line(X, Residue(Residue(cell, size) - stride * T, size)), unfold(CircularShift, "τ")),
        (line(X, Residue(axis.reads(o - T, TAP), size)), wrap(size)),
        (line(X, Residue(axis.reads(back, TAP), size)), wrap(size, backwards=True)),
        (line(X, READS(back, TAP)), index_map(axis, circular=True, backwards=True)),
        (At(made(X), n, c, back), fold(kind, name)),
        (At(CircularShift(made(X), T, POSITIONS), n, c, o), fold(CircularShift, "τ")),
    )

    def fits(geometry: Geometry) -> bool:
        sizes = zip(geometry.input_size, geometry.stride, geometry.output_size, strict=True)
        even = all(n == s * m and (s == 1 or stride != 1) for n, s, m in sizes)
        return geometry.boundary == "circular" and even

    models = layers(names, where=fits, free={T: range(-1, 4)})
    return Derivation(
        ((steps[0].left, steps[-1].right),), steps, models, f"{CIRCLES}, dilation, padding, shift", (), {T: SHIFT}
    )


def _layer(x: Any, cell: Any) -> Any:
    """The layer's sum with the cell written out."""
    return Sum(value(x, SAMPLE, READS_CHANNEL(CHANNEL, SLICE), cell) * W[CHANNEL, SLICE, TAP], SLICES, TAPS)


def _mean(x: Any, cell: Any) -> Any:
    """The mean, every cell counted."""
    return Sum(value(x, SAMPLE, CHANNEL, cell) / WINDOW, TAPS)
