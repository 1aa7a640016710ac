"""The `.npz` of Keras's MNIST: `x_train`, `y_train`, `x_test`, `y_test` in one archive."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.errors import DataError

NAMES = ("x_train", "y_train", "x_test", "y_test")


def parse(content: bytes, path: Path) -> list[npt.NDArray[Any]]:
    """Return the four arrays of the archive `content`, in the order of `NAMES`.

    `path` is what the archive is called in errors. Raises `DataError` if it is no `.npz` or lacks an array.
    """
    try:
        arrays = _arrays(content)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: expected an .npz archive of plain arrays: {error}") from error
    missing = [name for name in NAMES if name not in arrays]
    if missing:
        raise DataError(f"{path}: expected the arrays {', '.join(NAMES)}; missing: {', '.join(missing)}")
    return [arrays[name] for name in NAMES]


def _arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return those arrays of the archive whose names are in `NAMES`."""
    with zipfile.ZipFile(io.BytesIO(content)), np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in NAMES if name in archive.files}
