"""Layers that are not linear: proved piece by piece, or as rational functions of exponentials and roots.

A piece is a region in which every comparison that the layer makes comes out the same way; a sample stands for it. The
shipped functions run on symbols and branch as they do at the sample. Off the pieces, at kinks and ties, the derivative
does not exist; what our gradients return there is decided in `numeric` and tested.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from numeric import (
    average_pool,
    definition,
    elu,
    elu_input_gradient,
    leaky_relu,
    leaky_relu_input_gradient,
    max_pool,
    max_pool_input_gradient,
    relu,
    relu6,
    relu6_input_gradient,
    relu_input_gradient,
    sigmoid,
    sigmoid_input_gradient,
    silu,
    silu_input_gradient,
    softplus,
    softplus_input_gradient,
    tanh,
    tanh_input_gradient,
)
from numeric.dtypes import Array
from proofs import grids
from proofs.derivations import activations, other_layers
from proofs.grids import full
from proofs.law import Equation, Numbers, law

PIECEWISE: dict[str, Any] = {"needs_symbols": True}
POINTS: dict[str, Any] = {
    "cases": grids.points,
    "scope": "every pattern of two numbers below 0, between 0 and 6, above 6",
    "needs_symbols": True,
}


def _derivative(of: Numbers, function: Callable[[Array], Array]) -> Array:
    return of.gradient(lambda x: (of["g"] * function(x)).sum(), "x")


@law(
    name="piecewise-linear-activation-gradients-are-the-derivatives-off-kinks",
    statement="relu, leaky_relu, relu6: NAME_input_gradient(g, x) = ∂⟨g, NAME(x)⟩/∂x",
    source="definition of the functions, pattern of signs by pattern",
    full=full.points,
    full_scope="every pattern of three numbers below 0, between 0 and 6, above 6; one of 24 × 24, 10 × 10, "
    "28 × 28 and 14 × 14 numbers, as in the trained MNIST networks",
    path="numeric.relu, numeric.relu_input_gradient, numeric.leaky_relu, numeric.leaky_relu_input_gradient, "
    "numeric.relu6, numeric.relu6_input_gradient",
    assumptions=("no x is 0, nor 6 for relu6: there the branch below is taken",),
    derivation=activations.piecewise_linear,
    **POINTS,
)
def piecewise_linear(_: grids.PointsCase, of: Numbers) -> Iterator[Equation]:
    """Each with its gradient, the slope below 0 being a symbol."""
    x, g, slope = of["x"], of["g"], of["a"][0]
    yield "relu", relu_input_gradient(g, x), _derivative(of, relu)
    yield "leaky_relu", leaky_relu_input_gradient(g, x, slope), _derivative(of, lambda x: leaky_relu(x, slope))
    yield "relu6", relu6_input_gradient(g, x), _derivative(of, relu6)
    yield "relu6 of relu", relu6(relu(x)), relu6(x)


@law(
    name="smooth-activation-gradients-are-the-derivatives",
    statement="elu, softplus, sigmoid, tanh, silu: NAME_input_gradient(g, x) = ∂⟨g, NAME(x)⟩/∂x",
    source="calculus; the stable formulas differ by the sign of x, the functions do not",
    path="numeric.elu, numeric.elu_input_gradient, numeric.softplus, numeric.softplus_input_gradient, numeric.sigmoid, "
    "numeric.sigmoid_input_gradient, numeric.tanh, numeric.tanh_input_gradient, numeric.silu, "
    "numeric.silu_input_gradient",
    assumptions=("x is not 0, where another formula for the same function begins; elu has a kink there if α ≠ 1",),
    cases=grids.signs,
    scope="numbers of either sign",
    full=grids.points,
    full_scope=POINTS["scope"],
    derivation=activations.smooth,
    engine="expressions",
    needs_symbols=True,
)
def smooth(_: grids.PointsCase, of: Numbers) -> Iterator[Equation]:
    """Each with its gradient, and with the textbook's formula."""
    x, g, alpha = of["x"], of["g"], of["a"][0]
    yield "elu", elu_input_gradient(g, x, alpha), _derivative(of, lambda x: elu(x, alpha))
    yield "softplus", softplus_input_gradient(g, x), _derivative(of, softplus)
    yield "sigmoid", sigmoid_input_gradient(g, x), _derivative(of, sigmoid)
    yield "tanh", tanh_input_gradient(g, x), _derivative(of, tanh)
    yield "silu", silu_input_gradient(g, x), _derivative(of, silu)
    yield "textbook sigmoid", sigmoid(x), 1 / (1 + np.exp(-x))
    yield "textbook tanh", tanh(x), (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


@law(
    name="max-pooling-gradient-is-the-derivative-off-ties",
    statement="max_pool_input_gradient(g, x) = ∂⟨g, max_pool(x)⟩/∂x, and max_pool is the largest entry",
    source="definition of max pooling, pattern of winners by pattern",
    cases=grids.ordered_pools,
    scope="1 to 3 axes, up to 6 cells, stride, dilation, padding that widens or crops, both boundaries; every pattern "
    "of winners",
    full=full.ordered_pools,
    full_scope=f"{full.POOLS_SCOPE}; four orders of the cells each, in the networks' each cell of a window the largest",
    path="numeric.max_pool, numeric.max_pool_input_gradient",
    assumptions=("no two cells of a window are equal; where they are, the first one's side is taken",),
    derivation=other_layers.max_pool,
    **PIECEWISE,
)
def max_pooling(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """The executed pooling differentiated; and the plain loops."""
    geometry, x, g = case.geometry, of["x"], of["g"]
    gradient = _derivative(of, lambda x: max_pool(x, geometry.kernel_size, **case.options))
    yield "∂L/∂x", max_pool_input_gradient(g, x, geometry.kernel_size, **case.options), gradient
    yield "definition", max_pool(x, geometry.kernel_size, **case.options), definition.max_pool(x, geometry)


@law(
    name="max-pooling-is-not-linear",
    statement="not: max_pool(x + x') = max_pool(x) + max_pool(x')",
    source="a popular belief, refuted: that all layers but the activations are linear",
    cases=grids.two_pools,
    scope="windows of two and three cells on a line, every order of the cells of x, x' in reverse; smallest first",
    path="numeric.max_pool",
    fails=True,
    **PIECEWISE,
)
def not_linear(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """A second input, the first one backwards."""
    x, kernel = of["x"], case.geometry.kernel_size
    other = x[..., ::-1] * 2
    both = max_pool(x, kernel, **case.options) + max_pool(other, kernel, **case.options)
    yield "sum", max_pool(x + other, kernel, **case.options), both


@law(
    name="relu-commutes-with-max-pooling",
    statement="relu(max_pool(x)) = max_pool(relu(x)): the cheaper order may be taken",
    source="relu does not decrease",
    cases=grids.small_pools,
    scope="windows on two and three cells of a line, every order of values of either sign",
    path="numeric.relu, numeric.max_pool",
    assumptions=("no cell is 0 and no two are equal",),
    **PIECEWISE,
)
def relu_and_max(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """Both orders."""
    x, kernel = of["x"], case.geometry.kernel_size
    yield "order", relu(max_pool(x, kernel, **case.options)), max_pool(relu(x), kernel, **case.options)


@law(
    name="relu-does-not-commute-with-average-pooling",
    statement="not: relu(average_pool(x)) = average_pool(relu(x))",
    source="a popular belief, refuted: that the order of activation and pooling never matters",
    cases=grids.small_pools,
    scope="windows on two and three cells of a line, every order of values of either sign; smallest first",
    path="numeric.relu, numeric.average_pool",
    fails=True,
    **PIECEWISE,
)
def relu_and_average(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """Both orders."""
    x, kernel = of["x"], case.geometry.kernel_size
    yield "order", relu(average_pool(x, kernel, **case.options)), average_pool(relu(x), kernel, **case.options)
