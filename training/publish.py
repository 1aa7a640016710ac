"""Files on disk: all of them or none, each one whole."""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import RunError, UsageError

LAST = "summary.json"  # the file that vouches for the others


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
def published(folder: Path) -> Iterator[Path]:
    """Yield an empty folder; move the files written there to `folder` if the block ends without an error.

    `folder` is made if need be, and files there of the same names are replaced. `LAST` is moved last, and one
    that is there already is removed first, so where it is, the files around it belong together. Raises
    `RunError` if the disk does not play along.
    """
    # A move is whole only within one disk, so the files are written beside the place that they go to.
    anchor = next(path for path in _with_parents(folder) if path.exists())
    try:
        with tempfile.TemporaryDirectory(dir=anchor, prefix=".unfinished-run-") as name:
            scratch = Path(name)
            yield scratch
            folder.mkdir(parents=True, exist_ok=True)
            (folder / LAST).unlink(missing_ok=True)
            for path in sorted(scratch.iterdir(), key=lambda path: path.name == LAST):
                path.replace(folder / path.name)
    except OSError as error:
        raise RunError(f"cannot write the results to {folder}: {error}") from error


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write `rows`, which all have the same names, as CSV with a heading."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary` as JSON, a name to a line."""
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _with_parents(folder: Path) -> list[Path]:
    return [folder.absolute(), *folder.absolute().parents]
