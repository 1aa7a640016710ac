"""Where the channels are in a target's arrays, and the same arrays laid out otherwise in memory."""

from __future__ import annotations

from typing import Literal

import numpy as np

from numeric.dtypes import Array

Layout = Literal["NCHW", "NHWC"]
VARIANTS = ("channels-last", "non-contiguous", "negative strides")
_ENDS = {"x": ((1,), (-1,)), "g": ((1,), (-1,)), "w": ((0, 1), (-1, -2)), "b": ((), ())}


def turned(letter: str, array: Array, layout: str) -> Array:
    """View of an array in a layout. With NHWC, x and g are `(batch, *spatial, channels)` and w `(*kernel, in, out)`."""
    return np.moveaxis(array, *_ENDS[letter[-1]]) if layout == "NHWC" else array


def turned_back(letter: str, array: Array, layout: str) -> Array:
    """Undo `turned`; an array without those axes, which is wrong anyway, stays as it is."""
    source, destination = _ENDS[letter[-1]]
    if layout == "NCHW" or array.ndim < 3 or not source:
        return array
    return np.moveaxis(array, destination, source)


def laid_out(array: Array, variant: str) -> Array:
    """Copy with the same entries in another place in memory; what lies between them is NaN, or a large integer.

    An array with fewer than three axes has no channels to be last.
    """
    if variant == "channels-last":
        return array if array.ndim < 3 else np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1)
    if variant == "non-contiguous":
        between = np.nan if array.dtype.kind == "f" else 1 << 20
        roomy = np.full((*array.shape, 2), between, array.dtype)
        roomy[..., 0] = array
        return roomy[..., 0]
    reverse = (slice(None, None, -1),) * array.ndim
    return array[reverse].copy()[reverse]
