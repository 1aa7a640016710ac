"""Algebra of convolution: what may be swapped, grouped, merged and transformed, and what may not."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

import proofs.derivations.algebra as derivations
from numeric import conv, convolve, correlate, definition, rot180, shift
from numeric.dtypes import Array
from proofs import grids
from proofs.arithmetic import gradients as facts
from proofs.grids import full
from proofs.law import Equation, Numbers, law


@law(
    name="convolution-is-correlation-with-the-rotated-kernel",
    statement="f * k = correlate(f, rot180(k)), in full, same and valid",
    source="the sheet's convolution against the frameworks' cross-correlation",
    cases=grids.arrays,
    scope="on a line every size to 4 and kernel to 3; 2 and 3 axes",
    path="numeric.convolve, numeric.correlate, numeric.rot180 (im2col)",
    derivation=derivations.rotated_kernel,
    arithmetic=lambda: facts.convolution_reads,
    theorems=("Plane.convolution_is_correlation_with_the_rotated_kernel",),
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
    full=full.linearity,
    full_scope=full.SCOPE,
    path="numeric.conv (im2col)",
    derivation=derivations.bilinear,
    theorems=(
        "Layer.conv_is_bilinear",
        "Layer.conv_is_the_sum",
        "Basis.basis_pairs_decide_the_layer",
        "Basis.basis_pairs_decide_the_weight_gradient",
        "Basis.basis_pairs_decide_the_input_gradient",
        "Basis.equal_layers_have_equal_index_maps",
        "Arrays.basis_triples_decide_trilinear_forms",
    ),
)
def bilinear(case: grids.LinearityCase, of: Numbers) -> Iterator[Equation]:
    """Additivity in each argument, and a common factor pulled out of each."""
    x, x2, w, w2, factor = of["x"], of["x2"], of["w"], of["w2"], of["c"][0]
    y = conv(x, w, **case.options)
    yield "x + x'", conv(x + x2, w, **case.options), y + conv(x2, w, **case.options)
    yield "w + w'", conv(x, w + w2, **case.options), y + conv(x, w2, **case.options)
    yield "c·x", conv(x * factor, w, **case.options), y * factor
    yield "c·w", conv(x, w * factor, **case.options), y * factor


@law(
    name="convolution-is-commutative",
    statement="x * k = k * x, full size",
    source="substitution u → o − u in the definition of *",
    cases=grids.full_arrays,
    scope="on a line every size to 4 and kernel to 3; 2 and 3 axes",
    path="numeric.convolve (im2col)",
    derivation=derivations.commutative,
    theorems=("Plane.convolution_is_commutative",),
)
def commutative(_: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Swap the arguments."""
    yield "swap", convolve(of["x"], of["k"], "full"), convolve(of["k"], of["x"], "full")


@law(
    name="convolution-is-associative",
    statement="(x * k) * l = x * (k * l), full size",
    source="exchange of the two sums; what lets two linear layers be one",
    cases=grids.three_arrays,
    scope="on a line every three sizes to 3; a plane",
    path="numeric.convolve (im2col)",
    derivation=derivations.associative,
    theorems=("Plane.convolution_is_associative",),
)
def associative(_: grids.ThreeArraysCase, of: Numbers) -> Iterator[Equation]:
    """Two orders."""
    x, k, last = of["x"], of["k"], of["l"]
    yield "order", convolve(convolve(x, k), last), convolve(x, convolve(k, last))


@law(
    name="unit-impulse-is-the-identity",
    statement="x * δ = x, and a shifted δ shifts",
    source="definition of *",
    cases=grids.translations,
    scope="1 to 3 axes, offsets of either sign",
    path="numeric.convolve, numeric.shift (im2col)",
    derivation=derivations.impulse,
    theorems=("Plane.unit_impulse_is_the_identity",),
)
def identity(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """A kernel that is 1 in its middle and 0 elsewhere; then 1 beside it."""
    x = of["x"]
    impulse = np.zeros([2 * abs(t) + 1 for t in case.offset], int)
    middle = tuple(abs(t) for t in case.offset)
    impulse[middle] = 1
    yield "δ", convolve(x, impulse, "same"), x
    moved = np.zeros_like(impulse)
    moved[tuple(m + t for m, t in zip(middle, case.offset, strict=True))] = 1
    yield "shifted δ", convolve(x, moved, "same"), shift(x, case.offset)


@law(
    name="correlation-is-not-commutative",
    statement="not: correlate(x, k) = correlate(k, x), full size",
    source="a popular belief, refuted: right for convolution, and up to rot180",
    cases=grids.lines,
    scope="on a line every size and kernel to 4 in every mode; smallest first",
    path="numeric.correlate (im2col)",
    fails=True,
)
def swapped(_: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Swap the arguments."""
    yield "swap", correlate(of["x"], of["k"], "full"), correlate(of["k"], of["x"], "full")


@law(
    name="correlation-is-not-associative",
    statement="not: correlate(correlate(x, k), l) = correlate(x, correlate(k, l)), full size",
    source="a popular belief, refuted: merging two layers' kernels takes a convolution of them",
    cases=grids.three_arrays,
    scope="on a line every three sizes to 3; smallest first",
    path="numeric.correlate (im2col)",
    fails=True,
)
def regrouped(_: grids.ThreeArraysCase, of: Numbers) -> Iterator[Equation]:
    """Two orders."""
    x, k, last = of["x"], of["k"], of["l"]
    yield "order", correlate(correlate(x, k), last), correlate(x, correlate(k, last))


@law(
    name="two-layers-without-an-activation-are-one",
    statement="correlate(correlate(x, k), l) = correlate(x, k * l), full size",
    source="associativity; what lets two stacked kernels be merged",
    cases=grids.three_arrays,
    scope="on a line every three sizes to 3; a plane",
    path="numeric.correlate, numeric.convolve (im2col)",
    derivation=derivations.two_correlations,
    theorems=(
        "Plane.two_correlations_are_one",
        "Plane.correlate_does_not_flip",
        "Stack.two_layers_without_an_activation_are_one",
    ),
)
def merged(_: grids.ThreeArraysCase, of: Numbers) -> Iterator[Equation]:
    """Correlating twice, and once with the convolution of the kernels."""
    x, k, last = of["x"], of["k"], of["l"]
    yield "one kernel", correlate(correlate(x, k), last), correlate(x, convolve(k, last))


@law(
    name="convolution-theorem",
    statement="DFT(x ⊛ k) = DFT(x)·DFT(k) entry by entry, for every root ω with ωⁿ = 1; and the inverse transform "
    "undoes DFT for every primitive one",
    source="Fourier analysis on the circle; what an FFT convolution rests on",
    cases=grids.cyclic_arrays,
    scope="circles of 1 to 6 cells, exactly: powers of ω modulo ωⁿ − 1, and modulo the n-th cyclotomic polynomial",
    path="numeric.conv (im2col, circular boundary)",
    needs_symbols=True,
)
def convolution_theorem(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Circular convolution by the layer; transforms by their definition on coefficients of powers of ω."""
    x, k, (n,) = of["x"], of["k"], case.input_size
    y = conv(x[None, None], k[None, None, ::-1], padding=((n - 1, 0),), boundary="circular")[0, 0]
    for j in range(n):
        yield f"frequency {j}", _spectrum(y, j), _times(_spectrum(x, j), _spectrum(k, j))
    for a in range(n):
        # Σ_j ω^(j(b − a)) is n for b = a and 0 otherwise, modulo the cyclotomic polynomial
        sums = [_reduced([(j * (b - a)) % n for j in range(n)], n) for b in range(n)]
        yield f"inverse at {a}", sums, [n if b == a else 0 for b in range(n)]


def _spectrum(x: Array, frequency: int) -> Array:
    """`Σ x[i]·ω^(frequency·i)` as its coefficients of ω⁰ to ωⁿ⁻¹."""
    powers = np.zeros(len(x), object)
    for i, entry in enumerate(x):
        powers[frequency * i % len(x)] += entry
    return powers


def _times(a: Array, b: Array) -> Array:
    """Product of two numbers so written, modulo ωⁿ − 1."""
    product = np.zeros(len(a), object)
    for i, j in np.ndindex(len(a), len(b)):
        product[(i + j) % len(a)] += a[i] * b[j]
    return product


def _reduced(powers: list[int], n: int) -> Any:
    """Sum of powers of a primitive n-th root of unity, in normal form."""
    z = sympy.Symbol("z")
    return sympy.rem(sympy.Add(*(z**power for power in powers)), sympy.cyclotomic_poly(n, z), z)
