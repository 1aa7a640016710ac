"""A folder of files, written whole or not at all: beside its place first, then renamed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

MARKER = ".convproof-book"
"""A file that says that a folder is a book of ours, so that a newer one may take its place."""


class BookError(OSError):
    """A folder that no book can be put into."""


def writable(folder: Path) -> Path:
    """Return the folder that `folder` leads to; raise `BookError` if no book could be put there, before any work."""
    target = folder.resolve()
    if target.exists() and not target.is_dir():
        raise BookError(f"{folder} is not a folder")
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file():
        raise BookError(f"{folder} holds something else than a book: give a new or an empty folder")
    if not target.parent.is_dir():
        raise BookError(f"there is no folder {target.parent}")
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}."):
            pass
    except OSError as error:
        raise BookError(f"cannot write beside {folder}: {error}") from error
    return target


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Put the files into a new folder beside, then rename it; an older book goes once the new one is complete."""
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    old = beside / "old"
    new = beside / "new"
    try:
        for name, content in {**files, MARKER: ""}.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except BaseException:  # Ctrl-C between the two as well
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
