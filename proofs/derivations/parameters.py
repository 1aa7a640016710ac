"""Parameter counts, for all sizes: one weight for every name, names added up over the index ranges."""

from typing import Any

from sympy import Integer, Rational, Subs, Sum

from numeric import Axis
from proofs.derivations.symbols import at_sizes, integers
from proofs.rules import ADD_UP, ARITHMETIC, FORMULA, ROUND, SUBSTITUTE, Rule
from proofs.signals import Formula, Rounded
from proofs.tiers.derivation import Derivation, Step, chain

M, P, K = integers("m p K", positive=True)
CHANNEL, CHANNEL_IN, KERNEL, O1, O2, U1, U2, A1, A2 = integers("i j c o1 o2 u1 u2 a1 a2")
MEANS = {
    M: "image size",
    P: "kernel size",
    K: "number of kernels",
    CHANNEL: "channel of the image",
    CHANNEL_IN: "channel of the image, read by a dense layer",
    KERNEL: "kernel",
    **dict.fromkeys((O1, O2), "output position along an axis"),
    **dict.fromkeys((U1, U2), "tap along an axis"),
    **dict.fromkeys((A1, A2), "pixel along an axis"),
}
SIZE = Axis(M, P).output_size
KERNELS = (KERNEL, 1, K)
CHANNELS = (CHANNEL, 1, 3)
OUTPUTS = ((O1, 1, SIZE), (O2, 1, SIZE))
TAPS = ((U1, 1, P), (U2, 1, P))
PIXELS = ((CHANNEL_IN, 1, 3), (A1, 1, M), (A2, 1, M))

# A layer of any number of axes: its positions and its taps are numbered.
N, C, I, J, Y, TAP_COUNT, GROUPS = integers("N C I J M K G", positive=True)  # noqa: E741 - as in proofs.layer_signals
SAMPLE, CHANNEL_OUT, SLICE, POSITION, TAP = integers("n c j o u")
WEIGHTS: Any = Sum(1, (CHANNEL_OUT, 1, C), (SLICE, 1, J), (TAP, 1, TAP_COUNT))
GROUPED = Rule("J = I / G", lambda e: e.subs(J, I / GROUPS), conditional=True)
LAYER_SIZES = at_sizes(
    {
        N: range(1, 3),
        C: range(1, 5),
        I: range(1, 5),
        J: range(1, 4),
        Y: range(1, 4),
        TAP_COUNT: range(1, 5),
        GROUPS: range(1, 4),
    },
    where=lambda sizes: sizes[I] == sizes[J] * sizes[GROUPS],
    most=6,
)
LAYER_MEANS = {
    Y: "number of output positions, on all axes together",
    TAP_COUNT: "number of taps, on all axes together",
    GROUPS: "number of groups",
    POSITION: "output position",
    TAP: "kernel tap",
}
EVERY_LAYER = "every batch, channels, groups, number M of positions and K of taps"

SHARED: Any = Sum(1, KERNELS, *TAPS)
LOCAL: Any = Sum(1, CHANNELS, KERNELS, *OUTPUTS, *TAPS)
DENSE: Any = Sum(1, CHANNELS, KERNELS, *OUTPUTS, *PIXELS)
POSITIONS = M - P + 1
OUTPUT_SIZE = Step(
    Formula("output_size", Axis(M, P)), POSITIONS, FORMULA, "output size along one axis, stride 1 and no padding"
)
SIZES = at_sizes({M: range(1, 4), P: range(1, 4), K: range(1, 3)}, where=lambda sizes: sizes[P] <= sizes[M], most=12)
EVERY = "every image m × m × 3, kernel p × p with p ≤ m, and number K of kernels"


def convolution() -> Derivation:
    """One weight for every kernel and tap."""
    return Derivation(((SHARED, K * P**2),), chain(SHARED, (K * P**2, ADD_UP)), SIZES, EVERY, (), MEANS)


def locally_connected() -> Derivation:
    """One weight for every output (channel, kernel, position) and tap."""
    goal = (LOCAL, 3 * K * P**2 * POSITIONS**2)
    return Derivation(
        (goal,), (OUTPUT_SIZE, *chain(LOCAL, (3 * K * P**2 * POSITIONS**2, ADD_UP))), SIZES, EVERY, (), MEANS
    )


def dense() -> Derivation:
    """One weight for every output and every pixel."""
    outputs: Any = Sum(1, CHANNELS, KERNELS, *OUTPUTS)
    steps = (
        OUTPUT_SIZE,
        *chain(outputs, (3 * K * POSITIONS**2, ADD_UP, "number of outputs")),
        *chain(Sum(1, *PIXELS), (3 * M**2, ADD_UP, "number of inputs")),
        *chain(DENSE, (9 * K * M**2 * POSITIONS**2, ADD_UP, "their product")),
    )
    return Derivation(((DENSE, 9 * K * M**2 * POSITIONS**2),), steps, SIZES, EVERY, (), MEANS)


def ratio_to_locally_connected() -> Derivation:
    """The ratio in general, then for a 128 x 128 x 3 image and 5 x 5 kernels."""
    return _ratio(LOCAL, 3 * K * P**2 * POSITIONS**2, 1 / (3 * POSITIONS**2), Rational(1, 46128), Rational(2168, 10**8))


def ratio_to_dense() -> Derivation:
    """The ratio in general, then for a 128 x 128 x 3 image and 5 x 5 kernels."""
    ratio = P**2 / (9 * M**2 * POSITIONS**2)
    return _ratio(DENSE, 9 * K * M**2 * POSITIONS**2, ratio, Rational(25, 2267283456), Rational(1103, 10**11))


def work() -> Derivation:
    """Products: one for every output and tap whether the weights are shared or not; dense, for every pixel."""
    products = Sum(1, KERNELS, CHANNELS, *OUTPUTS, *TAPS)
    steps = (
        *chain(
            products, (LOCAL, ARITHMETIC), (3 * K * P**2 * POSITIONS**2, ADD_UP, "convolution and locally connected")
        ),
        *chain(DENSE / products, (3 * M**2 / P**2, ADD_UP, "dense against either")),
    )
    goals = ((products, LOCAL), (products, 3 * K * P**2 * POSITIONS**2), (DENSE / products, 3 * M**2 / P**2))
    return Derivation(goals, steps, SIZES, EVERY, (), MEANS)


def of_a_layer() -> Derivation:
    """One weight for every output channel, slice of the group's channels and tap; depthwise a slice is one channel."""
    count = C * I / GROUPS * TAP_COUNT
    depthwise: Any = Sum(1, (CHANNEL_OUT, 1, C), (SLICE, 1, 1), (TAP, 1, TAP_COUNT))
    steps = (
        *chain(WEIGHTS, (C * J * TAP_COUNT, ADD_UP), (count, GROUPED, "the groups share the channels evenly")),
        *chain(depthwise, (C * TAP_COUNT, ADD_UP, "depthwise: a group is one channel")),
    )
    return Derivation(((WEIGHTS, count), (depthwise, C * TAP_COUNT)), steps, LAYER_SIZES, EVERY_LAYER, (), LAYER_MEANS)


def multiply_adds() -> Derivation:
    """One product for every sample, output and weight of its channel."""
    products: Any = Sum(1, (SAMPLE, 1, N), (CHANNEL_OUT, 1, C), (POSITION, 1, Y), (SLICE, 1, J), (TAP, 1, TAP_COUNT))
    steps = (
        *chain(
            products,
            (N * C * Y * J * TAP_COUNT, ADD_UP),
            (N * C * Y * I / GROUPS * TAP_COUNT, GROUPED, "the groups share the channels evenly"),
        ),
        *chain(products / WEIGHTS, (N * Y, ADD_UP, "every weight is used once for each sample and position")),
    )
    goals = ((products, N * C * Y * I / GROUPS * TAP_COUNT), (products / WEIGHTS, N * Y))
    return Derivation(goals, steps, LAYER_SIZES, EVERY_LAYER, (), LAYER_MEANS)


def separable() -> Derivation:
    """Depthwise and pointwise weights together, against those of the full layer."""
    depthwise: Any = Sum(1, (CHANNEL_IN, 1, I), (TAP, 1, TAP_COUNT))
    pointwise: Any = Sum(1, (CHANNEL_OUT, 1, C), (CHANNEL_IN, 1, I))
    full: Any = Sum(1, (CHANNEL_OUT, 1, C), (CHANNEL_IN, 1, I), (TAP, 1, TAP_COUNT))
    steps = (
        *chain(depthwise, (I * TAP_COUNT, ADD_UP, "a kernel for each channel")),
        *chain(pointwise, (C * I, ADD_UP, "one tap")),
        *chain(full, (C * I * TAP_COUNT, ADD_UP, "the full layer")),
        *chain(
            (depthwise + pointwise) / full,
            ((I * TAP_COUNT + C * I) / (C * I * TAP_COUNT), ADD_UP),
            (1 / C + 1 / TAP_COUNT, ARITHMETIC),
        ),
    )
    goal = ((depthwise + pointwise) / full, 1 / C + 1 / TAP_COUNT)
    return Derivation(
        (goal,), steps, LAYER_SIZES, "every number of input and output channels and of taps", (), LAYER_MEANS
    )


def _ratio(total: Any, count: Any, ratio: Any, number: Any, printed: Any) -> Derivation:
    steps = (
        *chain(SHARED, (K * P**2, ADD_UP, "weights of the convolution")),
        *chain(total, (count, ADD_UP, "weights of the other layer")),
        *chain(SHARED / total, (ratio, ADD_UP)),
        *chain(Subs(ratio, (M, P), (128, 5)), (number, SUBSTITUTE)),
        Step(Rounded(number, Integer(4)), printed, ROUND, "to four significant digits, as the sheet prints it"),
    )
    at_sheet = Subs(ratio, (M, P), (128, 5))
    goals = ((SHARED / total, ratio), (at_sheet, number), (Rounded(number, Integer(4)), printed))
    return Derivation(goals, steps, SIZES, EVERY, (), MEANS)
