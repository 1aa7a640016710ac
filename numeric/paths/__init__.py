"""The layer's algorithms, one per file, each with `conv`, `input_gradient` and `weight_gradient`.

They take and return channels-first arrays of one number type and a `Geometry`, have the signatures of
`numeric.definition`, and compute the same map. `supports` says of a geometry why the algorithm does not take it, and
nothing if it does. To add one: write the module, and name it in `PATHS`; the property tests run over this table. Those
that Numba compiles are in `COMPILED`: they take float32 and float64 only, run where it is installed, and their `conv`
takes a bias as well.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Protocol

from numeric import definition
from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import im2col, shift
from numeric.paths.compiled import direct
from numeric.paths.compiled.fused import Fused
from numeric.paths.fft import Fourier
from numeric.paths.winograd import Winograd


class Path(Protocol):
    """What an algorithm of the layer offers; modules and objects do."""

    def supports(self, geometry: Geometry) -> str:
        """Why the path does not take this layer; nothing if it does."""

    def conv(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Output."""

    def weight_gradient(self, g: Array, x: Array, geometry: Geometry) -> Array:
        """dL/dw."""

    def input_gradient(self, g: Array, w: Array, geometry: Geometry) -> Array:
        """dL/dx."""


PATHS: dict[str, Path] = {
    "im2col": im2col,
    "shift": shift,
    "winograd2": Winograd.of_three_taps(2),
    "winograd4": Winograd.of_three_taps(4),
    "fft": Fourier(),
    "definition": definition,
}
COMPILED: dict[str, Path] = {"direct": direct, "fused2": Fused(2), "fused4": Fused(4)}
EVERY: Mapping[str, Path] = ChainMap(COMPILED, PATHS)
# Those that only add up the layer's own products: they have one bound, and a NaN stays with the outputs that read it.
DIRECT = ("im2col", "shift", "definition")
SUMS = (*DIRECT, "direct")  # with the compiled one
# Those that are exact on integers, fractions and polynomials.
EXACT = (*DIRECT, "winograd2", "winograd4")
