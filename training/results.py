"""What a run leaves: the model, its history, pictures, and a summary.

`summary.json` holds, in this order:

    test_accuracy, test_loss      of the one reading of the test images; shares from 0 to 1, nats
    validation_accuracy, epoch    of the final weights: the last epoch's, or with patience the best one's
    parameters                    how many numbers are trained or kept
    seconds_train, seconds_compile, seconds_total     warm clock, what came before it, cold clock
    weights_sha256                of the bytes of all weights, in order
    seed, device, validate, deterministic, versions, recipe, data     all that decided it
    calibration                   expected_error, and the bins that hold digits: low, high, digits, confidence, accuracy
    confusion                     rows: what the digits are; columns: what they were read as
    exports                       for each format: file, largest_difference, read_otherwise, within_bound (`agreement`)
    shifts, equivariance          with --report full: rows of `shifting.accuracies` and of `translation.compare`
    certified                     what was found about the kernels (`certification`), or null
    test_accuracy_shifts          with --test-time-shifts
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training import calibration, earlier, exports, plots, publish, signals
from training.data import Dataset
from training.fitting import Fit, Row
from training.options import Options
from training.reading import Reading

FILES = {
    *("summary.json", "history.csv", "tensorboard", *(export.file for export in exports.EXPORTS.values())),
    *(f"{name}.png" for name in plots.__all__),
}
"""All that a run may leave."""


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
        "validate": options.validate,
        "deterministic": options.deterministic,
        "versions": earlier.versions(),
        "recipe": dataclasses.asdict(options.recipe),
        "data": {"source": dataset.source, "sha256": dict(dataset.digests)},
    }


def digest(model: keras.Model) -> str:
    """Return the SHA-256 of the bytes of all weights of `model`, in order."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def write(folder: Path, options: Options, dataset: Dataset, fit: Fit, reading: Reading) -> dict[str, Any]:
    """Write the model, the history and the pictures into `folder`; return what was found out on the way.

    Raises `RunError` if what was exported does not read the test images as the model does.
    """
    publish.write_history(folder / "history.csv", fit.progress.rows)
    found = calibration.summarise(reading.probabilities, dataset.test.labels)
    model = fit.reader.model
    found["exports"] = exports.write(folder, options.export, model, dataset.test, reading.probabilities)
    _draw(folder, options, dataset, fit, reading)
    if options.report == "full":
        from training import full  # it takes seconds

        found |= full.write(folder, fit.reader, dataset.test, reading)
    signals.check()
    if keras.config.backend() == "tensorflow":
        from training import tensorboard

        progress, pictures = fit.progress, sorted(folder.glob("*.png"))
        tensorboard.write(folder / "tensorboard", progress.rows, progress.losses, progress.right, pictures)
    return found


def _draw(folder: Path, options: Options, dataset: Dataset, fit: Fit, reading: Reading) -> None:
    labels, progress = dataset.test.labels, fit.progress
    title = f"{options.recipe.name}, seed {options.seed}: {reading.accuracy:.2%} of the test digits read right"
    signals.check()
    plots.curves(folder / "curves.png", progress.rows, progress.losses, progress.right, title)
    plots.kernels(folder / "kernels.png", first_kernels(fit.reader.model))
    plots.misread(folder / "misread.png", dataset.test, reading.probabilities)
    signals.check()
    plots.confusion(folder / "confusion.png", calibration.confusion(reading.probabilities, labels))
    plots.calibration(folder / "calibration.png", calibration.reliability(reading.probabilities, labels))


def final_row(fit: Fit) -> Row:
    """Return the row of the epoch whose weights are the final ones: the last, or with patience the best."""
    return fit.progress.rows[fit.progress.best_epoch if fit.recipe.patience else -1]


def first_kernels(model: keras.Model) -> npt.NDArray[np.float32]:
    """Return the kernels `(height, width, 1, kernels)` of the first convolution of `model`."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return np.asarray(first.kernel)
