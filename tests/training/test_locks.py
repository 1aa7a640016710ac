"""Nobody else is in a locked folder; a lock leaves nothing behind, and ends with its process."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from training.errors import UsageError
from training.locks import NAME, held

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no locks")
ROOT = Path(__file__).resolve().parents[2]
HOLD = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from training.locks import held\n"
HOLD += "with held(Path(sys.argv[2])): print('held', flush=True); sys.stdin.read()"


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds `folder` until it is told."""
    command = [sys.executable, "-c", HOLD, str(ROOT), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_is_made_and_left_as_it_was(tmp_path: Path) -> None:
    with held(tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        assert (tmp_path / "a" / "b" / "c" / NAME).is_file()
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "result").touch()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["result"]


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with held(tmp_path / "a"):
        pass
    assert list((tmp_path / "a").iterdir()) == []


def test_another_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    process = holder(tmp_path / "a")
    for folders in ([tmp_path / "a"], [tmp_path / "b", tmp_path / "a"]):
        with pytest.raises(UsageError) as caught, held(*folders):
            pass
        expected = f"--output {tmp_path / 'a'}: expected a folder that no other training is using"
        assert str(caught.value) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    process.communicate("")
    assert process.returncode == 0
    with held(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / "a")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "a" / NAME).exists()
    with held(tmp_path / "a"):
        pass
    assert list((tmp_path / "a").iterdir()) == []


def test_one_at_a_time_while_folder_and_file_come_and_go(tmp_path: Path) -> None:
    """Each holder removes both; so those who come meanwhile have opened a file that is no more."""
    inside, most, entered = [], [], []

    def enter() -> None:
        while len(entered) < 300:
            try:
                with held(tmp_path / "a"):
                    inside.append(1)
                    most.append(len(inside))
                    entered.append(1)
                    inside.pop()
            except UsageError:
                pass

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entered) >= 300
    assert set(most) == {1}
    assert list(tmp_path.glob("a/*")) == []  # who came while it was there leaves the folder itself


def test_a_folder_that_goes_while_it_is_looked_at_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pathlib's `mkdir` raises where another removes the folder between its two looks."""
    mkdir, raised = Path.mkdir, []

    def once(self: Path, *arguments: int, **options: bool) -> None:
        if not raised:
            raised.append(1)
            raise FileExistsError(self)
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", once)
    with held(tmp_path / "a"):
        assert (tmp_path / "a" / NAME).is_file()
    assert raised


def test_what_is_no_folder_is_an_error_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError), held(tmp_path / "a"):
        pass
