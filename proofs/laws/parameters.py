"""Parameter counts (sheet, Solution 2), by looking at the first layer as a matrix.

Run on symbols, the layer is linear in the image: SymPy's derivative of each output by each pixel is its matrix.
A convolution has one weight for each *different* entry, a locally connected layer one for each *non-zero* entry
and a dense layer one for each entry. The sheet's reading: each of K kernels is applied to each of 3 channels.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import sympy

import proofs.derivations.parameters as derivations
from numeric import Geometry, conv
from numeric.definition import terms
from numeric.dtypes import Array
from proofs import grids
from proofs.law import Equation, Numbers, law

SETTING = ("an m × m image with 3 channels", "each of K kernels applied to each channel and shared by them", "no bias")
SHARED: dict[str, Any] = {
    "cases": grids.first_layers,
    "scope": "m ≤ 4, p ≤ 3, K ≤ 2, weights of real index maps counted",
    "path": "numeric.Geometry, numeric.conv (im2col)",
    "assumptions": SETTING,
    "needs_symbols": True,
}


@law(
    name="convolution-has-K-p2-weights",
    statement="weights named by the tap u: K·p²",
    source="sheet, Solution 2 (used in 2.3)",
    derivation=derivations.convolution,
    **SHARED,
)
def convolution(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Different entries of the matrix; and different (kernel, tap) over all reads of the index map."""
    entries = {str(entry) for entry in _matrix(of).flat if entry != 0}
    expected = case.kernels * case.p**2
    yield "different entries", len(entries), expected
    yield "names (kernel, tap)", len({(c, u) for _, c, _, u, _ in _reads(case)}), expected


@law(
    name="locally-connected-layer-has-3K-p2-(m-p+1)2-weights",
    statement="weights named by output and tap (o, u): 3K·p²·(m − p + 1)²",
    source="sheet, Solution 2.2",
    derivation=derivations.locally_connected,
    **SHARED,
)
def locally_connected(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Non-zero entries of the matrix; and different (channel, kernel, output, tap) of the index map."""
    expected = 3 * case.kernels * case.p**2 * (case.m - case.p + 1) ** 2
    yield "non-zero entries", sum(entry != 0 for entry in _matrix(of).flat), expected
    yield "names (output, tap)", len({(i, c, o, u) for i, c, o, u, _ in _reads(case)}), expected


@law(
    name="dense-layer-has-9K-m2-(m-p+1)2-weights",
    statement="weights named by output and input (o, a): 3m² · 3K·(m − p + 1)² = 9K·m²·(m − p + 1)²",
    source="sheet, Solution 2.1 (its printed fraction is a slip)",
    derivation=derivations.dense,
    **SHARED,
)
def dense(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Entries of the matrix: every output with every pixel."""
    expected = 9 * case.kernels * case.m**2 * (case.m - case.p + 1) ** 2
    yield "entries", _matrix(of).size, expected
    outputs = {(i, c, o) for i, c, o, _, _ in _reads(case)}
    yield "names (output, input)", len(outputs) * of["x"].size, expected


@law(
    name="convolution-to-locally-connected-ratio",
    statement="K·p² / (3K·p²·(m − p + 1)²) = 1 / (3(m − p + 1)²); 2.168e-5 for m = 128, p = 5",
    source="sheet, Solution 2.3",
    derivation=derivations.ratio_to_locally_connected,
    **SHARED,
)
def ratio_to_locally_connected(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Ratio of the counts read off the matrix, and the formula."""
    matrix = _matrix(of)
    counted = sympy.Rational(_different(matrix), _non_zero(matrix))
    yield "ratio", counted, sympy.Rational(1, 3 * (case.m - case.p + 1) ** 2)


@law(
    name="convolution-to-dense-ratio",
    statement="K·p² / (9K·m²·(m − p + 1)²) = p² / (9m²·(m − p + 1)²); 1.103e-8 for m = 128, p = 5",
    source="sheet, Solution 2.3",
    derivation=derivations.ratio_to_dense,
    **SHARED,
)
def ratio_to_dense(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Ratio of the counts read off the matrix, and the formula."""
    matrix = _matrix(of)
    counted = sympy.Rational(_different(matrix), matrix.size)
    yield "ratio", counted, sympy.Rational(case.p**2, 9 * case.m**2 * (case.m - case.p + 1) ** 2)


@law(
    name="sharing-saves-weights-not-work",
    statement="convolution and locally connected layer: 3K·p²·(m − p + 1)² products each; dense: 3m²/p² times as many",
    source="sheet, Solution 2, remark",
    derivation=derivations.work,
    **SHARED,
)
def work(case: grids.FirstLayerCase, of: Numbers) -> Iterator[Equation]:
    """Products that the layer sums up: monomials of all outputs together."""
    y = _layer(of)
    matrix = _matrix(of)
    yield "products", sum(len(entry) for entry in y.flat), _non_zero(matrix)
    yield "dense", sympy.Rational(matrix.size, _non_zero(matrix)), sympy.Rational(3 * case.m**2, case.p**2)
    yield "reads", sum(1 for _ in _reads(case)), 3 * case.kernels * case.p**2 * (case.m - case.p + 1) ** 2


@law(
    name="layer-has-out-times-in-over-groups-times-taps-weights",
    statement="usual reading: out·(in/groups)·Π k weights; with a kernel per channel (depthwise, groups = in) out·Π k",
    source="sheet, Solution 2, for kernels that span the channels of their group",
    cases=grids.dense_readers,
    scope="layers that read every weight: 1 to 3 axes, stride, dilation, padding, groups, depthwise",
    path="numeric.conv, numeric.Geometry (im2col)",
    needs_symbols=True,
    derivation=derivations.of_a_layer,
    theorems=("Layer.layer_has_out_times_in_over_groups_times_taps_weights",),
)
def usual_reading(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Different weights in all outputs together; the shape says the same."""
    geometry = case.geometry
    expected = geometry.out_channels * geometry.in_channels * prod(geometry.kernel_size) // geometry.groups
    yield "different weights", _used(of, conv(of["x"], of["w"], **case.options), "w"), expected
    yield "shape", prod(geometry.weight_shape), expected


@law(
    name="multiply-adds-are-outputs-times-weights-of-a-channel",
    statement="products of a layer without padding = batch·out·Π output·(in/groups)·Π k; groups divide them by their "
    "number, as they do the weights",
    source="definition of the layer; sheet, Solution 2, remark",
    cases=grids.unpadded_layers,
    scope="layers without padding: 1 to 3 axes, stride, dilation, groups, batch",
    path="numeric.conv (im2col)",
    needs_symbols=True,
    derivation=derivations.multiply_adds,
)
def multiply_adds(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Monomials of all outputs together; and again with the same channels in one group."""
    geometry = case.geometry
    counted = sum(len(entry) for entry in conv(of["x"], of["w"], **case.options).flat)
    outputs = case.batch * geometry.out_channels * prod(geometry.output_size)
    yield "products", counted, outputs * geometry.in_channels * prod(geometry.kernel_size) // geometry.groups
    ungrouped = replace(geometry, groups=1)
    yield "groups", counted * geometry.groups, case.batch * sum(1 for _ in terms(ungrouped))


@law(
    name="depthwise-separable-layer-ratio",
    statement="depthwise k, then 1 × 1: (in·Π k + in·out) / (in·out·Π k) = 1/out + 1/Π k weights of the full layer",
    source="sheet, Solution 2.3, for MobileNets (Howard et al. 2017)",
    cases=grids.separable_layers,
    scope="1 and 2 axes, in ≤ 3, out ≤ 3, k ≤ 3",
    path="numeric.conv (im2col)",
    needs_symbols=True,
    derivation=derivations.separable,
)
def separable(case: grids.StackCase, of: Numbers) -> Iterator[Equation]:
    """Weights of both layers, counted in the polynomials of the stack, against those of one layer of that size."""
    first, second = case.options
    y = conv(conv(of["x"], of["w"], **first), of["v"], **second)
    used = {name: _used(of, y, name) for name in "wv"}
    c, out, taps = case.first.in_channels, case.second.out_channels, prod(case.first.kernel_size)
    yield (
        "weights",
        sympy.Rational(sum(used.values()), c * out * taps),
        sympy.Rational(1, out) + sympy.Rational(1, taps),
    )


def _used(of: Numbers, y: Array, name: str) -> int:
    """How many entries of an array the outputs depend on."""
    gradients = (of.gradient(lambda _, y=y: y, name) for y in y.flat)  # type: ignore[misc]
    return int(np.any([[entry != 0 for entry in gradient.flat] for gradient in gradients], axis=0).sum())


def _layer(of: Numbers) -> Array:
    """Output `(channels, K, m - p + 1, m - p + 1)`: the channels are the batch, so they share the kernels."""
    return conv(of["x"], of["w"])


def _matrix(of: Numbers) -> Array:
    """The layer as a matrix, one row per output, one column per pixel."""
    return np.stack([_row(of, output) for output in _layer(of).flat])


def _row(of: Numbers, output: Any) -> Array:
    return of.gradient(lambda _: output, "x").reshape(-1)


def _different(matrix: Array) -> int:
    return len({str(entry) for entry in matrix.flat if entry != 0})


def _non_zero(matrix: Array) -> int:
    return sum(bool(entry != 0) for entry in matrix.flat)


def _reads(case: grids.FirstLayerCase) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """All (channel, kernel, output, tap, cell) of the first layer, from the index map."""
    geometry = Geometry((case.m, case.m), (case.p, case.p), out_channels=case.kernels)
    for i in range(case.channels):
        for c in range(case.kernels):
            for o in geometry.outputs():
                for u in geometry.taps():
                    cell = geometry.reads(o, u)
                    if cell is not None:
                        yield i, c, o, u, cell
