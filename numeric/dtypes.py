"""Number types, decided once for every kernel.

- float and complex arrays: the result has NumPy's common type of the arguments, and sums are taken in it. A
  complex layer is the bilinear map itself: nothing is conjugated, in the gradients neither.
- bool and integers: summed as int64 (uint64 for unsigned types), like `numpy.sum`, so that int8 images do not
  wrap around; int64 itself wraps around, as everywhere in NumPy.
- object arrays: the elements' own `+` and `*` (fractions, polynomials, symbols); an empty sum is the int 0.
- masked arrays are refused: their mask would be lost.
- A NaN or an infinity in `x` reaches the outputs that read it and no others. One in `w` or `g` may also reach,
  as a NaN, outputs that read it against padding, since vectorised paths multiply it with the padded zeros. This holds
  for the paths in `numeric.paths.DIRECT`; Winograd's and FFT spread it over a tile.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
_AS_THEY_ARE = frozenset(map(np.dtype, "fdFDO"))


def common_dtype(*arrays: Array) -> np.dtype[Any]:
    """Type in which products of these arrays are summed and returned.

    Raises `TypeError` for types that are no numbers, and for uint64 with a signed type (no integer type holds
    both).
    """
    for array in arrays:
        if array.dtype.kind not in "biufcO":
            raise TypeError(
                f"expected numbers (bool, integer, float, complex or object arrays), got dtype {array.dtype}"
            )
    dtype = np.result_type(*arrays)
    if dtype.kind == "f" and all(array.dtype.kind in "biu" for array in arrays):
        names = " and ".join(str(array.dtype) for array in arrays)
        raise TypeError(f"no integer type holds both {names}: convert one of them first")
    if dtype.kind in "bi":
        return np.dtype(np.int64)
    return np.dtype(np.uint64) if dtype.kind == "u" else dtype


def as_numbers(*arrays: Any) -> tuple[Array, ...]:
    """Turn the arguments into arrays of their `common_dtype`; raise `TypeError` as that does, or if one is masked."""
    dtype = getattr(arrays[0], "dtype", None)
    if all(type(array) is np.ndarray and array.dtype is dtype for array in arrays) and dtype in _AS_THEY_ARE:
        return arrays  # as nearly always: for small layers, what follows takes as long as the layer
    if any(isinstance(array, np.ma.MaskedArray) for array in arrays):
        raise TypeError("a masked array's mask would be lost: fill it first")
    found = [np.asarray(array) for array in arrays]
    dtype = common_dtype(*found)
    return tuple(array.astype(dtype, copy=False) for array in found)
