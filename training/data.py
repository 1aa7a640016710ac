"""The digits: the embedded MNIST, or a folder of IDX files or an `.npz` instead; checked before use."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training import idx, npz
from training.errors import DataError
from training.recipes import IMAGE_SIDE

EMBEDDED = Path(__file__).resolve().parent / "mnist"
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
CLASSES = 10
VALIDATION_SHARE = 12  # one training image in twelve: 5,000 of MNIST's 60,000

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of MNIST's four files, uncompressed."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Images `(n, 28, 28)`, grey values 0 (paper) to 255 (ink), and labels `(n,)`, 0 to 9; both uint8."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.int64]) -> "Digits":
        """Return the digits at `indices`, in that order."""
        return Digits(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Digits to train on and digits to test with, where they came from, and the SHA-256 of what was read."""

    training: Digits
    test: Digits
    source: str
    digests: Mapping[str, str]


def load(path: Path | None = None) -> Dataset:
    """Return the embedded MNIST, or the digits in `path`: a folder of IDX files or a Keras-style `.npz`.

    A folder holds the four files under their usual names (`train-images-idx3-ubyte` or
    `train-images.idx3-ubyte`, with or without `.gz`); an `.npz` holds `x_train`, `y_train`, `x_test`, `y_test`.
    The embedded files are compared with their published digests. Raises `DataError` if anything is missing or
    is not as it should be.
    """
    if path is None:
        return _from_folder(EMBEDDED, "embedded MNIST", DIGESTS)
    try:
        if path.is_dir():
            return _from_folder(path, str(path))
        if path.is_file():
            return _from_npz(path)
    except OSError as error:  # the path cannot even be looked at
        raise DataError(f"{path}: expected a readable folder or file: {error.strerror}") from error
    raise DataError(f"{path}: expected a folder of IDX files or an .npz file, found neither")


def split(digits: Digits, seed: int, *, validate: bool = True) -> tuple[Digits, Digits]:
    """Return `digits` in two: what to train on, and the last twelfth of a seeded shuffle to validate with.

    If it is not to `validate`, all of them and none. Raises `DataError` if there are fewer than twelve.
    """
    if not validate:
        return digits, digits.take(np.arange(0))
    validation = len(digits) // VALIDATION_SHARE
    if validation == 0:
        raise DataError(f"expected at least {VALIDATION_SHARE} training images, got {len(digits)}")
    order = np.random.default_rng(seed).permutation(len(digits))
    return digits.take(order[:-validation]), digits.take(order[-validation:])


def _from_folder(folder: Path, source: str, expected: Mapping[str, str] | None = None) -> Dataset:
    arrays, names, digests = [], [], {}
    for name in DIGESTS:
        path = _find(folder, name)
        content = idx.read_bytes(path)
        digests[name] = hashlib.sha256(content).hexdigest()
        if expected is not None and digests[name] != expected[name]:
            raise DataError(f"{path}: expected content with SHA-256 {expected[name]}, got {digests[name]}")
        arrays.append(idx.parse(content, axes=3 if "images" in name else 1, name=str(path)))
        names.append(str(path))
    return _dataset(arrays, names, source, digests)


def _find(folder: Path, name: str) -> Path:
    candidates = [folder / f"{stem}{end}" for stem in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(f"{folder}: expected one of {', '.join(path.name for path in candidates)}, found none")


def _from_npz(path: Path) -> Dataset:
    content = idx.read_bytes(path)
    names = [f"{path}: {name}" for name in npz.NAMES]
    return _dataset(npz.parse(content, path), names, str(path), {path.name: hashlib.sha256(content).hexdigest()})


def _dataset(
    arrays: Sequence[npt.NDArray[Any]], names: Sequence[str], source: str, digests: Mapping[str, str]
) -> Dataset:
    """Check the arrays (training images, training labels, test images, test labels) and put them together."""
    training = _digits(arrays[0], arrays[1], names[0], names[1])
    test = _digits(arrays[2], arrays[3], names[2], names[3])
    return Dataset(training, test, source, digests)


def _digits(images: npt.NDArray[Any], labels: npt.NDArray[Any], images_name: str, labels_name: str) -> Digits:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != IMAGE_SHAPE:
        raise DataError(f"{images_name}: expected uint8 of shape (n, 28, 28), got {images.dtype} of {images.shape}")
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise DataError(f"{labels_name}: expected integers of shape (n,), got {labels.dtype} of {labels.shape}")
    if len(images) == 0:
        raise DataError(f"{images_name}: expected at least one image, got none")
    if len(labels) != len(images):
        raise DataError(f"{labels_name}: expected {len(images)} labels, one for each image, got {len(labels)}")
    wrong = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if wrong.size:
        raise DataError(f"{labels_name}: expected labels from 0 to 9, got {labels[wrong[0]]} at index {wrong[0]}")
    return Digits(images, labels.astype(np.uint8))
