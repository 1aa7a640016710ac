"""A layer as a notebook shows it: for each axis, which input cell every output reads through every tap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numeric.geometry import Axis, Geometry

MOST = 12
"""Outputs and taps that are written out; beyond, dots."""
PER_AXIS = ("input_size", "kernel_size", "stride", "dilation", "padding")
_LEFT = ' style="text-align:left"'


def bundle(layer: Geometry) -> dict[str, str]:
    """The layer by MIME type: text, a table in HTML, and its index map as a formula in LaTeX."""
    return {"text/plain": repr(layer), "text/html": "".join(_html(layer)), "text/latex": _latex(layer)}


def _html(layer: Geometry) -> Iterator[str]:
    sizes = [" × ".join(map(str, size)) for size in (layer.input_size, layer.kernel_size, layer.output_size)]
    groups = f" in {layer.groups} groups" if layer.groups > 1 else ""
    channels = f"{layer.in_channels} to {layer.out_channels} channels{groups}"
    yield f"<p>{sizes[0]} cells, kernel {sizes[1]}: {sizes[2]} outputs; {channels}; {layer.boundary} boundary</p>"
    for number, axis in enumerate(layer.axes):
        formula = f"axis {number}: reads(o, u) = {_formula(axis, 'o', 'u')}"
        yield f'<table><caption style="white-space:nowrap">{formula}</caption><thead><tr><th>o</th>'
        taps, outputs = range(axis.kernel_size)[:MOST], range(axis.output_size)[:MOST]
        yield "".join(f"<th>u = {u}</th>" for u in taps)
        yield "</tr></thead><tbody>"
        for o in outputs:
            cells = "".join(f"<td{_LEFT}>{_cell(layer, number, o, u)}</td>" for u in taps)
            yield f"<tr><th>{o}</th>{cells}</tr>"
        if axis.output_size > MOST or axis.kernel_size > MOST:
            yield f'<tr><td colspan="{len(taps) + 1}">… {axis.output_size} outputs, {axis.kernel_size} taps</td></tr>'
        yield "</tbody></table>"


def _cell(layer: Geometry, number: int, o: int, u: int) -> str:
    """What is read on one axis, whatever is read on the others; or none."""
    line = replace(layer, **{name: getattr(layer, name)[number : number + 1] for name in PER_AXIS})
    cell = line.reads((o,), (u,))
    return "·" if cell is None else str(cell[0])


def _formula(axis: Axis, o: str, u: str) -> str:
    """`2·o + u − 1`, with the numbers of the axis."""
    terms = [f"{n}·{name}" if n != 1 else name for n, name in ((axis.stride, o), (axis.dilation, u))]
    sign = "−" if axis.low > 0 else "+"
    return " + ".join(terms) + (f" {sign} {abs(axis.low)}" if axis.low else "")


def _latex(layer: Geometry) -> str:
    each = (_formula(axis, f"o_{{{i}}}", f"u_{{{i}}}") for i, axis in enumerate(layer.axes))
    components = r",\; ".join(each).replace("·", r"\,").replace("−", "-")
    return rf"$\mathrm{{reads}}(o, u) = \left({components}\right)$"
