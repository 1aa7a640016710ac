"""A convolution that is right, and one that nobody saw was wrong as every stride tried was square."""

import numpy as np


def conv2d(x, w, *, stride, dilation, padding):
    """Cross-correlation of x `(batch, height, width, in)` and w `(height, width, in, out)`."""
    return _conv2d(x, w, stride, dilation, padding)


def hasty_conv2d(x, w, *, stride, dilation, padding):
    """The same, hastily."""
    return _conv2d(x, w, (stride[0], stride[0]), dilation, padding)[:, :, : _size(x, w, stride, dilation, padding)]


def _conv2d(x, w, stride, dilation, padding):
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    y = 0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            rows = slice(i * dilation[0], x.shape[1] - (w.shape[0] - 1 - i) * dilation[0], stride[0])
            columns = slice(j * dilation[1], x.shape[2] - (w.shape[1] - 1 - j) * dilation[1], stride[1])
            y = y + x[:, rows, columns] @ w[i, j]
    return y


def _size(x, w, stride, dilation, padding):
    return (x.shape[2] + sum(padding[1]) - dilation[1] * (w.shape[1] - 1) - 1) // stride[1] + 1
