"""Rounding error of every path, observed beside the bound that `numeric.rounding` gives before anything is computed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from numeric import Geometry, conv, rounding
from numeric.paths import PATHS

CHANNELS = (1, 2, 4, 8, 16, 32, 64)
TYPES = ("float32", "float64")


def layer(channels: int) -> Geometry:
    """A 3 x 3 layer that every path takes; more channels make longer sums."""
    return Geometry((10, 9), (3, 3), padding=1, in_channels=channels, out_channels=3)


def errors(path: str, dtype: str) -> Iterator[tuple[int, float, float]]:
    """Terms of a sum, the largest error seen, and the largest bound, relative to the largest output."""
    random = np.random.default_rng(0)
    for channels in CHANNELS:
        geometry = layer(channels)
        x = random.standard_normal(geometry.input_shape(2)).astype(dtype)
        w = random.standard_normal(geometry.weight_shape).astype(dtype)
        wide = np.longdouble if dtype == "float64" else np.float64
        true = conv(x.astype(wide), w.astype(wide), padding=1)
        scale = abs(true).max()
        seen = abs(conv(x, w, padding=1, path=path).astype(wide) - true).max()
        bound = rounding.conv_bound(x, w, geometry, path=path).max()
        yield 9 * channels, float(seen / scale), float(bound / scale)


def plots() -> list[tuple[str, str, Markup]]:
    """For each type: its name, the same in words, and a picture whose colours are those of the page."""
    return [(dtype, *_plot(dtype)) for dtype in TYPES]


def _plot(dtype: str) -> tuple[str, Markup]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "convproof", "font.size": 10}):
        drawing = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = drawing.add_subplot()
        marks = iter("osv^DPX*<>")
        lines = []
        for path in (name for name in PATHS if not PATHS[name].supports(layer(1)) and name != "definition"):
            terms, seen, bound = zip(*errors(path, dtype), strict=True)
            (line,) = axes.loglog(terms, seen, marker=next(marks), label=f"{path}, seen")
            axes.loglog(terms, bound, linestyle="--", color=line.get_color(), label=f"{path}, bound")
            lines.append(f"{path}: {seen[-1]:.1e} seen, at most {bound[-1]:.1e}")
        axes.set_xlabel("products that one output adds up")
        axes.set_ylabel("error / largest output")
        axes.legend(ncols=2, fontsize=8, framealpha=0)
        axes.grid(alpha=0.25)
        return f"With {9 * CHANNELS[-1]} products: {'; '.join(lines)}.", _inline(drawing, f"Rounding errors in {dtype}")


def _inline(drawing: Any, said: str) -> Markup:
    """The picture as part of a page: transparent, black replaced by the colour of the text."""
    file = io.StringIO()
    drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = (
        text[text.index("<svg") :].replace("#000000", "currentColor").replace("stroke: #b0b0b0", "stroke: currentColor")
    )
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(<text [^>]*style=\")", r"\1fill: currentColor; ", text)
    name = re.sub(r"\W+", "-", said)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1))  # noqa: S704
