"""The IDX format of the MNIST files: a magic number, the sizes of the axes, then the bytes.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", file formats.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import DataError

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`, uncompressed if it is gzip's.

    Raises `DataError` if the file cannot be read or its compression is damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: expected a readable file, plain or gzip: {reason}") from error


def parse(content: bytes, axes: int, name: str) -> npt.NDArray[np.uint8]:
    """Return the array of unsigned bytes with `axes` axes that the IDX file `content` holds.

    `name` is what the file is called in errors. The array is a read-only view of `content`. Raises `DataError`
    if the magic number is not that of `axes` axes of unsigned bytes, or if the size is not the declared one.
    """
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{name}: expected an IDX header of {header} bytes, got {len(content)} bytes in all")
    magic, *shape = struct.unpack(f">{1 + axes}I", content[:header])
    expected = _UNSIGNED_BYTE << 8 | axes
    if magic != expected:
        raise DataError(
            f"{name}: expected the magic number 0x{expected:08x} (unsigned bytes, axes: {axes}), got 0x{magic:08x}"
        )
    size = math.prod(shape)
    if len(content) - header != size:
        declared = " x ".join(map(str, shape))
        raise DataError(f"{name}: expected {declared} = {size} bytes after the header, got {len(content) - header}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
