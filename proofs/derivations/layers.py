"""Layers made of the convolution's sums, for all sizes."""

from sympy import floor

from numeric import Axis
from proofs.derivations import gradients
from proofs.derivations.symbols import DILATION, HIGH, LOW, STRIDE, at_sizes, integers
from proofs.layer_signals import KERNEL
from proofs.rules import FORMULA, proper_fraction
from proofs.signals import Formula
from proofs.tiers.derivation import Derivation, chain


def transposed_size() -> Derivation:
    """The output size of the transposed size, and of up to stride - 1 cells more."""
    (m,) = integers("m", positive=True)
    (r,) = integers("r", nonnegative=True)
    small = Axis(m, KERNEL, STRIDE, DILATION, LOW, HIGH)
    large = Axis(small.transposed_size + r, KERNEL, STRIDE, DILATION, LOW, HIGH)
    steps = (
        *chain(
            Formula("padded_size", large) - Formula("span", large),
            (STRIDE * (m - 1) + r, FORMULA, "the input is the transposed size of m, and e = r cells more"),
        ),
        *chain(
            Formula("output_size", large),
            (m - 1 + floor(r / STRIDE) + 1, FORMULA),
            (m, proper_fraction(r, STRIDE), "e < s"),
        ),
    )
    ranges = {
        m: range(1, 5),
        r: range(3),
        KERNEL: range(1, 4),
        STRIDE: range(1, 4),
        DILATION: range(1, 3),
        LOW: range(-1, 3),
        HIGH: range(-1, 3),
    }
    models = at_sizes(ranges, where=lambda sizes: sizes[r] < sizes[STRIDE], most=40)
    goal = (Formula("output_size", large), m)
    return Derivation(
        (goal,),
        steps,
        models,
        "every size, stride, dilation and padding, on each of any number of axes",
        (),
        {r: "output padding"},
    )


def transposed_is_adjoint() -> Derivation:
    """The layer's adjoint identity, of which the input gradient is the transposed convolution."""
    return gradients.adjoints()
