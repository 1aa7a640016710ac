"""Sums that stay in registers, as intrinsics for Numba: what the compiled paths do in their innermost loops.

They are written in LLVM's own language (`numeric.paths.compiled.emit`). Everything else, what is read and in which
order, is up to the kernels, which are plain Numba. Arrays are flat, and are told with the place at which to start:

    products    rows of results, each a sum of scalars times vectors: a block of a matrix product
    stencil     the same where consecutive rows of results read consecutive rows
    dots        the same where the sum runs along the vectors
    correlations    nine of them, for the taps of a 3 x 3 kernel

What is no sum of products is in `numeric.paths.compiled.moves`. A vector is as wide as the processor's registers
(`lanes`); of the last one of a line, less may be read and written.
Sources: K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication (2008); E. Georganas et al.,
Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures (2018), arXiv 1808.05567. Nothing checks
an index: a kernel that asks for a wrong one reads or writes beyond its arrays. Products may be fused into sums, which
may be taken in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from llvmlite import ir

from numeric.paths.compiled.emit import FUSED, Code, index, intrinsic_of, register

# How many products before its own a row is asked for, which may lie anywhere; with narrow registers that takes as many
# of the loads as there is time for, and no row is
AHEAD = 8 if register() == 64 else 0


@cache
def products(
    rows: int,
    vectors: int,
    *,
    listed: Literal["", "a", "x"] = "",
    add: Literal["", "out", "bias"] = "",
    part: bool = False,
) -> Any:
    """`out[i, :] = sum over l, r of a[i, l, r] * x[l, r, :]` for `rows` rows of `vectors` vectors.

    With `add`, what `out` holds is added to it, or `bias[i]` to every entry of row i; last, so that a long sum made of
    many calls is one of short sums, and as exact.

    Called as `run(out, start, pitch, a, start, pitch, step, line, x, start, step, line, table, first, count, lines)`:
    out's row i is at `start + i * pitch`, `a[i, l, r]` at `start + i * pitch + l * line + r * step`, `x[l, r, :]` at
    `start + l * line + r * step`, for r below `count` and l below `lines`. Where a is listed, `table[first + i]` takes
    the place of `i * pitch`; where x is, `table[first + r]` that of `r * step`. Where a bias is added, `bias, start`
    follow. With `part` there is a last argument: how many numbers of the rows of x and out there are, of which the last
    vector may hold fewer.
    """

    def emit(code: Code) -> None:
        out_start, out_pitch, _, a_start, a_pitch, a_step, a_line, _, x_start, x_step, x_line = code.arguments[1:12]
        first, count, lines = code.arguments[13:16]
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(8), x_start)
        table = code.at(code.array(12), first)
        row_of = code.row(vectors, code.arguments[-1] if part else None)
        sums = [[code.variable(code.number(0.0)) for _ in range(vectors)] for _ in range(rows)]
        for i in range(rows):
            for j in range(vectors):
                code.fetch(code.at(out, code.times(i, out_pitch), j * code.lanes), write=True)
        if listed == "a":
            starts = [code.at(a, code.builder.load(code.at(table, i))) for i in range(rows)]
        else:
            starts = [code.at(a, code.times(i, a_pitch)) for i in range(rows)]
        with code.loop(lines) as line, code.loop(count) as r:
            moved = code.builder.load(code.at(table, r)) if listed == "x" else code.times(r, x_step)
            read = row_of.load(code.at(x, code.times(line, x_line), moved))
            place = code.builder.add(code.times(line, a_line), code.times(r, a_step))
            if listed == "x" and AHEAD:
                later = code.builder.add(r, index(AHEAD))
                inside = code.builder.icmp_signed("<", later, count)
                later = code.builder.load(code.at(table, code.builder.select(inside, later, r)))
                for j in range(vectors):
                    code.fetch(code.at(x, later, j * code.lanes))
            for i in range(rows):
                factor = code.everywhere(code.builder.load(code.at(starts[i], place)))
                for j in range(vectors):
                    code.add_product(sums[i][j], factor, read[j])
        for i in range(rows):
            place, total = code.at(out, code.times(i, out_pitch)), [code.builder.load(found) for found in sums[i]]
            if add:
                before = row_of.load(place) if add == "out" else [code.one(16, code.arguments[17], i)] * vectors
                total = [code.builder.fadd(b, t, flags=FUSED) for b, t in zip(before, total, strict=True)]
            row_of.store(total, place)

    arrays = (0, 3, 8, 12, 16) if add == "bias" else (0, 3, 8, 12)
    return intrinsic_of(arrays, 16 + 2 * (add == "bias") + part, emit)


@cache
def stencil(rows: int, vectors: int, taps: int, *, inside: bool = False) -> Any:
    """`out[i, f] = bias + sum over r, u of a[r, u] * x[r, i + u, f]`, u below the number of taps.

    A row of x is read once for all of the `rows` rows of results; one that is outside of x is left out. `taps` is how
    many there are, or 0 for any number not below `rows`. Called as `run(out, start, pitch, a, start, taps, x, start,
    row, height, width, table, masks, first, count, left, biases, which)`: out's row i is at `start + i * pitch`,
    `a[r, u]` at `start + r * taps + u`, x's row i for r at `start + table[r] + (row + i) * width`, for r below `count`,
    if `row + i` is below `height` and not below 0. Bit f of `masks[first + r]` says whether there is an `x[r, i, f]`,
    which else is zero: 64 at most, or any number of them `inside`, where all are. Of out's rows, `left` numbers are
    written at most. The bias is `biases[which]`.
    """

    def emit(code: Code) -> None:
        _, out_start, out_pitch, _, a_start, number, _, x_start, top, height, width = code.arguments[:11]
        first, count, left, _, which = code.arguments[13:]
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(6), x_start)
        table, masks = code.array(11), code.at(code.array(12), first)
        sums = [[code.variable(code.number(0.0)) for _ in range(vectors)] for _ in range(rows)]
        across = range(0, vectors * code.lanes, code.lanes)

        def read(row: ir.Value, results: Sequence[int]) -> None:
            """Add one row's products to some of the results."""
            place = code.builder.add(top, row)
            with (
                code.builder.if_then(code.builder.icmp_unsigned("<", place, height)),
                code.loop(count) as r,
            ):
                line = code.at(x, code.builder.load(code.at(table, r)), code.times(place, width))
                if inside:
                    found = [code.load(code.at(line, j)) for j in across]
                else:
                    bits = code.builder.load(code.at(masks, r))
                    found = [code.load_first(code.bits(bits, j), code.at(line, j)) for j in across]
                factors = code.at(a, code.times(r, number), row)
                for i in results:
                    factor = code.everywhere(code.builder.load(code.at(factors, -i)))
                    for j in range(vectors):
                        code.add_product(sums[i][j], factor, found[j])

        if taps:
            for row in range(rows + taps - 1):
                read(index(row), range(max(0, row - taps + 1), min(row + 1, rows)))
        else:
            for row in range(rows - 1):
                read(index(row), range(row + 1))
            with code.loop(code.builder.sub(number, index(rows - 1))) as row:
                read(code.builder.add(row, index(rows - 1)), range(rows))
            for row in range(rows - 1):
                read(code.builder.add(number, index(row)), range(row + 1, rows))
        row_of, bias = code.row(vectors, None if inside else left), code.one(16, which)
        for i in range(rows):
            total = [code.builder.fadd(code.builder.load(found), bias, flags=FUSED) for found in sums[i]]
            row_of.store(total, code.at(out, code.times(i, out_pitch)))

    return intrinsic_of((0, 3, 6, 11, 12, 16), 18, emit)


@cache
def dots(rows: int, columns: int) -> Any:
    """`out[i, j] += sum over l, f of a[i, l, f] * x[j, l, f]` for `rows` rows and `columns` columns.

    Called as `run(out, start, pitch, a, start, pitch, line, x, start, line, table, first, count, lines)`: `a[i, l, f]`
    is at `start + i * pitch + l * line + f`, `x[j, l, f]` at `start + table[first + j] + l * line + f`, for f below
    `count` and l below `lines`.
    """

    def emit(code: Code) -> None:
        _, out_start, out_pitch, _, a_start, a_pitch, a_line, _, x_start, x_line, _, first, count, lines = (
            code.arguments
        )
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(7), x_start)
        table = code.at(code.array(10), first)
        sums = [[code.variable(code.number(0.0)) for _ in range(columns)] for _ in range(rows)]
        starts = [code.at(a, code.times(i, a_pitch)) for i in range(rows)]
        others = [code.at(x, code.builder.load(code.at(table, j))) for j in range(columns)]
        whole = code.builder.and_(count, index(-code.lanes))
        left = code.builder.sub(count, whole)
        mask, some = code.first(left), code.builder.icmp_signed(">", left, index(0))

        def add(a_place: ir.Value, x_place: ir.Value, load: Callable[[ir.Value], ir.Value]) -> None:
            read = [load(code.at(other, x_place)) for other in others]
            for i in range(rows):
                factor = load(code.at(starts[i], a_place))
                for j in range(columns):
                    code.add_product(sums[i][j], factor, read[j])

        with code.loop(lines) as line:
            in_a, in_x = code.times(line, a_line), code.times(line, x_line)
            with code.loop(whole, code.lanes) as f:
                add(code.builder.add(in_a, f), code.builder.add(in_x, f), code.load)
            with code.builder.if_then(some):
                end_a, end_x = code.builder.add(in_a, whole), code.builder.add(in_x, whole)
                add(end_a, end_x, lambda place: code.load_first(mask, place))
        for i in range(rows):
            for j in range(columns):
                place = code.at(out, code.times(i, out_pitch), j)
                total = code.total(code.builder.load(sums[i][j]))
                code.builder.store(code.builder.fadd(code.builder.load(place), total, flags=FUSED), place)

    return intrinsic_of((0, 3, 7, 10), 14, emit)


@lru_cache(maxsize=1)
def correlations() -> Any:
    """`out[3 * u + v, :] += sum over q, f of g[q, f] * x[q + u - top, f + across[v]]` for u and v below 3.

    Each is the sum of a vector's lanes. Called as `run(out, out_start, g, g_start, x, x_start, across, rows, columns,
    height, width, top)`: g's plane is `rows` by `columns`, x's `height` by `width`. What is outside of x is left out. A
    row of x is read once for three of g, which stay in registers.
    """
    taps = range(3)

    def emit(code: Code) -> None:
        _, out_start, _, g_start, _, x_start, _, rows, columns, height, width, top = code.arguments
        out, g, x = (code.at(code.array(i), start) for i, start in ((0, out_start), (2, g_start), (4, x_start)))
        build = code.builder
        across = [build.load(code.at(code.array(6), v)) for v in taps]
        sums = [[code.variable(code.number(0.0)) for _ in taps] for _ in taps]
        # rows of x that all three rows of g meet: from begin on, and before end
        begin = code.most(index(0), build.sub(index(2), top))
        end = code.most(begin, code.least(height, build.sub(rows, top)))
        with code.loop(columns, code.lanes) as f:
            some = code.first(build.sub(columns, f))
            masks = [build.and_(some, code.inside(build.add(f, move), width)) for move in across]

            def read(row: ir.Value) -> list[ir.Value]:
                line = code.at(x, code.times(row, width), f)
                return [code.load_first(mask, code.at(line, v)) for mask, v in zip(masks, across, strict=True)]

            def cotangent(row: ir.Value) -> ir.Value:
                return code.load_first(some, code.at(g, code.times(row, columns), f))

            def edge(row: ir.Value) -> None:
                """What some of the rows of g meet."""
                found = read(row)
                for u in taps:
                    q = build.add(row, build.sub(top, index(u)))
                    with build.if_then(build.icmp_unsigned("<", q, rows)):
                        factor = cotangent(q)
                        for v in taps:
                            code.add_product(sums[u][v], factor, found[v])

            with code.loop(code.least(begin, height)) as row:
                edge(row)
            with build.if_then(build.icmp_signed("<", begin, end)):
                place = build.add(begin, top)
                before = [code.variable(cotangent(build.sub(place, index(u)))) for u in (1, 2)]
                with code.loop(build.sub(end, begin)) as i:
                    factors = [cotangent(build.add(place, i)), *map(build.load, before)]
                    for v, vector in enumerate(read(build.add(begin, i))):
                        for u in taps:
                            code.add_product(sums[u][v], factors[u], vector)
                    for old, new in zip(before, factors, strict=False):
                        build.store(new, old)
            with code.loop(build.sub(height, end)) as i:
                edge(build.add(end, i))
        for u in taps:
            for v in taps:  # a long sum made of short ones, and as exact
                place = code.at(out, (3 * u + v) * code.lanes)
                code.store(build.fadd(code.load(place), build.load(sums[u][v]), flags=FUSED), place)

    return intrinsic_of((0, 2, 4, 6), 12, emit)
