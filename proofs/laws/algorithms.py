"""Algorithms: every fast path computes the layer's definition."""

from collections.abc import Iterator

from numeric import definition
from numeric.paths import PATHS
from proofs import grids
from proofs.law import Equation, Numbers, law


@law(
    name="im2col-computes-the-definition",
    statement="windows times one matrix = the layer's three sums: output, weight gradient, input gradient",
    source="Chellapilla, Puri, Simard 2006",
    cases=grids.layers,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    path="numeric.paths.im2col against numeric.definition",
)
def im2col_computes_the_definition(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Each function of the path against the plain loops."""
    x, w, g, geometry, im2col = of["x"], of["w"], of["g"], case.geometry, PATHS["im2col"]
    yield "y", im2col.conv(x, w, geometry), definition.conv(x, w, geometry)
    yield "∂L/∂w", im2col.weight_gradient(g, x, geometry), definition.weight_gradient(g, x, geometry)
    yield "∂L/∂x", im2col.input_gradient(g, w, geometry), definition.input_gradient(g, w, geometry)
