"""Operations on single arrays, as plain loops: convolve, correlate, rot180, shift."""

from __future__ import annotations

from typing import Any

import numpy as np

from numeric.definition.conv import Index
from numeric.dtypes import Array, as_numbers


def convolve(x: Array, k: Array, mode: str = "full") -> Array:
    """`(x * k)[o] = sum over u of x[o - u] * k[u]`, the positions of `mode` counted from those of `full`."""
    return _sliding(x, k, mode, -1)


def correlate(x: Array, k: Array, mode: str = "full") -> Array:
    """`sum over u of x[o + u] * k[u]`, with `o = -(m - 1)` the first position of `full` for a kernel of size m."""
    return _sliding(x, k, mode, 1)


def _sliding(x: Array, k: Array, mode: str, sign: int) -> Array:
    size, origin = [], []
    for n, m in zip(x.shape, k.shape, strict=True):
        size.append({"full": n + m - 1, "same": n, "valid": n - m + 1}[mode])
        first = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
        origin.append(first if sign == -1 else first - (m - 1))
    x, k = as_numbers(x, k)
    y: Any = np.zeros(size, x.dtype)
    for o in np.ndindex(y.shape):
        for u in np.ndindex(k.shape):
            a = tuple(p + i + sign * j for p, i, j in zip(origin, o, u, strict=True))
            if all(0 <= i < n for i, n in zip(a, x.shape, strict=True)):
                y[o] += x[a] * k[u]
    return y  # type: ignore[no-any-return]


def rot180(x: Array) -> Array:
    """`rot180(x)[a] = x[n - 1 - a]` on every axis of size n."""
    y = np.empty_like(x)
    for a in np.ndindex(x.shape):
        y[a] = x[tuple(n - 1 - i for i, n in zip(a, x.shape, strict=True))]
    return y


def shift(x: Array, offset: Index, boundary: str = "zero") -> Array:
    """`shift(x, t)[a] = x[a - t]`; outside of the array x is zero, or x again (`circular`)."""
    y = np.zeros_like(x)
    for a in np.ndindex(x.shape):
        source = tuple(i - t for i, t in zip(a, offset, strict=True))
        if boundary == "circular":
            y[a] = x[tuple(i % n for i, n in zip(source, x.shape, strict=True))]
        elif all(0 <= i < n for i, n in zip(source, x.shape, strict=True)):
            y[a] = x[source]
    return y
