"""The network that NumPy trains, trained by Keras on TensorFlow as well: same batches, schedule and test, in turns.

    python -m tests.benchmarks.mnist_side_by_side [--rounds N] [--epochs N] [--batch-size N]

Both take the recipe of `training/train_numpy.py`: network, one-cycle Adam, batch size, 55,000 images with 5,000 for
validation, float32. Keras's side is `training/train.py`, whose loop is compiled. Each run is a process of its own, one
after the other; its seconds are those of fitting, tracing and compiling included, libraries' imports not. Accuracy is
of the test set, read once at the end. A round's seed is its number, the same for both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from training.options_numpy import RECIPE

ROOT = Path(__file__).resolve().parents[2]
SIDES = ("numpy", "tensorflow")


def main() -> int:
    """Run, print a line for each, then medians and the ratio; return 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs)
    parser.add_argument("--batch-size", type=int, default=RECIPE.batch_size)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for number in range(options.rounds):
        for side in SIDES[:: 1 if number % 2 else -1]:
            seconds, accuracy = _train(side, number, options)
            found[side].append((seconds, accuracy))
            _say(f"seed {number}: {side:10} {seconds:7.1f} s  {accuracy:.2%}")
    for side, runs in found.items():
        times, accuracies = zip(*runs, strict=True)
        _say(f"{side:10} median {statistics.median(times):.1f} s, mean accuracy {statistics.fmean(accuracies):.2%}")
    ratios = [b[0] / a[0] for a, b in zip(*found.values(), strict=True)]
    _say(
        f"TensorFlow's time / NumPy's: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    return 0


def _train(side: str, seed: int, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds of fitting and test accuracy of one run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, *_command(side, options), f"--seed={seed}", f"--output={folder}/run", "--quiet"],
            cwd=ROOT,
            check=True,
        )
        summary = json.loads(Path(folder, "run", "summary.json").read_text())
    return summary["seconds_train"], summary["test_accuracy"]


def _command(side: str, options: argparse.Namespace) -> list[str]:
    """Program and options; what the recipe of NumPy's program says is told to the other one field by field."""
    common = [f"--epochs={options.epochs}", f"--batch-size={options.batch_size}"]
    if side == "numpy":
        return ["training/train_numpy.py", *common]
    network, adam = RECIPE.network, RECIPE.optimizer
    letters = {"valid": "", "same": "s"}
    convolutions = ",".join(
        f"{layer.kernels}x{layer.width}{letters[layer.padding]}/{layer.pooling}" for layer in network.convolutions
    )
    fields = {
        "recipe": "fast",
        "convolutions": convolutions,
        "dense": network.dense,
        "learning-rate": adam.learning_rate,
        "beta-1": adam.beta_1,
        "beta-2": adam.beta_2,
        "warmup": adam.warmup,
        "label-smoothing": 0,
        "precision": "float32",
    }
    return ["training/train.py", *(f"--{name}={value}" for name, value in fields.items()), "--validate", *common]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
