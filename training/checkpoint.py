"""An unfinished training on disk: written whole or not at all, and taken up where it was."""

import io
import json
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.errors import DataError, RunError

if TYPE_CHECKING:
    from training.fitting import Fit

NAME = "checkpoint.npz"
FORMAT = 1  # counts up whenever what is in a checkpoint, or what it means, changes
_SCRATCH = ".unfinished-checkpoint.npz"
_HEADER, _STATE, _BEST = "header", "state/", "best/"
_PROGRESS = ("step", "rows", "losses", "right", "seconds")  # what of `fitting.Progress` is plain
_UNREADABLE = (  # what reading a damaged archive raises: RuntimeError where it seems encrypted or newer
    *(OSError, EOFError, LookupError, ValueError, RuntimeError, MemoryError, OverflowError),
    *(TypeError, struct.error, zipfile.BadZipFile, zlib.error),
)

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Which training it is, how far it is (the plain fields of `fitting.Progress`), its loop's state, its best weights.

    `identity` is all that decides the training, as plain values: only the same may go on from here.
    """

    identity: Mapping[str, Any]
    progress: Mapping[str, Any]
    state: Arrays
    best: list[npt.NDArray[Any]]


class Keeper:
    """Keeps the checkpoint of `fit` in `folder`, at most every so many `seconds`."""

    def __init__(self, folder: Path, fit: "Fit", identity: Mapping[str, Any], seconds: float) -> None:
        self._path, self._fit, self._identity, self._seconds = folder / NAME, fit, identity, seconds
        self._written = time.monotonic()

    def keep(self, *, now: bool = False) -> None:
        """Write the checkpoint, if it is time or `now`. Raises `RunError` if the disk does not play along."""
        if now or time.monotonic() - self._written >= self._seconds:
            self._write()
            self._written = time.monotonic()

    @property
    def where(self) -> str:
        """Where `fit` is, for somebody who interrupts it."""
        return f"--resume continues after step {self._fit.progress.step} of {self._fit.course.steps}"

    @contextmanager
    def on_failure(self) -> Iterator[None]:
        """Write the checkpoint if the block fails, and the disk allows: what was trained is not lost."""
        try:
            yield
        except BaseException as error:
            try:
                self.keep(now=True)
            except RunError:
                raise error from None  # the first error is the one to tell
            if isinstance(error, KeyboardInterrupt | RunError):
                raise type(error)(f"{error}; {self.where}" if str(error) else self.where) from error
            raise

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take `fit` to where `checkpoint` is. Raises `DataError`, before any change, if its arrays do not fit."""
        here = {name: (array.dtype, array.shape) for name, array in self._fit.loop.state().items()}
        there = {name: (array.dtype, array.shape) for name, array in checkpoint.state.items()}
        if here != there:
            raise DataError(anew(f"{self._path}: expected arrays {here}, got {there}"))
        self._fit.loop.restore(checkpoint.state)
        self._fit.progress = replace(self._fit.progress, **checkpoint.progress, best=checkpoint.best)

    def discard(self) -> None:
        """Remove the checkpoint, if there is one."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        progress = self._fit.progress
        plain = {name: getattr(progress, name) for name in _PROGRESS}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write(self._path, Checkpoint(self._identity, plain, self._fit.loop.state(), progress.best))
        except OSError as error:
            raise RunError(f"cannot write the checkpoint {self._path}: {error.strerror or error}") from error


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path`: all of it, or nothing and raise `OSError`. Nobody else may write there."""
    arrays = {f"{_STATE}{name}": array for name, array in checkpoint.state.items()}
    arrays |= {f"{_BEST}{number}": array for number, array in enumerate(checkpoint.best)}
    header = {
        "format": FORMAT,
        "identity": checkpoint.identity,
        "progress": checkpoint.progress,
        "arrays": {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()},
    }
    members: dict[str, Any] = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    scratch = path.with_name(_SCRATCH)  # one that a kill left is overwritten
    try:
        with scratch.open("wb") as file:
            np.savez(file, **members)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def read(path: Path) -> Checkpoint | None:
    """Return the checkpoint at `path`, or `None` if nothing is there. Nothing in it is executed.

    Raises `DataError` if it is not whole, is something else, or is of another version.
    """
    try:
        content = path.read_bytes()
        header, arrays = _header_and_arrays(content)
    except FileNotFoundError:
        return None
    except _UNREADABLE as error:
        raise DataError(anew(f"{path}: expected a whole checkpoint: {_reason(error)}")) from error
    if header["format"] != FORMAT:
        raise DataError(anew(f"{path}: expected a checkpoint of version {FORMAT}, got {header['format']}"))
    if header["arrays"] != {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}:
        raise DataError(anew(f"{path}: expected a whole checkpoint: arrays are missing or are not as its header says"))
    state = {name.removeprefix(_STATE): array for name, array in arrays.items() if name.startswith(_STATE)}
    best = [array for name, array in arrays.items() if name.startswith(_BEST)]
    return Checkpoint(header["identity"], header["progress"], state, best)


def _header_and_arrays(content: bytes) -> tuple[dict[str, Any], Arrays]:
    """Return both; of another version the header alone. Raises one of `_UNREADABLE`."""
    with zipfile.ZipFile(io.BytesIO(content)), np.load(io.BytesIO(content), allow_pickle=False) as archive:
        header = json.loads(archive[_HEADER].tobytes())
        if not isinstance(header, dict) or "format" not in header:
            raise ValueError("it has no header")
        if header["format"] != FORMAT:
            return header, {}
        if set(header) != {"format", "identity", "progress", "arrays"} or set(header["progress"]) != set(_PROGRESS):
            raise ValueError("its header is incomplete")
        return header, {name: archive[name] for name in archive.files if name != _HEADER}


def _reason(error: BaseException) -> str:
    return (
        (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split()) or type(error).__name__
    )


def anew(text: str) -> str:
    """Return the error `text` with the way out."""
    return f"{text}; without --resume the training starts anew"
