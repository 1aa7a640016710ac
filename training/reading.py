"""Having a model read digits, and marking what it read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training import backends, models
from training.data import IMAGE_SHAPE, Digits
from training.recipes import Network

_BATCH = 1000  # images read at once
_NEAR = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]  # test-time shifts, in pixels


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model made of some digits: mean cross-entropy (nats), share read right, probabilities `(n, 10)`."""

    loss: float
    accuracy: float
    probabilities: npt.NDArray[np.float32]


class Reader:
    """A model of `network` in float32, whatever the precision that its weights were trained in."""

    def __init__(self, network: Network) -> None:
        self.model: keras.Model = models.build(network)
        self._compiled = backends.current().compiled(self.model)
        self._probabilities(np.zeros((_BATCH, *IMAGE_SHAPE), np.uint8))  # compiled before any clock runs

    def take(self, weights: Sequence[npt.NDArray[Any]]) -> None:
        """Read with these `weights` from now on."""
        self.model.set_weights(weights)

    def read(self, digits: Digits, *, shifts: bool = False) -> Reading:
        """Read each of `digits` once, or with `shifts` at nine places a pixel apart, taking mean probabilities."""
        images = digits.images
        if not shifts:
            return mark(digits, self._probabilities(images))
        seen = [self._probabilities(_shifted(images, *offset)).astype(np.float64) for offset in _NEAR]
        return mark(digits, np.mean(seen, axis=0).astype(np.float32))

    def _probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        parts = [self._compiled(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
        return np.concatenate(parts)


def mark(digits: Digits, probabilities: npt.NDArray[np.float32]) -> Reading:
    """Compare `probabilities` `(n, 10)` with the labels."""
    given = probabilities[np.arange(len(digits)), digits.labels]
    loss = -np.log(np.maximum(given, np.finfo(given.dtype).tiny)).mean(dtype=np.float64)
    accuracy = (probabilities.argmax(axis=1) == digits.labels).mean()
    return Reading(float(loss), float(accuracy), probabilities)


def _shifted(images: npt.NDArray[np.uint8], down: int, right: int) -> npt.NDArray[np.uint8]:
    """Return `images` moved by at most a pixel; paper comes in at the edge."""
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
