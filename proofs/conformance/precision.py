"""Significands of the number types: of what the inputs are rounded to, what adds up, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from numeric.dtypes import Array


@dataclass(frozen=True)
class Precision:
    """Bits of three significands, the leading one counted, and the largest number of any of them."""

    input_bits: int
    accumulator_bits: int
    output_bits: int
    largest: float

    @property
    def sums(self) -> int:
        """Up to this number every integer is held exactly on the way and in the result."""
        return int(min(2**self.accumulator_bits, 2**self.output_bits, self.largest))


_FLOAT32 = float(np.finfo(np.float32).max)
_FLOAT16 = float(np.finfo(np.float16).max)

PRECISIONS: dict[str, Precision] = {
    "float64": Precision(53, 53, 53, float(np.finfo(np.float64).max)),
    "float32": Precision(24, 24, 24, _FLOAT32),
    "tf32": Precision(11, 24, 24, _FLOAT32),
    "bfloat16": Precision(8, 24, 8, _FLOAT32),
    "bfloat16 in bfloat16": Precision(8, 8, 8, _FLOAT32),
    "bfloat16 products": Precision(8, 24, 24, _FLOAT32),
    "float16": Precision(11, 24, 11, _FLOAT16),
    "float16 in float16": Precision(11, 11, 11, _FLOAT16),
    "int64": Precision(53, 53, 53, float(2**53)),  # no more than what float64 can be compared with
}
# What every path that adds up products is exact in: float32 may be multiplied as TF32 or bfloat16, float16 added up as
# float16.
CAUTIOUS: dict[str, str] = {
    "float32": "bfloat16 products",
    "float16": "float16 in float16",
}


def lowest(dtype: str) -> float:
    """The type's lowest finite number."""
    if dtype == "bfloat16":
        return -float(np.ldexp(2 - 2.0**-7, 127))
    return float(np.iinfo(dtype).min if np.dtype(dtype).kind == "i" else np.finfo(dtype).min)


def rounded(array: Array, bits: int) -> Array:
    """Round to nearest, ties to even, to a significand of that many bits; the exponent is not limited."""
    if bits >= 53:
        return np.asarray(array)
    mantissa, exponent = np.frexp(np.asarray(array, np.float64))
    found: Array = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
    return found


def rounded_away(array: Array, bits: int) -> Array:
    """Round to nearest, ties away from zero: what NVIDIA's conversion to TF32 does."""
    return _halves(array, bits, 0.5)


def cut(array: Array, bits: int) -> Array:
    """Drop the bits beyond."""
    return _halves(array, bits, 0.0)


def _halves(array: Array, bits: int, half: float) -> Array:
    mantissa, exponent = np.frexp(np.asarray(array, np.float64))
    scaled: Any = np.ldexp(mantissa, bits)
    return np.asarray(np.ldexp(np.trunc(scaled + np.copysign(half, scaled)), exponent - bits))
