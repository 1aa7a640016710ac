"""Algorithms: every fast path computes the layer's definition."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numeric import definition
from numeric.paths import PATHS, Path
from proofs import grids
from proofs.derivations import relations
from proofs.grids import full
from proofs.law import Equation, Numbers, law
from proofs.roots import ExactFourier

LAYERS: dict[str, Any] = {
    "cases": grids.layers,
    "scope": "1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    "full": full.layers,
    "full_scope": full.SCOPE,
}
WINOGRAD: dict[str, Any] = {
    "source": "Winograd 1980; Lavin, Gray 2016 (arXiv 1509.09308)",
    "cases": grids.winograd_layers,
    "scope": "3-tap kernels on 1 and 2 axes, strides 1 and 2, dilation, any padding, groups, batch, both boundaries",
    "full": full.winograd_layers,
    "full_scope": "3-tap kernels of the layers' grid and more on 1 to 3 axes; 12 × 12, as in the trained MNIST network",
    "needs_symbols": True,
}


def _computes_the_definition(path: Path, case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Each function of the path against the plain loops."""
    x, w, g, geometry = of["x"], of["w"], of["g"], case.geometry
    yield "y", path.conv(x, w, geometry), definition.conv(x, w, geometry)
    yield "∂L/∂w", path.weight_gradient(g, x, geometry), definition.weight_gradient(g, x, geometry)
    yield "∂L/∂x", path.input_gradient(g, w, geometry), definition.input_gradient(g, w, geometry)


@law(
    name="im2col-computes-the-definition",
    statement="windows times one matrix = the layer's three sums: output, weight gradient, input gradient",
    source="Chellapilla, Puri, Simard 2006",
    path="numeric.paths.im2col against numeric.definition",
    derivation=relations.im2col,
    **{**LAYERS, "cases": grids.column_layers},
)
def im2col_computes_the_definition(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Windows as a matrix."""
    yield from _computes_the_definition(PATHS["im2col"], case, of)


@law(
    name="shift-and-multiply-computes-the-definition",
    statement="Σ over taps of (a shifted slice of x) times w[u] = the layer's three sums",
    source="exchange of the sums over positions and taps",
    path="numeric.paths.shift against numeric.definition",
    derivation=relations.shift_and_multiply,
    **LAYERS,
)
def shift_computes_the_definition(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Tap by tap."""
    yield from _computes_the_definition(PATHS["shift"], case, of)


@law(
    name="minimal-filtering-computes-the-filter",
    statement="F(m, r), stride s: Σ over points of output[p, o]·kernel[p, u]·input[p, a] = [a = s·o + u], with "
    "s·(m − 1) + r points",
    source="Winograd 1980; Toom, Cook: a product of polynomials is known from its values; polyphase: Vaidyanathan 1993",
    cases=grids.filters,
    scope="m ≤ 4, r ≤ 5; as shipped: F(2, 3) and F(4, 3) of Lavin and Gray, and F(4, 3) at 0, 1, −1, 1/2, −2, with "
    "strides 1 and 2, and their input gradients",
    path="numeric.paths.toom_cook",
)
def minimal_filtering(case: grids.FilterCase, of: Numbers) -> Iterator[Equation]:
    """The trilinear form, entry by entry, in fractions; and one filter of symbols."""
    made = case.filtering()
    form = np.einsum("po,pu,pa->oua", made.output, made.kernel, made.input, optimize=False)
    o, u, a = np.indices(form.shape)
    there = (a - case.first) % case.apart == 0  # what is not there is zero
    yield "form", form, (there & (a == made.stride * o + u)).astype(int)
    x = np.where(there[0, 0], of["x"], 0)
    y = made.output.T @ ((made.kernel @ of["k"]) * (made.input @ x))
    yield "filter", y, definition.correlate(x, of["k"], "valid")[:: made.stride]


@law(
    name="winograd-F(2,3)-computes-the-definition",
    statement="tiles of 2 outputs by 4 products an axis (5 with stride 2) = the layer's three sums; the gradients are "
    "the same matrices in other roles",
    path="numeric.paths.winograd against numeric.definition",
    **WINOGRAD,
)
def winograd2(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """The path that is called winograd2."""
    yield from _computes_the_definition(PATHS["winograd2"], case, of)


@law(
    name="winograd-F(4,3)-computes-the-definition",
    statement="tiles of 4 outputs by 6 products an axis (9 with stride 2) = the layer's three sums",
    path="numeric.paths.winograd against numeric.definition",
    **WINOGRAD,
)
def winograd4(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """The path that is called winograd4."""
    yield from _computes_the_definition(PATHS["winograd4"], case, of)


@law(
    name="fourier-computes-the-definition",
    statement="pointwise products of transforms on large enough circles, one for each tile = the layer's three sums",
    source="convolution theorem; Mathieu, Henaff, LeCun 2013 (arXiv 1312.5851)",
    cases=grids.fourier_layers,
    scope="1 and 2 axes, stride, dilation, padding that widens or crops, groups, batch, both boundaries",
    path="numeric.paths.fft with exact transforms in place of NumPy's, against numeric.definition",
    assumptions=("NumPy's transforms compute the discrete Fourier transform, up to rounding",),
    needs_symbols=True,
)
def fourier(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """The shipped path, in the field of the roots of unity that it needs: as one tile, and cut as large ones are."""
    for path in (ExactFourier(), ExactFourier(cells=1, kernels=2)):
        yield from _computes_the_definition(path, case, of)
