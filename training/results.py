"""What a run leaves: the model, its history, pictures, and a summary."""

import dataclasses
import hashlib
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training import plots, publish
from training.data import Dataset
from training.fitting import Fit, Row
from training.options import Options
from training.reading import Reading


def summarise(options: Options, dataset: Dataset, device: str, fit: Fit, reading: Reading) -> dict[str, Any]:
    """Return the figures of a run and all that decided them, as plain values; accuracies are shares from 0 to 1."""
    return {
        "test_accuracy": reading.accuracy,
        "test_loss": reading.loss,
        "validation_accuracy": final_row(fit).get("val_accuracy"),
        "epoch": final_row(fit)["epoch"],
        "parameters": fit.reader.model.count_params(),
        "seconds_train": fit.seconds,
        "seconds_compile": fit.compiling,
        "weights_sha256": digest(fit.reader.model),
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


def identity(options: Options, dataset: Dataset) -> dict[str, Any]:
    """Return all that decides which weights come out, as plain values, but for machine and versions."""
    return {
        "recipe": dataclasses.asdict(options.recipe),
        "seed": options.seed,
        "validate": options.validate,
        "data": dict(dataset.digests),
    }


def digest(model: keras.Model) -> str:
    """Return the SHA-256 of the bytes of all weights of `model`, in order."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def write(folder: Path, options: Options, dataset: Dataset, fit: Fit, reading: Reading) -> None:
    """Write the model, the history and the pictures into `folder`."""
    fit.reader.model.save(folder / "model.keras")
    publish.write_history(folder / "history.csv", fit.progress.rows)
    title = f"{options.recipe.name}, seed {options.seed}: {reading.accuracy:.2%} of the test digits read right"
    plots.curves(folder / "curves.png", fit.progress.rows, title)
    plots.kernels(folder / "kernels.png", first_kernels(fit.reader.model))
    plots.misread(folder / "misread.png", dataset.test, reading.probabilities)


def final_row(fit: Fit) -> Row:
    """Return the row of the epoch whose weights are the final ones: the last, or with patience the best."""
    return fit.progress.rows[fit.progress.best_epoch if fit.recipe.patience else -1]


def first_kernels(model: keras.Model) -> npt.NDArray[np.float32]:
    """Return the kernels `(height, width, 1, kernels)` of the first convolution of `model`."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return np.asarray(first.kernel)
