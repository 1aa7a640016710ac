"""Arguments of the layers that compare, divide or take roots: real numbers, and floats unless they are objects."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from numeric.dtypes import Array, as_numbers
from numeric.geometry import GeometryError


def as_reals(*arrays: Any) -> tuple[Array, ...]:
    """Return arrays of one type as `as_numbers` does; raises `TypeError` as that does, or if they are complex."""
    found = as_numbers(*arrays)
    if found[0].dtype.kind == "c":
        raise TypeError(f"expected real numbers, got dtype {found[0].dtype}")
    return found


def as_floats(*arrays: Any) -> tuple[Array, ...]:
    """Return the same with integers as float64; floats and objects stay what they are."""
    return tuple(array.astype(np.float64) if array.dtype.kind in "iu" else array for array in as_reals(*arrays))


def expect_number(name: str, value: Any, dtype: np.dtype[Any]) -> None:
    """Raise `TypeError` for what is no real number, unless the type is object: there it may be a symbol."""
    if dtype.kind != "O" and not _is_real(value):
        raise TypeError(f"{name} must be a real number for arrays of {dtype}, got {value!r}")


def expect_between(name: str, value: Any, low: float, high: float, last: bool) -> None:
    """Raise `GeometryError` unless a number is from low to high, high itself included only if `last`; symbols pass."""
    if _is_real(value) and not (low <= value < high or (last and value == high)):
        raise GeometryError(f"{name} must be from {low} {'to' if last else 'to below'} {high}, got {value}")


def expect_shape(name: str, array: Array, shape: tuple[int, ...], of: str) -> None:
    """Raise `GeometryError` unless an array has a shape, which is described by `of`."""
    if array.shape != shape:
        raise GeometryError(f"{name} must have {of}, {shape}; got {array.shape}")


def scalar(name: str, value: Any, dtype: np.dtype[Any]) -> Array:
    """One number as an array without axes, of another array's type, so that it never widens that.

    Raises `TypeError` as `expect_number` does.
    """
    expect_number(name, value, dtype)
    found = np.empty((), dtype)
    found[()] = value
    return found


def _is_real(value: Any) -> bool:
    """Whether a value is one real number, of Python's or NumPy's; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)
