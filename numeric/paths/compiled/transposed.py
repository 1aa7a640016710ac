"""Transposed copies of matrices, squares of vectors at a time: how the compiled paths bring channels side by side."""

from __future__ import annotations

from numeric.dtypes import Array
from numeric.paths.compiled import jit
from numeric.paths.compiled.moves import transpose

_SQUARE = transpose()


@jit()
def transposed(
    out: Array, out_start: int, out_pitch: int, x: Array, start: int, pitch: int, rows: int, columns: int, lanes: int
) -> None:
    """`out[j, i] = x[i, j]` for i below `rows` and j below `columns`, in flat arrays with pitches from starts on."""
    if rows < lanes or columns < lanes:
        for i in range(rows):
            for j in range(columns):
                out[out_start + j * out_pitch + i] = x[start + i * pitch + j]
        return
    for block in range(0, rows, lanes):
        i = min(block, rows - lanes)  # the last squares may overlap the ones before
        for next_block in range(0, columns, lanes):
            j = min(next_block, columns - lanes)
            _SQUARE(out, out_start + j * out_pitch + i, out_pitch, x, start + i * pitch + j, pitch)
