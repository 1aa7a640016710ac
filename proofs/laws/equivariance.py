"""Equivariance: shifting the input shifts the output (sheet, Solution 1.1)."""

from collections.abc import Iterator

import numpy as np

import proofs.derivations.equivariance as derivations
from numeric import conv, convolve, shift
from numeric.dtypes import Array
from proofs import grids
from proofs.law import Equation, Numbers, law


@law(
    name="convolution-commutes-with-translation",
    statement="τ(f * k) = (τf) * k, for every translation τ of the plane",
    source="sheet, Solution 1.1",
    cases=grids.translations,
    scope="1 to 3 axes, offsets of either sign",
    path="numeric.convolve, numeric.shift (im2col)",
    assumptions=("f and k vanish outside of their arrays",),
    derivation=derivations.convolution_commutes_with_translation,
)
def translation(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Convolve a shifted frame; shift the convolution. The frame is wide enough that nothing leaves it."""
    x = _framed(of["x"], case.offset)
    y = convolve(x, of["k"], "full")
    yield "frame", shift(y, case.offset), convolve(shift(x, case.offset), of["k"], "full")


@law(
    name="stride-s-layer-commutes-with-shifts-by-s",
    statement="reads(o + t, u) = reads(o, u) + s·t, so conv(shift(x, s·t)) = shift(conv(x), t)",
    source="sheet, Solution 1.1, for a layer with stride s",
    cases=grids.circular_layers,
    scope="circular boundary, input/stride output positions, 1 and 2 axes, dilation, groups; every shift",
    path="numeric.conv, numeric.shift (im2col)",
    derivation=derivations.layer_commutes_with_translation,
)
def strided_translation(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Shift the input by a multiple of the stride, circularly; shift the output, for every shift there is."""
    geometry = case.geometry
    spatial = range(2, 2 + geometry.ndim)
    y = conv(of["x"], of["w"], **case.options)
    for t in np.ndindex(geometry.output_size):
        steps = [s * i for s, i in zip(geometry.stride, t, strict=True)]
        moved = conv(shift(of["x"], steps, "circular", spatial), of["w"], **case.options)
        yield f"shift by {t}", moved, shift(y, t, "circular", spatial)


def _framed(x: Array, offset: tuple[int, ...]) -> Array:
    """Put `x` on a piece of the plane that still holds it after the shift."""
    return np.pad(x, [(max(-t, 0), max(t, 0)) for t in offset])
