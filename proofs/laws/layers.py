"""Layers made of the convolution's sums, and their gradients."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np

import proofs.derivations.layers as derivations
from numeric import (
    Geometry,
    average_pool,
    average_pool_input_gradient,
    conv,
    conv_transpose,
    conv_transpose_input_gradient,
    conv_transpose_weight_gradient,
    definition,
    dense,
    dense_bias_gradient,
    dense_input_gradient,
    dense_weight_gradient,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
    max_pool,
    max_pool_input_gradient,
)
from numeric.dtypes import Array
from numeric.pooling import give, take, winners
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
    statement="both gradients of conv_transpose = ∂⟨x, conv_transpose(g, w)⟩/∂g, ∂w",
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


@law(
    name="locally-connected-gradients-are-the-derivatives",
    statement="both gradients of locally_connected = ∂⟨g, locally_connected(x, w)⟩/∂x, ∂w",
    source="sheet, Solution 3, for layers whose weights are not shared",
    cases=grids.locals_,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    path="numeric.locally_connected, numeric.locally_connected_input_gradient, "
    "numeric.locally_connected_weight_gradient",
)
def local_gradients(case: grids.LocalCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and SymPy's derivative of the executed layer."""
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
    path="numeric.dense, numeric.dense_input_gradient, numeric.dense_weight_gradient, numeric.dense_bias_gradient",
)
def dense_gradients(_: grids.DenseCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and SymPy's derivative of the executed layer."""
    x, w, b, g = of["x"], of["w"], of["b"], of["g"]
    yield "∂L/∂x", dense_input_gradient(g, w), of.gradient(lambda x: (g * dense(x, w, b)).sum(), "x")
    yield "∂L/∂w", dense_weight_gradient(g, x), of.gradient(lambda w: (g * dense(x, w, b)).sum(), "w")
    yield "∂L/∂b", dense_bias_gradient(g), of.gradient(lambda b: (g * dense(x, w, b)).sum(), "b")


def _averaged(g: Array, kernel_size: tuple[int, ...], options: dict[str, Any]) -> Callable[[Array], Any]:
    return lambda x: (g * average_pool(x, kernel_size, **options)).sum()


POOLS: dict[str, Any] = {
    "cases": grids.pools,
    "scope": "1 to 3 axes, up to 6 cells, stride, dilation, padding that widens or crops, both boundaries",
    "needs_symbols": True,
}


@law(
    name="average-pooling-gradient-is-the-derivative",
    statement="average_pool_input_gradient(g) = ∂⟨g, average_pool(x)⟩/∂x, padding counted or not",
    source="definition of average pooling: linear, with weights 1/count",
    path="numeric.average_pool, numeric.average_pool_input_gradient",
    rational=True,
    **POOLS,
)
def average_pooling(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """Ours, and SymPy's derivative of the executed pooling."""
    x, g, sizes = of["x"], of["g"], (case.geometry.input_size, case.geometry.kernel_size)
    for count in (False, True):
        options: dict[str, Any] = {"count_padding": count, **case.options}
        gradient = of.gradient(_averaged(g, sizes[1], options), "x")
        yield f"count_padding={count}", average_pool_input_gradient(g, *sizes, **options), gradient
    yield "of ones", average_pool(np.ones(x.shape), sizes[1], **case.options), np.ones(g.shape)


@law(
    name="max-pooling-gradient-is-the-derivative-off-ties",
    statement="where the winners of the windows are fixed, max_pool is linear and max_pool_input_gradient its adjoint",
    source="definition of max pooling, piece by piece",
    path="numeric.max_pool, numeric.max_pool_input_gradient",
    assumptions=("no two cells of a window are equal; where they are, the first one's side is taken",),
    **POOLS,
)
def max_pooling(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """For every pattern of winners that an order of the cells gives: its linear map, SymPy's derivative, and ours."""
    geometry, g = case.geometry, of["g"]
    below_zero = range(-of["x"].size, 0)  # a zero of the padding would win
    orders = np.array(list(permutations(below_zero))).reshape(-1, *of["x"].shape[1:])  # as one batch
    firsts = np.unique(winners(orders, geometry), axis=0, return_index=True)[1]
    for first in firsts:
        x = orders[first : first + 1]
        winner, largest = winners(x, geometry), definition.max_pool(x, geometry)
        yield "max_pool", max_pool(x, geometry.kernel_size, **case.options), largest
        yield "winners", take(x, winner, geometry), largest
        gradient = of.gradient(_won(g, winner, geometry), "x")
        yield "∂L/∂x", give(g, winner, geometry), gradient
        yield "as called", max_pool_input_gradient(g, x, geometry.kernel_size, **case.options), gradient


def _won(g: Array, winner: Array, geometry: Geometry) -> Callable[[Array], Any]:
    return lambda x: (g * take(x, winner, geometry)).sum()
