"""Files on disk: all of them or none, each one whole."""

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import RunError, UsageError

LAST = "summary.json"  # the file that vouches for the others
_SCRATCH = ".unfinished-run-"
_NUMBERS = re.compile(r"\[(\n[\s\d.,eE+-]+)\]")  # a list of nothing else as `json` indents it; no string has a newline


def require_writable(folder: Path) -> None:
    """Raise `UsageError` unless `folder` is there or can be made, and can be written to. Leaves nothing behind."""
    made: list[Path] = []
    try:
        for path in reversed([path for path in _with_parents(folder) if not path.exists()]):
            path.mkdir()
            made.append(path)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"--output {folder}: expected a folder that can be written to: {error.strerror}") from error
    finally:
        for path in reversed(made):
            path.rmdir()


@contextmanager
def published(folder: Path, names: Iterable[str] = ()) -> Iterator[Path]:
    """Yield an empty folder; move what is written there to `folder` if the block ends without an error.

    `folder` is made if need be, and what is there of the same names is replaced; nobody else may write to it. `LAST` is
    moved last, and one that is there already is removed first, so where it is, the files around it belong together: of
    `names`, all that its run may have left, those that are not written now are removed as well. Raises `RunError` if
    the disk does not play along.
    """
    # A move is whole only within one disk, so the files are written beside the place that they go to.
    anchor = next(path for path in _with_parents(folder) if path.exists())
    try:
        with tempfile.TemporaryDirectory(dir=anchor, prefix=_SCRATCH) as name:
            scratch = Path(name)
            yield scratch
            folder.mkdir(parents=True, exist_ok=True)
            written = sorted(scratch.iterdir(), key=lambda path: path.name == LAST)
            if (folder / LAST).exists():
                for obsolete in set(names) - {LAST, *(path.name for path in written)}:
                    _remove(folder / obsolete)
            (folder / LAST).unlink(missing_ok=True)
            for path in written:
                if path.is_dir():  # a folder takes the place of none but an empty one
                    _remove(folder / path.name)
                path.replace(folder / path.name)
        for path in folder.glob(f"{_SCRATCH}*"):  # of a run that was killed
            shutil.rmtree(path)
    except OSError as error:
        raise RunError(f"cannot write the results to {folder}: {error}") from error


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write `rows`, which all have the same names, as CSV with a heading."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary` as JSON: a name to a line, numbers of a list on one."""
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", json.dumps(summary, indent=2))
    path.write_text(text + "\n", encoding="utf-8")


def _remove(path: Path) -> None:
    """Remove the file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _with_parents(folder: Path) -> list[Path]:
    return [folder.absolute(), *folder.absolute().parents]
