"""TensorFlow is found, started quietly, and put on a GPU if it sees one; what is missing is told."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from training import startup
from training.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", ["tensorflow", "keras", "matplotlib"])
def test_missing_package_is_told_with_the_line_that_installs_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(UsageError) as caught:
        startup.require_packages()
    assert str(caught.value) == (
        f"training needs {package}, which is not installed; to install it: sh .ci/setup train (in a clone), or pip "
        "install with the extra `train`"
    )


def test_broken_tensorflow_is_told_with_its_own_reason(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    code = "import sys; from training.train import main; sys.exit(main(['--output', sys.argv[1]]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == (
        "train.py: error: TensorFlow is installed but cannot be imported: libfoo.so.1: cannot open shared object file\n"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert not (tmp_path / "out").exists()


def test_cpu_is_named_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert startup.start_tensorflow() == "CPU with 3 cores"


def test_gpu_is_named_and_its_memory_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus, growing = [SimpleNamespace(name="gpu:0"), SimpleNamespace(name="gpu:1")], []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else [])
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: growing.append((gpu.name, on)))
    monkeypatch.setattr(experimental, "get_device_details", lambda gpu: {"device_name": f"Card of {gpu.name}"})
    assert startup.start_tensorflow() == "GPU: Card of gpu:0"
    assert growing == [("gpu:0", True), ("gpu:1", True)]


def test_operations_are_deterministic_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append("enabled"))
    startup.start_tensorflow()
    assert calls == []
    startup.start_tensorflow(deterministic=True)
    assert calls == ["enabled"]


def messages(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, fail: bool) -> str:
    """What reaches stderr of a start that writes to its file descriptor, as TensorFlow's libraries do."""

    def list_devices(kind: str) -> list[object]:
        os.write(2, b"noise\n")
        if fail:
            raise ImportError("no such library")
        return []

    monkeypatch.setattr(tf.config, "list_physical_devices", list_devices)
    if fail:
        with pytest.raises(UsageError, match="no such library"):
            startup.start_tensorflow()
    else:
        startup.start_tensorflow()
    os.write(2, b"after\n")
    return capfd.readouterr().err


def test_messages_are_held_back(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert messages(monkeypatch, capfd, fail=False) == "after\n"


def test_messages_are_shown_if_the_start_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert messages(monkeypatch, capfd, fail=True) == "noise\nafter\n"


def test_messages_are_shown_if_asked_for(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert messages(monkeypatch, capfd, fail=False) == "noise\nafter\n"
