"""The gradients of convolution are convolutions with a rotated argument (sheet, Solution 3).

`of.gradient` differentiates the executed forward pass by SymPy; the other side of each equation is ours.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

import proofs.derivations.gradients as derivations
from numeric import conv, conv_bias_gradient, conv_input_gradient, conv_weight_gradient, convolve, rot180
from numeric.dtypes import Array
from numeric.plane import mode_start
from proofs import grids
from proofs.law import Equation, Numbers, law

LAYERS: dict[str, Any] = {
    "cases": grids.layers,
    "scope": "1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
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
    derivation=derivations.weight_gradient,
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
    derivation=derivations.input_gradient,
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
)
def arbitrary_loss(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
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
    derivation=derivations.layer_weight_gradient,
    **LAYERS,
)
def layer_weight_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our weight gradient, and SymPy's derivative of the executed layer."""
    x, g, options = of["x"], of["g"], case.options
    gradient = of.gradient(lambda w: (g * conv(x, w, **options)).sum(), "w")
    yield "∂L/∂w", conv_weight_gradient(g, x, case.geometry.kernel_size, **options), gradient


@law(
    name="layer-input-gradient-is-the-derivative",
    statement="conv_input_gradient(g, w) = ∂⟨g, conv(x, w)⟩/∂x",
    source="sheet, Solution 3, for layers",
    path="numeric.conv, numeric.conv_input_gradient (im2col)",
    derivation=derivations.layer_input_gradient,
    **LAYERS,
)
def layer_input_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our input gradient, and SymPy's derivative of the executed layer."""
    w, g, options = of["w"], of["g"], case.options
    gradient = of.gradient(lambda x: (g * conv(x, w, **options)).sum(), "x")
    yield "∂L/∂x", conv_input_gradient(g, w, case.geometry.input_size, **options), gradient


@law(
    name="layer-bias-gradient-is-the-derivative",
    statement="conv_bias_gradient(g) = ∂⟨g, conv(x, w) + b⟩/∂b",
    source="sheet, Solution 3, for layers with a bias",
    path="numeric.conv, numeric.conv_bias_gradient (im2col)",
    derivation=derivations.bias_gradient,
    **LAYERS,
)
def layer_bias_gradient(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Our bias gradient, and SymPy's derivative of the executed layer."""
    x, w, g = of["x"], of["w"], of["g"]
    gradient = of.gradient(lambda b: (g * conv(x, w, b, **case.options)).sum(), "b")
    yield "∂L/∂b", conv_bias_gradient(g), gradient


@law(
    name="gradients-are-adjoints",
    statement="⟨g, conv(x, w)⟩ = ⟨conv_weight_gradient(g, x), w⟩ = ⟨conv_input_gradient(g, w), x⟩",
    source="bilinearity: a gradient is the adjoint of the map with one argument frozen",
    path="numeric.conv, numeric.conv_weight_gradient, numeric.conv_input_gradient (im2col)",
    derivation=derivations.adjoints,
    **LAYERS,
)
def adjoints(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """One trilinear form, contracted in three ways."""
    x, w, g, options, geometry = of["x"], of["w"], of["g"], case.options, case.geometry
    form = _inner(g, conv(x, w, **options))
    yield "w frozen last", form, _inner(conv_weight_gradient(g, x, geometry.kernel_size, **options), w)
    yield "x frozen last", form, _inner(conv_input_gradient(g, w, geometry.input_size, **options), x)


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
