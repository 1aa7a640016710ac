"""Rounding error of every path, observed beside the bound that `numeric.rounding` gives before anything is computed."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from numeric import Geometry, conv, rounding
from numeric.paths import PATHS

CHANNELS = (1, 2, 4, 8, 16, 32, 64)
TYPES = ("float32", "float64")
SEEN, BOUND, LINES, INK = "#010203", "#010204", "#010205", "#010206"
"""Colours by which a picture's parts are known; the page's own take their place."""
COLOURS = {SEEN: "var(--link)", BOUND: "var(--read)", LINES: "var(--line)", INK: "var(--quiet)"}


@dataclass(frozen=True)
class Series:
    """Largest errors of a path in a type, relative to the largest output, by how many products an output adds up."""

    path: str
    dtype: str
    products: tuple[int, ...]
    seen: tuple[float, ...]
    bound: tuple[float, ...]


def layer(channels: int) -> Geometry:
    """A 3 x 3 layer that every path takes; more channels make longer sums."""
    return Geometry((10, 9), (3, 3), padding=1, in_channels=channels, out_channels=3)


def shown() -> list[str]:
    """Paths that take the layer, but for the definition, which is plain loops, and what would be compiled first."""
    modules = {name: getattr(path, "__name__", type(path).__module__) for name, path in PATHS.items()}
    able = [name for name, path in PATHS.items() if not path.supports(layer(CHANNELS[-1]))]
    return [name for name in able if name != "definition" and ".compiled" not in modules[name]]


def errors(path: str, dtype: str) -> Series:
    """Run a path on normal random numbers, and on the same in a wider type."""
    random = np.random.default_rng(0)
    wide = np.longdouble if dtype == "float64" else np.float64
    seen, bounds = [], []
    for channels in CHANNELS:
        geometry = layer(channels)
        x = random.standard_normal(geometry.input_shape(2)).astype(dtype)
        w = random.standard_normal(geometry.weight_shape).astype(dtype)
        true = conv(x.astype(wide), w.astype(wide), padding=1, path="im2col")
        found = conv(x, w, padding=1, path=path)
        scale = abs(true).max()
        seen.append(float(abs(found.astype(wide) - true).max() / scale))
        bounds.append(float(rounding.conv_bound(x, w, geometry, path=path).max() / scale))
    return Series(path, dtype, tuple(9 * channels for channels in CHANNELS), tuple(seen), tuple(bounds))


def seen() -> dict[str, Any]:
    """What the page shows: for each type its series, each with a picture, all to one scale."""
    kinds = []
    for dtype in TYPES:
        found = [errors(path, dtype) for path in shown()]
        ends = min(min(s.seen) for s in found) / 3, max(max(s.bound) for s in found) * 3
        kinds.append((dtype, [(series, _picture(series, ends)) for series in found]))
    return {"kinds": kinds}


def _picture(series: Series, ends: tuple[float, float]) -> Markup:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {"svg.fonttype": "none", "svg.hashsalt": "convproof", "font.size": 9, "axes.edgecolor": LINES}
    with mpl.rc_context({**style, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK}):
        axes = Figure(figsize=(3.6, 2.5)).add_axes((0.13, 0.2, 0.84, 0.77))
        axes.loglog(series.products, series.bound, "s--", color=BOUND, markersize=4, markerfacecolor="none")
        axes.loglog(series.products, series.seen, "o-", color=SEEN, markersize=4)
        axes.set(ylim=ends, xlabel="products in a sum", xticks=series.products[::2], xticklabels=series.products[::2])
        axes.yaxis.set_major_formatter(_power)
        axes.grid(color=LINES, linewidth=0.6)
        axes.minorticks_off()
        axes.tick_params(length=0)
        axes.spines[["top", "right"]].set_visible(False)
        return _inline(axes.figure, f"{series.path} in {series.dtype}: errors seen, and their bound")


def _power(value: float, _: float) -> str:
    """A power of ten as plain text, which costs nothing to set."""
    return "10" + str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _inline(drawing: Any, said: str) -> Markup:
    """The picture as part of a page: transparent, in the page's colours, with ids of its own."""
    file = io.StringIO()
    drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    for ours, pages in COLOURS.items():
        text = text.replace(ours, pages)
    name = re.sub(r"\W+", "-", said.partition(":")[0])
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    return Markup(re.sub("<svg ", f'<svg role="img" aria-label="{said}" ', text, count=1))  # noqa: S704 - made here
