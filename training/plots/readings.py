"""How the test digits were read: which for which, how surely, and which wrongly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from training.calibration import Bin, expected_error
from training.data import Digits
from training.plots import canvas

_MISREAD_SHOWN = 40
_COLUMNS = 8


def misread(path: Path, digits: Digits, probabilities: npt.NDArray[Any]) -> None:
    """Draw the misread digits, those read with the most confidence first.

    `probabilities` is `(n, 10)`. Each picture is headed by what it is, what it was read as, and the probability
    given to that.
    """
    read, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(read != digits.labels)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISREAD_SHOWN]
    labels = [f"{digits.labels[index]} as {read[index]}, {confidence[index]:.1%}" for index in shown]
    rows = max(1, -(-len(shown) // _COLUMNS))
    made = canvas.figure(_COLUMNS * 1.25, rows * 1.5 + 0.8, _misread_title(len(wrong), len(digits), len(shown)))
    images = digits.images[shown]
    canvas.mosaic(made.subplots(), images, _COLUMNS, labels, gap=6, cmap="gray_r", norm=Normalize(0, 255))
    canvas.save(made, path)


def _misread_title(wrong: int, total: int, shown: int) -> str:
    title = f"{wrong:,} of {total:,} test digits misread"
    if shown < wrong:
        title += f"; the {shown} surest mistakes"
    return f"{title}\n(above each: what it is, what it was read as, and with what probability)" if wrong else title


def confusion(path: Path, counts: npt.NDArray[np.int64]) -> None:
    """Draw how many digits of each kind (rows) were read as each kind (columns); colours are those of the mistakes."""
    mistakes = counts * ~np.eye(len(counts), dtype=bool)
    title = f"What the test digits were read as: {mistakes.sum():,} of {counts.sum():,} misread"
    made = canvas.figure(6, 6, title)
    axes = made.subplots()
    most = max(1, mistakes.max())
    axes.imshow(mistakes, cmap="Blues", norm=Normalize(0, most * 1.3))
    for (row, column), count in np.ndenumerate(counts):
        colour = canvas.GREY if row == column else "white" if mistakes[row, column] > most * 0.8 else "black"
        if count:
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set(xlabel="read as", ylabel="digit", xticks=range(len(counts)), yticks=range(len(counts)))
    canvas.save(made, path)


def calibration(path: Path, bins: Sequence[Bin]) -> None:
    """Draw how often digits were read right, by how surely they were read, and how many there are in each bin."""
    error = expected_error(bins)
    title = f"Expected calibration error {error:.2%}, in {len(bins)} bins of equal width"
    made = canvas.figure(5.5, 6, title)
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = [one for one in bins if one.digits]
    _reliability(upper, filled)
    middles, width = [(one.low + one.high) / 2 for one in filled], 1 / len(bins)
    lower.bar(middles, [one.digits for one in filled], width * 0.9, color=canvas.GREY)
    lower.set(xlabel="confidence: the greatest of the ten probabilities", ylabel="digits", yscale="log", xlim=(0, 1.02))
    lower.set_ylim(bottom=0.5)
    canvas.save(made, path)


def _reliability(axes: Axes, bins: Sequence[Bin]) -> None:
    """Draw the bins that hold digits; whiskers are the binomial standard error of as many digits."""
    confidence, accuracy = (np.array([getattr(one, name) for one in bins]) for name in ("confidence", "accuracy"))
    error = np.sqrt(accuracy * (1 - accuracy) / np.array([one.digits for one in bins]))
    axes.plot([0, 1], [0, 1], "--", color=canvas.GREY, label="as sure as right")
    label = "a bin, with its binomial error"
    axes.errorbar(confidence, accuracy, error, fmt="o", color=canvas.BLUE, capsize=3, label=label)
    axes.set(ylabel="share read right", ylim=(-0.02, 1.05))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
