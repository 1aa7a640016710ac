"""What a training tells while it runs: a row for each epoch, and the end of it if the loss is lost."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from training.errors import RunError

Row = dict[str, float]

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


class EpochRows(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Collects a row of figures for each epoch in `rows`, and hands each to `tell` as it comes.

    A row holds `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy`, `seconds` (validation
    included) and `learning_rate` (at its end). Loss and accuracy on the training images are means over the
    epoch, while the weights change.
    """

    def __init__(self, tell: Callable[[Row], None]) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._tell = tell
        self._start = 0.0

    def on_epoch_begin(self, *_: object) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Add the row of this epoch."""
        figures = {name: float(logs[name]) for name in FIGURES}
        seconds = time.perf_counter() - self._start
        rate = float(self.model.optimizer.learning_rate)
        row: Row = {"epoch": epoch + 1, **figures, "seconds": seconds, "learning_rate": rate}
        self.rows.append(row)
        self._tell(row)


class StopOnLostLoss(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Ends the training with a `RunError` as soon as the loss is infinite or not a number.

    Keras's own `TerminateOnNaN` would validate once more and return as if all were well.
    """

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any]) -> None:
        """Look at the loss."""
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise RunError(f"the loss is {loss} at step {batch + 1} of the epoch: is the learning rate too high?")
