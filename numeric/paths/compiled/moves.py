"""Vectors moved, transformed and compared, as intrinsics for Numba: beside the sums of `numeric.paths.compiled.vector`.

    transform   one of some matrices on both axes of a tile, for as many tiles as a vector has lanes
    transpose   a square of as many rows as a vector has lanes
    collect     a line of sums of what lies in several places
    copy, clear a line of numbers
    fetch       the same, to the cache only
    maxima      of what places in a table hold, and which places they are

Nothing checks an index here, either.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Literal

from llvmlite import ir

from numeric.paths.compiled.emit import FUSED, Code, index, intrinsic_of, mask_of

LINE = 64  # bytes


@cache
def transform(*matrices: tuple[tuple[float, ...], ...], bias: bool = False) -> Any:
    """`out = matrix @ tile @ matrix.T`, by one of the matrices, for as many tiles as there are lanes, side by side.

    Called as `run(which, out, out_start, out_row, out_column, tile, tile_start, tile_row, tile_column)`: entry (i, j)
    of the tiles is the vector at `tile_start + i * tile_row + j * tile_column`, and so of `out`. With a bias, `bias,
    start` follow: a vector that is added to every entry.
    """

    def emit(code: Code) -> None:
        which, _, out_start, out_row, out_column, _, tile_start, tile_row, tile_column = code.arguments[:9]
        out, tile = code.at(code.array(1), out_start), code.at(code.array(5), tile_start)

        def apply(matrix: tuple[tuple[float, ...], ...]) -> None:
            size = range(len(matrix[0]))
            half = []
            for j in size:
                read = [code.load(code.at(tile, code.times(i, tile_row), code.times(j, tile_column))) for i in size]
                half.append([code.combined(row, read) for row in matrix])
            for p in range(len(matrix)):
                for q, row in enumerate(matrix):
                    place = code.at(out, code.times(p, out_row), code.times(q, out_column))
                    found = code.combined(row, [column[p] for column in half])
                    code.store(code.builder.fadd(found, added, flags=FUSED) if bias else found, place)

        added = code.load(code.at(code.array(9), code.arguments[10])) if bias else None
        for number, matrix in enumerate(matrices):
            with code.builder.if_then(code.builder.icmp_signed("==", which, index(number))):
                apply(matrix)

    return intrinsic_of((1, 5, 9), 11, emit) if bias else intrinsic_of((1, 5), 9, emit)


@cache
def copy(step: Literal[1, 2]) -> Any:
    """`out[i] = x[step * i]` for i below `count`; called as `run(out, out_start, x, x_start, count)`."""

    def emit(code: Code) -> None:
        _, out_start, _, x_start, count = code.arguments
        out, x = code.at(code.array(0), out_start), code.at(code.array(2), x_start)
        even = mask_of([2 * i for i in range(code.lanes)])
        with code.loop(count, code.lanes) as i:
            left = code.builder.sub(count, i)
            if step == 1:
                with code.builder.if_else(code.builder.icmp_signed(">=", left, index(code.lanes))) as (whole, part):
                    with whole:
                        code.store(code.load(code.at(x, i)), code.at(out, i))
                    with part:
                        code.store_first(left, code.load_first(code.first(left), code.at(x, i)), code.at(out, i))
            else:  # the last number that is read is an even one
                more, place = code.builder.sub(code.times(left, 2), index(1)), code.at(x, code.times(i, 2))
                low = code.load_first(code.first(more), place)
                more = code.builder.sub(more, index(code.lanes))
                high = code.load_first(code.first(more), code.at(place, code.lanes))
                code.store_first(left, code.builder.shuffle_vector(low, high, even), code.at(out, i))

    return intrinsic_of((0, 2), 5, emit)


@lru_cache(maxsize=1)
def fetch() -> Any:
    """Have `x[i]` for i below `count` brought to the cache; called as `run(x, x_start, count)`."""

    def emit(code: Code) -> None:
        x = code.at(code.array(0), code.arguments[1])
        with code.loop(code.arguments[2], LINE // code.size) as i:
            code.fetch(code.at(x, i))

    return intrinsic_of((0,), 3, emit)


@cache
def collect(step: Literal[1, 2]) -> Any:
    """`out[step * q + k] = sum over r of x[planes[r], row - rows[r], q - columns[r]]` for k below `step`.

    r goes from `bounds[first + k]` to below `bounds[first + k + 1]`. Called as `run(out, out_start, x, x_start, planes,
    rows, columns, bounds, first, row, height, width, size)`: x's planes are `height` by `width` and begin as far from
    its start as `planes` says; `size` numbers of out are written. What is outside of x is left out.
    """

    def emit(code: Code) -> None:
        _, out_start, _, x_start, _, _, _, _, first, row, height, width, size = code.arguments
        out, x = code.at(code.array(0), out_start), code.at(code.array(2), x_start)
        planes, rows, columns, bounds = (code.array(i) for i in (4, 5, 6, 7))
        bounds = code.at(bounds, first)

        def total(k: int, q: ir.Value) -> ir.Value:
            begin, end = (code.builder.load(code.at(bounds, i)) for i in (k, k + 1))
            found = code.variable(code.number(0.0))
            with code.loop(code.builder.sub(end, begin)) as i:
                line = code.builder.sub(row, code.builder.load(code.at(rows, begin, i)))
                with code.builder.if_then(code.builder.icmp_unsigned("<", line, height)):
                    start = code.builder.sub(q, code.builder.load(code.at(columns, begin, i)))
                    plane = code.builder.load(code.at(planes, begin, i))
                    read = code.load_first(code.inside(start, width), code.at(x, plane, code.times(line, width), start))
                    code.builder.store(code.builder.fadd(code.builder.load(found), read, flags=FUSED), found)
            return code.builder.load(found)

        with code.loop(size, step * code.lanes) as f:
            q = code.builder.sdiv(f, index(step))
            totals = [total(k, q) for k in range(step)]
            for part, vector in enumerate(totals if step == 1 else code.interleaved(*totals)):
                left = code.builder.sub(size, code.builder.add(f, index(part * code.lanes)))
                code.store_first(left, vector, code.at(out, f, part * code.lanes))

    return intrinsic_of((0, 2, 4, 5, 6, 7), 13, emit)


@lru_cache(maxsize=1)
def clear() -> Any:
    """`out[i] = 0` for i below `count`; called as `run(out, start, count)`."""

    def emit(code: Code) -> None:
        _, start, count = code.arguments
        out = code.at(code.array(0), start)
        with code.loop(count, code.lanes) as i:
            code.store_first(code.builder.sub(count, i), code.number(0.0), code.at(out, i))

    return intrinsic_of((0,), 3, emit)


@lru_cache(maxsize=1)
def maxima() -> Any:
    """`out[o]` is the largest `x[table[t, o]]` over the taps t, and `where[o]` the first such `table[t, o]`.

    o is below `count`. Called as `run(out, out_start, where, x, x_start, table, pitch, taps, count)`: row t of the
    table begins at `t * pitch`. A NaN is larger than any number. `where` and the table's rows are as long as whole
    vectors.
    """

    def emit(code: Code) -> None:
        _, out_start, _, _, x_start, _, pitch, taps, count = code.arguments
        out, where, x, table = code.at(code.array(0), out_start), *map(code.array, (2, 3, 5))
        x, build = code.at(x, x_start), code.builder
        with code.loop(count, code.lanes) as o:
            column = code.at(table, o)
            best, place = code.variable(code.gather(x, column)), code.variable(code.load_places(column))
            with code.loop(build.sub(taps, index(1))) as t:
                at = code.at(column, pitch, code.times(t, pitch))
                value, most = code.gather(x, at), build.load(best)
                # the first is true if one of them is NaN, the second false if that was found before
                larger = build.and_(build.fcmp_unordered("<", most, value), build.fcmp_ordered("ord", most, most))
                build.store(build.select(larger, value, most), best)
                build.store(build.select(larger, code.load_places(at), build.load(place)), place)
            code.store_first(build.sub(count, o), build.load(best), code.at(out, o))
            code.store_places(build.load(place), code.at(where, o))

    return intrinsic_of((0, 2, 3, 5), 9, emit)


@lru_cache(maxsize=1)
def transpose() -> Any:
    """`out[j, i] = x[i, j]` of a square; called as `run(out, out_start, out_pitch, x, x_start, x_pitch)`."""

    def emit(code: Code) -> None:
        _, out_start, out_pitch, _, x_start, x_pitch = code.arguments
        out, x, every = code.at(code.array(0), out_start), code.at(code.array(3), x_start), range(code.lanes)
        rows = [code.load(code.at(x, code.times(i, x_pitch))) for i in every]
        half = code.lanes // 2
        while half:  # swap the off-diagonal quarters of all squares of twice that size
            low = mask_of([i if not i & half else code.lanes + i - half for i in every])
            high = mask_of([i + half if not i & half else code.lanes + i for i in every])
            for i in (i for i in every if not i & half):
                pair = rows[i], rows[i + half]
                rows[i], rows[i + half] = (code.builder.shuffle_vector(*pair, mask) for mask in (low, high))
            half //= 2
        for i in every:
            code.store(rows[i], code.at(out, code.times(i, out_pitch)))

    return intrinsic_of((0, 3), 6, emit)
