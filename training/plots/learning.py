"""How a training went."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from training.plots import canvas

Rows = Sequence[Mapping[str, float]]


def curves(path: Path, rows: Rows, losses: Sequence[float], right: Sequence[float], title: str) -> None:
    """Draw loss and accuracy of each step on training images, and after each epoch on validation images.

    `rows` are those of the epochs, `losses` and `right` (shares) those of all their steps.
    """
    made = canvas.figure(9, 4, title)
    loss, accuracy = made.subplots(1, 2)
    _curve(loss, rows, losses, "loss", 1)
    loss.set(ylabel="cross-entropy (nats)", yscale="log")
    _curve(accuracy, rows, right, "accuracy", 100)
    # The first steps are far below; without them the rest can be told apart.
    accuracy.set(ylabel="accuracy (%)", ylim=(100 * min(np.quantile(right, 0.1), _worst(rows)) - 1, 100.5))
    canvas.save(made, path)


def _curve(axes: Axes, rows: Rows, figures: Sequence[float], name: str, scale: float) -> None:
    epochs = np.arange(1, len(figures) + 1) * len(rows) / len(figures)
    axes.plot(epochs, scale * np.array(figures), color=canvas.BLUE, linewidth=0.8, label="training, each step")
    if f"val_{name}" in rows[0]:
        validation = [scale * row[f"val_{name}"] for row in rows]
        axes.plot(
            [row["epoch"] for row in rows], validation, "s-", color=canvas.ORANGE, label="validation, after the epoch"
        )
    axes.set(xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def _worst(rows: Rows) -> float:
    return min(row.get("val_accuracy", 1.0) for row in rows)
