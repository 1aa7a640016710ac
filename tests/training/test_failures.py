"""What goes wrong is told by the command itself: one line, the status of its help, nothing older lost."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from training import fitting, locks, results, startup
from training.checkpoint import NAME
from training.command import exit_status
from training.errors import DataError, RunError, UsageError
from training.loop import Loop
from training.train import main

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has no limits on the size of files"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
WAYS = ["--dense", "8", "--batch-size", "64", "--no-certify", "--quiet", "--precision", "float32"]


def train(digits: Path, output: Path, *arguments: str) -> int:
    return main(["--data", str(digits), "--output", str(output), *WAYS, *arguments])


def script(
    digits: Path, output: Path, *arguments: str, through: Sequence[str] = (), **options: Any
) -> subprocess.CompletedProcess[str]:
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    paths = ["--data", str(digits), "--output", str(output)]
    command = [*through, sys.executable, str(ROOT / "training" / "train.py"), *paths, *WAYS, *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, **options}
    return subprocess.run(command, env=quiet, stderr=subprocess.PIPE, text=True, check=False, timeout=300, **pipes)


@pytest.fixture(scope="module", autouse=True)
def started() -> None:
    """TensorFlow has said what it says of a machine."""
    startup.start()


def files_up_to(size: int) -> list[str]:
    """Return a command through which another fails, as on a full disk, to write more than that into a file."""
    limits = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    return [sys.executable, "-c", f"import os, resource, sys; {limits}; os.execv(sys.argv[1], sys.argv[1:])"]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The folder of an earlier run."""
    output = tmp_path / "out"
    output.mkdir()
    for name in ("model.keras", "summary.json", "notes.txt"):
        (output / name).write_text("older")
    return output


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != NAME}


OLDER = dict.fromkeys(["model.keras", "summary.json", "notes.txt"], "older")


@pytest.mark.parametrize(
    ("size", "every", "message"),
    [
        (10_000, "0", "cannot write the checkpoint {output}/checkpoint.npz: File too large"),
        (10_000, "3600", "cannot write the results to {output}: "),
    ],
)
def test_a_full_disk(size: int, every: str, message: str, tiny_npz: Path, older: Path) -> None:
    done = script(tiny_npz, older, "--checkpoint", every, through=files_up_to(size))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith(f"train.py: error: {message.format(output=older)}")
    assert content(older) == OLDER
    assert not (older / NAME).exists()


def test_results_that_cannot_be_written_are_not_trained_again(
    tiny_npz: Path, older: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(results, "write", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        assert train(tiny_npz, older) == 1
    said = f"cannot write the results to {older}: [Errno 5] Input/output error; --resume continues after step 5 of 5"
    assert capfd.readouterr() == ("", f"train.py: error: {said}\n")
    assert content(older) == OLDER
    monkeypatch.setattr(Loop, "compile", lambda *_: None)
    monkeypatch.setattr(Loop, "run", None)  # no step is left
    assert train(tiny_npz, older, "--resume") == 0
    assert not (older / NAME).exists()


@pytest.mark.parametrize("epochs", ["1", "3"])
def test_a_lost_loss(epochs: str, tiny_npz: Path, older: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(tiny_npz, older, "--learning-rate", "1e38", "--epochs", epochs) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("train.py: error: the loss is ")
    assert err.endswith(" of the epoch: is the learning rate too high?\n")
    assert content(older) == OLDER


@pytest.mark.parametrize(
    "spoil", [lambda b: b[: len(b) // 2], lambda b: b[:5000] + b"\x00\xff" + b[5002:], lambda _: b""]
)
def test_damaged_data(
    spoil: Callable[[bytes], bytes], tiny_npz: Path, older: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged.npz").write_bytes(spoil(tiny_npz.read_bytes()))
    assert train(tmp_path / "damaged.npz", older) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"train.py: error: {tmp_path / 'damaged.npz'}: expected an .npz archive of plain arrays: ")
    assert content(older) == OLDER


@pytest.mark.parametrize("damaged", ["checkpoint.npz", "summary.json"])
def test_a_damaged_checkpoint_or_summary_is_told_before_any_work(
    damaged: str, tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fitting, "Fit", None)
    (tmp_path / damaged).write_bytes(b"PK\x03\x04")
    assert train(tiny_npz, tmp_path, "--resume", "--certify") == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"train.py: error: {tmp_path / damaged}: expected ")
    assert err.endswith("; without --resume the training starts anew\n")
    assert [path.name for path in tmp_path.iterdir()] == [damaged]


def test_another_training_in_the_folder_is_told_before_any_work(
    tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny_npz, tmp_path) == 0
    monkeypatch.setattr(fitting, "Fit", None)
    assert train(tiny_npz, tmp_path, "--resume", "--certify", "--epochs", "7") == 2
    where = f"--resume: {tmp_path / 'summary.json'} is of another training"
    assert capfd.readouterr() == ("", f"train.py: error: {where}: recipe.epochs is 1 there, 7 here\n")


@pytest.mark.parametrize("name", ["train.py", "train_numpy.py"])
def test_a_folder_where_another_training_writes(name: str, tiny_npz: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "training" / name), "--data", str(tiny_npz), "--output", str(tmp_path)]
    with locks.held(tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    message = f"{name}: error: --output {tmp_path}: expected a folder that no other training is using\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written(tiny_npz: Path, tmp_path: Path) -> None:
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, str(ROOT / "training" / "train.py"), "--data", str(tiny_npz), "--output", "out"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=tmp_path, env=quiet, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=300
        )
    assert (done.returncode, done.stderr) == (1, "train.py: error: [Errno 28] No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_tensorflow(
    tiny_npz: Path, older: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> None:
        text = "Graph execution error:\n\nDetected at node zeros\n\nOOM when allocating\n\t [[{{node zeros}}]] [Op:f]"
        raise tf.errors.ResourceExhaustedError(None, None, text)

    monkeypatch.setattr(Loop, "run", run)
    assert train(tiny_npz, older) == 1
    assert capfd.readouterr() == ("", "train.py: error: TensorFlow failed: OOM when allocating\n")
    assert content(older) == OLDER


def test_many_seeds_are_no_reason_to_warn() -> None:
    """Each traces functions of its own; TensorFlow's Python logger would tell of that from the sixth on: retracing."""
    assert not tf.get_logger().isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UsageError("u"), 2, "error: u"),
        (DataError("d"), 2, "error: d"),
        (RunError("r"), 1, "error: r"),
        (OSError(28, "No space left on device", "f"), 1, "error: [Errno 28] No space left on device: 'f'"),
        (MemoryError("9 GiB"), 1, "error: not enough memory: 9 GiB"),
        (KeyboardInterrupt(), 130, "interrupted; no results were written"),
        (KeyboardInterrupt("go on"), 130, "interrupted; go on"),
    ],
)
def test_every_error_has_its_status(
    error: BaseException, status: int, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    assert exit_status("p", fail) == status
    assert capfd.readouterr() == ("", f"p: {line}\n")


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_status("p", lambda: 1 / 0)


def test_numpy_has_no_part_in_help() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import training.train; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code, str(ROOT)], check=False).returncode == 0
    assert np.__version__  # which this process has
