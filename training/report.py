"""What a run says on stdout: a line for each thing worth knowing, plain enough for a log file."""

import statistics
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.recipes import Recipe

if TYPE_CHECKING:
    import keras

    from training.data import Dataset


class Report:
    """Prints the lines of a run, or nothing if it is to be quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def device(self, device: str) -> None:
        """Say what computes."""
        self._line("device", device)

    def data(self, dataset: "Dataset", validation: int) -> None:
        """Say what there is to learn from; `validation` is how many training images are set aside."""
        training = len(dataset.training) - validation
        counts = f"{training:,} training, {validation:,} validation, {len(dataset.test):,} test images"
        self._line("data", f"{dataset.source}: {counts}")

    def certified(self, certificate: Mapping[str, Any]) -> None:
        """Say what was found about the framework's kernels."""
        rows, seconds = certificate["layers"], certificate["seconds"]
        counts = ", ".join(f"{number} {word}" for word, number in Counter(row["outcome"] for row in rows).items())
        self._line("kernels", f"{counts}, at this network's shapes, bit for bit; {seconds:.1f} s")

    def model(self, recipe: Recipe, seed: int, model: "keras.Model") -> None:
        """Say what is trained, and how."""
        epochs = "1 epoch" if recipe.epochs == 1 else f"{recipe.epochs} epochs"
        self._line(
            "recipe", f"{recipe.name}: {epochs}, batches of {recipe.batch_size}, {recipe.precision}, seed {seed}"
        )
        for layer in model.layers:
            if layer.count_params():
                shape = " x ".join(map(str, layer.output.shape[1:]))
                self._line("layer", f"{layer.name:14} {shape:>13} {layer.count_params():>11,} parameters")
        self._line("model", f"{model.count_params():,} parameters")

    def resumed(self, step: int, steps: int) -> None:
        """Say where a training goes on: after `step`; 0 if there was no checkpoint."""
        self._line("resume", f"after step {step} of {steps}" if step else "no checkpoint: from the start")

    def epoch(self, row: Mapping[str, float]) -> None:
        """Say how an epoch went."""
        figures = f"loss {row['loss']:.4f}, accuracy {row['accuracy']:.2%}"
        if "val_accuracy" in row:
            figures += f", validation {row['val_accuracy']:.2%}"
        self._line(f"epoch {row['epoch']}", f"{figures}, {row['seconds']:.1f} s")

    def result(self, summary: Mapping[str, Any], folder: Path, *, before: bool = False) -> None:
        """Say what was reached, in what time, and where the files are; and if that was `before` this run."""
        if before:
            self._line("resume", f"seed {summary['seed']} was finished before")
        self._line("test", f"accuracy {summary['test_accuracy']:.2%}, loss {summary['test_loss']:.4f}")
        if "test_accuracy_shifts" in summary:
            self._line(
                "shifted", f"accuracy {summary['test_accuracy_shifts']:.2%}, each test image read at nine places"
            )
        self._found(summary)
        self._line("time", f"{summary['seconds_train']:.2f} s warm, {summary['seconds_total']:.1f} s cold")
        self._line("results", str(folder))

    def _found(self, summary: Mapping[str, Any]) -> None:
        """Say what was found out about the model."""
        if "exports" in summary:  # a training without a framework has none
            read = summary["exports"].values()
            files, apart = ", ".join(one["file"] for one in read), max(one["largest_difference"] for one in read)
            same = f"probabilities within {apart:.2g}" if apart else "the same bits"
            self._line("exports", f"{files}: read back as the model reads, {same}")
        if "equivariance" in summary:
            equal, cells = (sum(row[name] for row in summary["equivariance"]) for name in ("equal", "cells"))
            self._line("laws", f"shifted feature maps: {equal:,} of the {cells:,} cells that must agree, bit for bit")
        if "shifts" in summary:
            means = [
                [statistics.fmean(row[of].values()) for of in ("accuracy", "predicted")]
                for row in summary["shifts"]["rows"]
            ]
            self._line("shifts", ", ".join(f"{pixels}: {read:.1%}" for pixels, (read, _) in enumerate(means)))
            self._line("predicted", ", ".join(f"{pixels}: {made:.1%}" for pixels, (_, made) in enumerate(means)))

    def together(self, found: Mapping[str, Any], folder: Path) -> None:
        """Say what several seeds reached."""
        seeds, test, time = found["seeds"], found["test_accuracy"], found["seconds_train"]
        spread = f"{test['mean']:.3%}, standard deviation {test['standard_deviation']:.3%}"
        ends = f"{test['least']:.2%} to {test['greatest']:.2%}"
        self._line("seeds", f"{len(seeds)}: accuracy {spread}, {ends}; binomial error {found['binomial_error']:.3%}")
        if "test_accuracy_shifts" in found:
            shifted = found["test_accuracy_shifts"]
            self._line(
                "shifted", f"accuracy {shifted['mean']:.3%}, standard deviation {shifted['standard_deviation']:.3%}"
            )
        self._line("time", f"{time['mean']:.2f} s warm, standard deviation {time['standard_deviation']:.2f} s")
        self._line("results", str(folder))

    def _line(self, heading: str, text: str) -> None:
        if not self._quiet:
            sys.stdout.write(f"{heading:9} {text}\n")
            sys.stdout.flush()
