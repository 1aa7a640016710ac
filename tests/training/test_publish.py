"""Results appear whole or not at all, whatever happens while they are written."""

import errno
import json
import tempfile
from pathlib import Path

import pytest

from training.errors import RunError, UsageError
from training.publish import LAST, published, require_writable, write_summary


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


def write(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("new")


def test_a_folder_takes_the_place_of_an_older_one_whole(tmp_path: Path) -> None:
    for files in (("logs/one", "logs/deep/two"), ("logs/three",)):
        with published(tmp_path) as scratch:
            write(scratch, *files, LAST)
    assert names(tmp_path) == ["logs", "logs/three", LAST]


def test_what_an_earlier_run_left_and_this_one_does_not_is_removed(tmp_path: Path) -> None:
    write(tmp_path, "model", "saved/weights", "mine", LAST)
    with published(tmp_path, ["model", "saved", "picture", LAST]) as scratch:
        write(scratch, "picture", LAST)
        assert (tmp_path / "model").exists()  # not before all is written
    assert names(tmp_path) == ["mine", "picture", LAST]


def test_where_no_run_was_nothing_is_removed(tmp_path: Path) -> None:
    """Such a file is somebody else's."""
    write(tmp_path, "model", "saved/weights")
    with published(tmp_path, ["model", "saved", LAST]) as scratch:
        write(scratch, LAST)
    assert names(tmp_path) == ["model", "saved", "saved/weights", LAST]


def test_a_folder_elsewhere_that_is_linked_to_stays(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/mine", f"out/{LAST}")
    (tmp_path / "out" / "logs").symlink_to(tmp_path / "elsewhere")
    with published(tmp_path / "out", ["logs"]) as scratch:
        write(scratch, LAST)
    assert names(tmp_path) == ["elsewhere", "elsewhere/mine", "out", f"out/{LAST}"]
    (tmp_path / "out" / "logs").symlink_to(tmp_path / "elsewhere")
    with published(tmp_path / "out", ["logs"]) as scratch:
        write(scratch, "logs/new", LAST)
    assert names(tmp_path) == ["elsewhere", "elsewhere/mine", "out", "out/logs", "out/logs/new", f"out/{LAST}"]


@pytest.mark.parametrize(
    "value", [[], [1], [1, -2.5, 1e-07], [[1, 2], [3]], {"a": [0.5], "b": ["[1,  2]", 3]}, "[ 1 ]", [None, 1], [[]]]
)
def test_a_summary_is_read_back_as_it_was(tmp_path: Path, value: object) -> None:
    write_summary(tmp_path / LAST, {"before": 1, "value": value, "after": True})
    assert json.loads((tmp_path / LAST).read_text()) == {"before": 1, "value": value, "after": True}


def test_numbers_of_a_list_are_on_one_line(tmp_path: Path) -> None:
    write_summary(tmp_path / LAST, {"counts": [[1, 2], [3, 4.5]]})
    assert (tmp_path / LAST).read_text() == '{\n  "counts": [\n    [1, 2],\n    [3, 4.5]\n  ]\n}\n'
