"""Only the same training goes on from what is there; a finished one is not done again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training import checkpoint, data, earlier, publish
from training.checkpoint import Checkpoint
from training.data import Dataset
from training.earlier import find, identity
from training.errors import DataError, UsageError
from training.options import Options, parse

NONE = data.Digits(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
DIGITS = Dataset(NONE, NONE, "somewhere", {"a.npz": "12ab"})
PROGRESS = {"step": 4, "rows": [], "losses": [], "right": [], "seconds": 0.0}


def options(folder: Path, arguments: str = "") -> Options:
    return parse(["--resume", "--output", str(folder), "--precision", "float32", *arguments.split()])


def kept(folder: Path, of: dict[str, Any]) -> Path:
    checkpoint.write(folder / checkpoint.NAME, Checkpoint(of, PROGRESS, {"model/0": np.arange(3)}, []))
    return folder / checkpoint.NAME


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--report full", "is of a short report: expected no --report full"),
        (
            "--export keras,savedmodel",
            "is of a training that is done: expected --export keras, got keras,savedmodel",
        ),
    ],
)
def test_what_only_the_training_can_add_is_refused(arguments: str, message: str, tmp_path: Path) -> None:
    path = finished(tmp_path, identity(options(tmp_path), DIGITS))
    assert find(options(tmp_path), DIGITS)["exports"] == {"keras": {}}
    with pytest.raises(UsageError) as caught:
        find(options(tmp_path, arguments), DIGITS)
    assert str(caught.value) == f"--resume: {path} {message}"


def finished(folder: Path, of: dict[str, Any]) -> Path:
    """A summary has these names among others, also inside of them."""
    more = {"test_accuracy": 0.5, "exports": {"keras": {}}, "data": {"source": "elsewhere", **of["data"]}}
    publish.write_summary(folder / publish.LAST, {**of, **more})
    return folder / publish.LAST


def test_nothing_is_there(tmp_path: Path) -> None:
    assert find(options(tmp_path), DIGITS) is None
    assert find(options(tmp_path / "missing"), DIGITS) is None


def test_a_checkpoint_is_newer_than_a_summary(tmp_path: Path) -> None:
    same = identity(options(tmp_path), DIGITS)
    finished(tmp_path, same)
    assert find(options(tmp_path), DIGITS)["test_accuracy"] == 0.5
    kept(tmp_path, same)
    assert find(options(tmp_path), DIGITS).progress == PROGRESS


def test_nothing_is_looked_at_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / checkpoint.NAME).write_text("damaged")
    assert find(replace(options(tmp_path), resume=False), DIGITS) is None


def test_how_it_is_executed_is_not_what_is_trained(tmp_path: Path) -> None:
    kept(tmp_path, identity(options(tmp_path), DIGITS))
    assert find(options(tmp_path, "--chunk 7 --xla yes --quiet --checkpoint 3 --no-certify"), DIGITS) is not None


@pytest.mark.parametrize("leave", [kept, finished])
@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ("--batch-size 17", "recipe.batch_size is 256 there, 17 here"),
        ("--dense 9", "recipe.network.dense is 256 there, 9 here"),
        ("--convolutions 2x3", "recipe.network.convolutions is "),
        ("--recipe sheet", "recipe.name is fast there, sheet here"),
        ("--seed 1", "seed is 0 there, 1 here"),
        ("--no-validate", "validate is True there, False here"),
        ("--deterministic", "deterministic is False there, True here"),
    ],
)
def test_another_training_is_refused(leave: Any, arguments: str, difference: str, tmp_path: Path) -> None:
    path = leave(tmp_path, identity(options(tmp_path), DIGITS))
    with pytest.raises(UsageError) as caught:
        find(options(tmp_path, arguments), DIGITS)
    assert str(caught.value).startswith(f"--resume: {path} is of another training: {difference}")


@pytest.mark.parametrize("leave", [kept, finished])
@pytest.mark.parametrize(
    ("digests", "difference"),
    [
        ({"a.npz": "34cd"}, "data.sha256.a.npz is 12ab there, 34cd here"),
        ({"b.npz": "12ab"}, "data.sha256.b.npz is absent there, 12ab here"),
        ({"a.npz": "12ab", "b.npz": "5"}, "data.sha256.b.npz is absent there, 5 here"),
    ],
)
def test_other_data_is_refused(leave: Any, digests: dict[str, str], difference: str, tmp_path: Path) -> None:
    path = leave(tmp_path, identity(options(tmp_path), DIGITS))
    with pytest.raises(UsageError) as caught:
        find(options(tmp_path), replace(DIGITS, digests=digests))
    assert str(caught.value) == f"--resume: {path} is of another training: {difference}"


@pytest.mark.parametrize("leave", [kept, finished])
def test_another_version_of_what_computes_is_refused(
    leave: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(tmp_path, identity(options(tmp_path), DIGITS))
    monkeypatch.setattr(keras, "__version__", "4.0")
    with pytest.raises(
        UsageError, match=r"another training: versions\.keras is 3\.[0-9.]+ there, 4\.0 here$"
    ) as caught:
        find(options(tmp_path), DIGITS)
    assert str(path) in str(caught.value)


def test_a_summary_of_an_older_version_is_refused(tmp_path: Path) -> None:
    same = identity(options(tmp_path), DIGITS)
    del same["validate"]
    finished(tmp_path, same)
    with pytest.raises(UsageError, match=r"is of another training: validate is absent there, True here$"):
        find(options(tmp_path), DIGITS)


def test_a_finished_training_without_what_is_asked_for_is_refused(tmp_path: Path) -> None:
    path = finished(tmp_path, identity(options(tmp_path), DIGITS))
    with pytest.raises(UsageError) as caught:
        find(options(tmp_path, "--test-time-shifts"), DIGITS)
    assert str(caught.value) == f"--resume: {path} has no accuracy at shifts: expected no --test-time-shifts"


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe{}", b"[" * 100_000])
def test_a_damaged_summary_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / publish.LAST).write_bytes(content)
    with pytest.raises(DataError) as caught:
        find(options(tmp_path), DIGITS)
    assert str(caught.value).startswith(f"{tmp_path / publish.LAST}: expected the summary of a training")
    assert str(caught.value).endswith("; without --resume the training starts anew")
    assert "\n" not in str(caught.value)


def test_versions_are_those_of_the_modules() -> None:
    found = earlier.versions()
    assert set(found) == {"python", keras.config.backend(), "keras", "numpy"}
    assert found["numpy"] == np.__version__


def test_an_identity_is_plain(tmp_path: Path) -> None:
    found = identity(options(tmp_path), DIGITS)
    assert json.loads(json.dumps(found)) == found
