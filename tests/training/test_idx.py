"""The IDX reader, against files made by hand from the format's description."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from training import idx
from training.errors import DataError

IMAGES = bytes.fromhex("00000803 00000002 00000001 00000003") + bytes([1, 2, 3, 4, 5, 255])
MAGIC = "f: expected the magic number 0x00000803 (unsigned bytes, axes: 3)"


def encoded(array: np.ndarray) -> bytes:
    """The IDX file of an array of bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_bytes_are_read_in_row_order() -> None:
    array = idx.parse(IMAGES, axes=3, name="images")
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 2, 3]], [[4, 5, 255]]]


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_any_array_survives(array: np.ndarray) -> None:
    parsed = idx.parse(encoded(array), axes=array.ndim, name="array")
    assert parsed.shape == array.shape
    assert np.array_equal(parsed, array)


@given(hnp.arrays(np.uint8, (2, 3, 2)), st.data())
def test_any_other_length_is_refused(array: np.ndarray, draw: st.DataObject) -> None:
    content = encoded(array)
    length = draw.draw(st.integers(0, len(content) + 3).filter(lambda n: n != len(content)))
    with pytest.raises(DataError, match=r"^array: expected (an IDX header|2 x 3 x 2 = 12 bytes)"):
        idx.parse((content + b"abc")[:length], axes=3, name="array")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f: expected an IDX header of 16 bytes, got 0 bytes in all"),
        (IMAGES[:15], "f: expected an IDX header of 16 bytes, got 15 bytes in all"),
        (IMAGES[:-1], "f: expected 2 x 1 x 3 = 6 bytes after the header, got 5"),
        (IMAGES + b"\0", "f: expected 2 x 1 x 3 = 6 bytes after the header, got 7"),
        (
            b"\0\0\x08\x01" + IMAGES[4:],
            f"{MAGIC}, got 0x00000801",
        ),
        (
            b"\0\0\x0d\x03" + IMAGES[4:],
            f"{MAGIC}, got 0x00000d03",
        ),
        (b"\x50\x4b" + IMAGES[2:], f"{MAGIC}, got 0x504b0803"),
    ],
)
def test_error_says_what_was_expected_and_what_came(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        idx.parse(content, axes=3, name="f")
    assert str(caught.value) == message


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.gz", tmp_path / "b"
    plain.write_bytes(IMAGES)
    packed.write_bytes(gzip.compress(IMAGES))
    assert idx.read_bytes(plain) == idx.read_bytes(packed) == IMAGES


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-9], lambda c: c[:12] + b"\xff\xff" + c[14:], lambda c: c[:-5] + b"12345"]
)
def test_damaged_gzip_is_a_data_error(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(damage(gzip.compress(IMAGES)))
    with pytest.raises(DataError, match=r"damaged\.gz: expected a readable file, plain or gzip: "):
        idx.read_bytes(path)


def test_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a readable file, plain or gzip: No such file or directory"):
        idx.read_bytes(tmp_path / "missing")
