"""The data sets: the embedded one is MNIST itself, others are checked for all that training relies on."""

import errno
import gzip
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.test_idx import encoded
from training import data
from training.errors import DataError

SMALL = {
    "x_train": np.arange(3 * 28 * 28, dtype=np.uint16).astype(np.uint8).reshape(3, 28, 28),
    "y_train": np.array([0, 9, 4], np.uint8),
    "x_test": np.full((2, 28, 28), 7, np.uint8),
    "y_test": np.array([1, 2], np.uint8),
}
IMAGES = "expected uint8 of shape (n, 28, 28)"
LABELS = "expected integers of shape (n,)"


def write_folder(folder: Path, arrays: dict[str, np.ndarray], *, dotted: bool, packed: bool) -> None:
    folder.mkdir(exist_ok=True)
    for name, array in zip(data.DIGESTS, arrays.values(), strict=True):
        stem = name.replace("-idx", ".idx") if dotted else name
        content = encoded(array)
        (folder / f"{stem}{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)


def message_for(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        data.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_embedded_data_is_mnist(mnist: data.Dataset) -> None:
    assert mnist.source == "embedded MNIST"
    assert mnist.digests == data.DIGESTS
    assert mnist.training.images.shape == (60_000, 28, 28)
    assert mnist.test.images.shape == (10_000, 28, 28)
    # How often each digit occurs, as published.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.training.labels).tolist() == counts
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_documented_digests_are_the_ones_compared() -> None:
    text = (data.EMBEDDED / "README.md").read_text(encoding="utf-8")
    for name, digest in data.DIGESTS.items():
        assert f"{digest}  {name}\n" in text


@pytest.mark.parametrize("name", data.DIGESTS)
def test_one_changed_bit_in_the_embedded_data_is_seen(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in data.DIGESTS:
        shutil.copy(data.EMBEDDED / f"{other}.gz", tmp_path)
    content = bytearray(gzip.decompress((tmp_path / f"{name}.gz").read_bytes()))
    content[-1] ^= 1
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(bytes(content), compresslevel=1))
    monkeypatch.setattr(data, "EMBEDDED", tmp_path)
    with pytest.raises(DataError) as caught:
        data.load()
    digest = hashlib.sha256(content).hexdigest()
    expected = f"expected content with SHA-256 {data.DIGESTS[name]}, got {digest}"
    assert str(caught.value) == f"{tmp_path / name}.gz: {expected}"


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_folder_of_idx_files(tmp_path: Path, dotted: bool, packed: bool) -> None:
    write_folder(tmp_path, SMALL, dotted=dotted, packed=packed)
    dataset = data.load(tmp_path)
    assert np.array_equal(dataset.training.images, SMALL["x_train"])
    assert dataset.training.labels.tolist() == [0, 9, 4]
    assert np.array_equal(dataset.test.images, SMALL["x_test"])
    assert dataset.test.labels.tolist() == [1, 2]
    assert dataset.source == str(tmp_path)
    expected = [hashlib.sha256(encoded(array)).hexdigest() for array in SMALL.values()]
    assert list(dataset.digests.values()) == expected


@pytest.mark.parametrize("labels", [np.uint8, np.int64])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_as_keras_stores_it(tmp_path: Path, labels: type, save: Callable[..., None]) -> None:
    path = tmp_path / "small.npz"
    save(path, **{name: array.astype(labels) if name[0] == "y" else array for name, array in SMALL.items()})
    dataset = data.load(path)
    assert np.array_equal(dataset.training.images, SMALL["x_train"])
    assert dataset.training.labels.dtype == np.uint8
    assert dataset.test.labels.tolist() == [1, 2]
    assert dataset.digests == {"small.npz": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("x_train", SMALL["x_train"] / 255, f"x_train: {IMAGES}, got float64 of (3, 28, 28)"),
        ("x_train", SMALL["x_train"][..., None], f"x_train: {IMAGES}, got uint8 of (3, 28, 28, 1)"),
        ("x_test", SMALL["x_test"][:, 1:], f"x_test: {IMAGES}, got uint8 of (2, 27, 28)"),
        ("x_test", SMALL["x_test"][:0], "x_test: expected at least one image, got none"),
        ("y_train", SMALL["y_train"][:2], "y_train: expected 3 labels, one for each image, got 2"),
        ("y_train", np.eye(10)[[0, 9, 4]], f"y_train: {LABELS}, got float64 of (3, 10)"),
        ("y_train", np.array([0.0, 9.0, 4.0]), f"y_train: {LABELS}, got float64 of (3,)"),
        ("y_test", np.array([1, 10]), "y_test: expected labels from 0 to 9, got 10 at index 1"),
        ("y_test", np.array([-1, 2]), "y_test: expected labels from 0 to 9, got -1 at index 0"),
        ("y_test", np.array([1, 257]), "y_test: expected labels from 0 to 9, got 257 at index 1"),
    ],
)
def test_error_names_the_array_and_what_came(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **{**SMALL, name: array})
    assert message_for(path) == f"{path}: {message}"


def test_label_out_of_range_in_an_idx_file(tmp_path: Path) -> None:
    write_folder(tmp_path, {**SMALL, "y_test": np.array([1, 10], np.uint8)}, dotted=False, packed=True)
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    assert message_for(tmp_path) == f"{path}: expected labels from 0 to 9, got 10 at index 1"


def test_labels_in_place_of_images(tmp_path: Path) -> None:
    write_folder(tmp_path, {**SMALL, "x_test": np.zeros(20, np.uint8)}, dotted=False, packed=False)
    assert "expected the magic number 0x00000803" in message_for(tmp_path)


def test_missing_idx_file_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, SMALL, dotted=False, packed=False)
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    assert message_for(tmp_path) == (
        f"{tmp_path}: expected one of t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz, "
        "t10k-images.idx3-ubyte, t10k-images.idx3-ubyte.gz, found none"
    )


def test_nothing_at_the_path(tmp_path: Path) -> None:
    path = tmp_path / "missing"
    assert message_for(path) == f"{path}: expected a folder of IDX files or an .npz file, found neither"


def test_path_that_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", forbidden)
    assert message_for(Path("p")) == "p: expected a readable folder or file: Permission denied"


def test_npz_with_arrays_missing(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    np.savez(path, x_train=SMALL["x_train"], x_test=SMALL["x_test"])
    expected = f"{path}: expected the arrays x_train, y_train, x_test, y_test; missing: y_train, y_test"
    assert message_for(path) == expected


def outcome(path: Path) -> data.Dataset | str:
    """What is loaded, or else the message of the error."""
    try:
        return data.load(path)
    except DataError as error:
        return str(error)


@given(st.sampled_from([np.savez, np.savez_compressed]), st.data())
@settings(max_examples=50)
def test_damaged_npz_is_refused_or_unharmed(
    tmp_path_factory: pytest.TempPathFactory, save: Callable[..., None], draw: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("npz") / "small.npz"
    save(path, **SMALL)
    content = bytearray(path.read_bytes())
    content[draw.draw(st.integers(0, len(content) - 1))] ^= draw.draw(st.integers(1, 255))
    path.write_bytes(content)
    found = outcome(path)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
    else:  # the byte was one of those, such as dates, that the archive's check sums leave out
        assert np.array_equal(found.training.images, SMALL["x_train"])
        assert np.array_equal(found.training.labels, SMALL["y_train"])


def test_npz_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, **{**SMALL, "x_train": np.array([{}, {}, {}], dtype=object)})
    assert message_for(path).startswith(f"{path}: expected an .npz archive of plain arrays: ")


def test_split_is_disjoint_complete_and_seeded(mnist: data.Dataset) -> None:
    numbered = data.Digits(mnist.training.images, np.arange(60_000))
    training, validation = data.split(numbered, seed=3)
    assert len(validation) == 5000
    assert sorted([*training.labels, *validation.labels]) == list(range(60_000))
    assert np.array_equal(training.images[0], mnist.training.images[training.labels[0]])
    assert np.array_equal(validation.labels, data.split(numbered, seed=3)[1].labels)
    assert not np.array_equal(validation.labels, data.split(numbered, seed=4)[1].labels)


def test_split_needs_twelve_images() -> None:
    digits = data.Digits(np.zeros((11, 28, 28), np.uint8), np.zeros(11, np.uint8))
    with pytest.raises(DataError, match=r"^expected at least 12 training images, got 11$"):
        data.split(digits, seed=0)
