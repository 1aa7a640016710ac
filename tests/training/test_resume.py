"""Killed, stopped, run twice: the script itself ends with the same bits as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TRAIN = Path(__file__).resolve().parents[2] / "training" / "train.py"
STEPS = 3 * 206  # of 16 of 3,300 images

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def script(small_npz: Path, output: Path, *arguments: str) -> subprocess.Popen[str]:
    """A deterministic training with all that has a state, which keeps a checkpoint every third step."""
    recipe = "--convolutions 8x5/2,8x3/2 --normalise yes --dropout 0.2 --ema 0.9 --shift 1 --epochs 3 --batch-size 16"
    ways = "--no-certify --deterministic --patience 3 --chunk 3 --checkpoint 0"
    paths = ["--data", str(small_npz), "--output", str(output)]
    command = [sys.executable, str(TRAIN), *recipe.split(), *ways.split(), *paths, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    return out


def bits(output: Path) -> list[object]:
    """All that came out, but times."""
    said = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    names = (output / "history.csv").read_text(encoding="utf-8").splitlines()
    column = names[0].split(",").index("seconds")
    rows = [[cell for place, cell in enumerate(row.split(",")) if place != column] for row in names]
    return [said["weights_sha256"], said["test_loss"], said["test_accuracy"], rows]


def stopped(small_npz: Path, output: Path, number: signal.Signals) -> tuple[subprocess.Popen[str], str]:
    """A training that got that signal when its first checkpoint was there; what it said on stderr."""
    process, limit = script(small_npz, output), time.monotonic() + 300
    while not (output / "checkpoint.npz").exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(number)
    return process, process.communicate(timeout=300)[1]


@pytest.fixture(scope="module")
def uninterrupted(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "whole"
    finish(script(small_npz, output))
    return output


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_training_goes_on_to_the_same_bits(
    number: signal.Signals, small_npz: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    process, err = stopped(small_npz, output, number)
    with np.load(output / "checkpoint.npz") as kept:
        step = json.loads(kept["header"].tobytes())["progress"]["step"]
    assert 0 < step < STEPS  # in mid-epoch, unless the machine is asleep
    if number == signal.SIGTERM:
        assert process.returncode == 143
        assert err == f"train.py: interrupted; --resume continues after step {step} of {STEPS}\n"
        assert [path.name for path in output.iterdir()] == ["checkpoint.npz"]
    else:
        assert process.returncode == -signal.SIGKILL
    assert f"resume    after step {step} of {STEPS}\n" in finish(script(small_npz, output, "--resume"))
    assert bits(output) == bits(uninterrupted)
    assert not (output / "checkpoint.npz").exists()


def test_two_deterministic_runs_have_the_same_bits(small_npz: Path, uninterrupted: Path, tmp_path: Path) -> None:
    """With --resume and nothing there it starts from the start."""
    out = finish(script(small_npz, tmp_path / "again", "--resume"))
    assert "resume    no checkpoint: from the start\n" in out
    assert bits(tmp_path / "again") == bits(uninterrupted)
