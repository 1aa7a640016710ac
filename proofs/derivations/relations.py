"""How layers are made of one another, and how the fast paths sort the layer's sum: for all sizes."""

from types import SimpleNamespace
from typing import Any

from sympy import Integer, KroneckerDelta, Sum

from numeric import Geometry
from proofs.derivations.layer_sizes import (
    DEPTHWISE,
    GROUP,
    GROUP_OUT,
    IN_GROUP,
    LAYER_ASSUMES,
    LAYER_SCOPE,
    ONE_TAP,
    WHOLE,
    layers,
)
from proofs.derivations.symbols import AXIS, arrays
from proofs.layer_signals import (
    CELL,
    CHANNEL,
    ENTRIES,
    ENTRY_CELL,
    ENTRY_CHANNEL,
    FEATURE,
    FEATURES,
    GROUP_IN,
    INPUT_CHANNEL,
    NUMBER,
    OUTPUT,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SAMPLES,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    WINDOW,
    AveragePool,
    Constant,
    Dense,
    Fixed,
    Flatten,
    From,
    Layer,
    OneGroup,
    Unflatten,
    Windows,
)
from proofs.rules import (
    EXCHANGE,
    Rule,
    at_sizes,
    backwards,
    collapse,
    fold,
    index_map,
    proper_fraction,
    rename,
    unfold,
    unfold_one,
)
from proofs.signals import At, value
from proofs.tiers.derivation import Derivation, chain

X, W, G = arrays("x w g")
N, C, J, O, U = SAMPLE, CHANNEL, SLICE, OUTPUT, TAP  # noqa: E741 - the indices of the layer
LAYER, ONE_GROUP = "the layer", "the layer of one group"


def _sum(term: Any) -> Any:
    return Sum(term, SLICES, TAPS)


def groups() -> Derivation:
    """Output channel γ·D + c₁ belongs to group γ, which reads the channels from γ·J on."""
    c = GROUP * GROUP_OUT + IN_GROUP
    part_x, part_w = From(X, 1, GROUP * GROUP_IN), From(W, 0, GROUP * GROUP_OUT)
    read = READS(O, U)
    steps = chain(
        At(Layer(X, W), N, c, O),
        (_sum(X[N, READS_CHANNEL(c, J), read] * W[c, J, U]), unfold(Layer, LAYER)),
        (_sum(X[N, _channel(c, J), read] * W[c, J, U]), CHANNEL_MAP),
        (
            _sum(X[N, GROUP * GROUP_IN + J, read] * W[c, J, U]),
            proper_fraction(IN_GROUP, GROUP_OUT),
            "c₁ is a channel of its group",
        ),
        (_sum(At(part_x, N, J, read) * W[c, J, U]), unfold_one(part_x, "the group's channels", backwards=True)),
        (
            _sum(At(part_x, N, J, read) * At(part_w, IN_GROUP, J, U)),
            unfold_one(part_w, "the group's weights", backwards=True),
        ),
        (At(OneGroup(part_x, part_w), N, IN_GROUP, O), fold(OneGroup, ONE_GROUP)),
    )
    models = layers("x w", where=lambda geometry: geometry.groups > 1)
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, LAYER_SCOPE, LAYER_ASSUMES)


def average_is_depthwise() -> Derivation:
    """One slice of weights for each channel, all of them 1/K."""
    weights = Constant(1 / WINDOW)
    read = READS(O, U)
    steps = chain(
        At(Layer(X, weights), N, C, O),
        (_sum(X[N, READS_CHANNEL(C, J), read] * At(weights, C, J, U)), unfold(Layer, LAYER)),
        (_sum(X[N, READS_CHANNEL(C, J), read] / WINDOW), unfold(Constant, "the weights")),
        (_sum(X[N, _channel(C, J), read] / WINDOW), CHANNEL_MAP),
        (Sum(X[N, C, read] / WINDOW, TAPS), at_sizes(D=1, J=1), "a group for each channel"),
        (At(AveragePool(X), N, C, O), fold(AveragePool, "average pooling")),
    )
    models = layers("x", of=DEPTHWISE)
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, LAYER_SCOPE, LAYER_ASSUMES)


def one_tap() -> Derivation:
    """K = 1: only u = 0 is left of the taps, and reads(o, 0) = o."""
    weights = Fixed(W, Integer(0))
    dense = Dense(Fixed(X, O), weights, SLICES)
    steps = chain(
        At(OneGroup(X, W), N, C, O),
        (_sum(X[N, J, READS(O, U)] * W[C, J, U]), unfold(OneGroup, ONE_GROUP)),
        (_sum(X[N, J, AXIS.reads(O, U)] * W[C, J, U]), index_map(AXIS)),
        (Sum(X[N, J, O] * W[C, J, 0], SLICES), at_sizes(k=1, s=1, l=0), "one tap, stride 1, no padding"),
        (Sum(At(Fixed(X, O), N, J) * W[C, J, 0], SLICES), unfold_one(Fixed(X, O), "x at o", backwards=True)),
        (Sum(At(Fixed(X, O), N, J) * At(weights, C, J), SLICES), unfold_one(weights, "w at its tap", backwards=True)),
        (At(dense, N, C), fold(Dense, "the dense layer")),
    )
    scope = "every batch, channels and number of axes"
    return Derivation(((steps[0].left, steps[-1].right),), steps, layers("x w", of=ONE_TAP, grid=True), scope)


def whole_kernel() -> Derivation:
    """K = n: one output, which reads every cell; a row has every entry once."""
    i, a, f = ENTRY_CHANNEL, ENTRY_CELL, FEATURE
    flat_x, flat_w, one = Flatten(X), Flatten(W), KroneckerDelta(NUMBER(J, U), f)
    start = Sum(KroneckerDelta(NUMBER(i, a), f) * X[N, i, a], *ENTRIES)
    same_ranges = rename((ENTRIES[0], SLICES), (ENTRIES[1], TAPS))
    steps = chain(
        At(Dense(flat_x, flat_w, FEATURES), N, C),
        (Sum(At(flat_x, N, f) * At(flat_w, C, f), FEATURES), unfold(Dense, "the dense layer")),
        (Sum(start * At(flat_w, C, f), FEATURES), unfold_one(flat_x, "flatten(x)")),
        (Sum(_sum(one * X[N, J, U]) * At(flat_w, C, f), FEATURES), same_ranges, "one group and k = n"),
        (_sum(X[N, J, U] * Sum(one * At(flat_w, C, f), FEATURES)), EXCHANGE),
        (_sum(X[N, J, U] * At(flat_w, C, NUMBER(J, U))), collapse((f, NUMBER(J, U))), "every entry has a number"),
        (_sum(X[N, J, U] * W[C, J, U]), NUMBERED, "no two entries have the same number"),
        (_sum(X[N, J, AXIS.reads(0, U)] * W[C, J, U]), backwards(at_sizes(d=1, l=0)), "no dilation, no padding"),
        (_sum(X[N, J, READS(0, U)] * W[C, J, U]), index_map(AXIS, backwards=True)),
        (At(OneGroup(X, W), N, C, 0), fold(OneGroup, ONE_GROUP)),
    )
    scope = "every batch, channels and number of axes"
    return Derivation(((steps[0].left, steps[-1].right),), steps, layers("x w", of=WHOLE, grid=True), scope)


NUMBERED = Rule(
    "an entry of a row",
    lambda e: e.replace(
        lambda t: isinstance(t, At) and isinstance(t.signal, Flatten) and t.args[2].func == NUMBER,
        lambda t: value(t.signal.args[0], t.args[1], *t.args[2].args),
    ),
    conditional=True,
)


def im2col() -> Derivation:
    """The cells that are read, as a matrix with a column for each output; the weights are the other one."""
    steps = chain(
        At(Layer(X, W), N, C, O),
        (_sum(X[N, READS_CHANNEL(C, J), READS(O, U)] * W[C, J, U]), unfold(Layer, LAYER)),
        (
            _sum(At(Windows(X), N, C, J, U, O) * W[C, J, U]),
            fold(Windows, "the windows"),
            "(j, u) numbers the rows, o the columns",
        ),
    )
    models = layers("x w")
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, f"the output: {LAYER_SCOPE}", LAYER_ASSUMES)


def shift_and_multiply() -> Derivation:
    """Tap by tap: what all outputs read through one tap is a slice of the input."""
    steps = chain(
        At(Layer(X, W), N, C, O),
        (_sum(X[N, READS_CHANNEL(C, J), READS(O, U)] * W[C, J, U]), unfold(Layer, LAYER)),
        (Sum(X[N, READS_CHANNEL(C, J), READS(O, U)] * W[C, J, U], TAPS, SLICES), EXCHANGE, "tap by tap"),
        (
            Sum(At(Windows(X), N, C, J, U, O) * W[C, J, U], TAPS, SLICES),
            fold(Windows, "the windows"),
            "what all outputs read through one tap is a slice of x",
        ),
    )
    models = layers("x w")
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, f"the output: {LAYER_SCOPE}", LAYER_ASSUMES)


def flattening() -> Derivation:
    """A row has every entry once, so reading it is the adjoint of writing it."""
    i, a, f = ENTRY_CHANNEL, ENTRY_CELL, FEATURE
    cells, one = ENTRIES, KroneckerDelta(NUMBER(i, a), f)
    steps = chain(
        Sum(G[N, f] * At(Flatten(X), N, f), SAMPLES, FEATURES),
        (Sum(G[N, f] * Sum(one * X[N, i, a], *cells), SAMPLES, FEATURES), unfold(Flatten, "flatten")),
        (Sum(X[N, i, a] * Sum(one * G[N, f], FEATURES), SAMPLES, *cells), EXCHANGE),
        (
            Sum(X[N, i, a] * G[N, NUMBER(i, a)], SAMPLES, *cells),
            collapse((f, NUMBER(i, a))),
            "every entry has a number",
        ),
        (Sum(X[N, i, a] * At(Unflatten(G), N, i, a), SAMPLES, *cells), fold(Unflatten, "the input gradient")),
    )
    back = chain(
        At(Unflatten(Flatten(X)), N, INPUT_CHANNEL, CELL),
        (At(Flatten(X), N, NUMBER(INPUT_CHANNEL, CELL)), unfold(Unflatten, "the input gradient")),
        (X[N, INPUT_CHANNEL, CELL], NUMBERED, "no two entries have the same number"),
    )
    goals = ((steps[0].left, steps[-1].right), (back[0].left, back[-1].right))
    models = layers("x g:nf")
    return Derivation(goals, (*steps, *back), models, "every batch, number of channels and axes")


def _channel(c: Any, j: Any) -> Any:
    """Run the shipped formula on symbols."""
    group: Any = SimpleNamespace(group_in=GROUP_IN, group_out=GROUP_OUT)
    return Geometry.reads_channel(group, c, j)


CHANNEL_MAP = Rule("channel, by numeric.Geometry", lambda e: e.replace(READS_CHANNEL, _channel))
