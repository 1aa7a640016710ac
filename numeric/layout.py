"""Where the channels are: inside, arrays are channels-first."""

from __future__ import annotations

import numpy as np

from numeric.dtypes import Array


def channels_first(array: Array, channels_last: bool) -> Array:
    """Bring `(batch, *spatial, channels)` into `(batch, channels, *spatial)` if the channels come last: a view."""
    return np.moveaxis(array, -1, 1) if channels_last and array.ndim > 2 else array


def as_given(array: Array, channels_last: bool) -> Array:
    """Undo `channels_first`."""
    return np.moveaxis(array, 1, -1) if channels_last else array
