"""Dropout with a given mask: drawing it is the caller's business, so that every step can be repeated and proved.

Arrays: x, mask, y and its cotangent g = dL/dy of one shape, without broadcasting. The mask holds 1 (kept) and 0
(dropped), as numbers or booleans; `rate` is the probability of a 0, from 0 to below 1. This is inverted dropout: what
is kept is divided by `1 - rate` in training, so that in inference the layer is the identity. Integers become float64;
the mask's type does not matter. A NaN or an infinity is NaN where it is dropped. Arguments that do not fit raise
`GeometryError`, complex arrays and arrays that hold no numbers `TypeError`, before any work is done.

Source: N. Srivastava et al., Dropout (2014), section 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numeric.dtypes import Array
from numeric.geometry import GeometryError
from numeric.reals import as_floats, as_reals, expect_between, expect_number, expect_shape, scalar


def dropout(x: ArrayLike, mask: ArrayLike, rate: Any) -> Array:
    """`x * mask / (1 - rate)`; on arrays of objects the mask and the rate may be symbols."""
    return _dropped("x", x, mask, rate)


def dropout_input_gradient(g: ArrayLike, mask: ArrayLike, rate: Any) -> Array:
    """dL/dx for the cotangent g: `g * mask / (1 - rate)`, the layer being linear and its own adjoint."""
    return _dropped("g", g, mask, rate)


def _dropped(name: str, array: ArrayLike, mask: ArrayLike, rate: Any) -> Array:
    (x,), (kept,) = as_floats(array), as_reals(mask)
    expect_number("rate", rate, x.dtype)
    expect_between("rate", rate, 0, 1, last=False)
    expect_shape("mask", kept, x.shape, f"the shape of {name}")
    if kept.dtype.kind != "O":
        if not ((kept == 0) | (kept == 1)).all():
            raise GeometryError("mask must hold nothing but 0 and 1")
        kept = kept.astype(np.int64).astype(x.dtype)  # a fraction times the float 1.0 would be a float
    return np.asarray(x * kept / scalar("rate", 1 - rate, x.dtype), np.result_type(x, kept))
