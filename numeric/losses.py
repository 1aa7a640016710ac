"""Softmax, its logarithm, and the cross-entropy of the two, with their gradients.

Arrays: x `(batch, classes)`, the logits; softmax, log_softmax and their cotangents g `(batch, classes)`; the loss and
its cotangent `(batch,)`, one entry for each sample: mean or sum is up to the caller. A target is either integer class
labels `(batch,)`, or weights of the classes `(batch, classes)`, usually a distribution, though the sum is not asked to
be 1. Integers become float64. Arguments that do not fit raise `GeometryError`, complex arrays and arrays that hold no
numbers `TypeError`, before any work is done.

Each row is shifted by its maximum, so that no finite row overflows in exp; a difference too large for the type counts
as -inf. A logit of -inf has probability 0 and, as a target of weight 0, loss NaN; a row with +inf or NaN, or with
nothing but -inf, is NaN, and so are its gradients (NumPy warns of infinities). Other rows are not touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array
from numeric.geometry import GeometryError
from numeric.reals import as_floats, expect_shape


def softmax(x: ArrayLike) -> Array:
    """`exp(x[i]) / sum over j of exp(x[j])` in each row."""
    (x,) = _logits(x)
    return _softmax(x)


def softmax_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx for the cotangent g: `p * (g - sum over j of g[j] * p[j])` with `p = softmax(x)`."""
    x, g = _logits(x, g)
    p = _softmax(x)
    return np.asarray(p * (g - _row_sums(g * p)))


def log_softmax(x: ArrayLike) -> Array:
    """`x[i] - log(sum over j of exp(x[j]))` in each row."""
    (x,) = _logits(x)
    return _log_softmax(x)


def log_softmax_input_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx for the cotangent g: `g - softmax(x) * sum over j of g[j]`."""
    x, g = _logits(x, g)
    return np.asarray(g - _softmax(x) * _row_sums(g))


def softmax_cross_entropy(x: ArrayLike, target: ArrayLike) -> Array:
    """Losses `(batch,)`: `-log_softmax(x)[label]`, or `-sum over j of target[j] * log_softmax(x)[j]`."""
    labels = _labels(target)
    if labels is None:
        x, target = _logits(x, target, name="target")
        return np.asarray(-(target * _log_softmax(x)).sum(axis=1, dtype=x.dtype))
    (x,) = _logits(x)
    _expect_labels(labels, x)
    return -np.take_along_axis(_log_softmax(x), labels[:, None], 1)[:, 0]


def softmax_cross_entropy_input_gradient(g: ArrayLike, x: ArrayLike, target: ArrayLike) -> Array:
    """dL/dx for the cotangent g `(batch,)`: `g * (softmax(x) * sum(target) - target)`; a label is a row of one 1."""
    labels = _labels(target)
    if labels is None:
        g, x, weights = as_floats(g, x, target)
        _expect_logits(x)
        expect_shape("target", weights, x.shape, "the shape of x")
    else:
        g, x = as_floats(g, x)
        _expect_logits(x)
        _expect_labels(labels, x)
        weights = (labels[:, None] == np.arange(x.shape[1])).astype(np.int64).astype(x.dtype)
    expect_shape("g", g, x.shape[:1], "an entry for each sample")
    return np.asarray(g[:, None] * (_softmax(x) * _row_sums(weights) - weights))


def softmax_cross_entropy_target_gradient(g: ArrayLike, x: ArrayLike) -> Array:
    """dL/dtarget for the cotangent g `(batch,)` and a target `(batch, classes)`: `-g * log_softmax(x)`."""
    g, x = as_floats(g, x)
    _expect_logits(x)
    expect_shape("g", g, x.shape[:1], "an entry for each sample")
    return -g[:, None] * _log_softmax(x)


def _shifted(x: Array) -> Array:
    """Rows with maximum 0."""
    with np.errstate(over="ignore"):  # -inf is what a difference is then, and its exponential 0
        return np.asarray(x - x.max(axis=1, keepdims=True))


def _softmax(x: Array) -> Array:
    weights = np.exp(_shifted(x))
    return np.asarray(weights / _row_sums(weights))


def _log_softmax(x: Array) -> Array:
    shifted = _shifted(x)
    return np.asarray(shifted - np.log(_row_sums(np.exp(shifted))))


def _row_sums(array: Array) -> Array:
    return np.asarray(array.sum(axis=1, keepdims=True, dtype=array.dtype))


def _logits(x: Any, *others: Any, name: str = "g") -> tuple[Array, ...]:
    """Arrays of one type, x and perhaps another of its shape, called `name`."""
    arrays = as_floats(x, *others)
    _expect_logits(arrays[0])
    for array in arrays[1:]:
        expect_shape(name, array, arrays[0].shape, "the shape of x")
    return arrays


def _expect_logits(x: Array) -> None:
    if x.ndim != 2 or x.shape[1] == 0:
        raise GeometryError(f"x must be (batch, classes) with at least one class, got shape {x.shape}")


def _labels(target: Any) -> Array | None:
    """Class labels, or None for a target with an entry for each class."""
    if isinstance(target, np.ma.MaskedArray):
        raise TypeError("a masked array's mask would be lost: fill it first")
    found = np.asarray(target)
    if found.ndim == 2:
        return None
    if found.ndim != 1 or (found.dtype.kind not in "iu" and found.size):
        raise GeometryError(
            "target must be integer class labels (batch,) or weights (batch, classes); got shape "
            f"{found.shape} of {found.dtype}"
        )
    return found.astype(np.int64)


def _expect_labels(labels: Array, x: Array) -> None:
    batch, classes = x.shape
    expect_shape("target", labels, (batch,), "a label for each sample")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise GeometryError(f"labels must be from 0 to {classes - 1} for {classes} classes, got {wrong[0]}")
