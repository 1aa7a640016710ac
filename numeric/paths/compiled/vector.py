"""Operations on registers, as intrinsics for Numba: what the compiled paths do in their innermost loops.

Numba's loops are vectorised by LLVM, which keeps sums in memory and guards every index; here the sums are vectors that
stay in registers, written in LLVM's own language. Everything else (what is read, and in which order) is up to the
kernels, which are plain Numba. Arrays are flat, and are told with the place at which to start:

    products    rows of results, each a sum of scalars times vectors: a block of a matrix product
    dots        the same where the sum runs along the vectors
    transform   a matrix on both axes of a tile, for as many tiles as a vector has lanes
    transpose   a square of as many rows as a vector has lanes

A vector is as wide as the processor's registers (`lanes`). Sources: K. Goto, R. van de Geijn, Anatomy of
High-Performance Matrix Multiplication (2008); E. Georganas et al., Anatomy of High-Performance Deep Learning
Convolutions on SIMD Architectures (2018), arXiv 1808.05567. Nothing checks an index: a kernel that asks for a wrong
one reads or writes beyond its arrays. Products may be fused into sums, which may be taken in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Literal

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FUSED = ("contract", "reassoc", "nsz")
INDEX, SMALL = ir.IntType(64), ir.IntType(32)

Rows = Literal["even", "listed"]


@lru_cache(maxsize=1)
def register() -> int:
    """Bytes of a vector register of this processor."""
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def lanes(itemsize: int) -> int:
    """Numbers in a vector."""
    return register() // itemsize


class _Code:
    """What the intrinsics are written in: pointers into flat arrays, vectors, counted loops."""

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> None:
        self.builder, self.arguments = builder, arguments
        self._context, self._types = context, signature.args
        dtype = next(found.dtype for found in signature.args if isinstance(found, types.Array))
        self.size = dtype.bitwidth // 8
        self.lanes = lanes(self.size)
        self.vector = ir.VectorType(context.get_data_type(dtype), self.lanes)

    def array(self, argument: int) -> ir.Value:
        """Where an array's data begin."""
        made = self._context.make_array(self._types[argument])
        return made(self._context, self.builder, self.arguments[argument]).data

    def at(self, pointer: ir.Value, *terms: ir.Value | int) -> ir.Value:
        """Place as many entries further on as the terms add up to."""
        for term in terms:
            pointer = self.builder.gep(pointer, [_index(term)])
        return pointer

    def times(self, a: ir.Value | int, b: ir.Value | int) -> ir.Value:
        """Product of two indices."""
        return self.builder.mul(_index(a), _index(b))

    def load(self, pointer: ir.Value) -> ir.Value:
        """Vector at a place."""
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.size)

    def store(self, vector: ir.Value, pointer: ir.Value) -> None:
        """Write a vector to a place."""
        self.builder.store(vector, self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.size)

    def everywhere(self, scalar: ir.Value) -> ir.Value:
        """Vector of equal entries."""
        empty = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(empty, scalar, ir.Constant(SMALL, 0))
        return self.builder.shuffle_vector(first, empty, _mask([0] * self.lanes))

    def number(self, value: float) -> ir.Value:
        """Vector of one constant."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def variable(self, value: ir.Value) -> ir.Value:
        """A vector that changes; LLVM keeps it in a register."""
        place = cgutils.alloca_once(self.builder, self.vector)
        self.builder.store(value, place)
        return place

    def add_product(self, place: ir.Value, a: ir.Value, b: ir.Value) -> None:
        """`place += a * b`."""
        product = self.builder.fmul(a, b, flags=FUSED)
        self.builder.store(self.builder.fadd(self.builder.load(place), product, flags=FUSED), place)

    @contextmanager
    def loop(self, count: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """A loop over `0, step, 2 * step, ...` below `count`."""
        with cgutils.for_range_slice(self.builder, _index(0), count, _index(step), inc=True) as (index, _):
            yield index

    def total(self, vector: ir.Value) -> ir.Value:
        """Sum of a vector's entries, by halves."""
        half = self.lanes // 2
        while half:
            other = self.builder.shuffle_vector(
                vector, vector, _mask([(i + half) % self.lanes for i in range(self.lanes)])
            )
            vector = self.builder.fadd(vector, other, flags=FUSED)
            half //= 2
        return self.builder.extract_element(vector, ir.Constant(SMALL, 0))

    def combined(self, coefficients: Sequence[float], vectors: Sequence[ir.Value]) -> ir.Value:
        """Sum of coefficients times vectors; ones and zeros cost no product."""
        total = None
        for coefficient, vector in zip(coefficients, vectors, strict=True):
            if not coefficient:
                continue
            size = abs(coefficient)
            term = vector if size == 1 else self.builder.fmul(vector, self.number(size), flags=FUSED)
            if total is None:
                total = term if coefficient > 0 else self.builder.fneg(term)
            else:
                total = (self.builder.fadd if coefficient > 0 else self.builder.fsub)(total, term, flags=FUSED)
        return self.number(0.0) if total is None else total


def _index(value: ir.Value | int) -> ir.Value:
    return ir.Constant(INDEX, value) if isinstance(value, int) else value


def _mask(places: Sequence[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(SMALL, len(places)), list(places))


def _intrinsic(arrays: Sequence[int], count: int, emit: Callable[[_Code], None]) -> Any:
    """Intrinsic of `count` arguments, of which some are arrays and the rest are indices, without a result."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        emit(_Code(context, builder, signature, arguments))
        return context.get_dummy_value()

    def typed(*given: Any) -> Any:
        return types.void(*(given[i] if i in arrays else types.intp for i in range(count))), generate

    names = ", ".join(f"a{i}" for i in range(count))
    made: dict[str, Any] = {"typed": typed}
    # Numba reads how many arguments an intrinsic has off its signature
    exec(f"def run(typing, {names}): return typed({names})", made)  # noqa: S102 - no text but the names above
    return intrinsic(made["run"])


@cache
def products(rows: int, vectors: int, *, listed: Literal["", "a", "x"] = "", add: bool = False) -> Any:
    """`out[i, :] = sum over l, r of a[i, l, r] * x[l, r, :]` for `rows` rows of `vectors` vectors; with `add`, `+=`.

    What is added to is added last: a long sum made of many calls is one of short sums, and as exact.

    Called as `run(out, start, pitch, a, start, pitch, step, line, x, start, step, line, table, first, count, lines)`:
    out's row i is at `start + i * pitch`, `a[i, l, r]` at `start + i * pitch + l * line + r * step`, `x[l, r, :]` at
    `start + l * line + r * step`, for r below `count` and l below `lines`. Where a is listed, `table[first + i]` takes
    the place of `i * pitch`; where x is, `table[first + r]` that of `r * step`.
    """

    def emit(code: _Code) -> None:
        out_start, out_pitch, _, a_start, a_pitch, a_step, a_line, _, x_start, x_step, x_line = code.arguments[1:12]
        first, count, lines = code.arguments[13:]
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(8), x_start)
        table = code.at(code.array(12), first)
        places = [[code.at(out, code.times(i, out_pitch), j * code.lanes) for j in range(vectors)] for i in range(rows)]
        sums = [[code.variable(code.number(0.0)) for _ in row] for row in places]
        if listed == "a":
            starts = [code.at(a, code.builder.load(code.at(table, i))) for i in range(rows)]
        else:
            starts = [code.at(a, code.times(i, a_pitch)) for i in range(rows)]
        with code.loop(lines) as line, code.loop(count) as r:
            moved = code.builder.load(code.at(table, r)) if listed == "x" else code.times(r, x_step)
            row = code.at(x, code.times(line, x_line), moved)
            read = [code.load(code.at(row, j * code.lanes)) for j in range(vectors)]
            place = code.builder.add(code.times(line, a_line), code.times(r, a_step))
            for i in range(rows):
                factor = code.everywhere(code.builder.load(code.at(starts[i], place)))
                for j in range(vectors):
                    code.add_product(sums[i][j], factor, read[j])
        for i in range(rows):
            for j in range(vectors):
                total = code.builder.load(sums[i][j])
                if add:
                    total = code.builder.fadd(code.load(places[i][j]), total, flags=FUSED)
                code.store(total, places[i][j])

    return _intrinsic((0, 3, 8, 12), 16, emit)


@cache
def dots(rows: int, columns: int) -> Any:
    """`out[i, j] += sum over f of a[i, f] * x[j, f]` for `rows` rows and `columns` columns.

    Called as `run(out, out_start, out_pitch, a, a_start, a_pitch, x, x_start, table, first, count)`: `a[i, f]` is at
    `a_start + i * a_pitch + f`, `x[j, f]` at `x_start + table[first + j] + f`; f runs below `count`, a multiple of the
    lanes.
    """

    def emit(code: _Code) -> None:
        _, out_start, out_pitch, _, a_start, a_pitch, _, x_start, _, first, count = code.arguments
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(6), x_start)
        table = code.at(code.array(8), first)
        sums = [[code.variable(code.number(0.0)) for _ in range(columns)] for _ in range(rows)]
        starts = [code.at(a, code.times(i, a_pitch)) for i in range(rows)]
        others = [code.at(x, code.builder.load(code.at(table, j))) for j in range(columns)]
        with code.loop(count, code.lanes) as f:
            read = [code.load(code.at(other, f)) for other in others]
            for i in range(rows):
                factor = code.load(code.at(starts[i], f))
                for j in range(columns):
                    code.add_product(sums[i][j], factor, read[j])
        for i in range(rows):
            for j in range(columns):
                place = code.at(out, code.times(i, out_pitch), j)
                total = code.total(code.builder.load(sums[i][j]))
                code.builder.store(code.builder.fadd(code.builder.load(place), total, flags=FUSED), place)

    return _intrinsic((0, 3, 6, 8), 11, emit)


@cache
def transform(matrix: tuple[tuple[float, ...], ...]) -> Any:
    """`out = matrix @ tile @ matrix.T` for as many tiles as there are lanes, which lie side by side.

    Called as `run(out, out_start, out_row, out_column, tile, tile_start, tile_row, tile_column)`: entry (i, j) of the
    tiles is the vector at `tile_start + i * tile_row + j * tile_column`, and so of `out`.
    """

    def emit(code: _Code) -> None:
        _, out_start, out_row, out_column, _, tile_start, tile_row, tile_column = code.arguments
        out, tile = code.at(code.array(0), out_start), code.at(code.array(4), tile_start)
        size = range(len(matrix[0]))
        half = []
        for j in size:
            read = [code.load(code.at(tile, code.times(i, tile_row), code.times(j, tile_column))) for i in size]
            half.append([code.combined(row, read) for row in matrix])
        for p in range(len(matrix)):
            for q, row in enumerate(matrix):
                place = code.at(out, code.times(p, out_row), code.times(q, out_column))
                code.store(code.combined(row, [column[p] for column in half]), place)

    return _intrinsic((0, 4), 8, emit)


@lru_cache(maxsize=1)
def transpose() -> Any:
    """`out[j, i] = x[i, j]` of a square; called as `run(out, out_start, out_pitch, x, x_start, x_pitch)`."""

    def emit(code: _Code) -> None:
        _, out_start, out_pitch, _, x_start, x_pitch = code.arguments
        out, x, every = code.at(code.array(0), out_start), code.at(code.array(3), x_start), range(code.lanes)
        rows = [code.load(code.at(x, code.times(i, x_pitch))) for i in every]
        half = code.lanes // 2
        while half:  # swap the off-diagonal quarters of all squares of twice that size
            low = _mask([i if not i & half else code.lanes + i - half for i in every])
            high = _mask([i + half if not i & half else code.lanes + i for i in every])
            for i in (i for i in every if not i & half):
                pair = rows[i], rows[i + half]
                rows[i], rows[i + half] = (code.builder.shuffle_vector(*pair, mask) for mask in (low, high))
            half //= 2
        for i in every:
            code.store(rows[i], code.at(out, code.times(i, out_pitch)))

    return _intrinsic((0, 3), 6, emit)
