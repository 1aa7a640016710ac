"""Output size and padding (sheet, Solution 1.2)."""

from collections.abc import Iterator

import proofs.derivations.geometry as derivations
from numeric import Geometry, conv, convolve
from proofs import grids
from proofs.law import Equation, Numbers, law


@law(
    name="output-size-counts-the-windows-inside",
    statement="output = ⌊(n + low + high − dilation·(k − 1) − 1) / stride⌋ + 1",
    source="sheet, Solution 1.2, for any stride, dilation and padding",
    cases=grids.axes,
    scope="one axis, exhaustively: n ≤ 4, k ≤ 3, stride ≤ 3, dilation ≤ 2, padding −1 to 2 on each side",
    path="numeric.Axis, numeric.Geometry, numeric.conv (im2col)",
    assumptions=("the kernel fits into the padded input",),
    derivation=derivations.output_size,
)
def output_size(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """The formula, the size of what `conv` returns, and the windows that lie in the padded input, counted."""
    axis = case.axis
    first, last = -axis.low, axis.input_size + axis.high - 1
    windows = ([axis.reads(o, u) for u in range(axis.kernel_size)] for o in range(axis.padded_size))
    counted = sum(all(first <= a <= last for a in window) for window in windows)
    yield "windows", axis.output_size, counted
    yield "conv", conv(of["x"], of["w"], **case.options).shape[-1], counted


@law(
    name="valid-convolution-shrinks-by-twice-the-half-width",
    statement="f of m × n and k of (2p + 1) × (2q + 1): f * k has size (m − 2p) × (n − 2q)",
    source="sheet, Solution 1.2",
    cases=grids.half_widths,
    scope="m ≤ 5, n ≤ 4, p ≤ 2, q ≤ 1",
    path="numeric.Geometry, numeric.convolve (im2col)",
    assumptions=("only positions where k lies inside f (mode valid)", "m > 2p and n > 2q"),
    derivation=derivations.valid_size,
)
def valid_size(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Size of the valid convolution, and the formula."""
    expected = tuple(m - 2 * (k // 2) for m, k in zip(case.input_size, case.kernel_size, strict=True))
    yield "convolve", convolve(of["x"], of["k"], "valid").shape, expected


@law(
    name="padding-by-the-half-width-keeps-the-size",
    statement="f padded to (m + 2p) × (n + 2q) and k of (2p + 1) × (2q + 1): the size is m × n",
    source="sheet, Solution 1.2",
    cases=grids.half_widths,
    scope="m ≤ 5, n ≤ 4, p ≤ 2, q ≤ 1",
    path="numeric.Geometry, numeric.conv, numeric.convolve (im2col)",
    assumptions=("p cells on each side along the first axis, q along the second",),
    derivation=derivations.same_size,
)
def same_size(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Size of the layer's output, and that it is what mode `same` computes."""
    halves = [k // 2 for k in case.kernel_size]
    x, k = of["x"][None, None], of["k"][None, None]
    y = conv(x, k, padding=halves)[0, 0]
    yield "size", y.shape, case.input_size
    padded = tuple(m + 2 * p for m, p in zip(case.input_size, halves, strict=True))
    yield "padded size", Geometry(padded, case.kernel_size).output_size, case.input_size
    yield "mode same", y, convolve(of["x"], of["k"][::-1, ::-1], "same")
