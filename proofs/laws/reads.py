"""The index map itself: which cells windows read, and that the gradients are layers with index maps of their own."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np

from numeric import Geometry, conv, conv_input_gradient, conv_weight_gradient, rot180
from numeric.dtypes import Array
from proofs import grids
from proofs.arithmetic import equivariance, gradients, reads
from proofs.derivations import gradient_layers
from proofs.law import Equation, Numbers, law

SCOPE = "one axis, exhaustively: n ≤ 4, k ≤ 3, stride ≤ 3, dilation ≤ 2, "
AXES: dict[str, Any] = {
    "source": "reads(o, u) = stride·o + dilation·u − low",
    "cases": grids.few_axes,
    "scope": "one axis, exhaustively: n ≤ 3, k ≤ 2, stride ≤ 3, dilation ≤ 2, padding −1 to 1 on each side",
    "path": "numeric.Axis, numeric.Geometry",
    "assumptions": ("the kernel fits into the padded input",),
}


def _line(case: grids.AxisCase) -> Geometry:
    axis = case.axis
    return Geometry((axis.input_size,), (axis.kernel_size,), **case.options)


@law(
    name="every-read-is-inside-exactly-if-nothing-is-padded-that-a-window-meets",
    statement="every reads(o, u) of an output o is a cell of the input ⇔ low ≤ 0 and high ≤ remainder",
    arithmetic=lambda: (reads.zero_boundary_reads, reads.nothing_is_outside, reads.something_is_outside),
    **AXES,
)
def inside(case: grids.AxisCase, _: Numbers) -> Iterator[Equation]:
    """All pairs of an output and a tap."""
    line, axis = _line(case), case.axis
    cells = [line.reads(o, u) for o, u in product(line.outputs(), line.taps())]
    yield "all inside", None not in cells, axis.low <= 0 and axis.high <= axis.remainder


@law(
    name="a-window-reads-no-cell-twice-and-a-tap-none-for-two-outputs",
    statement="reads(o, u) = reads(o, u′) ⇔ u = u′, reads(o, u) = reads(o′, u) ⇔ o = o′; "
    "reads(o, u) = reads(o′, u′) ⇔ s·(o′ − o) = d·(u − u′)",
    arithmetic=lambda: (reads.reads_once, reads.one_cell_is_read_twice),
    **{**AXES, "cases": grids.fitting_axes, "scope": SCOPE + "no padding", "path": "numeric.Axis"},
)
def once(case: grids.AxisCase, _: Numbers) -> Iterator[Equation]:
    """All pairs of reads that there are, of the line without a border."""
    axis = case.axis
    places = list(product(range(axis.output_size), range(axis.kernel_size)))
    for (o, u), (p, v) in product(places, repeat=2):
        same = axis.reads(o, u) == axis.reads(p, v)
        yield f"({o}, {u}) and ({p}, {v})", same, axis.stride * (p - o) == axis.dilation * (u - v)
        if o == p or u == v:
            yield f"({o}, {u}) and ({p}, {v}), injective", same, (o, u) == (p, v)


@law(
    name="windows-overlap-exactly-if-they-are-closer-than-a-span",
    statement="windows o and o′ overlap ⇔ s·|o′ − o| < span = d·(k − 1) + 1; no two do ⇔ span ≤ s",
    arithmetic=lambda: (reads.windows_overlap, reads.windows_are_apart, reads.windows_tile),
    **{**AXES, "cases": grids.overlapping_axes, "scope": SCOPE + "no padding", "path": "numeric.Axis"},
)
def overlap(case: grids.AxisCase, _: Numbers) -> Iterator[Equation]:
    """All pairs of windows, as intervals of cells."""
    axis = case.axis
    windows = [range(axis.reads(o, 0), axis.reads(o, axis.kernel_size - 1) + 1) for o in range(axis.output_size)]
    common = {(o, p): bool(set(windows[o]) & set(windows[p])) for o, p in combinations(range(len(windows)), 2)}
    for (o, p), overlaps in common.items():
        yield f"{o} and {p}", overlaps, axis.stride * (p - o) < axis.span
    yield "no two", not any(common.values()), axis.span <= axis.stride


@law(
    name="circular-layer-closes-exactly-if-the-stride-divides-the-size",
    statement="s·output = n ⇔ s divides n and span − s ≤ low + high < span; then reads(o + output, u) = reads(o, u)",
    arithmetic=lambda: (equivariance.circle_closes, reads.circular_boundary_reads, equivariance.circular_shifts),
    **AXES,
)
def closes(case: grids.AxisCase, _: Numbers) -> Iterator[Equation]:
    """Whether the outputs are as many as the circle has strides; then the reads of the output after the last one."""
    axis = case.axis
    circle = Geometry((axis.input_size,), (axis.kernel_size,), **case.options, boundary="circular")
    enough = axis.span - axis.stride <= axis.low + axis.high < axis.span
    closed = axis.stride * axis.output_size == axis.input_size
    yield "closed", closed, axis.input_size % axis.stride == 0 and enough
    for (u,) in circle.taps():
        again = circle.reads((axis.output_size,), (u,)) == circle.reads((0,), (u,))
        yield f"tap {u}", again or not closed, True


@law(
    name="weight-gradient-is-a-layer-with-stride-and-dilation-exchanged",
    statement="conv_weight_gradient(g, x) = the first k outputs of conv(x, g, stride=dilation, dilation=stride), batch "
    "and channels exchanged; it has k + ⌊remainder / dilation⌋",
    source="definition of the weight gradient; reads(o, u) is symmetric in (stride, o) and (dilation, u)",
    cases=grids.sampled_layers,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch, both boundaries",
    path="numeric.conv, numeric.conv_weight_gradient (im2col)",
    assumptions=("one sample at least, since samples become channels",),
    derivation=gradient_layers.weight_gradient,
    arithmetic=lambda: (gradients.weight_gradient_exchanges, gradients.weight_gradient_has_more),
)
def exchanged(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Each group by itself: its input channels are a batch, the samples are the channels."""
    geometry = case.geometry
    options: Any = {**case.options, "stride": geometry.dilation, "dilation": geometry.stride, "groups": 1}
    pairs = zip(*(np.split(array, geometry.groups, 1) for array in (of["x"], of["g"])), strict=True)
    layers = [conv(x.swapaxes(0, 1), g.swapaxes(0, 1), **options).swapaxes(0, 1) for x, g in pairs]
    more = tuple(
        k + axis.remainder // axis.dilation for k, axis in zip(geometry.kernel_size, geometry.axes, strict=True)
    )
    whole = np.concatenate(layers)
    yield "outputs", whole.shape[2:], more
    taps = whole[tuple(map(slice, (*whole.shape[:2], *geometry.kernel_size)))]
    yield "∂L/∂w", taps, conv_weight_gradient(of["g"], of["x"], geometry.kernel_size, **case.options)


@law(
    name="input-gradient-is-a-layer-of-the-spread-cotangent-with-the-rotated-kernel",
    statement="conv_input_gradient(g, w) = conv(g with s − 1 zeros between its cells, rot180(w), stride=1, "
    "padding=(d·(k − 1) − low, d·(k − 1) − high + remainder))",
    source="definition of the input gradient; Dumoulin, Visin, A guide to convolution arithmetic (2016)",
    cases=grids.uncircular_layers,
    scope="1 to 3 axes, stride, dilation, asymmetric and negative padding, groups, batch; zero boundary",
    path="numeric.conv, numeric.conv_input_gradient, numeric.rot180 (im2col)",
    derivation=gradient_layers.input_gradient,
    arithmetic=lambda: (
        gradients.input_gradient_gathers,
        gradients.input_gradient_rotates,
        gradients.input_gradient_size,
    ),
)
def spread(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Each group by itself: its kernel's channels are exchanged."""
    geometry = case.geometry
    pads = [(a.span - 1 - a.low, a.span - 1 - a.high + a.remainder) for a in geometry.axes]
    g, w = np.split(_spread(of["g"], geometry), geometry.groups, 1), np.split(of["w"], geometry.groups)
    axes = tuple(range(2, 2 + geometry.ndim))
    layers = [
        conv(part, rot180(kernel, axes).swapaxes(0, 1), dilation=geometry.dilation, padding=pads)
        for part, kernel in zip(g, w, strict=True)
    ]
    yield "∂L/∂x", np.concatenate(layers, 1), conv_input_gradient(of["g"], of["w"], geometry.input_size, **case.options)


def _spread(g: Array, geometry: Geometry) -> Array:
    """Put a cotangent's cells s apart on each axis, with zeros between."""
    size = (s * (m - 1) + 1 for s, m in zip(geometry.stride, geometry.output_size, strict=True))
    wide = np.zeros((*g.shape[:2], *size), g.dtype)
    wide[tuple(slice(None, None, step) for step in (1, 1, *geometry.stride))] = g
    return wide
