"""The index map as a picture that needs no program: what one output reads, drawn from `Geometry.reads`."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from numeric import Geometry

CELL, GAP = 34, 70
LAYER = Geometry((5, 6), (3, 2), stride=(1, 2), padding=((1, 1), (0, 0)))
OUTPUT = (1, 1)


def svg(layer: Geometry = LAYER, output: tuple[int, int] = OUTPUT) -> str:
    """Input and output of a layer on the plane; the cells that `output` reads are filled, with lines to it."""
    (rows, columns), (high, wide) = layer.input_size, layer.output_size
    width, height = CELL * (columns + wide) + GAP + 4, CELL * max(rows, high) + 34
    cells = {tap: layer.reads(output, tap) for tap in layer.taps()}
    said = ", ".join(f"input {cell} through tap {tap}" for tap, cell in cells.items() if cell is not None)
    drawing = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "role": "img",
            "aria-label": f"Output {output} reads {said}",
            "class": "still",
        },
    )
    style = SubElement(drawing, "style")
    style.text = (
        ".still{font:13px var(--mono,monospace)}.still text{fill:var(--quiet,#555);text-anchor:middle}"
        ".still rect{fill:var(--raised,#fff);stroke:var(--line,#bbb)}"
        ".still .read{fill:var(--read-soft,#fbe3cd);stroke:var(--read,#b4540a);stroke-width:2}"
        ".still .at{fill:var(--link,#1f5fbf);stroke:var(--link,#1f5fbf)}.still line{stroke:var(--read,#b4540a)}"
        ".still text.on{fill:var(--raised,#fff)}.still text.tap{fill:var(--read,#b4540a)}"
    )
    left = CELL * columns + GAP
    drawing.extend(_grid(layer.input_size, 0, {cell for cell in cells.values() if cell is not None}, "read"))
    drawing.extend(_grid(layer.output_size, left, {output}, "at"))
    for tap, cell in cells.items():
        if cell is not None:
            _centred(drawing, cell, 0, f"w{tap[0]}{tap[1]}", "tap")
    _centred(drawing, output, left, "y", "on")
    ends = {"x1": str(CELL * columns + 8), "x2": str(left - 8)}
    SubElement(drawing, "line", {**ends, "y1": str(height // 2 - 17), "y2": str(height // 2 - 17)})
    for name, x in (("input x", CELL * columns / 2), ("output y", left + CELL * wide / 2)):
        SubElement(drawing, "text", {"x": f"{x:g}", "y": str(height - 10)}).text = name
    return ElementTree.tostring(drawing, encoding="unicode")


def _grid(size: tuple[int, ...], left: int, marked: set[tuple[int, ...]], kind: str) -> Iterator[Element]:
    for r in range(size[0]):
        for c in range(size[1]):
            place = {"x": str(left + CELL * c + 2), "y": str(CELL * r + 2), "rx": "3"}
            side = {"width": str(CELL - 4), "height": str(CELL - 4)}
            yield Element("rect", {**place, **side, **({"class": kind} if (r, c) in marked else {})})


def _centred(drawing: Element, cell: tuple[int, ...], left: int, words: str, kind: str) -> None:
    place = {"x": str(left + CELL * cell[1] + CELL // 2), "y": str(CELL * cell[0] + CELL // 2 + 4), "class": kind}
    SubElement(drawing, "text", place).text = words
