"""Train a convolutional network on MNIST in NumPy alone: `python training/train_numpy.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import dataclasses
import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numeric.threads  # noqa: F401 - before NumPy: BLAS reads what this says when it is loaded

# isort: split
import numpy as np

from numeric.network import Sequential
from numeric.paths import compiled
from training import data, fitting_numpy, locks, publish
from training.command import exit_status, leave
from training.data import Dataset, Digits
from training.fitting_numpy import Reading, Row
from training.options import Options
from training.options_numpy import PROGRAM, parse
from training.report import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Train as `argv` says and return the exit status: 0, or 1, 2, 130, 143 as `--help` explains."""
    return exit_status(PROGRAM, lambda: run(parse(argv)))


def run(options: Options) -> dict[str, Any]:
    """Load, build, fit, test, and write the results; return what `summary.json` holds.

    Its times are wall-clock seconds: `seconds_train` is that of fitting, with validation; `seconds_total` runs from
    the call of this function to the writing of the summary. Raises `UsageError` or `DataError` before any work,
    `RunError` after that.
    """
    start = time.perf_counter()
    compiled.load()
    publish.require_writable(options.output)
    dataset = data.load(options.data)
    training, validation = data.split(dataset.training, options.seed)
    with locks.held(options.output):
        return _train(options, dataset, training, validation, start)


def _train(options: Options, dataset: Dataset, training: Digits, validation: Digits, start: float) -> dict[str, Any]:
    weights, order = np.random.default_rng(options.seed).spawn(2)
    network = fitting_numpy.build(options.recipe.network, weights)
    report = _Report(quiet=options.quiet)
    report.device(_device())
    report.data(dataset, len(validation))
    report.network(options, network)
    begun = time.perf_counter()
    rows = fitting_numpy.train(network, options.recipe, order, training, validation, report.epoch)
    trained = time.perf_counter() - begun
    reading = fitting_numpy.read(network, dataset.test)
    with publish.published(options.output) as folder:
        weights_by_name: dict[str, Any] = {**network.parameters}
        np.savez(folder / "model.npz", **weights_by_name)
        publish.write_history(folder / "history.csv", rows)
        times = {"seconds_train": trained, "seconds_total": time.perf_counter() - start}
        summary = summarise(options, dataset, network, rows, reading, times)
        publish.write_summary(folder / publish.LAST, summary)
    report.result(summary, options.output)
    return summary


def summarise(
    options: Options,
    dataset: Dataset,
    network: Sequential,
    rows: Sequence[Row],
    reading: Reading,
    times: Mapping[str, float],
) -> dict[str, Any]:
    """Return the figures of a run and all that decided them, as plain values; accuracies are shares from 0 to 1."""
    return {
        "test_accuracy": reading.accuracy,
        "test_loss": reading.loss,
        "validation_accuracy": rows[-1]["val_accuracy"],
        "parameters": sum(array.size for array in network.parameters.values()),
        **times,
        "seed": options.seed,
        "device": _device(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "numba": _numba()},
        "recipe": dataclasses.asdict(options.recipe),
        "data": {"source": dataset.source, "sha256": dict(dataset.digests)},
    }


def _numba() -> str | None:
    """Its version, if layers run compiled."""
    return None if compiled.available() else version("numba")


def _device() -> str:
    return f"CPU with {os.cpu_count()} cores"


class _Report(Report):
    """The lines of a run."""

    def network(self, options: Options, network: Sequential) -> None:
        """Say what is trained, and how."""
        recipe = options.recipe
        epochs = "1 epoch" if recipe.epochs == 1 else f"{recipe.epochs} epochs"
        self._line("recipe", f"{recipe.name}: {epochs}, batches of {recipe.batch_size}, seed {options.seed}")
        for number, layer in enumerate(network.layers):
            if layer.parameters:
                shape = " x ".join(map(str, layer.parameters["weights"].shape))
                count = sum(array.size for array in layer.parameters.values())
                name = f"{number} {type(layer).__name__.lower()}"
                self._line("layer", f"{name:14} {shape:>13} {count:>11,} parameters")
        total = sum(array.size for array in network.parameters.values())
        self._line("model", f"{total:,} parameters")


if __name__ == "__main__":
    leave(main())
