"""Each gradient of the layer is a layer itself, with an index map of its own; for all sizes."""

from sympy import Function, KroneckerDelta, Sum

from numeric import Axis
from proofs.array_signals import Exchanged, Rotated, Spread
from proofs.derivations.layer_sizes import GROUP_OUT, LAYER_ASSUMES, layers
from proofs.derivations.relations import CHANNEL_MAP
from proofs.derivations.symbols import AXIS, DILATION, LOW, STRIDE, arrays
from proofs.layer_signals import (
    CELL,
    CHANNEL,
    CHANNELS,
    INPUT_CHANNEL,
    KERNEL,
    OUTPUT,
    OUTPUTS,
    READS,
    READS_CHANNEL,
    SAMPLE,
    SAMPLES,
    SLICE,
    SLICES,
    TAP,
    TAPS,
    InputGradient,
    OneGroup,
    WeightGradient,
    reading,
)
from proofs.rules import (
    EXCHANGE,
    FORMULA,
    Rule,
    backwards,
    collapse,
    fold,
    index_map,
    on_both_sides,
    proper_fraction,
    substitute,
    unfold,
    unfold_one,
)
from proofs.signals import At, Formula
from proofs.tiers.derivation import Derivation, chain

X, W, G = arrays("x w g")
N, C, J, I, O, U, A = SAMPLE, CHANNEL, SLICE, INPUT_CHANNEL, OUTPUT, TAP, CELL  # noqa: E741 - the indices of the layer
ONE_GROUP = "the layer of one group"
OWN_READS = Function("reads1", integer=True)
SCOPE = "zero and circular boundary; every batch, channels, groups, number of axes, stride, dilation and padding"


def weight_gradient() -> Derivation:
    """A weight's outputs are the taps of its own gradient: `reads` is symmetric in (stride, o) and (dilation, u)."""

    def own(axis: Axis) -> Axis:
        return Axis(axis.input_size, axis.output_size, axis.dilation, axis.stride, axis.low, axis.high)

    formula, exchanged = Formula("reads", AXIS, O, U), Formula("reads1", own(AXIS), U, O)
    symmetric = chain(formula, (AXIS.reads(O, U), FORMULA), (exchanged, backwards(FORMULA)))
    channel, cell = READS_CHANNEL(C, J), READS(O, U)
    read, weight = At(Exchanged(X), channel, N, OWN_READS(U, O)), At(Exchanged(G), C, N, O)
    steps = chain(
        At(WeightGradient(G, X), C, J, U),
        (Sum(G[N, C, O] * X[N, channel, cell], SAMPLES, OUTPUTS), unfold(WeightGradient, "the weight gradient")),
        (
            Sum(G[N, C, O] * X[N, channel, OWN_READS(U, O)], SAMPLES, OUTPUTS),
            Rule(
                "as derived above, for every boundary",
                lambda e: e.replace(READS, lambda o, u: OWN_READS(u, o)),
                given=((formula, exchanged),),
            ),
        ),
        (Sum(G[N, C, O] * read, SAMPLES, OUTPUTS), unfold_one(Exchanged(X), "xᵀ", backwards=True)),
        (Sum(weight * read, SAMPLES, OUTPUTS), unfold_one(Exchanged(G), "gᵀ", backwards=True)),
        (At(OneGroup(Exchanged(X), Exchanged(G), 1, SAMPLES, OUTPUTS), channel, C, U), fold(OneGroup, ONE_GROUP)),
    )
    goals = ((formula, exchanged), (steps[0].left, steps[-1].right))
    return Derivation(goals, (*symmetric, *steps), layers("x w g", own=own, most=5), SCOPE, LAYER_ASSUMES)


def input_gradient() -> Derivation:
    """A cell's readers are found by solving `s·o + d·u - l = a` for o: the taps run the other way."""

    def own(axis: Axis) -> Axis:
        return Axis(axis.input_size, axis.kernel_size, 1, axis.dilation, axis.span - 1 - axis.low)  # on the grid

    spread, turned, place = Spread(G, STRIDE), Exchanged(Rotated(W)), A + LOW - DILATION * U
    product, everything = G[N, C, O] * W[C, J, U], (CHANNELS, SLICES, OUTPUTS, TAPS)
    read, of_cell = KroneckerDelta(READS(O, U), A), (CHANNELS, OUTPUTS, TAPS)
    weighted, back = G[N, C, O] * W[C, I, U], KERNEL - 1 - U
    steps = chain(
        At(InputGradient(G, W), N, I, A),
        (Sum(reading(I, A) * product, *everything), unfold(InputGradient, "the input gradient")),
        (Sum(KroneckerDelta(CHANNEL_MAP.apply(READS_CHANNEL(C, J)), I) * read * product, *everything), CHANNEL_MAP),
        (
            Sum(KroneckerDelta(J, I) * read * product, *everything),
            proper_fraction(C, GROUP_OUT),
            "one group, which has all channels",
        ),
        (Sum(read * weighted, *of_cell), collapse((J, I)), "i is one of the channels"),
        (Sum(KroneckerDelta(AXIS.reads(O, U), A) * weighted, *of_cell), index_map(AXIS)),
        (Sum(KroneckerDelta(STRIDE * O, place) * weighted, *of_cell), on_both_sides(LOW - DILATION * U)),
        (
            Sum(Sum(KroneckerDelta(STRIDE * O, place) * G[N, C, O], OUTPUTS) * W[C, I, U], CHANNELS, TAPS),
            EXCHANGE,
        ),
        (Sum(At(spread, N, C, place) * W[C, I, U], CHANNELS, TAPS), fold(Spread, "the spread cotangent")),
        (Sum(At(spread, N, C, place.subs(U, back)) * W[C, I, back], CHANNELS, TAPS), substitute(U, back)),
        (
            Sum(At(spread, N, C, own(AXIS).reads(A, U)) * At(Rotated(W), C, I, U), CHANNELS, TAPS),
            fold(Rotated, "rot180"),
        ),
        (
            Sum(At(spread, N, C, own(AXIS).reads(A, U)) * At(turned, I, C, U), CHANNELS, TAPS),
            unfold_one(turned, "rot180(w)ᵀ", backwards=True),
        ),
        (
            Sum(At(spread, N, C, OWN_READS(A, U)) * At(turned, I, C, U), CHANNELS, TAPS),
            index_map(own(AXIS), which="1", backwards=True),
        ),
        (At(OneGroup(spread, turned, 1, CHANNELS, TAPS), N, I, A), fold(OneGroup, ONE_GROUP)),
    )
    models = layers("x w g", where=lambda geometry: geometry.groups == 1, grid=True, own=own)
    scope = "one group, of which there may be many side by side; zero boundary; every batch, channels, number of axes"
    return Derivation(((steps[0].left, steps[-1].right),), steps, models, scope, LAYER_ASSUMES)
