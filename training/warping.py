"""Affine warps of a batch of images as tensor work, on any backend: one gather for the whole batch."""

from typing import Any

import numpy as np
from keras import ops

_LOW, _HIGH = 1, 2  # rows and columns of paper around an image: all that lies outside it


def warp(images: Any, maps: Any) -> Any:
    """Return float32 `images` `(n, height, width)`, each read at the places that its map of `maps` `(n, 2, 3)` names.

    A map takes (row, column, 1) of an output pixel to row and column of the place read, all from the centre. Between
    pixels it is linear, outside it is 0.
    """
    _, height, width = images.shape
    centre = np.array([[(height - 1) / 2], [(width - 1) / 2]], np.float32)
    places = np.vstack([np.indices((height, width)).reshape(2, -1) - centre, np.ones((1, height * width))])
    read = ops.matmul(maps, ops.convert_to_tensor(places, dtype="float32")) + centre  # (n, 2, pixels)
    down = ops.clip(read[:, 0], -1.0, float(height))
    right = ops.clip(read[:, 1], -1.0, float(width))
    return ops.reshape(_bilinear(images, down, right), ops.shape(images))


def _bilinear(images: Any, down: Any, right: Any) -> Any:
    """Return the images `(n, height, width)` at the places `(n, pixels)`, which reach from -1 to height and width."""
    padded = ops.pad(images, [[0, 0], [_LOW, _HIGH], [_LOW, _HIGH]])
    count, height, width = ops.shape(padded)
    row, column = ops.floor(down), ops.floor(right)
    below, beside = down - row, right - column
    first = ops.cast(row + _LOW, "int32") * width + ops.cast(column + _LOW, "int32")
    first += ops.reshape(ops.arange(count), (-1, 1)) * (height * width)
    flat = ops.reshape(padded, (-1,))

    def at(offset: int) -> Any:
        return ops.take(flat, first + offset)

    upper = at(0) * (1 - beside) + at(1) * beside
    lower = at(width) * (1 - beside) + at(width + 1) * beside
    return upper * (1 - below) + lower * below
