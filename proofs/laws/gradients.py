"""The gradients of convolution are convolutions with a rotated argument (sheet, Solution 3).

`of.gradient` differentiates the executed forward pass; the other side of each equation is ours.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

import proofs.derivations.gradients as derivations
import proofs.derivations.plane_gradients as plane
from numeric import (
    conv,
    conv_bias_gradient,
    conv_double_backward,
    conv_input_gradient,
    conv_transpose,
    conv_weight_gradient,
    convolve,
    correlate,
    rot180,
)
from numeric.dtypes import Array
from numeric.plane import mode_start
from proofs import grids
from proofs.arithmetic import gradients as facts
from proofs.derivations import second_order
from proofs.grids import full
from proofs.law import Equation, Numbers, law

LAYERS: dict[str, Any] = {
    "cases": grids.layers,
    "scope": "1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    "full": full.layers,
    "full_scope": full.SCOPE,
}
PLANE: dict[str, Any] = {
    "cases": grids.centred,
    "scope": "odd sizes centred on the origin, 1 to 3 axes",
    "path": "numeric.convolve, numeric.rot180 (im2col)",
}


@law(
    name="weight-gradient-is-rotated-input-convolved-with-cotangent",
    statement="∂L/∂w = rot180(x) * ∂L/∂y on the plane, at the positions of w",
    source="sheet, Solution 3, first chain",
    assumptions=("x and ∂L/∂y vanish outside of their arrays", "rot180 about the origin"),
    derivation=plane.weight_gradient,
    theorems=("Plane.weight_gradient_is_rotated_input_convolved_with_cotangent", "Plane.derivative_by_a_weight"),
    **PLANE,
)
def plane_weight_gradient(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The whole convolution with the rotated input, read at the kernel's positions."""
    x, g = of["x"], of["g"]
    gradient = of.gradient(lambda k: (g * convolve(x, k, "full")).sum(), "k")
    yield "∂L/∂w", _middle(convolve(rot180(x), g, "full"), case.kernel_size), gradient


@law(
    name="input-gradient-is-rotated-kernel-convolved-with-cotangent",
    statement="∂L/∂x = rot180(w) * ∂L/∂y on the plane",
    source="sheet, Solution 3, second chain",
    assumptions=("w and ∂L/∂y vanish outside of their arrays", "rot180 about the origin"),
    derivation=plane.input_gradient,
    theorems=("Plane.input_gradient_is_rotated_kernel_convolved_with_cotangent", "Plane.derivative_by_an_input"),
    **PLANE,
)
def plane_input_gradient(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The whole convolution with the rotated kernel, read at the input's positions."""
    k, g = of["k"], of["g"]
    gradient = of.gradient(lambda x: (g * convolve(x, k, "full")).sum(), "x")
    yield "∂L/∂x", _middle(convolve(rot180(k), g, "full"), case.input_size), gradient


@law(
    name="rot180-gradients-hold-on-finite-arrays",
    statement="y = x * w of mode full, same or valid, G = ∂L/∂y put back to full size: "
    "∂L/∂w = valid(G * rot180(x)), ∂L/∂x = valid(G * rot180(w))",
    source="sheet, Solution 3, for arrays with an edge",
    cases=grids.arrays,
    scope="on a line every size to 4 and kernel to 3; 2 and 3 axes",
    path="numeric.convolve, numeric.rot180 (im2col)",
    derivation=plane.finite_arrays,
    arithmetic=lambda: (*facts.convolution_reads, facts.rotation_turns_the_sum),
    theorems=("Plane.rot180_gradients_hold_on_finite_arrays", "Plane.flip_rotates_an_array_in_its_place"),
)
def finite_gradients(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Both gradients in every mode; then the form that each mode has of its own."""
    x, k, g, mode = of["x"], of["k"], of["g"], case.mode
    dx = of.gradient(lambda x: (g * convolve(x, k, mode)).sum(), "x")
    dk = of.gradient(lambda k: (g * convolve(x, k, mode)).sum(), "k")
    whole = _put_back(g, case)
    yield "∂L/∂w", convolve(whole, rot180(x), "valid"), dk
    yield "∂L/∂x", convolve(whole, rot180(k), "valid"), dx
    if mode == "valid":
        yield "∂L/∂w of valid", convolve(rot180(x), g, "valid"), dk
        yield "∂L/∂x of valid", convolve(rot180(k), g, "full"), dx
    if mode == "same" and all(size % 2 for size in case.kernel_size):
        yield "∂L/∂x of same, odd kernel", convolve(g, rot180(k), "same"), dx


@law(
    name="gradients-hold-for-every-differentiable-loss",
    statement="∂L(y)/∂w = conv_weight_gradient(∂L/∂y, x), ∂L(y)/∂x = conv_input_gradient(∂L/∂y, w), L undefined",
    source="sheet, Solution 3, first line of both chains",
    cases=grids.small_layers,
    scope="1 and 2 axes, stride, dilation, padding, groups; L an undefined function of all outputs",
    path="numeric.conv, numeric.conv_weight_gradient, numeric.conv_input_gradient (im2col)",
    assumptions=("L is differentiable and depends on x and w through y alone",),
    derivation=derivations.chain_rule_for_layers,
    needs_symbols=True,
    engine="rings",
)
def arbitrary_loss(case: grids.LayerCase, of: Any) -> Iterator[Equation]:
    """SymPy applies its chain rule to an undefined L; its partial derivatives are our cotangent."""
    x, w, options, geometry = of["x"], of["w"], case.options, case.geometry
    dw, g = of.arbitrary(lambda w: conv(x, w, **options), "w")
    yield "∂L/∂w", conv_weight_gradient(g, x, geometry.kernel_size, **options), dw
    dx, g = of.arbitrary(lambda x: conv(x, w, **options), "x")
    yield "∂L/∂x", conv_input_gradient(g, w, geometry.input_size, **options), dx


@law(
    name="layer-weight-gradient-is-the-derivative",
    statement="conv_weight_gradient(g, x) = ∂⟨g, conv(x, w)⟩/∂w",
    source="sheet, Solution 3, for layers",
    path="numeric.conv, numeric.conv_weight_gradient (im2col)",
    derivation=derivations.weight_gradient,
    theorems=("Layer.conv_gradients_are_the_derivatives", "Layer.conv_weight_gradient_is_the_sum"),
    **LAYERS,
)
def layer_weight_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our weight gradient, and the derivative of the executed layer."""
    x, g, options = of["x"], of["g"], case.options
    gradient = of.gradient(lambda w: (g * conv(x, w, **options)).sum(), "w")
    yield "∂L/∂w", conv_weight_gradient(g, x, case.geometry.kernel_size, **options), gradient


@law(
    name="layer-input-gradient-is-the-derivative",
    statement="conv_input_gradient(g, w) = ∂⟨g, conv(x, w)⟩/∂x",
    source="sheet, Solution 3, for layers",
    path="numeric.conv, numeric.conv_input_gradient (im2col)",
    derivation=derivations.input_gradient,
    theorems=("Layer.conv_gradients_are_the_derivatives", "Layer.conv_input_gradient_is_the_sum"),
    **LAYERS,
)
def layer_input_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our input gradient, and the derivative of the executed layer."""
    w, g, options = of["w"], of["g"], case.options
    gradient = of.gradient(lambda x: (g * conv(x, w, **options)).sum(), "x")
    yield "∂L/∂x", conv_input_gradient(g, w, case.geometry.input_size, **options), gradient


@law(
    name="layer-bias-gradient-is-the-derivative",
    statement="conv_bias_gradient(g) = ∂⟨g, conv(x, w) + b⟩/∂b",
    source="sheet, Solution 3, for layers with a bias",
    path="numeric.conv, numeric.conv_bias_gradient (im2col)",
    derivation=derivations.bias_gradient,
    theorems=("Instances.bias_gradient_is_adjoint",),
    **LAYERS,
)
def layer_bias_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our bias gradient, and the derivative of the executed layer."""
    x, w, g = of["x"], of["w"], of["g"]
    gradient = of.gradient(lambda b: (g * conv(x, w, b, **case.options)).sum(), "b")
    yield "∂L/∂b", conv_bias_gradient(g), gradient


@law(
    name="gradients-are-adjoints",
    statement="⟨g, conv(x, w)⟩ = ⟨conv_weight_gradient(g, x), w⟩ = ⟨conv_input_gradient(g, w), x⟩",
    source="bilinearity: a gradient is the adjoint of the map with one argument frozen",
    path="numeric.conv, numeric.conv_weight_gradient, numeric.conv_input_gradient (im2col)",
    derivation=derivations.adjoints,
    theorems=(
        "IndexMap.weight_gradient_is_adjoint",
        "IndexMap.input_gradient_is_adjoint",
        "Layer.conv_weight_gradient_is_adjoint",
        "Layer.conv_input_gradient_is_adjoint",
        "Stack.gradients_go_back_through_both_layers",
        "Arrays.adjoint_of_a_composition",
    ),
    **LAYERS,
)
def adjoints(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """One trilinear form, contracted in three ways."""
    x, w, g, options, geometry = of["x"], of["w"], of["g"], case.options, case.geometry
    form = _inner(g, conv(x, w, **options))
    yield "w frozen last", form, _inner(conv_weight_gradient(g, x, geometry.kernel_size, **options), w)
    yield "x frozen last", form, _inner(conv_input_gradient(g, w, geometry.input_size, **options), x)


@law(
    name="transposed-convolution-is-the-input-gradient",
    statement="conv_transpose(g, w) = ∂⟨g, conv(x, w)⟩/∂x, with the stride's remainder as output padding",
    source="definition of the transposed convolution",
    path="numeric.conv, numeric.conv_transpose (im2col)",
    derivation=derivations.input_gradient,
    theorems=("Instances.transposed_convolution_is_the_adjoint", "Arrays.adjoint_is_unique"),
    **LAYERS,
)
def transposed(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """The transposed layer, and the derivative of the executed layer."""
    w, g, options = of["w"], of["g"], case.options
    gradient = of.gradient(lambda x: (g * conv(x, w, **options)).sum(), "x")
    yield "∂L/∂x", conv_transpose(g, w, output_padding=case.remainders, **options), gradient


@law(
    name="gradients-of-the-gradients-are-the-derivatives",
    statement="conv_double_backward = the derivatives by g, x, w of ⟨ddx, conv_input_gradient(g, w)⟩ + "
    "⟨ddw, conv_weight_gradient(g, x)⟩",
    source="bilinearity: each gradient is bilinear again; PyTorch's double backward",
    cases=grids.second_orders,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    path="numeric.conv_input_gradient, numeric.conv_weight_gradient, numeric.conv_double_backward (im2col)",
    full=full.second_orders,
    full_scope=full.SCOPE,
    derivation=second_order.double_backward,
    theorems=("IndexMap.gradients_of_the_gradients", "Layer.conv_gradients_of_the_gradients"),
)
def double_backward(case: grids.SecondOrderCase, of: Numbers) -> Iterator[Equation]:
    """The scalar that both gradients make together, differentiated by each of what they are made of."""
    options, geometry = case.options, case.geometry
    arrays = {name: of[name] for name in "gxw"}

    def scalar(**changed: Array) -> Any:
        g, x, w = ({**arrays, **changed}[name] for name in "gxw")
        dx = conv_input_gradient(g, w, geometry.input_size, **options)
        dw = conv_weight_gradient(g, x, geometry.kernel_size, **options)
        return _inner(of["ddx"], dx) + _inner(of["ddw"], dw)

    ours = conv_double_backward(of["ddx"], of["ddw"], *arrays.values(), **options)
    for name, gradient in zip("gxw", ours, strict=True):
        yield f"by {name}", gradient, of.gradient(lambda array, name=name: scalar(**{name: array}), name)  # type: ignore[misc]


@law(
    name="weight-gradient-of-a-convolution-needs-its-flip",
    statement="not: ∂L/∂w = correlate(x, ∂L/∂y) for y = x * w, valid: the layer's rule, taken for a true convolution",
    source="a popular belief, refuted: that conventions do not matter for gradients",
    cases=grids.valid_lines,
    scope="on a line every size and kernel to 4 that fits; smallest first",
    path="numeric.convolve, numeric.correlate (im2col)",
    fails=True,
)
def no_flip(_: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The cross-correlation's weight gradient against the convolution's derivative."""
    x, g = of["x"], of["g"]
    gradient = of.gradient(lambda k: (g * convolve(x, k, "valid")).sum(), "k")
    yield "∂L/∂w", correlate(x, g, "valid"), gradient


@law(
    name="input-gradient-of-same-is-not-same-for-an-even-kernel",
    statement="not: ∂L/∂x = same(∂L/∂y * rot180(w)) for y = same(x * w)",
    source="a popular belief, refuted: right for odd kernels alone",
    cases=grids.same_lines,
    scope="on a line every size and kernel to 4; smallest first",
    path="numeric.convolve, numeric.rot180 (im2col)",
    fails=True,
)
def even_same(_: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The identity of odd kernels, for all."""
    k, g = of["k"], of["g"]
    gradient = of.gradient(lambda x: (g * convolve(x, k, "same")).sum(), "x")
    yield "∂L/∂x", convolve(g, rot180(k), "same"), gradient


@law(
    name="input-gradient-needs-the-rotated-kernel",
    statement="not: ∂L/∂x = full(∂L/∂y * w) for y = valid(x * w), without rotating w",
    source="a popular belief, refuted: sheet, Solution 3 with the rotation left out",
    cases=grids.valid_lines,
    scope="on a line every size and kernel to 4 that fits; smallest first",
    path="numeric.convolve (im2col)",
    fails=True,
)
def unrotated(_: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The second chain without rot180."""
    k, g = of["k"], of["g"]
    gradient = of.gradient(lambda x: (g * convolve(x, k, "valid")).sum(), "x")
    yield "∂L/∂x", convolve(g, k, "full"), gradient


@law(
    name="weight-gradient-is-a-sum-over-the-batch-and-not-a-mean",
    statement="not: ∂L/∂w = (1/batch)·Σ over samples of g·x, for a loss that is not divided by the batch",
    source="a popular belief, refuted: the mean belongs to the loss",
    cases=grids.batches,
    scope="the layers of one axis with batches of 1 to 3; smallest first",
    path="numeric.conv, numeric.conv_weight_gradient (im2col)",
    fails=True,
)
def batch_mean(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """The sum, divided by the batch."""
    x, g, options = of["x"], of["g"], case.options
    gradient = of.gradient(lambda w: (g * conv(x, w, **options)).sum(), "w")
    yield "∂L/∂w", conv_weight_gradient(g, x, case.geometry.kernel_size, **options) / case.batch, gradient


def _inner(a: Array, b: Array) -> Any:
    return (a * b).sum()


def _middle(array: Array, size: tuple[int, ...]) -> Array:
    """Cells of `array` around its middle."""
    starts = ((have - want) // 2 for have, want in zip(array.shape, size, strict=True))
    return array[tuple(slice(start, start + want) for start, want in zip(starts, size, strict=True))]


def _put_back(g: Array, case: grids.ArrayCase) -> Array:
    """Cotangent of a mode as one of `full`: zero where the mode has no output."""
    lows = [mode_start(case.mode, m) for m in case.kernel_size]
    fulls = [n + m - 1 for n, m in zip(case.input_size, case.kernel_size, strict=True)]
    return np.pad(g, [(low, full - low - size) for low, full, size in zip(lows, fulls, g.shape, strict=True)])
