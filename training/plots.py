"""The pictures of a run: learning curves, the first layer's kernels, the digits misread.

Figures are made without pyplot: nothing global is touched and no display is needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.data import Digits

_DPI = 150
_MISREAD_SHOWN = 40
_COLUMNS = 8


def curves(path: Path, rows: Sequence[Mapping[str, float]], title: str) -> None:
    """Draw loss and accuracy by epoch, on training and validation images."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    figure.suptitle(title)
    loss, accuracy = figure.subplots(1, 2)
    _curve(loss, rows, "loss", "cross-entropy (nats)", scale=1)
    _curve(accuracy, rows, "accuracy", "accuracy (%)", scale=100)
    figure.savefig(path, dpi=_DPI)


def _curve(axes: Axes, rows: Sequence[Mapping[str, float]], name: str, label: str, scale: float) -> None:
    epochs = [row["epoch"] for row in rows]
    axes.plot(epochs, [scale * row[name] for row in rows], "o--", label="training (mean over the epoch)")
    if f"val_{name}" in rows[0]:
        axes.plot(epochs, [scale * row[f"val_{name}"] for row in rows], "s-", label="validation (after the epoch)")
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def kernels(path: Path, weights: npt.NDArray[Any]) -> None:
    """Draw the kernels `(height, width, 1, kernels)` of the first layer, on one colour scale around zero."""
    height, width, _, count = weights.shape
    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS + 1.2, rows + 0.9), layout="constrained")
    figure.suptitle(f"First layer: {count} kernels of {height} x {width} (cross-correlation: not flipped)")
    limit = float(np.abs(weights).max()) or 1.0
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, axes in enumerate(grid.flat[:count]):
        image = axes.imshow(weights[:, :, 0, index], cmap="RdBu_r", norm=Normalize(-limit, limit))
    figure.colorbar(image, ax=grid, label="weight", shrink=0.9)
    figure.savefig(path, dpi=_DPI)


def misread(path: Path, digits: Digits, probabilities: npt.NDArray[Any]) -> None:
    """Draw the misread digits, those read with the most confidence first.

    `probabilities` is `(n, 10)`. Each picture is headed by what it is, what it was read as, and the probability
    given to that.
    """
    read, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(read != digits.labels)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISREAD_SHOWN]
    rows = max(1, -(-len(shown) // _COLUMNS))
    figure = Figure(figsize=(_COLUMNS * 1.25, rows * 1.4 + 0.8), layout="constrained")
    figure.suptitle(_misread_title(len(wrong), len(digits), len(shown)))
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, index in zip(grid.flat, shown, strict=False):
        axes.imshow(digits.images[index], cmap="gray_r", norm=Normalize(0, 255))
        axes.set_title(f"{digits.labels[index]} as {read[index]}, {confidence[index]:.1%}", fontsize=9)
    figure.savefig(path, dpi=_DPI)


def _misread_title(wrong: int, total: int, shown: int) -> str:
    title = f"{wrong:,} of {total:,} test digits misread"
    if shown < wrong:
        title += f"; the {shown} surest mistakes"
    return f"{title}\n(above each: what it is, what it was read as, and with what probability)" if wrong else title
