"""Single arrays, as the exercise sheet uses them: convolve, correlate, rot180 and shift, on any number of axes.

*Convolution* flips the kernel, *cross-correlation* does not. Argument order and the centring of `same` are
SciPy's. Unlike SciPy's, `valid` with a kernel larger than the input is an error instead of a swap of the two
arguments, and `correlate` conjugates nothing (a layer is bilinear).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from numeric.conv import conv
from numeric.dtypes import Array, as_numbers
from numeric.geometry import Boundary, GeometryError, Ints, is_integer, settled

Mode = Literal["full", "same", "valid"]


def convolve(x: ArrayLike, k: ArrayLike, mode: Mode = "full", *, path: str = "auto") -> Array:
    """Convolution `(x * k)[o] = sum over u of x[o - u] * k[u]`: the kernel is flipped.

    `full`: every position where x and k overlap, size `n + m - 1` for sizes n and m. `same`: the n positions
    in the middle of it, starting at `(m - 1) // 2`. `valid`: the `n - m + 1` where k lies inside x.
    """
    return correlate(x, rot180(k), mode, path=path)


def correlate(x: ArrayLike, k: ArrayLike, mode: Mode = "full", *, path: str = "auto") -> Array:
    """Cross-correlation `sum over u of x[o + u] * k[u]`: the kernel is not flipped. Modes as in `convolve`."""
    x, k = as_numbers(x, k)
    if x.ndim != k.ndim or x.ndim == 0:
        raise GeometryError(
            f"x and k must have the same number of axes, at least one; got shapes {x.shape} and {k.shape}"
        )
    if mode not in get_args(Mode):
        raise GeometryError(f"mode must be one of {', '.join(map(repr, get_args(Mode)))}; got {mode!r}")
    padding = [mode_padding(mode, size) for size in k.shape]
    return np.asarray(conv(x[None, None], k[None, None], padding=padding, path=path)[0, 0])


def mode_start(mode: Mode, kernel_size: int) -> int:
    """Position of `full` at which a mode begins, on one axis."""
    return {"full": 0, "same": (kernel_size - 1) // 2, "valid": kernel_size - 1}[mode]


def mode_padding(mode: Mode, kernel_size: int) -> tuple[int, int]:
    """Padding `(low, high)` with which the layer computes a mode on one axis, for an unflipped kernel."""
    start = mode_start(mode, kernel_size)
    return kernel_size - 1 - start, {"full": kernel_size - 1, "same": start, "valid": 0}[mode]


def rot180(array: ArrayLike, axes: Ints | None = None) -> Array:
    """Reverse every axis, or those named: the rotation by 180 degrees on two axes. A view, not a copy."""
    array = _array(array)
    return np.flip(array, _axes(array, axes))


def shift(array: ArrayLike, offset: Ints, boundary: Boundary = "zero", axes: Ints | None = None) -> Array:
    """Translation `(tau x)[a] = x[a - offset]` on every axis, or on those named.

    What leaves the array is lost and zeros enter (`zero`), or it enters at the other end (`circular`).
    """
    array = _array(array)
    numbers = _axes(array, axes)
    offsets = settled("offset", offset, len(numbers), None)
    if not isinstance(boundary, str) or boundary not in get_args(Boundary):
        raise GeometryError(f"boundary must be one of {', '.join(map(repr, get_args(Boundary)))}; got {boundary!r}")
    moved = np.roll(array, offsets, numbers)
    if boundary == "zero":
        for step, number in zip(offsets, numbers, strict=True):
            entered = slice(None, step) if step >= 0 else slice(step, None)
            moved[(slice(None),) * number + (entered,)] = 0
    return moved


def _array(array: ArrayLike) -> Array:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array's mask would be lost: fill it first")
    found = np.asarray(array)
    if found.ndim == 0:
        raise GeometryError("expected an array with at least one axis, got a single number")
    return found


def _axes(array: Array, axes: Ints | None) -> tuple[int, ...]:
    """Axis numbers from 0 up; all of them for None."""
    if axes is None:
        return tuple(range(array.ndim))
    numbers = settled("axes", (axes,) if is_integer(axes) else axes, None, -array.ndim)
    if max(numbers) >= array.ndim:
        raise GeometryError(f"axes must be from {-array.ndim} to {array.ndim - 1}, got {axes!r}")
    return tuple(number % array.ndim for number in numbers)
