"""The kernel sliding over the input, as a moving picture for slides: what is marked comes from `Geometry.reads`."""

from __future__ import annotations

import io
from itertools import product
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from numeric import Geometry
from proofs.book import still

FORMATS = (".gif", ".svg")
MOST = 400
"""Outputs that are drawn at most."""
COLOURS = {"": ("#ffffff", "#bbbbbb"), "read": ("#fbe3cd", "#b4540a"), "at": ("#1f5fbf", "#1f5fbf")}
INK = {"": "#555555", "tap": "#b4540a", "on": "#ffffff"}


def svg(layer: Geometry, seconds: float) -> bytes:
    """One group of marks for each output, shown in turn; the first one alone where motion is not wanted."""
    outputs = list(layer.outputs())
    drawing = still.canvas(
        layer, f"A kernel of {_by(layer.kernel_size)} slides over an input of {_by(layer.input_size)}"
    )
    share = 100 / len(outputs)
    SubElement(drawing, "style").text = (
        f"@keyframes turn{{0%,{share:.4f}%{{visibility:visible}}{share + 1e-4:.4f}%,100%{{visibility:hidden}}}}"
        f".step{{visibility:hidden;animation:turn {seconds * len(outputs):g}s step-end infinite}}"
        "@media (prefers-reduced-motion:reduce){.step{animation:none}.step.first{visibility:visible}}"
    )
    for number, output in enumerate(outputs):
        group = SubElement(
            drawing,
            "g",
            {
                "class": "step first" if number == 0 else "step",
                "style": f"animation-delay:{seconds * number:g}s",
                "data-output": " ".join(map(str, output)),
            },
        )
        group.extend(still.step(layer, output))
    return ElementTree.tostring(drawing, encoding="unicode").encode("utf-8")


def gif(layer: Geometry, seconds: float) -> bytes:
    """One frame for each output, over and over."""
    frames = [_frame(layer, output) for output in layer.outputs()]
    file = io.BytesIO()
    first, *others = frames
    first.save(file, "GIF", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)
    return file.getvalue()


def _frame(layer: Geometry, output: tuple[int, ...]) -> Any:
    """The marks of one output, drawn from the same elements as the other format."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", still.size(layer), "#ffffff")
    pen = ImageDraw.Draw(picture)
    for element in (*still.canvas(layer, ""), *still.step(layer, output)):
        _draw(pen, element)
    return picture.quantize(32, dither=Image.Dither.NONE)


def _draw(pen: Any, element: Element) -> None:
    kind = element.get("class", "")
    if element.tag == "rect":
        x, y, width, height = (int(element.get(name, 0)) for name in ("x", "y", "width", "height"))
        fill, line = COLOURS[kind]
        pen.rounded_rectangle((x, y, x + width, y + height), 3, fill, line, 2 if kind else 1)
    elif element.tag == "text":
        place = float(element.get("x", 0)), float(element.get("y", 0))
        pen.text(place, element.text, INK[kind], anchor="ms", font_size=13)
    elif element.tag == "line":
        ends = [int(element.get(name, 0)) for name in ("x1", "y1", "x2", "y2")]
        pen.line(ends, COLOURS["read"][1])


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


def planar(layer: Geometry) -> Geometry:
    """The layer on a plane: one on a line is a plane of one row. Raises `ValueError` for what cannot be drawn."""
    if layer.ndim == 1:
        one: dict[str, Any] = {
            name: (1, *getattr(layer, name)) for name in ("input_size", "kernel_size", "stride", "dilation")
        }
        layer = Geometry(**one, padding=((0, 0), *layer.padding), boundary=layer.boundary)
    if layer.ndim != 2:
        raise ValueError(f"only layers on a line or a plane can be drawn, not on {layer.ndim} axes")
    cells = max(len(list(product(*map(range, layer.input_size)))), len(list(layer.outputs())))
    if cells > MOST:
        raise ValueError(f"a layer of {cells} cells is too large to be drawn: at most {MOST}")
    return layer
