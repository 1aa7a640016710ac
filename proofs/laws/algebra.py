"""Algebra of convolution, as far as the sheet's proofs rest on it."""

from collections.abc import Iterator

import proofs.derivations.algebra as derivations
from numeric import conv, convolve, correlate, definition, rot180
from proofs import grids
from proofs.law import Equation, Numbers, law


@law(
    name="convolution-is-correlation-with-the-rotated-kernel",
    statement="f * k = correlate(f, rot180(k)), in full, same and valid",
    source="the sheet's convolution against the frameworks' cross-correlation",
    cases=grids.arrays,
    scope="on a line every size to 4 and kernel to 3; 2 and 3 axes",
    path="numeric.convolve, numeric.correlate, numeric.rot180 (im2col)",
    derivation=derivations.rotated_kernel,
)
def rotated_kernel(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Convolve; correlate with the rotated kernel; and the plain sums of both."""
    x, k = of["x"], of["k"]
    y = convolve(x, k, case.mode)
    yield "correlate", y, correlate(x, rot180(k), case.mode)
    yield "plain sum", y, definition.convolve(x, k, case.mode)
    yield "plain correlation", y, definition.correlate(x, definition.rot180(k), case.mode)


@law(
    name="layer-is-bilinear",
    statement="conv(x + x', w) = conv(x, w) + conv(x', w), conv(x, w + w') = conv(x, w) + conv(x, w')",
    source="definition of the layer; what lets a gradient be an adjoint",
    cases=grids.linearity,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, both boundaries",
    path="numeric.conv (im2col)",
    derivation=derivations.bilinear,
)
def bilinear(case: grids.LinearityCase, of: Numbers) -> Iterator[Equation]:
    """Additivity in each argument, and a common factor pulled out of each."""
    x, x2, w, w2, factor = of["x"], of["x2"], of["w"], of["w2"], of["c"][0]
    y = conv(x, w, **case.options)
    yield "x + x'", conv(x + x2, w, **case.options), y + conv(x2, w, **case.options)
    yield "w + w'", conv(x, w + w2, **case.options), y + conv(x, w2, **case.options)
    yield "c·x", conv(x * factor, w, **case.options), y * factor
    yield "c·w", conv(x, w * factor, **case.options), y * factor
