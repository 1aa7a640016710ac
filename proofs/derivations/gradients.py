"""The gradient identities, for all sizes and every differentiable loss."""

from collections.abc import Callable, Iterable
from typing import Any

from sympy import KroneckerDelta, Sum

from proofs.derivations.symbols import (
    AXIS,
    INPUT,
    KERNEL,
    LINE_ASSUMES,
    LINE_SCOPE,
    arrays,
    at_sizes,
    centred,
    integers,
    layer_sizes,
)
from proofs.evaluate import Model
from proofs.rules import COLLAPSE, DIFFERENTIATE, EXCHANGE, INSERT, chain_rule, fold, unfold
from proofs.signals import (
    OUTPUT,
    OUTPUTS,
    TAP,
    At,
    Convolution,
    D,
    InputGradient,
    Layer,
    Partial,
    Rot180,
    WeightGradient,
    fields,
)
from proofs.tiers.derivation import Derivation, chain

I, J, U, V, S, T, ROW, COLUMN = integers("i j u v s t m n")  # noqa: E741 - the sheet's names
(CELL,) = integers("a")
HALF, HEIGHT, WIDTH = integers("k M N", nonnegative=True)
X, W, G = arrays("x w g")
FORWARD = Convolution(X, W, (S, HALF), (T, HALF))
KERNEL_TAPS = ((S, -HALF, HALF), (T, -HALF, HALF))
PLANE = ((I, -HEIGHT, HEIGHT), (J, -WIDTH, WIDTH))
PLANE_SCOPE = "two axes, every half-width k of the kernel, every support M, N of the cotangent, every position"
PLANE_ASSUMES = ("L depends on the outputs |i| ≤ M, |j| ≤ N; x, w and g = ∂L/∂y vanish outside of their arrays",)
THROUGH_Y = ("L depends on x and w through y alone", *LINE_ASSUMES)


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
        (_sum(G[I, J] * X[I - U, J - V]), COLLAPSE, "|u| ≤ k, |v| ≤ k"),
        (_sum(G[I, J] * At(Rot180(X), U - I, V - J)), fold(Rot180, "rot180")),
        (At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V), fold(Convolution, "*")),
    )
    inside = lambda sizes: max(abs(sizes[U]), abs(sizes[V])) <= sizes[HALF]  # noqa: E731
    goal = (Partial(variable), At(Convolution(Rot180(X), G, (I, HEIGHT), (J, WIDTH)), U, V))
    models = _plane({U: range(-1, 2), V: range(-1, 2)}, inside)
    return Derivation((goal,), steps, models, PLANE_SCOPE, PLANE_ASSUMES)


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
        (_sum(G[I, J] * W[I - ROW, J - COLUMN]), COLLAPSE, "w vanishes outside of −k .. k"),
        (_sum(G[I, J] * At(Rot180(W), ROW - I, COLUMN - J)), fold(Rot180, "rot180")),
        (At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), ROW, COLUMN), fold(Convolution, "*")),
    )
    goal = (Partial(variable), At(Convolution(Rot180(W), G, (I, HEIGHT), (J, WIDTH)), ROW, COLUMN))
    return Derivation((goal,), steps, _plane({ROW: range(-1, 2), COLUMN: range(2)}), PLANE_SCOPE, PLANE_ASSUMES)


def layer_weight_gradient() -> Derivation:
    """Chain rule, then the one product in which `w[u]` stands."""
    (v,) = integers("v")
    variable, reads = W[v], AXIS.reads(OUTPUT, TAP)
    steps = chain(
        Partial(variable),
        (_by_line_rule(variable), chain_rule(_by_line_rule)),
        (Sum(G[OUTPUT] * D(Sum(X[reads] * W[TAP], _taps()), variable), OUTPUTS), unfold(Layer, "the layer")),
        (Sum(G[OUTPUT] * Sum(KroneckerDelta(TAP, v) * X[reads], _taps()), OUTPUTS), DIFFERENTIATE),
        (Sum(G[OUTPUT] * X[AXIS.reads(OUTPUT, v)], OUTPUTS), COLLAPSE, "0 ≤ v < k"),
        (At(WeightGradient(G, X, *fields(AXIS)), v), fold(WeightGradient, "the weight gradient")),
    )
    goal = (Partial(variable), At(WeightGradient(G, X, *fields(AXIS)), v))
    return Derivation((goal,), steps, _line({v: range(3)}), LINE_SCOPE, THROUGH_Y)


def layer_input_gradient() -> Derivation:
    """Chain rule, then every product in which `x[a]` stands: those with reads(o, u) = a."""
    variable, reads = X[CELL], AXIS.reads(OUTPUT, TAP)
    steps = chain(
        Partial(variable),
        (_by_line_rule(variable), chain_rule(_by_line_rule)),
        (Sum(G[OUTPUT] * D(Sum(X[reads] * W[TAP], _taps()), variable), OUTPUTS), unfold(Layer, "the layer")),
        (Sum(G[OUTPUT] * Sum(KroneckerDelta(reads, CELL) * W[TAP], _taps()), OUTPUTS), DIFFERENTIATE),
        (Sum(KroneckerDelta(reads, CELL) * G[OUTPUT] * W[TAP], OUTPUTS, _taps()), EXCHANGE),
        (At(InputGradient(G, W, *fields(AXIS)), CELL), fold(InputGradient, "the input gradient")),
    )
    goal = (Partial(variable), At(InputGradient(G, W, *fields(AXIS)), CELL))
    return Derivation((goal,), steps, _line({CELL: range(4)}), LINE_SCOPE, THROUGH_Y)


def chain_rule_for_layers() -> Derivation:
    """Both layer gradients, from an undefined loss."""
    weights, inputs = layer_weight_gradient(), layer_input_gradient()
    (v,) = integers("v")
    models = _line({v: range(3), CELL: range(4)})
    goals = (*weights.goals, *inputs.goals)
    return Derivation(goals, (*weights.steps, *inputs.steps), models, LINE_SCOPE, weights.assumptions)


def bias_gradient() -> Derivation:
    """The bias stands in every output once."""
    (b,) = arrays("b")
    biased = At(Layer(X, W, *fields(AXIS)), OUTPUT) + b[0]
    steps = chain(
        D(Sum(G[OUTPUT] * biased, OUTPUTS), b[0]),
        (
            D(Sum(G[OUTPUT] * (Sum(X[AXIS.reads(OUTPUT, TAP)] * W[TAP], _taps()) + b[0]), OUTPUTS), b[0]),
            unfold(Layer, "the layer"),
        ),
        (Sum(G[OUTPUT], OUTPUTS), DIFFERENTIATE),
    )
    goal = (D(Sum(G[OUTPUT] * biased, OUTPUTS), b[0]), Sum(G[OUTPUT], OUTPUTS))
    return Derivation((goal,), steps, layer_sizes("x w g b"), LINE_SCOPE, LINE_ASSUMES)


def adjoints() -> Derivation:
    """One sum over (o, u), sorted by tap or by input cell."""
    y, reads = At(Layer(X, W, *fields(AXIS)), OUTPUT), AXIS.reads(OUTPUT, TAP)
    cells = (CELL, 0, INPUT - 1)
    form = Sum(G[OUTPUT] * X[reads] * W[TAP], OUTPUTS, _taps())
    by_tap = chain(
        Sum(G[OUTPUT] * y, OUTPUTS),
        (Sum(G[OUTPUT] * Sum(X[reads] * W[TAP], _taps()), OUTPUTS), unfold(Layer, "the layer")),
        (form, EXCHANGE),
        (Sum(Sum(G[OUTPUT] * X[reads], OUTPUTS) * W[TAP], _taps()), EXCHANGE),
        (
            Sum(At(WeightGradient(G, X, *fields(AXIS)), TAP) * W[TAP], _taps()),
            fold(WeightGradient, "the weight gradient"),
        ),
    )
    delta = KroneckerDelta(reads, CELL) * G[OUTPUT] * W[TAP]
    by_cell = chain(
        form,
        (
            Sum(Sum(KroneckerDelta(CELL, reads) * X[CELL], cells) * G[OUTPUT] * W[TAP], OUTPUTS, _taps()),
            INSERT,
            "x vanishes outside",
        ),
        (Sum(Sum(delta, OUTPUTS, _taps()) * X[CELL], cells), EXCHANGE),
        (Sum(At(InputGradient(G, W, *fields(AXIS)), CELL) * X[CELL], cells), fold(InputGradient, "the input gradient")),
    )
    goals = (
        (Sum(G[OUTPUT] * y, OUTPUTS), form),
        (form, Sum(At(WeightGradient(G, X, *fields(AXIS)), TAP) * W[TAP], _taps())),
        (form, Sum(At(InputGradient(G, W, *fields(AXIS)), CELL) * X[CELL], cells)),
    )
    return Derivation(goals, (*by_tap, *by_cell), layer_sizes("x w g"), LINE_SCOPE, LINE_ASSUMES)


def _sum(term: Any) -> Any:
    return Sum(term, *PLANE)


def _taps() -> tuple[Any, Any, Any]:
    return (TAP, 0, KERNEL - 1)


def _by_chain_rule(variable: Any) -> Any:
    return _sum(G[I, J] * D(At(FORWARD, I, J), variable))


def _by_line_rule(variable: Any) -> Any:
    return Sum(G[OUTPUT] * D(At(Layer(X, W, *fields(AXIS)), OUTPUT), variable), OUTPUTS)


def _plane(
    free: dict[Any, range], where: Callable[[dict[Any, int]], bool] = lambda _: True
) -> Callable[[], Iterable[Model]]:
    """Kernels up to 3 x 3, cotangents up to 3 x 3, an input of 3 x 2 beside the origin."""
    return at_sizes(
        {HALF: range(2), HEIGHT: range(2), WIDTH: range(2), **free},
        lambda sizes: {
            "x": [range(-1, 2), range(2)],
            "w": centred(sizes[HALF], sizes[HALF]),
            "g": centred(sizes[HEIGHT], sizes[WIDTH]),
        },
        where,
        lambda i, j: At(FORWARD, i, j),
    )


def _line(free: dict[Any, range]) -> Callable[[], Iterable[Model]]:
    (v,) = integers("v")
    inside = lambda sizes: sizes.get(v, 0) < sizes[KERNEL] and sizes.get(CELL, 0) < sizes[INPUT]  # noqa: E731
    return layer_sizes("x w g", free, lambda o: At(Layer(X, W, *fields(AXIS)), o), inside)
