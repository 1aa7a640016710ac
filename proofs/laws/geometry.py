"""Output size and padding (sheet, Solution 1.2)."""

from collections.abc import Iterator
from typing import Any

import proofs.derivations.geometry as derivations
from numeric import Geometry, conv, conv_transpose, convolve
from numeric.geometry import receptive_field
from proofs import grids
from proofs.arithmetic import fields, layers
from proofs.arithmetic import geometry as facts
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
    arithmetic=lambda: (
        facts.outputs_lie_inside,
        facts.taps_lie_between,
        facts.an_output_fits,
        facts.remainder_is_left,
    ),
    theorems=(
        "Sizes.output_size_counts_the_windows_inside",
        "Sizes.all_cells_of_a_window_lie_between_its_first_and_last",
    ),
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
    arithmetic=lambda: (facts.valid_size,),
    theorems=("Sizes.valid_convolution_shrinks_by_twice_the_half_width",),
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
    arithmetic=lambda: (facts.half_width_keeps_the_size,),
    theorems=("Sizes.padding_by_the_half_width_keeps_the_size",),
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


@law(
    name="same-padding-has-input-over-stride-outputs-rounded-up",
    statement="padding 'same': output = ⌈n / s⌉, low ≤ high ≤ low + 1 (TensorFlow's rule)",
    source="sheet, Solution 1.2, for the padding that frameworks call same",
    cases=grids.named_axes,
    scope="one axis, exhaustively: n ≤ 6, k ≤ 3, stride ≤ 3, dilation ≤ 2",
    path="numeric.conv, numeric.Geometry (im2col)",
    assumptions=("where the window is not longer than the stride leaves room for, nothing is padded",),
    derivation=derivations.same_padding,
    arithmetic=lambda: (facts.same_rounds_up, facts.same_splits, facts.same_is_least),
    theorems=("Sizes.same_padding_has_input_over_stride_outputs_rounded_up",),
)
def same_padding(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """Size of what `conv` returns; and how the padding is split."""
    axis = case.axis
    options: Any = {"stride": axis.stride, "dilation": axis.dilation, "padding": "same"}
    outputs = -(-axis.input_size // axis.stride)
    yield "size", conv(of["x"], of["w"], **options).shape[-1], outputs
    ((low, high),) = Geometry((axis.input_size,), (axis.kernel_size,), **options).padding
    yield "odd cell", high - low in (0, 1), True
    needed = max((outputs - 1) * axis.stride + axis.span - axis.input_size, 0)
    yield "no more than needed", low + high, needed


@law(
    name="pytorch-and-tensorflow-pad-the-same-at-stride-1",
    statement="stride 1: d·(k − 1) cells, ⌊·/2⌋ of them low: PyTorch's rule is TensorFlow's",
    source="sheet, Solution 1.2; torch.nn.functional.conv2d, padding='same'",
    cases=grids.named_axes,
    scope="one axis, exhaustively: n ≤ 6, k ≤ 3, dilation ≤ 2",
    path="numeric.conv, numeric.Geometry (im2col)",
    arithmetic=lambda: (facts.same_at_stride_1,),
    theorems=("Sizes.pytorch_and_tensorflow_pad_the_same_at_stride_1",),
)
def torch_same(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """PyTorch's numbers in place of the name."""
    axis = case.axis
    total = axis.dilation * (axis.kernel_size - 1)
    theirs = ((total // 2, total - total // 2),)
    named: Any = {"dilation": axis.dilation, "padding": "same"}
    yield "padding", Geometry((axis.input_size,), (axis.kernel_size,), **named).padding, theirs
    plain: Any = {"dilation": axis.dilation, "padding": theirs}
    yield "output", conv(of["x"], of["w"], **named), conv(of["x"], of["w"], **plain)


@law(
    name="onnx-same-lower-pads-as-same-does-and-the-odd-cell-before",
    statement="SAME_LOWER: output = ⌈n / s⌉, low and high exchanged; where anything is padded, the output is that of "
    "'same' on the reversed input and kernel, reversed",
    source="ONNX operator Conv, auto_pad",
    cases=grids.named_axes,
    scope="one axis, exhaustively: n ≤ 6, k ≤ 3, stride ≤ 3, dilation ≤ 2",
    path="numeric.conv, numeric.Geometry (im2col)",
    arithmetic=lambda: (
        facts.same_lower_rounds_up,
        facts.same_lower_exchanges_the_sides,
        facts.mirrored,
        facts.same_leaves_nothing,
    ),
)
def same_lower(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """Size; the padding of both; and the mirrored layer."""
    axis, x, w = case.axis, of["x"], of["w"]
    options: Any = {"stride": axis.stride, "dilation": axis.dilation}
    padding = facts.same_lower(axis.input_size, axis.kernel_size, axis.stride, axis.dilation)
    ((low, high),) = Geometry((axis.input_size,), (axis.kernel_size,), padding="same", **options).padding
    yield "sides", padding, (high, low)
    y = conv(x, w, padding=(padding,), **options)
    yield "size", y.shape[-1], -(-axis.input_size // axis.stride)
    if low + high:
        yield "mirrored", y, conv(x[..., ::-1], w[..., ::-1], padding="same", **options)[..., ::-1]


@law(
    name="half-the-kernel-does-not-keep-the-size-of-an-even-kernel",
    statement="not: padding ⌊k/2⌋ on both sides keeps the size for every k",
    source="a popular belief, refuted: right for odd kernels alone",
    cases=grids.plain_axes,
    scope="one axis, exhaustively: n ≤ 6, k ≤ 4; smallest first",
    path="numeric.conv (im2col)",
    arithmetic=lambda: (facts.half_kernel,),
    fails=True,
)
def even_kernel(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """The same number on both sides."""
    y = conv(of["x"], of["w"], padding=case.axis.kernel_size // 2)
    yield "size", y.shape[-1], case.axis.input_size


@law(
    name="full-and-valid-windows-touch-and-lie-inside-the-input",
    statement="'full': every window that touches the input, n + span − 1; 'valid': those that lie inside, n − span + 1",
    source="sheet, Solution 1.2, for the other two named paddings",
    cases=grids.named_axes,
    scope="one axis, exhaustively: n ≤ 6, k ≤ 3, dilation ≤ 2, stride 1",
    path="numeric.conv (im2col)",
    arithmetic=lambda: (facts.full_windows_touch, facts.valid_windows_lie_inside),
    theorems=("Sizes.full_windows_touch_the_input", "Sizes.valid_windows_lie_inside_the_input"),
)
def full_and_valid(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """Windows of the whole line, counted by where their first and last cell lie."""
    axis = case.axis
    starts = range(-axis.span, axis.input_size + 1)
    touching = sum(first + axis.span - 1 >= 0 and first < axis.input_size for first in starts)
    options: Any = {"dilation": axis.dilation}
    yield "full", conv(of["x"], of["w"], padding="full", **options).shape[-1], touching
    inside = sum(first >= 0 and first + axis.span <= axis.input_size for first in starts)
    if inside:
        yield "valid", conv(of["x"], of["w"], padding="valid", **options).shape[-1], inside


@law(
    name="output-size-does-not-determine-the-input-size",
    statement="not: conv_transpose(conv(x)) has the size of x, without output padding",
    source="a popular belief, refuted: that a transposed convolution undoes the size",
    cases=grids.fitting_axes,
    scope="one axis, exhaustively: n ≤ 4, k ≤ 3, stride ≤ 3, dilation ≤ 2, no padding; smallest first",
    path="numeric.conv, numeric.conv_transpose (im2col)",
    arithmetic=lambda: (layers.remainder_is_the_output_padding,),
    fails=True,
)
def undone_size(case: grids.AxisCase, of: Numbers) -> Iterator[Equation]:
    """There and back."""
    y = conv(of["x"], of["w"], **case.options)
    yield "size", conv_transpose(y, of["w"], **case.options).shape[-1], case.axis.input_size


@law(
    name="receptive-field-adds-up-spans-times-jumps",
    statement="output o of a stack depends on cells from start + jump·o, 1 + Σ (spanᵢ − 1)·Π_(j<i) sⱼ of them, "
    "jump = Π sᵢ, start = −Σ lowᵢ·Π_(j<i) sⱼ",
    source="Araujo, Norris, Sim 2019; composition of index maps",
    cases=grids.stacks,
    scope="two layers on a line: stride, dilation, padding on either side",
    assumptions=("no padding is negative", "both ends where the field lies inside the input"),
    path="numeric.receptive_field, numeric.conv (im2col)",
    needs_symbols=True,
    derivation=derivations.receptive_field_of_two,
    arithmetic=lambda: fields.fields,
    theorems=("ReceptiveField.receptive_field_adds_up_spans_times_jumps",),
)
def field(case: grids.StackCase, of: Numbers) -> Iterator[Equation]:
    """Cells in the polynomial of each output: all in its field, and both ends where the field lies inside the input."""
    x, (first, second) = of["x"], case.options
    y = conv(conv(x, of["w"], **first), of["v"], **second)[0, 0]
    size, jump, start = receptive_field(*case.first.axes, *case.second.axes)
    for o, output in enumerate(y):
        gradient = of.gradient(lambda _, output=output: output, "x")[0, 0]  # type: ignore[misc]
        cells = [a for a, entry in enumerate(gradient) if entry != 0]
        field = range(start + jump * o, start + jump * o + size)
        yield f"inside, output {o}", [a for a in cells if a in field], cells
        if field[0] >= 0 and field[-1] < len(gradient):
            yield f"ends, output {o}", (min(cells), max(cells)), (field[0], field[-1])
