"""What each step of a training gets: its images, how they are warped, the learning rate and the averaging.

All of it is drawn on the host from the seed and the epoch alone, so any step can be drawn again, on any device.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.optimisers import one_cycle
from training.recipes import Augmentation, Recipe

_ORDER, _WARPS = 0, 1  # streams of draws, one for each purpose


@dataclass(frozen=True, eq=False)
class Portion:
    """What `n` steps of `b` images get: indices `(n, b)`, warps `(n, b, 2, 3)`, rates `(n,)`, decays `(n,)`.

    Warps are those of `training.warping`; with no augmentation they are empty, `(n, b, 0, 0)`.
    """

    order: npt.NDArray[np.int32]
    warps: npt.NDArray[np.float32]
    rates: npt.NDArray[np.float32]
    decays: npt.NDArray[np.float32]


class Course:
    """The steps of a training on that many `images`; what does not fill a batch sits the epoch out, others each time.

    A batch that is larger than the data is all of it.
    """

    def __init__(self, recipe: Recipe, images: int, seed: int) -> None:
        self._recipe, self._images, self._seed = recipe, images, seed
        self.batch = min(recipe.batch_size, images)
        self.steps_per_epoch = images // self.batch
        self.steps = self.steps_per_epoch * recipe.epochs
        self._drawn = functools.lru_cache(maxsize=1)(self._draw)

    def portion(self, first: int, last: int) -> Portion:
        """Return what the steps from `first` up to, not including, `last` get; they are of one epoch."""
        epoch, start = divmod(first, self.steps_per_epoch)
        part = slice(start, start + last - first)
        order, warps = self._drawn(epoch)
        steps = range(first, last)
        rates = np.array([self.rate(step) for step in steps], np.float32)
        return Portion(order[part], warps[part], rates, np.array([self._decay(step) for step in steps], np.float32))

    def rate(self, step: int) -> float:
        """Return the learning rate of `step`."""
        adam = self._recipe.optimizer
        if adam.warmup is None:
            return adam.learning_rate
        return one_cycle(step, self.steps, adam.learning_rate, adam.warmup)

    def _decay(self, step: int) -> float:
        """Return how much of the average stays: less at first, so that it soon forgets the initial weights."""
        return min(self._recipe.ema, (1 + step) / (10 + step)) if self._recipe.ema else 0.0

    def _draw(self, epoch: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        shape = self.steps_per_epoch, self.batch
        used = self.steps_per_epoch * self.batch
        order = np.random.default_rng((self._seed, epoch, _ORDER)).permutation(self._images)[:used]
        generator = np.random.default_rng((self._seed, epoch, _WARPS))
        augmentation = self._recipe.augmentation
        warps = drawn_warps(augmentation, used, generator) if augmentation.any else np.empty((used, 0, 0), np.float32)
        return order.astype(np.int32).reshape(shape), warps.reshape(*shape, *warps.shape[1:])


def drawn_warps(of: Augmentation, count: int, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return `count` affine maps `(count, 2, 3)`: uniform shifts, rotations about the centre and scales."""
    down, right, turn, size = generator.uniform(-1, 1, (4, count))
    angle = np.deg2rad(of.rotation) * turn
    zoom = 1 / (1 + of.scale * size)  # places move by the inverse of what the picture does
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    rows = [[cosine, -sine, of.shift * down], [sine, cosine, of.shift * right]]
    return np.array(rows, np.float32).transpose(2, 0, 1)
