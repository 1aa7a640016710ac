"""One training at a time in a folder."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from training.errors import UsageError

if sys.platform != "win32":
    import fcntl

NAME = ".lock"


@contextmanager
def held(*folders: Path) -> Iterator[None]:
    """Keep everybody else out of `folders` while the block runs; each is made if need be, and removed if left empty.

    A lock ends with its process, however that ends. Windows, and file systems that know no locks, have none. Raises
    `UsageError` if somebody else is in one of them.
    """
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(_held(folder))
        yield


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    absent = [path for path in (folder.absolute(), *folder.absolute().parents) if not path.exists()]
    try:
        with _locked(folder / NAME):
            try:
                yield
            finally:
                (folder / NAME).unlink(missing_ok=True)  # before the lock ends: nobody else's is removed
    finally:
        with suppress(OSError):  # not empty
            for path in absent:
                path.rmdir()


def _locked(path: Path) -> BinaryIO:
    """Return the file at `path`, locked."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except FileNotFoundError:  # whoever was here before has just removed the folder
            continue
        except FileExistsError:  # it was there to be made, but no longer to be looked at; or it is no folder
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(path.parent.stat().st_mode):
                    raise
            continue
        try:
            _lock(file, path)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass  # or has removed the file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: BinaryIO, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"--output {path.parent}: expected a folder that no other training is using") from error
    except OSError:  # a file system without locks
        pass
