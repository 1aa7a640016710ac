"""Parameter counts, for all sizes: one weight for every name, names added up over the index ranges."""

from typing import Any

from sympy import Integer, Rational, Subs, Sum

from numeric import Axis
from proofs.derivations.symbols import at_sizes, integers
from proofs.rules import ADD_UP, ARITHMETIC, FORMULA, ROUND, SUBSTITUTE
from proofs.signals import Formula, Rounded
from proofs.tiers.derivation import Derivation, Step, chain

M, P, K = integers("m p K", positive=True)
CHANNEL, CHANNEL_IN, KERNEL, O1, O2, U1, U2, A1, A2 = integers("i j c o1 o2 u1 u2 a1 a2")
SIZE = Axis(M, P).output_size
KERNELS = (KERNEL, 1, K)
CHANNELS = (CHANNEL, 1, 3)
OUTPUTS = ((O1, 1, SIZE), (O2, 1, SIZE))
TAPS = ((U1, 1, P), (U2, 1, P))
PIXELS = ((CHANNEL_IN, 1, 3), (A1, 1, M), (A2, 1, M))

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
    return Derivation(((SHARED, K * P**2),), chain(SHARED, (K * P**2, ADD_UP)), SIZES, EVERY)


def locally_connected() -> Derivation:
    """One weight for every output (channel, kernel, position) and tap."""
    goal = (LOCAL, 3 * K * P**2 * POSITIONS**2)
    return Derivation((goal,), (OUTPUT_SIZE, *chain(LOCAL, (3 * K * P**2 * POSITIONS**2, ADD_UP))), SIZES, EVERY)


def dense() -> Derivation:
    """One weight for every output and every pixel."""
    outputs: Any = Sum(1, CHANNELS, KERNELS, *OUTPUTS)
    steps = (
        OUTPUT_SIZE,
        *chain(outputs, (3 * K * POSITIONS**2, ADD_UP, "number of outputs")),
        *chain(Sum(1, *PIXELS), (3 * M**2, ADD_UP, "number of inputs")),
        *chain(DENSE, (9 * K * M**2 * POSITIONS**2, ADD_UP, "their product")),
    )
    return Derivation(((DENSE, 9 * K * M**2 * POSITIONS**2),), steps, SIZES, EVERY)


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
    return Derivation(goals, steps, SIZES, EVERY)


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
    return Derivation(goals, steps, SIZES, EVERY)
