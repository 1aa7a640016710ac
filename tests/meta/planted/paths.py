"""Faults in the algorithms and in what they share: padding, windows and their adjoints."""

from dataclasses import replace

from numeric.paths import PATHS
from numeric.paths.winograd import Winograd
from tests.meta.planted.fault import Fault, edits

DIRECT, FUSED = "numeric.paths.compiled.direct", "numeric.paths.compiled.fused"
LAYOUT, TURNED, DILATED = "numeric.paths.compiled.layout", "numeric.paths.turned", "numeric.paths.dilated"
IM2COL = "numeric.paths.im2col"
WINDOWS, TILES, WINOGRAD = "numeric.paths.windows", "numeric.paths.tiles", "numeric.paths.winograd"
FFT, FOURIER = "numeric.paths.fft", "numeric.paths.fft.Fourier"


def _wrong_entry(name: str, matrix: str) -> Winograd:
    """The path with one entry of a matrix negated, none of them 0."""
    right, *others = PATHS[name].filterings
    wrong = getattr(right, matrix).copy()
    wrong[1, 1] *= -1
    return Winograd((replace(right, **{matrix: wrong}), *others))


FAULTS = [
    *edits(
        "windows",
        "conv",
        (f"{WINDOWS}.add_windows", "taps overwrite", "+= parts[(...", "= parts[(..."),
        (
            f"{WINDOWS}._unwound",
            "wrapped cells overwrite",
            "np.add.at(np.moveaxis(x, number, 0), _wrapped(axis), np.moveaxis(padded, number, 0))",
            "np.moveaxis(x, number, 0)[_wrapped(axis)] = np.moveaxis(padded, number, 0)",
        ),
        (
            f"{WINDOWS}._wrapped",
            "circular replicates the edge",
            "np.arange(-axis.low, axis.input_size + axis.high) % axis.input_size",
            "np.clip(np.arange(-axis.low, axis.input_size + axis.high), 0, axis.input_size - 1)",
        ),
        (
            f"{WINDOWS}._cells",
            "dilation ignored",
            "slice(d * t, d * t + s * (size - 1) + 1, s)",
            "slice(t, t + s * (size - 1) + 1, s)",
        ),
    ),
    *edits(
        "im2col",
        "conv im2col",
        (f"{IM2COL}._in_lines", "dilation of columns ignored", "across * column, row", "column, row"),
        (f"{IM2COL}.conv", "what lies beyond the output kept", "[..., :width]", "[..., -width:]"),
        (f"{IM2COL}.gathers", "at any boundary", 'geometry.boundary != "zero" or', ""),
        (f"{TURNED}.turned", "kernel not rotated", "np.flip(whole, tuple(range(2, whole.ndim)))", "whole"),
        (f"{TURNED}.backward", "dilation ignored", "axis.span - 1 - axis.low", "axis.kernel_size - 1 - axis.low"),
    ),
    *edits(
        "im2col",
        "im2col",
        (f"{IM2COL}._rows", "the last row left out", "range(0, rows, step)", "range(0, max(rows - 1, 1), step)"),
        symbolic=False,
    ),
    *edits(
        "dilated",
        "winograd conv",
        (
            f"{DILATED}._apart",
            "residues in the place of cells",
            "range(3, 2 + 2 * ndim, 2), 0, 1, *range(2, 2",
            "range(2, 2 + 2 * ndim, 2), 0, 1, *range(3, 2",
        ),
        (f"{DILATED}.inputs", "without padding", "_apart(pad(x, _uncropped(geometry))", "_apart(x"),
    ),
    *edits(
        "shift",
        "conv",
        ("numeric.paths.shift.conv", "last tap only", "y += matrix @", "y = matrix @"),
        (
            "numeric.paths.shift.weight_gradient",
            "first sample only",
            "(columns @ moved.swapaxes(-1, -2))",
            "(columns @ moved.swapaxes(-1, -2))[:1]",
        ),
        ("numeric.paths.shift.input_gradient", "overwrites", "+= back", "= back"),
    ),
    *edits(
        "winograd",
        "winograd conv",
        (
            f"{TILES}._cut",
            "inputs filled up at the low end",
            "(axis.low, axis.high + axis.stride * more)",
            "(axis.low + axis.stride * more, axis.high)",
        ),
        (
            f"{WINOGRAD}.Winograd._run",
            "divided once for all axes",
            "one.scale**geometry.ndim",
            "one.scale",
        ),
        (f"{TILES}._cut", "outputs filled up at the low end", "(0, more)", "(more, 0)"),
    ),
    *(
        Fault(
            "winograd",
            f"{name}: wrong sign in the {matrix} matrix",
            f"numeric.paths.PATHS.{name}",
            _wrong_entry(name, matrix),
            ("winograd", "conv"),
        )
        for name, matrix in (("winograd2", "output"), ("winograd2", "input"), ("winograd4", "kernel"))
    ),
    *edits(
        "compiled",
        "compiled_paths",
        (
            f"{LAYOUT}.swept",
            "rows of the halo left out",
            "((band + halo) * pitch, pitch)",
            "((band + halo - 1) * pitch, pitch)",
        ),
        (
            f"{LAYOUT}.swept",
            "residues of rows mixed up",
            "* parts + (row - above) % down",
            "* parts + 0 * (row - above)",
        ),
        (f"{LAYOUT}.swept", "padded inputs taken as they are", "above >= 0 and left >= 0", "True"),
        (f"{LAYOUT}.stencilled", "rows go on beyond their end", "0 <= f + i + column < width", "True"),
        (f"{LAYOUT}.stencilled", "blocks at an edge read as inner ones", "f + wide + right <= width", "True"),
        (f"{LAYOUT}.scattered", "one channel read for all", "dtype=np.int64) * positions", "dtype=np.int64) * 0"),
        (f"{LAYOUT}.scattered", "columns sent to the other side", "        -across,\n", "        across,\n"),
        (f"{LAYOUT}.scattered", "taps' planes mixed up", "number * positions", "np.sort(number) * positions"),
        (f"{DIRECT}._sums", "dilation of columns ignored", "columns.reads(0, v)", "v - columns.low"),
        (f"{DIRECT}._backward", "padding ignored", "r + axis.low - axis", "r - axis"),
        (f"{DIRECT}._backward", "kernel not rotated", "r + axis.low - axis.dilation", "r + axis.low + axis.dilation"),
        (
            f"{TURNED}.backward",
            "padding of the layer, not of its gradient",
            "(axis.span - 1 - axis.low, axis.span - 1 - axis.high + ",
            "(axis.low, axis.high + ",
        ),
        ("numeric.conv._run", "a bias left out", "b, geometry, *biases)", "b, geometry)"),
        (f"{FUSED}.Fused._layer", "kernel not rotated", "*steps, back)", "*steps, False)"),
        (f"{FUSED}.Fused._layer", "channels swapped", "(9 * geometry.group_in, 9)", "(9, 9 * geometry.group_in)"),
        (f"{FUSED}._number", "the first number taken for a zero", "padding[0][0] % 2 if", "padding[0][0] % 1 if"),
        (f"{FUSED}._tiled", "zeros before the first row counted as rows", "padding[0][0] // apart", "padding[0][0]"),
        (f"{TURNED}.backward", "what no window reached left out", " + _rest(axis)", ""),
        symbolic=False,
    ),
    *edits(
        "tiles",
        "winograd",
        (f"{TILES}.Tiling.rounds", "blocks of a round hold the same cells", "(step - 1) * of.stride[0] + ", ""),
        symbolic=False,
    ),
    *edits(
        "fft",
        "fft conv",
        (f"{FOURIER}._run", "missing conjugate of the kernel", '"kernel": (taps, -1)', '"kernel": (taps, 1)'),
        (f"{FOURIER}._run", "missing conjugate of the cotangent", '"output": (outputs, -1)', '"output": (outputs, 1)'),
        (
            f"{FOURIER}._run",
            "one conjugate too many",
            '1), "kernel": (taps, 1), "input"',
            '1), "kernel": (taps, -1), "input"',
        ),
        (f"{FFT}._outputs", "stride ignored", "s * np.arange(n)", "np.arange(n)"),
    ),
    *edits(
        "fft",
        "fft",
        (f"{WINDOWS}.add_windows", "tiles overwrite", "+= parts[(slice", "= parts[(slice"),
        (f"{WINDOWS}.add_windows", "tiles at the place of taps", "o, geometry.stride, g", "o, geometry.dilation, g"),
    ),
    *edits(
        "fft",
        "fft conv",
        (f"{FOURIER}.inverse", "integers cut off instead of rounded", "np.rint(found) if", "found if"),
        symbolic=False,
    ),
    *edits(
        "fft",
        "fft",
        (f"{TILES}.input_gradient", "every block at the first one's place", "block[1].start * whole.stride[0] :", ":"),
        (
            f"{TILES}.weight_gradient",
            "a share's first tiles only",
            "reduce(np.add, map(product, share))",
            "product(share[0])",
        ),
        (f"{FFT}._smooth", "sizes with large factors", "(2, 3, 5)", "(2, 3, 5, 7)"),
        (f"{FOURIER}.outputs", "circles as long as the layer", "(1 / geometry.ndim)", "1"),
        symbolic=False,
    ),
]
