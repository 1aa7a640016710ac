"""Affine warps of a batch of images as tensor work: one gather for the whole batch."""

from typing import Any

import tensorflow as tf

_LOW, _HIGH = 1, 2  # rows and columns of paper around an image: all that lies outside it


def warp(images: Any, maps: Any) -> Any:
    """Return float32 `images` `(n, height, width)`, each read at the places that its map of `maps` `(n, 2, 3)` names.

    A map takes (row, column, 1) of an output pixel to row and column of the place read, all from the centre. Between
    pixels it is linear, outside it is 0.
    """
    _, height, width = images.shape
    rows, columns = (height - 1) / 2, (width - 1) / 2
    y, x = tf.meshgrid(tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32), indexing="ij")
    places = tf.stack([tf.reshape(y, [-1]) - rows, tf.reshape(x, [-1]) - columns, tf.ones(height * width)])
    read = maps @ places  # (n, 2, pixels)
    down = tf.clip_by_value(read[:, 0] + rows, -1.0, float(height))
    right = tf.clip_by_value(read[:, 1] + columns, -1.0, float(width))
    return tf.reshape(_bilinear(images, down, right), tf.shape(images))


def _bilinear(images: Any, down: Any, right: Any) -> Any:
    """Return the images `(n, height, width)` at the places `(n, pixels)`, which reach from -1 to height and width."""
    padded = tf.pad(images, [[0, 0], [_LOW, _HIGH], [_LOW, _HIGH]])
    size = padded.shape[1] * padded.shape[2]
    row, column = tf.floor(down), tf.floor(right)
    below, beside = down - row, right - column
    first = tf.cast(row + _LOW, tf.int32) * padded.shape[2] + tf.cast(column + _LOW, tf.int32)
    first += tf.range(tf.shape(images)[0])[:, None] * size
    flat = tf.reshape(padded, [-1])

    def at(offset: int) -> Any:
        return tf.gather(flat, first + offset)

    upper = at(0) * (1 - beside) + at(1) * beside
    lower = at(padded.shape[2]) * (1 - beside) + at(padded.shape[2] + 1) * beside
    return upper * (1 - below) + lower * below
