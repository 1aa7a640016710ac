"""Layers made of the convolution's sums, and their gradients."""

from collections.abc import Iterator
from typing import Any

import proofs.derivations.layers as derivations
from numeric import conv, conv_transpose, conv_transpose_input_gradient, conv_transpose_weight_gradient
from proofs import grids
from proofs.law import Equation, Numbers, law

LAYERS: dict[str, Any] = {
    "cases": grids.layers,
    "scope": "1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
}


@law(
    name="transposed-size-inverts-the-output-size",
    statement="output(transposed(m) + e) = m for 0 ≤ e < stride, transposed(m) = (m − 1)·stride + span − low − high",
    source="definition of the transposed convolution and its output padding",
    path="numeric.Axis, numeric.conv_transpose, numeric.conv (im2col)",
    derivation=derivations.transposed_size,
    **LAYERS,
)
def transposed_size(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Size of what `conv_transpose` returns, and that a convolution takes it back."""
    y = conv_transpose(of["g"], of["w"], output_padding=case.remainders, **case.options)
    yield "transposed", y.shape, of["x"].shape
    yield "and back", conv(y, of["w"], **case.options).shape, of["g"].shape


@law(
    name="transposed-convolution-is-the-adjoint",
    statement="⟨conv_transpose(g, w), x⟩ = ⟨g, conv(x, w)⟩",
    source="definition of the transposed convolution",
    path="numeric.conv_transpose, numeric.conv (im2col)",
    derivation=derivations.transposed_is_adjoint,
    **LAYERS,
)
def transposed_is_adjoint(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """One trilinear form, contracted in two ways."""
    x, w, g, options = of["x"], of["w"], of["g"], case.options
    y = conv_transpose(g, w, output_padding=case.remainders, **options)
    yield "inner products", (y * x).sum(), (g * conv(x, w, **options)).sum()


@law(
    name="transposed-convolution-gradients-are-the-derivatives",
    statement="conv_transpose_input_gradient, conv_transpose_weight_gradient = ∂⟨x, conv_transpose(g, w)⟩/∂g, ∂w",
    source="sheet, Solution 3, for the transposed layer; also the gradients of the convolution's input gradient",
    path="numeric.conv_transpose, numeric.conv_transpose_input_gradient, "
    "numeric.conv_transpose_weight_gradient (im2col)",
    **LAYERS,
)
def transposed_gradients(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and SymPy's derivative of the executed layer; here g is the layer's input and x its cotangent."""
    x, w, g, options = of["x"], of["w"], of["g"], case.options
    shape = {"output_padding": case.remainders, **options}
    of_input = of.gradient(lambda g: (x * conv_transpose(g, w, **shape)).sum(), "g")
    yield "∂L/∂input", conv_transpose_input_gradient(x, w, **options), of_input
    of_weights = of.gradient(lambda w: (x * conv_transpose(g, w, **shape)).sum(), "w")
    yield "∂L/∂w", conv_transpose_weight_gradient(x, g, case.geometry.kernel_size, **options), of_weights
