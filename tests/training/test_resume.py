"""Killed anywhere, or run twice: the script itself ends with the same bits as if nothing had happened."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.training.conftest import written
from training import data
from training.checkpoint import NAME, read

ROOT = Path(__file__).resolve().parents[2]
STEPS = 68  # of 16 of 1,100 images, in each of three epochs

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

KILLED = """
import io, os, signal, sys

import numpy as np

sys.path.insert(0, sys.argv.pop(1))
place = sys.argv.pop(1)
from training import publish
from training.train import main

whole, calls = np.savez, []

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def half(file, **arrays):
    calls.append(arrays)
    if place == "checkpoint" and len(calls) == 30:
        content = io.BytesIO()
        whole(content, **arrays)
        file.write(content.getvalue()[: len(content.getvalue()) // 2])
        file.flush()
        kill()
    whole(file, **arrays)
    if place == "steps" and len(calls) == 30:
        from training.loop import Loop

        run = Loop.run
        Loop.run = lambda loop, portion: (run(loop, first(portion)), kill())

def first(portion):
    names = ("order", "warps", "rates", "decays")
    return type(portion)(*(getattr(portion, name)[:1] for name in names))

def summary(path, _):
    path.write_text("{")
    kill()

np.savez = half
if place == "results":
    publish.write_summary = summary
main(sys.argv[1:])
"""
"""A training that is killed: in the second of three steps of a chunk, in a checkpoint, or in its last file."""


@pytest.fixture(scope="module")
def digits(mnist: data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("digits") / "digits.npz", mnist, 1200, 100)


def script(start: list[str], digits: Path, output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A deterministic training with all that has a state, which keeps a checkpoint every third step."""
    recipe = "--convolutions 8x5/2,8x3/2 --normalise yes --dropout 0.2 --ema 0.9 --shift 1 --epochs 3 --batch-size 16"
    ways = "--no-certify --deterministic --patience 3 --chunk 3 --checkpoint 0"
    paths = ["--data", str(digits), "--output", str(output)]
    command = [sys.executable, *start, *recipe.split(), *ways.split(), *paths, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def finish(digits: Path, output: Path, *arguments: str) -> str:
    done = script([str(ROOT / "training" / "train.py")], digits, output, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def bits(output: Path) -> dict[str, object]:
    """All that came out but times, and two things that Keras puts into a model: its date, places in memory."""
    found: dict[str, object] = {}
    with zipfile.ZipFile(output / "model.keras") as model:
        config = model.read("config.json").decode()
        found["weights"] = model.read("model.weights.h5")
    found["config"] = re.sub(r'"shared_object_id": \d+', "", config)  # places in memory
    rows = [row.split(",") for row in (output / "history.csv").read_text(encoding="utf-8").splitlines()]
    seconds = rows[0].index("seconds")
    found["history.csv"] = [row[:seconds] + row[seconds + 1 :] for row in rows]
    said = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    found["summary.json"] = {name: value for name, value in said.items() if not name.startswith("seconds_")}
    found |= {path.name: path.read_bytes() for path in output.glob("*.png")}
    return found


@pytest.fixture(scope="module")
def uninterrupted(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "whole"
    finish(digits, output)
    return output


@pytest.mark.parametrize(
    ("place", "step"),
    [("steps", STEPS + 7 * 3), ("checkpoint", STEPS + 6 * 3), ("results", 3 * STEPS)],
)
def test_a_killed_training_goes_on_to_the_same_bits(
    place: str, step: int, digits: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """An epoch is 22 chunks of three steps and one of two: 30 chunks are the first epoch and seven chunks."""
    output = tmp_path / "out"
    killed = script(["-c", KILLED, str(ROOT), place], digits, output)
    assert (killed.returncode, killed.stderr) == (-9, "")
    assert read(output / NAME).progress["step"] == step
    assert not (output / "summary.json").exists()
    assert f"resume    after step {step} of {3 * STEPS}\n" in finish(digits, output, "--resume")
    assert bits(output) == bits(uninterrupted)
    assert sorted(path.name for path in output.iterdir()) == sorted(path.name for path in uninterrupted.iterdir())


def test_two_deterministic_runs_have_the_same_bits(digits: Path, uninterrupted: Path, tmp_path: Path) -> None:
    """With --resume and nothing there it starts from the start."""
    out = finish(digits, tmp_path / "again", "--resume")
    assert "resume    no checkpoint: from the start\n" in out
    assert bits(tmp_path / "again") == bits(uninterrupted)
