"""The index map as a picture that needs no program: what one output reads, drawn from `Geometry.reads`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from numeric import Geometry

CELL, GAP = 34, 70
LAYER = Geometry((5, 6), (3, 2), stride=(1, 2), padding=((1, 1), (0, 0)))
OUTPUT = (1, 1)
STYLE = (
    ".still{font:13px var(--mono,monospace)}.still text{fill:var(--quiet,#555);text-anchor:middle}"
    ".still rect{fill:var(--raised,#fff);stroke:var(--line,#bbb)}"
    ".still .read{fill:var(--read-soft,#fbe3cd);stroke:var(--read,#b4540a);stroke-width:2}"
    ".still .at{fill:var(--link,#1f5fbf);stroke:var(--link,#1f5fbf)}.still line{stroke:var(--read,#b4540a)}"
    ".still polygon{fill:var(--read-soft,#fbe3cd);fill-opacity:.5;stroke:var(--read,#b4540a);stroke-opacity:.4}"
    ".still text.on{fill:var(--raised,#fff)}.still text.tap{fill:var(--read,#b4540a)}"
)


def svg(layer: Geometry = LAYER, output: tuple[int, ...] = OUTPUT) -> str:
    """Input and output of a layer on the plane; the cells that `output` reads are filled, with their taps."""
    drawing = canvas(layer, f"Output {output} reads {said(layer, output)}")
    for line in drawing.findall("line"):  # what leads to the output is drawn instead
        drawing.remove(line)
    drawing.extend((*_beam(layer, output), *step(layer, output)))
    return ElementTree.tostring(drawing, encoding="unicode")


def said(layer: Geometry, output: tuple[int, ...]) -> str:
    """What an output reads, in words."""
    cells = ((tap, layer.reads(output, tap)) for tap in layer.taps())
    return ", ".join(f"input {cell} through tap {tap}" for tap, cell in cells if cell is not None) or "padding only"


def size(layer: Geometry) -> tuple[int, int]:
    """Width and height of a picture, in pixels."""
    (rows, columns), (high, wide) = layer.input_size, layer.output_size
    return CELL * (columns + wide) + GAP + 4, CELL * max(rows, high) + 34


def canvas(layer: Geometry, words: str) -> Element:
    """Both grids, without any mark."""
    width, height = size(layer)
    drawing = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "role": "img",
            "aria-label": words,
            "class": "still",
        },
    )
    SubElement(drawing, "style").text = STYLE
    rows, columns = layer.input_size
    left = CELL * columns + GAP
    drawing.extend(_rectangle(cell, 0) for cell in product(range(rows), range(columns)))
    drawing.extend(_rectangle(output, left) for output in layer.outputs())
    ends = {"x1": str(CELL * columns + 8), "x2": str(left - 8)}
    SubElement(drawing, "line", {**ends, "y1": str(height // 2 - 17), "y2": str(height // 2 - 17)})
    for name, x in (("input x", CELL * columns / 2), ("output y", left + CELL * layer.output_size[1] / 2)):
        SubElement(drawing, "text", {"x": f"{x:g}", "y": str(height - 10)}).text = name
    return drawing


def step(layer: Geometry, output: tuple[int, ...]) -> Iterator[Element]:
    """Marks of one output: itself, and what it reads through which tap."""
    left = CELL * layer.input_size[1] + GAP
    yield _rectangle(output, left, "at")
    yield _text(output, left, "y", "on")
    taps: dict[tuple[int, ...], list[str]] = {}
    for tap in layer.taps():
        cell = layer.reads(output, tap)
        if cell is not None:
            taps.setdefault(cell, []).append("w" + "".join(map(str, tap)))
    for cell, names in taps.items():
        yield _rectangle(cell, 0, "read")
        yield _text(cell, 0, names[0] if len(names) == 1 else f"{len(names)} w", "tap")


def _beam(layer: Geometry, output: tuple[int, ...]) -> Iterator[Element]:
    """What leads from the cells that are read to the output; nothing where none is."""
    cells = [cell for tap in layer.taps() if (cell := layer.reads(output, tap)) is not None]
    if cells:
        (top, bottom), (_, right) = (
            (CELL * min(side) + 2, CELL * max(side) + CELL - 2) for side in zip(*cells, strict=True)
        )
        x, y = CELL * (layer.input_size[1] + output[1]) + GAP + 2, CELL * output[0] + 2
        yield Element("polygon", {"points": f"{right},{top} {x},{y} {x},{y + CELL - 4} {right},{bottom}"})


def _rectangle(cell: tuple[int, ...], left: int, kind: str = "") -> Element:
    place = {"x": str(left + CELL * cell[1] + 2), "y": str(CELL * cell[0] + 2), "rx": "3"}
    return Element(
        "rect", {**place, "width": str(CELL - 4), "height": str(CELL - 4), **({"class": kind} if kind else {})}
    )


def _text(cell: tuple[int, ...], left: int, words: str, kind: str) -> Element:
    place = {"x": str(left + CELL * cell[1] + CELL // 2), "y": str(CELL * cell[0] + CELL // 2 + 4), "class": kind}
    found = Element("text", place)
    found.text = words
    return found
