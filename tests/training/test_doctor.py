"""The doctor tells what is here to train with and what is missing, whatever is not installed or broken."""

import os
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from tests.training.test_startup import ROOT, run
from training import doctor, probes, startup

WORKS = {"version": "1.2.3", "gpus": [], "built": {}, "said": ["no cuda driver"]}
CARD = {"version": "1.2.3", "gpus": ["Card"], "built": {"cuda_version": "12.5", "cudnn_version": "9"}, "said": []}
BROKEN = {"version": None, "gpus": [], "built": {}, "said": [], "failed": "libfoo.so.1: cannot open"}


def examined(monkeypatch: pytest.MonkeyPatch, *, absent: str = "", **asked: object) -> tuple[int, list[str]]:
    """Status and lines, where `absent` is not installed and backends say what was `asked`."""
    find = metadata.version

    def version(package: str) -> str:
        if package == absent:
            raise metadata.PackageNotFoundError(package)
        return find(package)

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(startup.importlib.util, "find_spec", lambda name: None if name == absent else object())
    monkeypatch.setattr(probes, "ask", lambda backend: asked.get(backend, WORKS))
    lines: list[str] = []
    status = doctor.examine(lambda heading, text: lines.append(f"{heading}: {text}"))
    return status, lines


def test_what_is_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    status, lines = examined(monkeypatch, tensorflow=CARD)
    assert status == 0
    assert f"numpy: {np.__version__}" in lines
    place = lines.index("tensorflow: 1.2.3, built for cuda 12.5, cudnn 9")
    assert lines[place + 1] == ": GPUs: Card"
    place = lines.index("jax: 1.2.3")
    assert lines[place + 1] == ": no GPU: no cuda driver; for one: pip install 'jax[cuda12]'"
    assert lines[-1] == "verdict: training can run, with KERAS_BACKEND=tensorflow"


@pytest.mark.parametrize("package", ["tensorflow", "keras", "matplotlib"])
def test_what_is_not_installed_is_told_with_the_line_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, lines = examined(monkeypatch, absent=package)
    assert status == 2
    missing = f"missing: training needs {package}, which is not installed; to install it: sh .ci/setup train (in a"
    assert [line.startswith(missing) for line in lines if line.startswith("missing")] == [True]
    assert lines[-1] == "verdict: training cannot run"


def test_what_cannot_be_imported_is_told_with_its_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    status, lines = examined(monkeypatch, tensorflow=BROKEN)
    assert status == 2
    assert "missing: tensorflow is installed but cannot be imported: libfoo.so.1: cannot open" in lines


def test_a_backend_that_is_not_chosen_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    status, lines = examined(monkeypatch, absent="jax")
    assert status == 0
    assert any(line.startswith("jax: not installed; to install it: ") for line in lines)


def test_a_backend_that_is_not_chosen_may_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    status, lines = examined(monkeypatch, jax=BROKEN)
    assert status == 0
    assert any(line.endswith("cannot be imported: libfoo.so.1: cannot open") for line in lines)


def test_the_command_tells_the_real_versions() -> None:
    status, out, err = run("tensorflow", "--doctor")
    assert (status, err) == (0, "")
    assert re.search(rf"^tensorflow +{re.escape(metadata.version('tensorflow'))}", out, re.MULTILINE)
    assert out.splitlines()[-1].split(maxsplit=1) == ["verdict", "training can run, with KERAS_BACKEND=tensorflow"]


def test_the_command_survives_a_backend_that_crashes(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os\nos.abort()\n")
    status, out, err = run("tensorflow", "--doctor", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert (status, err) == (2, "")
    assert "tensorflow is installed but cannot be imported: " in out
