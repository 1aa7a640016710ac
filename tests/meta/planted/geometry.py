"""Faults in the formulas of the index map, in single arrays and in number types."""

from tests.meta.planted.fault import edits

AXIS, GEOMETRY = "numeric.geometry.Axis", "numeric.geometry.Geometry"

FAULTS = [
    *edits(
        "geometry",
        "geometry",
        (f"{AXIS}.output_size", "one window too few", " // self.stride + 1", " // self.stride"),
        (
            f"{AXIS}.output_size",
            "rounded up",
            "(self.padded_size - self.span) // self.stride + 1",
            "-((self.span - self.padded_size) // self.stride) + 1",
        ),
        (f"{AXIS}.span", "dilation counted once too often", "(self.kernel_size - 1) + 1", "self.kernel_size"),
        (f"{AXIS}.remainder", "dilation ignored", "self.span", "self.kernel_size"),
        (f"{AXIS}.reads", "padding's sign", "- self.low", "+ self.low"),
        (
            f"{AXIS}.reads",
            "stride and dilation swapped",
            "self.stride * o + self.dilation * u",
            "self.dilation * o + self.stride * u",
        ),
        (
            "numeric.geometry.named_padding",
            "same: odd cell at the low end",
            "return total // 2, total - total // 2",
            "return total - total // 2, total // 2",
        ),
        (
            "numeric.geometry.named_padding",
            "same: stride ignored",
            "(windows - 1) * stride + span - input_size",
            "span - 1",
        ),
        (
            "numeric.geometry.receptive_field",
            "jump of the layer itself",
            "size += (axis.span - 1) * jump",
            "size += (axis.span - 1) * jump * axis.stride",
        ),
        ("numeric.geometry.receptive_field", "start without the jump", "start -= axis.low * jump", "start -= axis.low"),
        (
            f"{GEOMETRY}.reads_channel",
            "groups interleaved",
            "out_channel // self.group_out",
            "out_channel % self.groups",
        ),
        (f"{GEOMETRY}.reads", "circular replicates the edge", "tuple(a % n for a", "tuple(min(max(a, 0), n - 1) for a"),
    ),
    *edits(
        "geometry",
        "geometry",
        (
            "numeric.geometry.named_padding",
            "full: dilation ignored",
            "return span - 1, span - 1",
            "return kernel_size - 1, kernel_size - 1",
        ),
        symbolic=False,
    ),
    *edits(
        "geometry",
        "transpose",
        (
            f"{AXIS}.transposed_size",
            "a stride too large",
            "(self.input_size - 1) * self.stride",
            "self.input_size * self.stride",
        ),
        (f"{AXIS}.transposed_size", "padding added", "- self.low - self.high", "+ self.low + self.high"),
    ),
    *edits(
        "plane",
        "plane",
        ("numeric.convolve", "not flipped", "correlate(x, rot180(k)", "correlate(x, k"),
        ("numeric.convolve", "input flipped instead", "correlate(x, rot180(k)", "correlate(rot180(x), k"),
        ("numeric.correlate", "flipped on the first axis", "k[None, None]", "k[None, None, ::-1]"),
        (
            "numeric.plane.mode_start",
            "same one cell late for even kernels",
            "(kernel_size - 1) // 2",
            "kernel_size // 2",
        ),
        (
            "numeric.plane.mode_padding",
            "low and high swapped",
            'kernel_size - 1 - start, {"full": kernel_size - 1, "same": start, "valid": 0}[mode]',
            '{"full": kernel_size - 1, "same": start, "valid": 0}[mode], kernel_size - 1 - start',
        ),
        ("numeric.rot180", "one axis only", "_axes(array, axes)", "_axes(array, axes)[-1:]"),
        ("numeric.shift", "the other way", "np.roll(array, offsets", "np.roll(array, [-step for step in offsets]"),
        ("numeric.shift", "zero boundary wraps around", 'if boundary == "zero"', 'if boundary == "none"'),
        ("numeric.shift", "zeros at the wrong end", "if step >= 0", "if step < 0"),
    ),
    *edits(
        "number types",
        "dtypes errors flatten",
        ("numeric.dtypes.common_dtype", "small integers wrap around", 'if dtype.kind in "bi"', 'if dtype.kind in "b"'),
        (
            "numeric.dtypes.common_dtype",
            "float16 widened",
            'if dtype.kind == "u" else dtype',
            'if dtype.kind == "u" else np.result_type(dtype, np.float32) if dtype.kind == "f" else dtype',
        ),
        (
            "numeric.dtypes.common_dtype",
            "unsigned integers become signed",
            "np.dtype(np.uint64) if",
            "np.dtype(np.int64) if",
        ),
        (
            "numeric.dtypes.common_dtype",
            "int64 and uint64 become float64",
            'if dtype.kind == "f" and all',
            'if dtype.kind == "?" and all',
        ),
        ("numeric.dtypes.as_numbers", "a mask is lost", "isinstance(array, np.ma.MaskedArray)", "False"),
        symbolic=False,
    ),
    *edits(
        "number types",
        "normalisation losses",
        ("numeric.reals.as_floats", "integers become float32", "np.float64", "np.float32"),
        symbolic=False,
    ),
]
