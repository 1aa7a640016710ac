"""Training a model as a recipe says: chunks of steps, validation after each epoch, an early end if asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training import backends
from training.backends import FIRST, Machine
from training.course import Course
from training.data import Digits
from training.errors import RunError
from training.loop import Loop
from training.reading import Reader
from training.recipes import Recipe

Row = dict[str, float]


@dataclass(frozen=True)
class Execution:
    """How the steps are executed: how many before Python looks at them, whether XLA compiles each, and on what."""

    chunk: int = 100
    xla: str = "auto"
    machine: Machine = FIRST


@dataclass
class Progress:
    """How far a training is: what its next step depends on besides the loop's own state.

    `rows` are the figures of each epoch done: `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy` (if
    there are validation images), `seconds` (validation included) and `learning_rate` (of the last step). Loss and
    accuracy are means over the epoch's steps, each before its change of the weights, on images as they were moved and
    targets as they were smoothed. `losses` and `right` are those of every step, `seconds` those of the epoch that runs.
    `best` holds the weights of the epoch with the lowest loss on validation images, if they may be needed.
    """

    step: int = 0
    rows: list[Row] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    seconds: float = 0.0
    best: list[npt.NDArray[Any]] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch, from 0, of the lowest loss on validation images, the first of several."""
        return min(range(len(self.rows)), key=lambda epoch: self.rows[epoch]["val_loss"])


class Fit:
    """A training of the recipe's network on `training`; `seed` decides its first weights and every draw."""

    def __init__(self, recipe: Recipe, execution: Execution, seed: int, training: Digits, validation: Digits) -> None:
        start, backend = time.perf_counter(), backends.current()
        keras.utils.set_random_seed(seed)
        self.recipe, self._execution, self._validation = recipe, execution, validation
        self.course = Course(recipe, len(training), seed)
        self.loop: Loop = backend.Loop(recipe, training, execution.machine.devices, xla=backend.uses_xla(execution.xla))
        self.reader = Reader(recipe.network)
        self.progress = Progress()
        self.loop.compile(self.course)
        self.compiling = time.perf_counter() - start

    @property
    def done(self) -> bool:
        """Whether there is no step left, or no hope for a better epoch within the recipe's patience."""
        rows, patience = self.progress.rows, self.recipe.patience
        hopeless = bool(patience and rows) and len(rows) - 1 - self.progress.best_epoch >= patience
        return self.progress.step == self.course.steps or hopeless

    @property
    def seconds(self) -> float:
        """The time that all epochs took."""
        return sum(row["seconds"] for row in self.progress.rows)

    def advance(self, tell: Callable[[Row], None]) -> None:
        """Do a chunk of steps; at the end of an epoch read the validation images and `tell` its row.

        Raises `RunError` if the loss is not a finite number.
        """
        start, progress = time.perf_counter(), self.progress
        epoch, within = divmod(progress.step, self.course.steps_per_epoch)
        last = min(within + self._execution.chunk, self.course.steps_per_epoch)
        losses, right = self.loop.run(self.course.portion(progress.step, progress.step + last - within))
        _require_finite(losses, within)
        progress.step += last - within
        progress.losses += losses.tolist()
        progress.right += right.tolist()
        if last == self.course.steps_per_epoch:
            progress.rows.append(self._close(epoch, start))
            self._keep_best()
            tell(progress.rows[-1])
        else:
            progress.seconds += time.perf_counter() - start

    def finish(self) -> Reader:
        """Return a reader with the final weights: those of the last step, or with patience of the best epoch."""
        self.reader.take(self.progress.best or self.loop.weights())
        return self.reader

    def _close(self, epoch: int, start: float) -> Row:
        """Return the row of an epoch whose last chunk began at `start`, and begin another."""
        progress = self.progress
        steps = self.course.steps_per_epoch
        loss, accuracy = (_mean(figures[-steps:]) for figures in (progress.losses, progress.right))
        row: Row = {"epoch": epoch + 1, "loss": loss, "accuracy": accuracy}
        if len(self._validation):
            self.reader.take(self.loop.weights())
            reading = self.reader.read(self._validation)
            row |= {"val_loss": reading.loss, "val_accuracy": reading.accuracy}
        row["seconds"] = progress.seconds + time.perf_counter() - start
        row["learning_rate"] = self.course.rate(progress.step - 1)
        progress.seconds = 0.0
        return row

    def _keep_best(self) -> None:
        if self.recipe.patience and self.progress.best_epoch == len(self.progress.rows) - 1:
            self.progress.best = self.loop.weights()


@contextmanager
def failures_told() -> Iterator[None]:
    """Raise what the backend cannot do, such as to find enough memory, as a `RunError` of one line."""
    try:
        yield
    except Exception as error:
        backend = backends.current()
        reason = backend.reason(error)
        if reason is None:
            raise
        raise RunError(f"{backend.NAME} failed: {reason}") from error


def _require_finite(losses: npt.NDArray[Any], before: int) -> None:
    lost = np.flatnonzero(~np.isfinite(losses))
    if lost.size:
        step, loss = before + lost[0] + 1, losses[lost[0]]
        raise RunError(f"the loss is {loss} at step {step} of the epoch: is the learning rate too high?")


def _mean(figures: list[float]) -> float:
    return float(np.mean(figures, dtype=np.float64))
