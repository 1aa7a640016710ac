"""Layers made of the convolution's sums, and their gradients."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

import proofs.derivations.layers as derivations
from numeric import (
    average_pool,
    average_pool_input_gradient,
    conv,
    conv_transpose,
    conv_transpose_input_gradient,
    conv_transpose_weight_gradient,
    dense,
    dense_bias_gradient,
    dense_input_gradient,
    dense_weight_gradient,
    flatten,
    flatten_input_gradient,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
)
from numeric.dtypes import Array
from proofs import grids
from proofs.arithmetic import layers as facts
from proofs.derivations import other_layers, relations, second_order
from proofs.grids import full
from proofs.law import Equation, Numbers, law

LAYERS: dict[str, Any] = {
    "cases": grids.layers,
    "scope": "1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    "full": full.layers,
    "full_scope": full.SCOPE,
}


@law(
    name="transposed-size-inverts-the-output-size",
    statement="output(transposed(m) + e) = m for 0 ≤ e < stride, transposed(m) = (m − 1)·stride + span − low − high",
    source="definition of the transposed convolution and its output padding",
    path="numeric.Axis, numeric.conv_transpose, numeric.conv (im2col)",
    derivation=derivations.transposed_size,
    arithmetic=lambda: (facts.transposed_size_inverts, facts.remainder_is_the_output_padding),
    theorems=(
        "Sizes.transposed_size_inverts_the_output_size",
        "Sizes.remainder_is_the_output_padding_that_gives_the_input_back",
    ),
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
    theorems=("Instances.transposed_convolution_is_the_adjoint",),
    **LAYERS,
)
def transposed_is_adjoint(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """One trilinear form, contracted in two ways."""
    x, w, g, options = of["x"], of["w"], of["g"], case.options
    y = conv_transpose(g, w, output_padding=case.remainders, **options)
    yield "inner products", (y * x).sum(), (g * conv(x, w, **options)).sum()


@law(
    name="transposed-convolution-gradients-are-the-derivatives",
    statement="both gradients of conv_transpose = ∂⟨x, conv_transpose(g, w)⟩/∂g, ∂w",
    source="sheet, Solution 3, for the transposed layer; also the gradients of the convolution's input gradient",
    path="numeric.conv_transpose, numeric.conv_transpose_input_gradient, "
    "numeric.conv_transpose_weight_gradient (im2col)",
    derivation=second_order.transposed_gradients,
    theorems=(
        "Instances.transposed_convolution_input_gradient_is_adjoint",
        "Instances.transposed_convolution_weight_gradient_is_adjoint",
    ),
    **LAYERS,
)
def transposed_gradients(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and the derivative of the executed layer; here g is the layer's input and x its cotangent."""
    x, w, g, options = of["x"], of["w"], of["g"], case.options
    shape = {"output_padding": case.remainders, **options}
    of_input = of.gradient(lambda g: (x * conv_transpose(g, w, **shape)).sum(), "g")
    yield "∂L/∂input", conv_transpose_input_gradient(x, w, **options), of_input
    of_weights = of.gradient(lambda w: (x * conv_transpose(g, w, **shape)).sum(), "w")
    yield "∂L/∂w", conv_transpose_weight_gradient(x, g, case.geometry.kernel_size, **options), of_weights
    bias = x.sum(axis=(0, *range(2, x.ndim)), dtype=x.dtype)  # any numbers, one for each channel of the output
    spread = bias.reshape(-1, *(1,) * case.geometry.ndim)
    yield "bias", conv_transpose(g, w, bias, **shape), conv_transpose(g, w, **shape) + spread


@law(
    name="locally-connected-gradients-are-the-derivatives",
    statement="both gradients of locally_connected = ∂⟨g, locally_connected(x, w)⟩/∂x, ∂w",
    source="sheet, Solution 3, for layers whose weights are not shared",
    cases=grids.locals_,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    full=full.locals_,
    full_scope=full.LAYERS_SCOPE,
    path="numeric.locally_connected, numeric.locally_connected_input_gradient, "
    "numeric.locally_connected_weight_gradient",
    derivation=other_layers.locally_connected,
    theorems=(
        "Instances.local_weight_gradient_is_adjoint",
        "Instances.local_input_gradient_is_adjoint",
        "Instances.local_weight_gradient_is_the_sum",
    ),
)
def local_gradients(case: grids.LocalCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and the derivative of the executed layer."""
    x, w, g, options, geometry = of["x"], of["w"], of["g"], case.options, case.geometry
    dx = of.gradient(lambda x: (g * locally_connected(x, w, **options)).sum(), "x")
    yield "∂L/∂x", locally_connected_input_gradient(g, w, geometry.input_size, **options), dx
    dw = of.gradient(lambda w: (g * locally_connected(x, w, **options)).sum(), "w")
    yield "∂L/∂w", locally_connected_weight_gradient(g, x, geometry.kernel_size, **options), dw


@law(
    name="dense-gradients-are-the-derivatives",
    statement="the three gradients of dense = ∂⟨g, dense(x, w, b)⟩/∂x, ∂w, ∂b",
    source="chain rule for y = x·wᵀ + b",
    cases=grids.denses,
    scope="every batch, number of features and of outputs up to 3",
    full=full.denses,
    full_scope="every batch, number of features and of outputs up to 4; 5 × 5 and 7 × 7 positions of 2 channels to 3 "
    "and 10 outputs: in the trained MNIST networks 32 and 64 channels, to 256, 1024 and 10",
    path="numeric.dense, numeric.dense_input_gradient, numeric.dense_weight_gradient, numeric.dense_bias_gradient",
    derivation=other_layers.dense,
    theorems=(
        "Instances.dense_is_the_product_with_a_matrix",
        "Instances.dense_weight_gradient_is_adjoint",
        "Instances.dense_input_gradient_is_adjoint",
        "Instances.dense_weight_gradient_is_the_sum",
        "Instances.dense_input_gradient_is_the_sum",
        "Instances.bias_gradient_is_adjoint",
    ),
)
def dense_gradients(_: grids.DenseCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and the derivative of the executed layer."""
    x, w, b, g = of["x"], of["w"], of["b"], of["g"]
    yield "∂L/∂x", dense_input_gradient(g, w), of.gradient(lambda x: (g * dense(x, w, b)).sum(), "x")
    yield "∂L/∂w", dense_weight_gradient(g, x), of.gradient(lambda w: (g * dense(x, w, b)).sum(), "w")
    yield "∂L/∂b", dense_bias_gradient(g), of.gradient(lambda b: (g * dense(x, w, b)).sum(), "b")


def _averaged(g: Array, kernel_size: tuple[int, ...], options: dict[str, Any]) -> Callable[[Array], Any]:
    return lambda x: (g * average_pool(x, kernel_size, **options)).sum()


@law(
    name="average-pooling-gradient-is-the-derivative",
    statement="average_pool_input_gradient(g) = ∂⟨g, average_pool(x)⟩/∂x, padding counted or not",
    source="definition of average pooling: linear, with weights 1/count",
    cases=grids.pools,
    scope="1 to 3 axes, up to 6 cells, stride, dilation, padding that widens or crops, both boundaries",
    full=full.pools,
    full_scope=full.POOLS_SCOPE,
    path="numeric.average_pool, numeric.average_pool_input_gradient",
    needs_symbols=True,
    derivation=other_layers.average_pool,
    theorems=("Instances.average_pooling_gradient_is_adjoint", "Instances.average_pooling_is_a_layer"),
)
def average_pooling(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and the derivative of the executed pooling."""
    x, g, sizes = of["x"], of["g"], (case.geometry.input_size, case.geometry.kernel_size)
    for count in (False, True):
        options: dict[str, Any] = {"count_padding": count, **case.options}
        gradient = of.gradient(_averaged(g, sizes[1], options), "x")
        yield f"count_padding={count}", average_pool_input_gradient(g, *sizes, **options), gradient
    yield "of ones", average_pool(np.ones(x.shape), sizes[1], **case.options), np.ones(g.shape)


@law(
    name="layer-with-a-kernel-of-one-tap-is-dense-at-every-position",
    statement="k = 1: conv(x, w)[:, :, o] = dense(x[:, :, o], w)",
    source="definition of both layers (network in network, Lin, Chen, Yan 2013)",
    cases=grids.one_tap_layers,
    scope="1 to 3 axes, batch, channels",
    path="numeric.conv, numeric.dense (im2col)",
    derivation=relations.one_tap,
    arithmetic=lambda: (facts.one_tap,),
)
def one_tap(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Positions as a batch."""
    x, w, b, geometry = of["x"], of["w"], of["b"], case.geometry
    rows = np.moveaxis(x, 1, -1).reshape(-1, geometry.in_channels)
    y = dense(rows, w.reshape(w.shape[:2]), b).reshape(case.batch, *geometry.input_size, len(w))
    yield "dense", conv(x, w, b), np.moveaxis(y, -1, 1)


@law(
    name="layer-with-a-kernel-as-large-as-the-input-is-dense",
    statement="k = n: conv(x, w) = dense(flatten(x), flatten(w))",
    source="definition of both layers",
    cases=grids.whole_kernels,
    scope="1 to 3 axes, batch, channels",
    path="numeric.conv, numeric.dense, numeric.flatten (im2col)",
    derivation=relations.whole_kernel,
    arithmetic=lambda: (facts.whole_kernel,),
)
def whole_kernel(_: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """One output position."""
    x, w, b = of["x"], of["w"], of["b"]
    yield "dense", flatten(conv(x, w, b)), dense(flatten(x), flatten(w), b)


@law(
    name="groups-are-layers-side-by-side",
    statement="conv(x, w, groups) = the groups' layers on their channels, put together; depthwise: one per channel",
    source="definition of groups",
    cases=grids.grouped_layers,
    scope="1 and 2 axes, 2 and 3 groups, depthwise with one and two kernels per channel, stride, dilation, padding",
    path="numeric.conv (im2col)",
    derivation=relations.groups,
    arithmetic=lambda: (facts.groups_read_their_own,),
)
def groups(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Split the channels; put the outputs together."""
    geometry, options = case.geometry, {**case.options, "groups": 1}
    parts = zip(np.split(of["x"], geometry.groups, 1), np.split(of["w"], geometry.groups), strict=True)
    apart = np.concatenate([conv(x, w, **options) for x, w in parts], 1)
    yield "groups", conv(of["x"], of["w"], **case.options), apart


@law(
    name="average-pooling-is-a-depthwise-convolution",
    statement="average_pool(x), padding counted = conv(x, 1/Π k, groups = channels)",
    source="definition of average pooling",
    cases=grids.pools,
    scope="1 to 3 axes, up to 6 cells, stride, dilation, padding that widens or crops, both boundaries; two channels",
    path="numeric.average_pool, numeric.conv (im2col)",
    needs_symbols=True,
    derivation=relations.average_is_depthwise,
    theorems=("Instances.average_pooling_is_a_convolution_with_constant_weights",),
)
def average_is_depthwise(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """A second channel that is the first one upside down, so that channels are not mixed up unseen."""
    kernel = case.geometry.kernel_size
    x = np.concatenate([of["x"], np.flip(of["x"])], 1)
    weights = np.full((2, 1, *kernel), Fraction(1, prod(kernel)), object)
    pooled = average_pool(x, kernel, count_padding=True, **case.options)
    yield "depthwise", pooled, conv(x, weights, groups=2, **case.options)


@law(
    name="flattening-loses-nothing",
    statement="⟨g, flatten(x)⟩ = ⟨flatten_input_gradient(g), x⟩, and flattening is undone by its gradient",
    source="definition of flatten: a permutation of entries is its own adjoint's inverse",
    cases=grids.flat_shapes,
    scope="2 to 5 axes",
    full=full.flat_shapes,
    full_scope="2 to 5 axes of up to 3; 5 × 5 and 7 × 7 positions of 2 channels, 32 and 64 in the MNIST networks",
    path="numeric.flatten, numeric.flatten_input_gradient",
    derivation=relations.flattening,
)
def flattening(case: grids.ShapeCase, of: Numbers) -> Iterator[Equation]:
    """The gradient by derivative, and there and back."""
    x, g = of["x"], of["g"]
    gradient = of.gradient(lambda x: (g * flatten(x)).sum(), "x")
    yield "∂L/∂x", flatten_input_gradient(g, case.shape), gradient
    yield "back", flatten_input_gradient(flatten(x), case.shape), x
