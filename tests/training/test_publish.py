"""Results appear whole or not at all, whatever happens while they are written."""

import errno
import tempfile
from pathlib import Path

import pytest

from training.errors import RunError, UsageError
from training.publish import LAST, published, require_writable


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_files_appear_in_a_new_folder(tmp_path: Path) -> None:
    with published(tmp_path / "a" / "b") as scratch:
        (scratch / "model").write_text("m")
        (scratch / LAST).write_text("s")
        assert not (tmp_path / "a").exists()
    assert names(tmp_path) == ["a", "a/b", "a/b/model", f"a/b/{LAST}"]


def test_files_replace_those_of_an_earlier_run_and_no_others(tmp_path: Path) -> None:
    for name in ("model", LAST, "mine"):
        (tmp_path / name).write_text("old")
    with published(tmp_path) as scratch:
        for name in ("model", LAST):
            (scratch / name).write_text("new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"model": "new", LAST: "new", "mine": "old"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_appears_if_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / LAST).write_text("old")

    def write() -> None:
        with published(tmp_path / "new") as scratch, published(tmp_path) as other:
            (scratch / "model").write_text("half")
            (other / LAST).write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert names(tmp_path) == [LAST]
    assert (tmp_path / LAST).read_text() == "old"


def test_full_disk_is_a_run_error_and_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with published(tmp_path / "new") as scratch:
            (scratch / "model").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match=r"^cannot write the results to .*new: .*No space left on device"):
        write()
    assert names(tmp_path) == []


def test_no_summary_beside_files_of_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two moves, a run leaves no summary that would vouch for the mixture."""
    for name in ("a", "b", LAST):
        (tmp_path / name).write_text("old")
    move = Path.replace

    def fails_at_b(path: Path, target: Path) -> Path:
        if path.name == "b":
            raise OSError(errno.EIO, "Input/output error")
        return move(path, target)

    def write() -> None:
        with published(tmp_path) as scratch:
            for name in ("a", "b", LAST):
                (scratch / name).write_text("new")

    monkeypatch.setattr(Path, "replace", fails_at_b)
    with pytest.raises(RunError, match="Input/output error"):
        write()
    assert names(tmp_path) == ["a", "b"]


def test_writable_folder_is_left_as_it_was(tmp_path: Path) -> None:
    require_writable(tmp_path)
    require_writable(tmp_path / "new" / "er")
    assert names(tmp_path) == []


@pytest.mark.parametrize("below", ["", "sub", "sub/folder"])
def test_file_in_the_way_is_told(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UsageError) as caught:
        require_writable(file / below)
    assert str(caught.value).startswith(f"--output {file / below}: expected a folder that can be written to: ")
    assert names(tmp_path) == ["file"]


def test_name_that_no_folder_can_have_is_told_and_its_parents_do_not_stay(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a folder that can be written to: File name too long$"):
        require_writable(tmp_path / "new" / ("x" * 300))
    assert names(tmp_path) == []


def test_forbidden_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)
    with pytest.raises(UsageError, match=r"expected a folder that can be written to: Permission denied$"):
        require_writable(tmp_path / "a" / "b")
    assert names(tmp_path) == []
