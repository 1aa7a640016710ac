"""An unfinished training on disk: written whole or not at all, and taken up where it was."""

import io
import json
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from training.errors import DataError, RunError, UsageError
from training.fitting import Fit, Progress

NAME = "checkpoint.npz"
_HEADER, _STATE, _BEST = "header", "state/", "best/"
_PROGRESS = ("step", "rows", "losses", "right", "seconds")  # what of `Progress` is plain


class Keeper:
    """Keeps the checkpoint of `fit` in `folder`, at most every so many `seconds`.

    `identity` is all that decides the training, as plain values: only a training with the same may go on from it.
    """

    def __init__(self, folder: Path, fit: Fit, identity: Mapping[str, Any], seconds: float) -> None:
        self._path, self._fit, self._seconds = folder / NAME, fit, seconds
        self._identity = json.loads(json.dumps(identity))
        self._written = time.monotonic()

    def keep(self, *, now: bool = False) -> None:
        """Write the checkpoint, if it is time or `now`. Raises `RunError` if the disk does not play along."""
        if now or time.monotonic() - self._written >= self._seconds:
            self._write()
            self._written = time.monotonic()

    def resume(self) -> bool:
        """Take `fit` to where the checkpoint is; return whether there is one.

        Raises `DataError` if it is damaged, `UsageError` if it is of another training.
        """
        if not self._path.exists():
            return False
        header, arrays = _read(self._path)
        _require_same(self._path, header["identity"], self._identity)
        self._fit.loop.restore({name.removeprefix(_STATE): a for name, a in arrays.items() if name.startswith(_STATE)})
        best = [arrays[f"{_BEST}{number}"] for number in range(header["best"])]
        self._fit.progress = Progress(**header["progress"], best=best)
        return True

    def discard(self) -> None:
        """Remove the checkpoint, if there is one."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        progress = self._fit.progress
        plain = {name: getattr(progress, name) for name in _PROGRESS}
        header = {"identity": self._identity, "progress": plain, "best": len(progress.best)}
        arrays: dict[str, Any] = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}
        arrays |= {f"{_STATE}{name}": array for name, array in self._fit.loop.state().items()}
        arrays |= {f"{_BEST}{number}": array for number, array in enumerate(progress.best)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(self._path, arrays)
        except OSError as error:
            raise RunError(f"cannot write the checkpoint {self._path}: {error.strerror or error}") from error


def _write_whole(path: Path, arrays: Mapping[str, Any]) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-checkpoint-")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop(_HEADER).tobytes())
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"{path}: expected a whole checkpoint: {error}"
        raise DataError(f"{reason}; without --resume the training starts anew") from error
    return header, arrays


def _require_same(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    for (name, old), (_, new) in zip(_leaves(there), _leaves(here), strict=True):
        if old != new:
            raise UsageError(f"--resume: {path} is of another training: {name} is {old} there, {new} here")


def _leaves(tree: Any, name: str = "") -> list[tuple[str, Any]]:
    if not isinstance(tree, dict):
        return [(name, tree)]
    return [leaf for key in sorted(tree) for leaf in _leaves(tree[key], f"{name}.{key}" if name else key)]
