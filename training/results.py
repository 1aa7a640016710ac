"""What a run leaves: the model, its history, pictures, and a summary."""

import dataclasses
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training import plots, publish
from training.data import Dataset
from training.fitting import Reading, Trained
from training.options import Options


def summarise(
    options: Options, dataset: Dataset, device: str, trained: Trained, reading: Reading, seconds: float
) -> dict[str, Any]:
    """Return the figures of a run and all that decided them, as plain values; accuracies are shares from 0 to 1.

    `seconds` is how long the whole run took.
    """
    return {
        "test_accuracy": reading.accuracy,
        "test_loss": reading.loss,
        "validation_accuracy": trained.rows[-1]["val_accuracy"],
        "parameters": trained.model.count_params(),
        "seconds_train": trained.seconds,
        "seconds_total": seconds,
        "seed": options.seed,
        "device": device,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "recipe": dataclasses.asdict(options.recipe),
        "data": {"source": dataset.source, "sha256": dict(dataset.digests)},
    }


def write(folder: Path, options: Options, dataset: Dataset, trained: Trained, reading: Reading) -> None:
    """Write the model, the history and the pictures into `folder`."""
    trained.model.save(folder / "model.keras")
    publish.write_history(folder / "history.csv", trained.rows)
    title = f"{options.recipe.name}, seed {options.seed}: {reading.accuracy:.2%} of the test digits read right"
    plots.curves(folder / "curves.png", trained.rows, title)
    plots.kernels(folder / "kernels.png", first_kernels(trained.model))
    plots.misread(folder / "misread.png", dataset.test, reading.probabilities)


def first_kernels(model: keras.Model) -> npt.NDArray[np.float32]:
    """Return the kernels `(height, width, 1, kernels)` of the first convolution of `model`."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return np.asarray(first.kernel)
