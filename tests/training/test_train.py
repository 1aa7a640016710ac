"""Short real trainings, through the command line: what they reach, what they leave, and how they fail."""

import csv
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from training import data, precision, startup
from training.course import Portion
from training.loop import Loop
from training.reading import Reader
from training.recipes import RECIPES
from training.train import main

TRAIN = Path(__file__).resolve().parents[2] / "training" / "train.py"
# Keras copies weights with `np.array(variable)`, at which NumPy 2 warns: TensorFlow's variables know no `copy`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PICTURES = ["calibration.png", "confusion.png", "curves.png", "kernels.png", "misread.png"]
FILES = sorted([*PICTURES, "history.csv", "model.keras", "summary.json", "tensorboard"])


def train(small_npz: Path, output: Path, *arguments: str) -> int:
    few = ["--batch-size", "64", "--no-certify"]  # tests/training/test_certification.py has the kernels
    return main(["--data", str(small_npz), "--output", str(output), *few, *arguments])


def summary(output: Path) -> dict[str, object]:
    return json.loads((output / "summary.json").read_text(encoding="utf-8"))


def history(output: Path) -> list[dict[str, str]]:
    with (output / "history.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a training of five epochs on 3,300 digits."""
    output = tmp_path_factory.mktemp("runs") / "finished"
    assert train(small_npz, output, "--epochs", "5", "--quiet") == 0
    return output


def test_every_file_is_there_and_no_other(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == FILES
    assert [path.name for path in finished.parent.iterdir()] == ["finished"]


def test_digits_are_learnt(finished: Path) -> None:
    assert summary(finished)["test_accuracy"] > 0.93
    assert summary(finished)["validation_accuracy"] > 0.93


def test_summary_says_all_that_decided_the_run(finished: Path, small_npz: Path) -> None:
    said = summary(finished)
    resolved = precision.resolve("auto")
    recipe = dataclasses.replace(RECIPES["fast"], epochs=5, batch_size=64, precision=resolved)
    assert said["recipe"] == json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert said["seed"] == 0
    assert said["data"] == {"source": str(small_npz), "sha256": dict(data.load(small_npz).digests)}
    assert said["parameters"] == 416 + 4_640 + 205_056 + 2_570
    assert set(said["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    assert said["versions"]["numpy"] == np.__version__
    assert said["device"].startswith(("CPU with ", "GPU: "))
    assert 0 < said["seconds_train"] < said["seconds_total"]
    assert 0 < said["seconds_compile"] < said["seconds_total"]
    assert 0 < said["test_loss"] < 1


def test_history_has_a_row_for_each_epoch(finished: Path) -> None:
    rows = history(finished)
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate"]
    assert [list(row) for row in rows] == [columns] * 5
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert float(rows[-1]["val_accuracy"]) == summary(finished)["validation_accuracy"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert all(float(row["seconds"]) > 0 for row in rows)


def test_saved_model_reads_the_test_digits_as_reported(finished: Path, small_npz: Path) -> None:
    model, test = keras.models.load_model(finished / "model.keras"), data.load(small_npz).test
    right = model.predict(test.images, verbose=0).argmax(axis=1) == test.labels
    assert right.mean() == summary(finished)["test_accuracy"]
    reader = Reader(RECIPES["fast"].network)
    reader.take(model.get_weights())
    assert reader.read(test).loss == summary(finished)["test_loss"]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_can_be_read(finished: Path, name: str) -> None:
    assert min(imread(finished / name).shape[:2]) > 300


def figures(output: Path) -> list[object]:
    """All that a run measured but times."""
    return [*({**row, "seconds": None} for row in history(output)), summary(output)["test_loss"]]


def test_same_seed_gives_the_same_figures_and_another_seed_others(
    finished: Path, small_npz: Path, tmp_path: Path
) -> None:
    assert train(small_npz, tmp_path / "again", "--epochs", "5", "--quiet") == 0
    assert train(small_npz, tmp_path / "other", "--epochs", "5", "--quiet", "--seed", "1") == 0
    assert figures(tmp_path / "other") != figures(finished)
    if not summary(finished)["device"].startswith("GPU"):  # there, sums are added up in any order
        assert figures(tmp_path / "again") == figures(finished)


def test_test_digits_are_read_once_after_the_last_step(
    small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int]] = []
    read, run = Reader.read, Loop.run

    def watched_read(reader: Reader, digits: data.Digits, **options: bool) -> object:
        calls.append(("read", len(digits)))
        return read(reader, digits, **options)

    def watched_run(loop: Loop, portion: Portion) -> object:
        calls.append(("steps", len(portion.order)))
        return run(loop, portion)

    monkeypatch.setattr(Reader, "read", watched_read)
    monkeypatch.setattr(Loop, "run", watched_run)
    assert train(small_npz, tmp_path / "out", "--epochs", "2", "--chunk", "30", "--quiet") == 0
    epoch = [("steps", 30), ("steps", 21), ("read", 300)]  # 51 steps of 64 of 3,300 images
    assert calls == [("steps", 1), *epoch, *epoch, ("read", 500)]  # the first is undone: it compiles


def test_without_validation_all_images_are_trained_on(small_npz: Path, tmp_path: Path) -> None:
    assert train(small_npz, tmp_path / "out", "--no-validate", "--batch-size", "3600", "--quiet") == 0
    assert summary(tmp_path / "out")["validation_accuracy"] is None
    assert set(history(tmp_path / "out")[0]) == {"epoch", "loss", "accuracy", "seconds", "learning_rate"}


def test_several_seeds_are_trained_and_told_together(
    small_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(small_npz, tmp_path / "out", "--seeds", "2", "--seed", "3", "--batch-size", "500") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["seed3", "seed4", "seeds.json"]
    each = [summary(tmp_path / "out" / name) for name in ("seed3", "seed4")]
    assert [one["seed"] for one in each] == [3, 4]
    together = json.loads((tmp_path / "out" / "seeds.json").read_text(encoding="utf-8"))
    assert together["test_accuracy"]["mean"] == (each[0]["test_accuracy"] + each[1]["test_accuracy"]) / 2
    said = f"seeds     2: accuracy {together['test_accuracy']['mean']:.3%}, standard deviation "
    assert said in capfd.readouterr().out
    assert train(small_npz, tmp_path / "alone", "--seed", "4", "--batch-size", "500", "--quiet") == 0
    assert figures(tmp_path / "alone") == figures(tmp_path / "out" / "seed4")


def test_patience_is_told_with_the_epoch_whose_weights_were_kept(small_npz: Path, tmp_path: Path) -> None:
    """A rate at which nothing gets better."""
    assert train(small_npz, tmp_path, "--patience", "1", "--epochs", "9", "--learning-rate", "1e-12", "--quiet") == 0
    said, rows = summary(tmp_path), history(tmp_path)
    assert 2 <= len(rows) < 9
    best = rows[int(said["epoch"]) - 1]
    assert said["validation_accuracy"] == float(best["val_accuracy"])
    assert float(best["val_loss"]) == min(float(row["val_loss"]) for row in rows)


def test_shifted_reading_is_reported_on_its_own(
    small_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(small_npz, tmp_path / "with", "--test-time-shifts") == 0
    assert train(small_npz, tmp_path / "without", "--quiet") == 0
    shifted = summary(tmp_path / "with").pop("test_accuracy_shifts")
    assert f"shifted   accuracy {shifted:.2%}, each test image read at nine places\n" in capfd.readouterr().out
    assert summary(tmp_path / "with")["test_accuracy"] == summary(tmp_path / "without")["test_accuracy"]
    assert "test_accuracy_shifts" not in summary(tmp_path / "without")


def test_batch_larger_than_the_data_and_not_a_word_if_quiet(
    small_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(small_npz, tmp_path / "out", "--epochs", "1", "--batch-size", "100000", "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_lost_loss_ends_the_run_with_one_line(
    small_npz: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(small_npz, tmp_path / "out", "--quiet", "--learning-rate", "1e38") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("train.py: error: the loss is ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs -1", "argument --epochs: expected an integer from 1 up, got -1"),
        ("--recipe x", "argument --recipe: invalid choice: 'x'"),
        ("--data missing", "missing: expected a folder of IDX files or an .npz file, found neither"),
        ("--data file", "file: expected an .npz archive of plain arrays: File is not a zip file"),
        ("--data .", ".: expected one of train-images-idx3-ubyte, "),
        ("--output file", "--output file: expected a folder that can be written to: "),
        ("--output file/sub", "--output file/sub: expected a folder that can be written to: "),
    ],
)
def test_bad_input_is_told_in_one_line_before_anything_happens(
    arguments: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def started(**_: object) -> str:
        raise AssertionError("TensorFlow was started")

    monkeypatch.setattr(startup, "start", started)
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    assert main(arguments.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"train.py: error: {message}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def script(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """`python training/train.py ...`, run as a file from another directory, as a user would."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(
        [sys.executable, str(TRAIN), *arguments],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("start", [[str(TRAIN)], ["-m", "training.train"]], ids=["file", "module"])
def test_both_ways_to_start_tell_bad_input_in_one_line(start: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *start, "--epochs", "0"],
        cwd=TRAIN.parents[1] if start[0] == "-m" else tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    message = "train.py: error: argument --epochs: expected an integer from 1 up, got 0\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def headings(lines: Sequence[str]) -> list[str]:
    return [line[:10].rstrip() for line in lines]


def test_script_runs_from_any_directory_with_a_clean_report(small_npz: Path, tmp_path: Path) -> None:
    process = script(tmp_path, "--data", str(small_npz), "--epochs", "2")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    said = [
        "device",
        "kernels",
        "data",
        "recipe",
        *["layer"] * 4,
        "model",
        "epoch 1",
        "epoch 2",
        "test",
        "exports",
        "time",
        "results",
    ]
    assert headings(out.splitlines()) == said
    assert f"data      {small_npz}: 3,300 training, 300 validation, 500 test images\n" in out
    assert "layer     convolution_1   24 x 24 x 16         416 parameters\n" in out
    assert out.splitlines()[-1] == f"results   {Path('runs/fast-seed0')}"
    assert sorted(path.name for path in (tmp_path / "runs" / "fast-seed0").iterdir()) == FILES


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGINT to one process")
def test_interrupt_ends_the_script_with_one_line(small_npz: Path, tmp_path: Path) -> None:
    process = script(tmp_path, "--data", str(small_npz), "--epochs", "1000", "--no-certify")
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("epoch 2"):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    found = re.fullmatch(r"train.py: interrupted; --resume continues after step (\d+) of 12000\n", err)
    assert found is not None, err
    assert process.returncode == 130
    assert [path.name for path in (tmp_path / "runs" / "fast-seed0").iterdir()] == ["checkpoint.npz"]
    assert 24 <= int(found[1]) < 12000  # 12 steps of 256 of 3,300 images in an epoch


def test_a_report_that_nobody_reads_ends_in_one_line(small_npz: Path, tmp_path: Path) -> None:
    process = script(tmp_path, "--data", str(small_npz), "--epochs", "1", "--no-certify")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=120) == 1
    assert err == "train.py: the report could not be written: nobody reads it\n"
    assert list(tmp_path.iterdir()) == []
