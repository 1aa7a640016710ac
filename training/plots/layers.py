"""What the layers look for, and what they make of a digit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Normalize

from training.plots import canvas

_COLUMNS = 8
_MAPS = 16  # of a layer
_ACROSS = 5  # layers beside each other


def kernels(path: Path, weights: npt.NDArray[Any]) -> None:
    """Draw the kernels `(height, width, 1, kernels)` of the first layer, on one colour scale around zero."""
    height, width, _, count = weights.shape
    rows = -(-count // _COLUMNS)
    title = f"First layer: {count} kernels of {height} x {width} (cross-correlation: not flipped)"
    made = canvas.figure(_COLUMNS * 0.8 + 1.2, rows * 0.8 + 0.9, title)
    limit = float(np.abs(weights).max()) or 1.0
    axes = made.subplots()
    images = weights[:, :, 0].transpose(2, 0, 1)
    drawn = canvas.mosaic(axes, images, _COLUMNS, cmap="RdBu_r", norm=Normalize(-limit, limit))
    made.colorbar(drawn, ax=axes, label="weight", shrink=0.9)
    canvas.save(made, path)


def features(path: Path, image: npt.NDArray[Any], maps: Sequence[tuple[str, npt.NDArray[Any]]], title: str) -> None:
    """Draw a digit and beside it what each layer makes of it: name and maps `(height, width, channels)`, 16 at most.

    Each layer has a colour scale of its own, from its least to its greatest value.
    """
    columns = min(len(maps) + 1, _ACROSS)
    rows = -(-(len(maps) + 1) // columns)
    made = canvas.figure(2.3 * columns, 2.8 * rows + 0.4, title)
    first, *others = made.subplots(rows, columns, squeeze=False).flat
    for axes in others[len(maps) :]:
        axes.set_axis_off()
    canvas.mosaic(first, image[None], 1, cmap="gray_r", norm=Normalize(0, 255))
    first.set_title(f"the digit, {image.shape[0]} x {image.shape[1]}", fontsize=9)
    for axes, (name, found) in zip(others, maps, strict=False):
        height, width, channels = found.shape
        canvas.mosaic(axes, found.transpose(2, 0, 1)[:_MAPS], 4, cmap="viridis")
        some = f"{_MAPS} of {channels}" if channels > _MAPS else str(channels)
        axes.set_title(f"{name}: {some} maps,\n{height} x {width}", fontsize=9)
    canvas.save(made, path)
