"""Ctrl-C and SIGTERM at any moment: one line, the shell's status, and a folder that can be gone on with."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training import certification, checkpoint, data, models, plots, publish, signals, startup
from training.command import exit_status
from training.loop import Loop
from training.reading import Reader
from training.train import main

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
NOTHING = "no results were written"
LAST_STEP = "--resume continues after step 10 of 10"


def struck(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int, number: int = signal.SIGINT) -> None:
    """Have that `call` of a function, counted from 1, begin with a signal to this process."""
    function, calls = getattr(owner, name), []

    def strike(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), number)
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, strike)


def train(digits: Path, output: Path, *arguments: str) -> int:
    """Two epochs of five steps of 64 of 330 images, in chunks of three and two."""
    ways = "--convolutions 4x5/2 --dense 8 --batch-size 64 --epochs 2 --chunk 3 --quiet --precision float32"
    return main(["--data", str(digits), "--output", str(output), *ways.split(), *arguments])


def digest(output: Path) -> str:
    return json.loads((output / "summary.json").read_text(encoding="utf-8"))["weights_sha256"]


@pytest.fixture(scope="module")
def uninterrupted(tiny_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "whole"
    assert train(tiny_npz, output, "--no-certify") == 0
    return output


SIGINT, SIGTERM = signal.SIGINT, signal.SIGTERM
PLACES: dict[str, tuple[Any, str, int, str, int]] = {
    "data": (data, "load", 1, NOTHING, SIGTERM),
    "start": (startup, "start", 1, NOTHING, SIGINT),
    "certification": (certification, "integers", 2, NOTHING, SIGINT),
    "building": (models, "build", 1, NOTHING, SIGINT),
    "compiling": (Loop, "run", 1, NOTHING, SIGTERM),
    "chunk": (Loop, "run", 3, "--resume continues after step 5 of 10", SIGTERM),
    "validation": (Reader, "read", 1, "--resume continues after step 5 of 10", SIGINT),
    "checkpoint": (checkpoint, "write", 1, "--resume continues after step 3 of 10", SIGINT),
    "last chunk": (Loop, "run", 5, LAST_STEP, SIGINT),
    "test": (Reader, "read", 3, LAST_STEP, SIGINT),
    "results": (plots, "kernels", 1, LAST_STEP, SIGTERM),
    "summary": (publish, "write_summary", 1, LAST_STEP, SIGINT),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupted_training_goes_on_to_the_same_weights(
    place: str,
    tiny_npz: Path,
    uninterrupted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    owner, name, call, text, number = PLACES[place]
    certify = "--certify" if place == "certification" else "--no-certify"
    with monkeypatch.context() as patch:
        struck(patch, owner, name, call, number)
        every = "0" if place == "checkpoint" else "3600"
        assert train(tiny_npz, tmp_path / "out", certify, "--checkpoint", every) == 128 + number
    assert capfd.readouterr() == ("", f"train.py: interrupted; {text}\n")
    if text == NOTHING:
        assert list(tmp_path.iterdir()) == []
        return
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoint.npz"]
    assert train(tiny_npz, tmp_path / "out", "--no-certify", "--resume") == 0
    assert digest(tmp_path / "out") == digest(uninterrupted)
    assert not (tmp_path / "out" / "checkpoint.npz").exists()


def test_an_older_result_stays_whole(
    tiny_npz: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()}
    struck(monkeypatch, plots, "misread", 1)
    assert train(tiny_npz, uninterrupted, "--no-certify", "--seed", "1") == 130
    after = {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()}
    assert after.pop(uninterrupted / "checkpoint.npz")
    assert after == before
    (uninterrupted / "checkpoint.npz").unlink()


@pytest.mark.parametrize(
    ("owner", "name", "call", "text", "done"),
    [
        (Loop, "run", 6, "--resume continues with seed 1", ["seed0"]),  # the first of each five compiles
        (Loop, "run", 7, "--resume continues after step 3 of 10", ["seed0", "seed1"]),
    ],
)
def test_finished_seeds_are_not_trained_again(
    owner: Any,
    name: str,
    call: int,
    text: str,
    done: list[str],
    tiny_npz: Path,
    uninterrupted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--no-certify", "--seeds", "2"]
    with monkeypatch.context() as patch:
        struck(patch, owner, name, call)
        assert train(tiny_npz, tmp_path, *arguments) == 130
    assert capfd.readouterr().err == f"train.py: interrupted; {text}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == done
    before = (tmp_path / "seed0" / "summary.json").read_bytes()
    assert train(tiny_npz, tmp_path, *arguments, "--resume") == 0
    assert (tmp_path / "seed0" / "summary.json").read_bytes() == before
    assert digest(tmp_path / "seed0") == digest(uninterrupted)
    assert json.loads((tmp_path / "seeds.json").read_text(encoding="utf-8"))["seeds"] == [0, 1]
    with monkeypatch.context() as patch:  # nothing is left to do, so nothing is built
        patch.setattr(models, "build", None)
        assert train(tiny_npz, tmp_path, *arguments, "--resume") == 0


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def swallowing() -> None:
    """A library that takes an interruption for an error of its own."""
    try:
        interrupt()
    except KeyboardInterrupt:
        raise ImportError("no module") from None


@pytest.mark.parametrize("patient", [False, True])
@pytest.mark.parametrize("action", [interrupt, swallowing])
def test_an_interruption_is_told_as_one(
    action: Callable[[], None], patient: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    def twice() -> None:
        if patient:
            interrupt()
            assert signals.came()
        action()

    assert exit_status("p", twice, patient=patient) == 130
    assert capfd.readouterr() == ("", f"p: interrupted; {NOTHING}\n")


def test_a_safe_place_is_waited_for(capfd: pytest.CaptureFixture[str]) -> None:
    done: list[int] = []

    def action() -> None:
        signals.check("not yet")
        os.kill(os.getpid(), SIGTERM)
        done.append(1)
        signals.check("here")
        done.append(2)

    assert exit_status("p", action, patient=True) == 143
    assert capfd.readouterr() == ("", "p: interrupted; here\n")
    assert done == [1]


def test_the_first_to_say_where_to_go_on_is_heard() -> None:
    for inner, outer, said in [("a", "b", "a"), ("", "b", "b"), ("a", "", "a"), ("", "", "")]:
        with pytest.raises(KeyboardInterrupt) as caught, signals.leading_to(outer):
            raise KeyboardInterrupt(inner)
        assert str(caught.value) == said


def test_handlers_are_what_they_were() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert exit_status("p", lambda: None) == 0
    assert exit_status("p", interrupt) == 130
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_signals_are_left_alone() -> None:
    found: list[object] = []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: exit_status("p", lambda: found.append(signal.getsignal(signal.SIGINT))))
    thread.start()
    thread.join()
    assert found == [before]


def test_ctrl_c_while_tensorflow_is_imported(tiny_npz: Path, tmp_path: Path) -> None:
    """In the script itself, at some moments of its first seconds."""
    command = [sys.executable, str(ROOT / "training" / "train.py"), "--data", str(tiny_npz), "--output", "out"]
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    pipes: dict[str, Any] = {"cwd": tmp_path, "env": quiet, "stderr": subprocess.PIPE, "text": True}
    for seconds in (0.4, 1.5):
        process = subprocess.Popen([*command, "--quiet"], **pipes)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (130, f"train.py: interrupted; {NOTHING}\n")
    assert list(tmp_path.iterdir()) == []
