"""How well a model knows what it knows: which digits it takes for which, and how often it is right when it is sure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data import CLASSES

BINS = 15  # of equal width: the number of C. Guo et al., On Calibration of Modern Neural Networks (2017)


@dataclass(frozen=True)
class Bin:
    """The digits read with a confidence above `low`, up to `high`: how many, mean confidence, share read right.

    The confidence is the greatest of the ten probabilities. Without digits both means are 0.
    """

    low: float
    high: float
    digits: int
    confidence: float
    accuracy: float


def reliability(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> list[Bin]:
    """Return the bins from 0 to 1 of the digits that were read with `probabilities` `(n, 10)`."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    # A bin takes in its high end; rounding may leave a confidence a little above 1.
    number = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    bins = []
    for n in range(BINS):
        inside = number == n
        means = [float(figures[inside].mean()) if inside.any() else 0.0 for figures in (confidence, right)]
        bins.append(Bin(n / BINS, (n + 1) / BINS, int(inside.sum()), *means))
    return bins


def expected_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: how far accuracy and confidence of a bin differ, averaged over digits."""
    total = sum(one.digits for one in bins)
    return sum(one.digits * abs(one.accuracy - one.confidence) for one in bins) / total


def confusion(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return how many digits of each kind (rows) were taken for each kind (columns), `(10, 10)`."""
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts


def summarise(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> dict[str, Any]:
    """Return both as the plain values that `summary.json` holds."""
    bins = reliability(probabilities, labels)
    return {
        "calibration": {"expected_error": expected_error(bins), "bins": [asdict(one) for one in bins if one.digits]},
        "confusion": confusion(probabilities, labels).tolist(),
    }
