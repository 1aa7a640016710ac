"""Training a model as a recipe says, and having it read digits."""

import time
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from training import models
from training.callbacks import EpochRows, Row, StopOnLostLoss
from training.data import Digits
from training.recipes import Recipe
from training.report import Report

_READING_BATCH = 1000  # images read at once when no gradients are kept


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model made of some digits: mean cross-entropy (nats), share read right, probabilities `(n, 10)`."""

    loss: float
    accuracy: float
    probabilities: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model, a row of figures for each epoch (see `EpochRows`), and the seconds that fitting took."""

    model: keras.Model
    rows: list[Row]
    seconds: float


def train(recipe: Recipe, seed: int, training: Digits, validation: Digits, report: Report) -> Trained:
    """Build the recipe's network and fit it to `training`; `seed` decides its first weights and every draw.

    Raises `RunError` if the loss stops being a finite number.
    """
    keras.utils.set_random_seed(seed)
    model = models.build(recipe.network)
    models.prepare(model, recipe, len(training))
    report.model(recipe, seed, model)
    rows = EpochRows(report.epoch)
    start = time.perf_counter()
    model.fit(
        training.images,
        training.labels,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        validation_data=(validation.images, validation.labels),
        validation_batch_size=_READING_BATCH,
        callbacks=[StopOnLostLoss(), rows],
        verbose=1 if report.bar else 0,
    )
    return Trained(model, rows.rows, time.perf_counter() - start)


def read(model: keras.Model, digits: Digits) -> Reading:
    """Have `model` read `digits`, each image once, and mark it against their labels."""
    probabilities = np.asarray(model.predict(digits.images, batch_size=_READING_BATCH, verbose=0))
    given = probabilities[np.arange(len(digits)), digits.labels]
    loss = -np.log(np.maximum(given, np.finfo(given.dtype).tiny)).mean(dtype=np.float64)
    accuracy = (probabilities.argmax(axis=1) == digits.labels).mean()
    return Reading(float(loss), float(accuracy), probabilities)
