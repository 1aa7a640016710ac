"""The backend is found, started quietly, and put on GPUs if it sees any; what is missing is told."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from training import startup
from training.backends import Machine
from training.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow, by default; what a start sets is undone."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)


@pytest.mark.parametrize(
    ("backend", "package"),
    [("tensorflow", "tensorflow"), ("tensorflow", "keras"), ("tensorflow", "matplotlib"), ("jax", "jax")],
)
def test_missing_package_is_told_with_the_line_that_installs_it(
    backend: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(UsageError) as caught:
        startup.require_packages()
    extra = {"tensorflow": "train", "jax": "train-jax"}[backend]
    assert str(caught.value) == (
        f"training needs {package}, which is not installed; to install it: sh .ci/setup {extra} (in a clone), or pip "
        f"install with the extra `{extra}`"
    )


def test_an_unknown_backend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(UsageError) as caught:
        startup.require_packages()
    assert str(caught.value) == "KERAS_BACKEND: expected tensorflow or jax, got 'torch'"


def test_several_workers_with_jax_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}')
    with pytest.raises(UsageError) as caught:
        startup.require_packages()
    assert str(caught.value) == "TF_CONFIG: expected several workers with TensorFlow alone, got jax"


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
    assert startup.start() == Machine("CPU with 3 cores")


Given = dict[str, Any]


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> Given:
    """TensorFlow sees two of them; what it is told of them."""
    gpus, told = [SimpleNamespace(name="gpu:0"), SimpleNamespace(name="gpu:1")], {"growing": []}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda used, _: told.update(used=[gpu.name for gpu in used]))
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: told["growing"].append((gpu.name, on)))
    monkeypatch.setattr(experimental, "get_device_details", lambda gpu: {"device_name": f"Card of {gpu.name}"})
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "mirrored")
    return told


def test_gpus_share_the_batch_and_their_memory_grows(two_gpus: Given) -> None:
    assert startup.start() == Machine("2 GPUs: Card of gpu:0, Card of gpu:1", "mirrored", 2)
    assert two_gpus == {"growing": [("gpu:0", True), ("gpu:1", True)]}


def test_one_gpu_is_used_if_that_is_what_is_wanted(two_gpus: Given) -> None:
    assert startup.start(1, require_gpu=True) == Machine("GPU: Card of gpu:0")
    assert two_gpus["used"] == ["gpu:0"]


def test_more_devices_than_there_are_is_told(two_gpus: Given) -> None:
    with pytest.raises(UsageError) as caught:
        startup.start(3)
    assert str(caught.value) == "--devices: expected at most the 2 GPUs that TensorFlow sees, got 3"
    assert two_gpus == {"growing": []}


def test_no_gpu_where_one_is_required_is_told_with_tensorflows_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    said = """\
I0000 00:00:1795620259.70422   14564 port.cc:153] oneDNN custom operations are on.
I0000 00:00:1795620259.7   14564 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.
2025-01-01 10:00:00.123456: W tensorflow/core/gpu_device.cc:2344] Cannot dlopen some GPU libraries.
2025-01-01 10:00:00.123457: W tensorflow/core/gpu_device.cc:2344] Cannot dlopen some GPU libraries.
"""
    done = SimpleNamespace(stdout='{"version": "2", "gpus": [], "built": {}}\n', stderr=said, returncode=0)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(UsageError) as caught:
        startup.start(require_gpu=True)
    assert str(caught.value) == (
        "--require-gpu: TensorFlow sees no GPU: Could not find cuda drivers on your machine, GPU will not be used; "
        "Cannot dlopen some GPU libraries; to install what it needs: sh .ci/setup gpu (in a clone), or pip install "
        "with the extra `gpu`"
    )


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_run_that_requires_a_gpu_ends_in_one_line_where_there_is_none(backend: str, tmp_path: Path) -> None:
    status, out, err = run(backend, "--require-gpu", "--output", str(tmp_path / "out"))
    name = {"tensorflow": "TensorFlow", "jax": "JAX"}[backend]
    assert err.startswith(f"train.py: error: --require-gpu: {name} sees no GPU: ")
    assert re.search("; to install what it needs: .*(gpu|cuda)", err)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


def run(backend: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """`train.py` with these arguments: its status, and what it said."""
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "training" / "train.py"), *arguments],
        env={**quiet, "KERAS_BACKEND": backend, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


def test_operations_are_deterministic_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append("enabled"))
    startup.start()
    assert calls == []
    startup.start(deterministic=True)
    assert calls == ["enabled"]


def messages(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, fail: bool) -> str:
    """What reaches stderr of a start that writes to its file descriptor, as TensorFlow's libraries do."""
    noise = [b"noise\n"]

    def list_devices(kind: str) -> list[object]:
        if noise:
            os.write(2, noise.pop())
        if fail:
            raise ImportError("no such library")
        return []

    monkeypatch.setattr(tf.config, "list_physical_devices", list_devices)
    if fail:
        with pytest.raises(UsageError, match="no such library"):
            startup.start()
    else:
        startup.start()
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
