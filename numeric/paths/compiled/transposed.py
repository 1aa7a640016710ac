"""Transposed copies of matrices, squares of vectors at a time: how the compiled paths bring channels side by side."""

from __future__ import annotations

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.vector import transpose

_SQUARE = transpose()


@jit()
def transposed(
    out: Array, out_start: int, out_pitch: int, x: Array, start: int, pitch: int, rows: int, columns: int, lanes: int
) -> None:
    """`out[j, i] = x[i, j]` for i below `rows` and j below `columns`, in flat arrays with pitches from starts on."""
    i = 0
    while i < rows:
        j = 0
        if i + lanes <= rows:
            while j + lanes <= columns:
                _SQUARE(out, out_start + j * out_pitch + i, out_pitch, x, start + i * pitch + j, pitch)
                j += lanes
        last = min(i + lanes, rows)
        while j < columns:
            for k in range(i, last):
                out[out_start + j * out_pitch + k] = x[start + k * pitch + j]
            j += 1
        i += lanes
