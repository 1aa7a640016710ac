"""What a shift does to feature maps and to the accuracy, beside what the laws of equivariance say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize

from training.plots import canvas

Array = npt.NDArray[Any]
_SAME = "#BFE3D7"
_LINE = 3.5  # per cent of accuracy that a line of small print takes


def shifts(path: Path, rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Draw the accuracy by distance (`shifting.accuracies`): each direction, their mean, and what was predicted."""
    made = canvas.figure(7, 4.5, title)
    axes = made.subplots()
    pixels = [row["pixels"] for row in rows]
    ends = sorted((100 * share, direction) for direction, share in rows[-1]["accuracy"].items())
    place = -np.inf
    for number, (end, direction) in enumerate(ends):
        each = [100 * row["accuracy"][direction] for row in rows]
        label = "read, in each direction" if number == 0 else None
        axes.plot(pixels, each, color=canvas.BLUE, alpha=0.3, linewidth=1, label=label)
        place = max(place + _LINE, end)  # no name on another
        axes.text(pixels[-1] + 0.08, place, direction, fontsize=8, va="center")
    axes.plot(pixels, _means(rows, "accuracy"), "o-", color=canvas.BLUE, label="read, mean of the directions")
    predicted = "predicted: feature maps where they were, moved"
    axes.plot(pixels, _means(rows, "predicted"), "x", color=canvas.ORANGE, markersize=10, label=predicted)
    flat = "if maps were read alike at all places"
    axes.axhline(_means(rows, "accuracy")[0], color=canvas.GREEN, linestyle="--", label=flat)
    axes.set(xlabel="shift (pixels)", ylabel="accuracy (%)", ylim=(0, 103), xlim=(-0.2, pixels[-1] + 0.6))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=9)
    canvas.save(made, path)


def _means(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [100 * float(np.mean(list(row[name].values()))) for row in rows]


@dataclass(frozen=True, eq=False)
class Moved:
    """A feature map of a digit, moved; that of the moved digit; and the cells in which they must be the same.

    All are `(height, width)`; `there` are the cells that both have.
    """

    heading: str
    before: Array
    expected: Array
    found: Array
    agree: npt.NDArray[np.bool_]
    there: npt.NDArray[np.bool_]


def equivariance(path: Path, images: tuple[Array, Array], rows: Sequence[Moved], title: str) -> None:
    """Draw a digit, the same moved, and for each layer a map of either and where they differ."""
    made = canvas.figure(11, 2.2 * len(rows) + 0.5, title)
    grid = made.subplots(len(rows), 6, squeeze=False)
    for axes, row in zip(grid, rows, strict=True):
        for place, image in zip(axes[:2], images, strict=True):
            place.imshow(image, cmap="gray_r", norm=Normalize(0, 255))
        seen = np.stack([row.before, row.found])
        scale = Normalize(seen.min(), seen.max())
        there = np.where(row.there, row.expected, np.nan)
        for place, map_ in zip(axes[2:5], (row.before, there, row.found), strict=True):
            place.imshow(map_, cmap="viridis", norm=scale)
        _difference(axes[5], row)
        axes[0].set_ylabel(row.heading, fontsize=9)
    heads = ("the digit", "moved", "its map", "its map, moved", "map of the moved", "are the two the same?")
    for axes, head in zip(grid[0], heads, strict=True):
        axes.set_title(head, fontsize=9)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[], facecolor=canvas.NOWHERE)
    canvas.save(made, path)


def _difference(axes: Axes, row: Moved) -> None:
    """Draw each cell that must agree in the colour of what is found; the others as nowhere."""
    wrong = row.found != row.expected
    colours = ListedColormap([_SAME, canvas.ORANGE])
    axes.imshow(np.ma.masked_array(wrong, ~row.agree), cmap=colours, norm=Normalize(0, 1), interpolation="nearest")
    differ, cells = int((wrong & row.agree).sum()), int(row.agree.sum())
    axes.set_xlabel(f"{differ} of {cells} cells differ" if differ else f"all {cells}: the same bits", fontsize=9)
