"""Memory of large results, used again: the system clears every page of new memory, which takes as long as a layer.

The C library keeps what is given back, but not what is larger than 32 MB: that goes back to the system, and the next
result is made of new pages. Here the last of those are kept, `KEPT` bytes at most in all, until a result of about
their size is asked for.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array

LEAST = 1 << 25  # bytes of a result from which on its memory is kept
KEPT = 1 << 28  # bytes that are kept while nobody uses them

_free: list[Array] = []  # no lock: what is done to it, Python does at once, and a finalizer may come in between


class _Lent:
    """Owner of a result's memory: it is gone when the result and all of its views are."""

    def __init__(self, memory: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._memory = memory
        place = memory.__array_interface__["data"]
        self.__array_interface__ = {"shape": shape, "typestr": dtype.str, "data": place, "version": 3}

    def __del__(self) -> None:
        _free.append(self._memory)
        while sum(memory.nbytes for memory in _free) > KEPT:
            _oldest()


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """As `numpy.empty`."""
    size = prod(shape) * dtype.itemsize
    if size < LEAST or dtype.hasobject:
        return np.empty(shape, dtype)
    return np.asarray(_Lent(_taken(size), shape, dtype))


def _taken(size: int) -> Array:
    """Memory that was given back, if some is as large and not much larger, or new memory."""
    for _ in range(len(_free)):
        memory = _oldest()
        if memory is not None and size <= memory.nbytes <= size + size // 4:
            return memory
        if memory is not None:
            _free.append(memory)
    return np.empty(size, np.uint8)


def _oldest() -> Array | None:
    try:
        return _free.pop(0)
    except IndexError:  # another thread was faster
        return None
