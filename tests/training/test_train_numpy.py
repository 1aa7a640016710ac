"""The training in NumPy alone, through its command line: what it reaches, what it leaves, how it fails.

The default run, on all of MNIST, takes about a minute: `python training/train_numpy.py` tells its test accuracy.
"""

import csv
import dataclasses
import json
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from numeric.losses import softmax_cross_entropy
from training import data, fitting_numpy, options_numpy
from training.errors import UsageError
from training.options_numpy import MEASURED, RECIPE, parse
from training.recipes import RECIPES, Network
from training.train_numpy import main
from training.values import Convolution

TRAIN = Path(__file__).resolve().parents[2] / "training" / "train_numpy.py"
FILES = ["history.csv", "model.npz", "summary.json"]


@pytest.fixture(scope="module")
def tiny_npz(mnist: data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 480 training and 150 test digits of MNIST."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    training, test = mnist.training, mnist.test
    arrays = {"x_train": training.images[:480], "y_train": training.labels[:480]}
    np.savez(path, **arrays, x_test=test.images[:150], y_test=test.labels[:150])
    return path


def train(tiny_npz: Path, output: Path, *arguments: str) -> int:
    return main(["--data", str(tiny_npz), "--output", str(output), "--batch-size", "20", *arguments])


def summary(output: Path) -> dict[str, object]:
    return json.loads((output / "summary.json").read_text(encoding="utf-8"))


def history(output: Path) -> list[dict[str, str]]:
    with (output / "history.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tiny_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a training of two epochs on 440 digits."""
    output = tmp_path_factory.mktemp("runs") / "finished"
    assert train(tiny_npz, output, "--epochs", "2", "--learning-rate", "0.004", "--quiet") == 0
    return output


def test_every_file_is_there_and_no_other(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == FILES
    assert [path.name for path in finished.parent.iterdir()] == ["finished"]


def test_digits_are_learnt(finished: Path) -> None:
    assert summary(finished)["test_accuracy"] > 0.8


def test_summary_says_all_that_decided_the_run(finished: Path, tiny_npz: Path) -> None:
    said = summary(finished)
    optimizer = dataclasses.replace(RECIPE.optimizer, learning_rate=0.004)
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer, epochs=2, batch_size=20)
    assert said["recipe"] == json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert said["seed"] == 0
    assert said["data"] == {"source": str(tiny_npz), "sha256": dict(data.load(tiny_npz).digests)}
    assert said["parameters"] == 8 * 26 + 24 * 73 + 128 * 601 + 10 * 129
    versions = {"python": ".".join(map(str, sys.version_info[:3])), "numpy": np.__version__}
    assert said["versions"] == {**versions, "numba": version("numba") if find_spec("numba") else None}
    assert said["device"] == f"CPU with {os.cpu_count()} cores"
    assert 0 < said["seconds_train"] < said["seconds_total"]


def test_history_has_a_row_for_each_epoch(finished: Path) -> None:
    rows = history(finished)
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate"]
    assert [list(row) for row in rows] == [columns] * 2
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[-1]["val_accuracy"]) == summary(finished)["validation_accuracy"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert 0 < float(rows[-1]["learning_rate"]) < float(rows[0]["learning_rate"]) < 0.004


def test_saved_weights_read_the_test_digits_as_reported(finished: Path, tiny_npz: Path) -> None:
    network = fitting_numpy.build(RECIPE.network, np.random.default_rng(9))
    with np.load(finished / "model.npz") as saved:
        assert set(saved) == set(network.parameters)
        for name, parameter in network.parameters.items():
            parameter[...] = saved[name]
    test = data.load(tiny_npz).test
    reading = fitting_numpy.read(network, test)
    assert reading.accuracy == summary(finished)["test_accuracy"]
    assert reading.loss == summary(finished)["test_loss"]
    probabilities = network.predict(fitting_numpy.grey(test.images))
    assert (probabilities.argmax(axis=1) == test.labels).mean() == reading.accuracy


def figures(output: Path) -> list[object]:
    """All that a run measured but times."""
    return [*({**row, "seconds": None} for row in history(output)), summary(output)["test_loss"]]


def test_same_seed_gives_the_same_figures_and_another_seed_others(
    finished: Path, tiny_npz: Path, tmp_path: Path
) -> None:
    common = ("--epochs", "2", "--learning-rate", "0.004", "--quiet")
    assert train(tiny_npz, tmp_path / "again", *common) == 0
    assert train(tiny_npz, tmp_path / "other", *common, "--seed", "1") == 0
    assert figures(tmp_path / "again") == figures(finished)
    assert figures(tmp_path / "other") != figures(finished)


def test_test_digits_are_read_once_and_last(tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    read = fitting_numpy.read
    monkeypatch.setattr(
        fitting_numpy, "read", lambda network, digits: calls.append(len(digits)) or read(network, digits)
    )
    assert train(tiny_npz, tmp_path / "out", "--epochs", "2", "--quiet") == 0
    assert calls == [40, 40, 150]


def test_report_of_a_run(tiny_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(tiny_npz, tmp_path / "out", "--epochs", "1", "--batch-size", "100000") == 0
    out, err = capfd.readouterr()
    assert err == ""
    said = ["device", "data", "recipe", *["layer"] * 4, "model", "epoch 1", "test", "time", "results"]
    assert [line[:10].rstrip() for line in out.splitlines()] == said
    assert f"data      {tiny_npz}: 440 training, 40 validation, 150 test images\n" in out
    assert "recipe    numpy: 1 epoch, batches of 100000, seed 0\n" in out
    assert "layer     3 conv         24 x 8 x 3 x 3       1,752 parameters\n" in out


def test_not_a_word_if_quiet(tiny_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(tiny_npz, tmp_path / "out", "--epochs", "1", "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_lost_loss_ends_the_run_with_one_line(
    tiny_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny_npz, tmp_path / "out", "--learning-rate", "1e30", "--quiet") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("train_numpy.py: error: the loss is ")
    assert err.endswith(" of the epoch: is the learning rate too high?\n")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_interrupt_leaves_nothing(
    tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting_numpy, "read", interrupted)
    assert train(tiny_npz, tmp_path / "out", "--epochs", "1", "--quiet") == 130
    assert capfd.readouterr() == ("", "train_numpy.py: interrupted; no results were written\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs -1", "argument --epochs: expected an integer from 1 up, got -1"),
        ("--learning-rate 0", "argument --learning-rate: expected a number above 0, got 0"),
        ("--learning-rate inf", "argument --learning-rate: expected a number above 0, got inf"),
        ("--learning-rate fast", "argument --learning-rate: expected a number above 0, got 'fast'"),
        ("--recipe fast", "unrecognized arguments: --recipe fast"),
        ("--data missing", "missing: expected a folder of IDX files or an .npz file, found neither"),
        ("--data file", "file: expected an .npz archive of plain arrays: File is not a zip file"),
        ("--output file", "--output file: expected a folder that can be written to: "),
    ],
)
def test_bad_input_is_told_in_one_line_before_anything_happens(
    arguments: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def started(*_: object) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr(fitting_numpy, "build", started)
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    assert main(arguments.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"train_numpy.py: error: {message}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_defaults_and_what_overrides_them() -> None:
    options = parse([])
    assert (options.recipe, options.seed, options.data, options.quiet) == (RECIPE, 0, None, False)
    assert options.output == Path("runs/numpy-seed0")
    given = parse(["--seed", "3", "--epochs", "1", "--batch-size", "7", "--learning-rate", "0.5", "--quiet"])
    assert (given.seed, given.recipe.epochs, given.recipe.batch_size, given.quiet) == (3, 1, 7, True)
    assert given.recipe.optimizer == dataclasses.replace(RECIPE.optimizer, learning_rate=0.5)
    assert given.output == Path("runs/numpy-seed3")
    with pytest.raises(UsageError, match="expected an integer from 0 to 4294967295"):
        parse(["--seed", "-1"])


def test_help_names_every_option_and_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    options = ["--seed", "--epochs", "--batch-size", "--learning-rate", "--data", "--output", "--quiet", "--help"]
    for word in [*options, *FILES, "runs/numpy-seedN", "80,178", MEASURED]:
        assert word in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("start", [[str(TRAIN)], ["-m", "training.train_numpy"]], ids=["file", "module"])
def test_it_runs_where_there_is_no_tensorflow_from_any_directory(
    start: list[str], tiny_npz: Path, tmp_path: Path
) -> None:
    for package in ("tensorflow", "keras", "matplotlib", "sympy"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [sys.executable, *start, "--data", str(tiny_npz), "--epochs", "1", "--output", str(tmp_path / "out")],
        cwd=TRAIN.parents[1] if start[0] == "-m" else tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_a_network_of_any_recipe_is_built() -> None:
    network = Network(convolutions=(Convolution(3, 4, "same"), Convolution(5, 3)), dense=7, dropout=0.25)
    built = fitting_numpy.build(network, np.random.default_rng(0), np.float64)
    names = ["Conv", "MaxPool", "Activation"] * 2 + ["Flatten", "Dense", "Activation", "Dropout", "Dense"]
    assert [type(layer).__name__ for layer in built.layers] == names
    shapes = [(3, 1, 4, 4), (3,), (5, 3, 3, 3), (5,), (7, 5 * 6 * 6), (7,), (10, 7), (10,)]
    assert [array.shape for array in built.parameters.values()] == shapes
    images = np.zeros((2, 28, 28), np.uint8)
    assert built.forward(fitting_numpy.grey(images)).shape == (2, 10)


def test_reading_is_the_mean_over_all_digits(mnist: data.Dataset) -> None:
    """With a last portion that is smaller than the others."""
    network = fitting_numpy.build(RECIPES["fast"].network, np.random.default_rng(0))
    digits = mnist.test.take(np.arange(510))
    logits = np.concatenate(
        [network.forward(fitting_numpy.grey(digits.images[part])) for part in (slice(500), slice(500, None))]
    )
    losses = softmax_cross_entropy(logits, digits.labels).astype(float)
    reading = fitting_numpy.read(network, digits)
    assert reading.accuracy == (logits.argmax(axis=1) == digits.labels).mean()
    assert reading.loss == (losses[:500].sum() + losses[500:].sum()) / 510


def test_recipe_is_named_for_its_folder() -> None:
    assert options_numpy.RECIPE.name == "numpy"
    assert options_numpy.RECIPE.name not in RECIPES
