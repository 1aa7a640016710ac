"""Operations on registers, as intrinsics for Numba: what the compiled paths do in their innermost loops.

Numba's loops are vectorised by LLVM, which keeps sums in memory and guards every index; here the sums are vectors that
stay in registers, written in LLVM's own language. Everything else (what is read, and in which order) is up to the
kernels, which are plain Numba. Arrays are flat, and are told with the place at which to start:

    products    rows of results, each a sum of scalars times vectors: a block of a matrix product
    stencil     the same where consecutive rows of results read consecutive rows
    dots        the same where the sum runs along the vectors
    transform   a matrix on both axes of a tile, for as many tiles as a vector has lanes
    transpose   a square of as many rows as a vector has lanes
    collect     a line of sums of what lies in several places
    copy, clear a line of numbers

A vector is as wide as the processor's registers (`lanes`); of the last one of a line, less may be read and written.
Sources: K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication (2008); E. Georganas et al.,
Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures (2018), arXiv 1808.05567. Nothing checks
an index: a kernel that asks for a wrong one reads or writes beyond its arrays. Products may be fused into sums, which
may be taken in any order.
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
AHEAD = 8  # how many products before its own a row is asked for: it may lie anywhere, which no processor foresees

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

    def first(self, count: ir.Value | int) -> ir.Value:
        """Mask of a vector's first entries: all where `count` is at least the lanes, none where it is below one."""
        return self.builder.icmp_signed("<", self._numbered(), self._every(count))

    def inside(self, first: ir.Value, count: ir.Value) -> ir.Value:
        """Mask of the entries that are below `count` and not below 0, where a vector begins at `first`."""
        places = self.builder.add(self._numbered(), self._every(first))
        return self.builder.icmp_unsigned("<", places, self._every(count))

    def bits(self, bits: ir.Value, first: int) -> ir.Value:
        """Mask of a vector by the bits of an index from the `first` one on."""
        some = self.builder.trunc(self.builder.lshr(bits, _index(first)), ir.IntType(self.lanes))
        return self.builder.bitcast(some, ir.VectorType(ir.IntType(1), self.lanes))

    def _numbered(self) -> ir.Constant:
        return _mask(range(self.lanes))

    def _every(self, value: ir.Value | int) -> ir.Value:
        """An index at every lane, in 32 bits: what is masked is never as long as that."""
        empty = ir.Constant(self._numbered().type, ir.Undefined)
        short = self.builder.trunc(_index(value), SMALL)
        one = self.builder.insert_element(empty, short, ir.Constant(SMALL, 0))
        return self.builder.shuffle_vector(one, empty, _mask([0] * self.lanes))

    def fetch(self, pointer: ir.Value, *, write: bool = False) -> None:
        """Have what is at a place brought to the cache."""
        place = self.builder.bitcast(pointer, ir.IntType(8).as_pointer())
        arguments = [place, *(ir.Constant(SMALL, flag) for flag in (int(write), 3, 1))]
        found = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
        self.builder.call(cgutils.get_or_insert_function(self.builder.module, found, "llvm.prefetch.p0i8"), arguments)

    def load_first(self, mask: ir.Value, pointer: ir.Value) -> ir.Value:
        """Vector at a place of which no more is read than the mask says; the rest is zero."""
        place = self.builder.bitcast(pointer, self.vector.as_pointer())
        arguments = [place, ir.Constant(SMALL, self.size), mask, self.number(0.0)]
        return self.builder.call(self._masked("load", self.vector, arguments), arguments)

    def store_first(self, mask: ir.Value, vector: ir.Value, pointer: ir.Value) -> None:
        """Write no more of a vector than the mask says."""
        place = self.builder.bitcast(pointer, self.vector.as_pointer())
        arguments = [vector, place, ir.Constant(SMALL, self.size), mask]
        self.builder.call(self._masked("store", ir.VoidType(), arguments), arguments)

    def _masked(self, name: str, result: ir.Type, arguments: Sequence[ir.Value]) -> ir.Function:
        vector = f"v{self.lanes}f{8 * self.size}"
        found = ir.FunctionType(result, [argument.type for argument in arguments])
        return cgutils.get_or_insert_function(self.builder.module, found, f"llvm.masked.{name}.{vector}.p0{vector}")

    def row(self, vectors: int, left: ir.Value | None = None) -> _Row:
        """How to read and write that many vectors side by side."""
        return _Row(self, vectors, left)

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


class _Row:
    """Vectors side by side; of the last one there may be less (`left` numbers in all)."""

    def __init__(self, code: _Code, vectors: int, left: ir.Value | None) -> None:
        self._code, self._vectors = code, vectors
        last = None if left is None else code.builder.sub(left, _index((vectors - 1) * code.lanes))
        self._mask = None if last is None else code.first(last)

    def _places(self, pointer: ir.Value) -> list[tuple[ir.Value, ir.Value | None]]:
        places = [self._code.at(pointer, j * self._code.lanes) for j in range(self._vectors)]
        return [(place, None if j + 1 < self._vectors else self._mask) for j, place in enumerate(places)]

    def load(self, pointer: ir.Value) -> list[ir.Value]:
        """The row at a place."""
        code, places = self._code, self._places(pointer)
        return [code.load(place) if mask is None else code.load_first(mask, place) for place, mask in places]

    def store(self, vectors: Sequence[ir.Value], pointer: ir.Value) -> None:
        """Write the row to a place."""
        for vector, (place, mask) in zip(vectors, self._places(pointer), strict=True):
            if mask is None:
                self._code.store(vector, place)
            else:
                self._code.store_first(mask, vector, place)


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
def products(
    rows: int, vectors: int, *, listed: Literal["", "a", "x"] = "", add: bool = False, part: bool = False
) -> Any:
    """`out[i, :] = sum over l, r of a[i, l, r] * x[l, r, :]` for `rows` rows of `vectors` vectors; with `add`, `+=`.

    What is added to is added last: a long sum made of many calls is one of short sums, and as exact.

    Called as `run(out, start, pitch, a, start, pitch, step, line, x, start, step, line, table, first, count, lines)`:
    out's row i is at `start + i * pitch`, `a[i, l, r]` at `start + i * pitch + l * line + r * step`, `x[l, r, :]` at
    `start + l * line + r * step`, for r below `count` and l below `lines`. Where a is listed, `table[first + i]` takes
    the place of `i * pitch`; where x is, `table[first + r]` that of `r * step`. With `part` there is one more argument:
    how many numbers of the rows of x and out there are, of which the last vector may hold fewer.
    """

    def emit(code: _Code) -> None:
        out_start, out_pitch, _, a_start, a_pitch, a_step, a_line, _, x_start, x_step, x_line = code.arguments[1:12]
        first, count, lines = code.arguments[13:16]
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(8), x_start)
        table = code.at(code.array(12), first)
        row_of = code.row(vectors, code.arguments[16] if part else None)
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
            if listed == "x":
                later = code.builder.add(r, _index(AHEAD))
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
                before = row_of.load(place)
                total = [code.builder.fadd(b, t, flags=FUSED) for b, t in zip(before, total, strict=True)]
            row_of.store(total, place)

    return _intrinsic((0, 3, 8, 12), 17 if part else 16, emit)


@cache
def stencil(rows: int, vectors: int, taps: int, *, inside: bool = False) -> Any:
    """`out[i, f] = sum over r, u of a[r, u] * x[r, i + u, f]`, u below the number of taps.

    A row of x is read once for all of the `rows` rows of results; one that is outside of x is left out. `taps` is how
    many there are, or 0 for any number not below `rows`. Called as `run(out, start, pitch, a, start, taps, x, start,
    row, height, width, table, masks, first, count, left)`: out's row i is at `start + i * pitch`, `a[r, u]` at
    `start + r * taps + u`, x's row i for r at `start + table[r] + (row + i) * width`, for r below `count`, if `row + i`
    is below `height` and not below 0. Bit f of `masks[first + r]` says whether there is an `x[r, i, f]`, which else is
    zero: 64 at most, or any number of them `inside`, where all are. Of out's rows, `left` numbers are written at most.
    """

    def emit(code: _Code) -> None:
        _, out_start, out_pitch, _, a_start, number, _, x_start, top, height, width = code.arguments[:11]
        first, count, left = code.arguments[13:]
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
                read(_index(row), range(max(0, row - taps + 1), min(row + 1, rows)))
        else:
            for row in range(rows - 1):
                read(_index(row), range(row + 1))
            with code.loop(code.builder.sub(number, _index(rows - 1))) as row:
                read(code.builder.add(row, _index(rows - 1)), range(rows))
            for row in range(rows - 1):
                read(code.builder.add(number, _index(row)), range(row + 1, rows))
        row_of = code.row(vectors, left)
        for i in range(rows):
            row_of.store([code.builder.load(found) for found in sums[i]], code.at(out, code.times(i, out_pitch)))

    return _intrinsic((0, 3, 6, 11, 12), 16, emit)


@cache
def dots(rows: int, columns: int) -> Any:
    """`out[i, j] += sum over l, f of a[i, l, f] * x[j, l, f]` for `rows` rows and `columns` columns.

    Called as `run(out, start, pitch, a, start, pitch, line, x, start, line, table, first, count, lines)`: `a[i, l, f]`
    is at `start + i * pitch + l * line + f`, `x[j, l, f]` at `start + table[first + j] + l * line + f`, for f below
    `count` and l below `lines`.
    """

    def emit(code: _Code) -> None:
        _, out_start, out_pitch, _, a_start, a_pitch, a_line, _, x_start, x_line, _, first, count, lines = (
            code.arguments
        )
        out, a, x = code.at(code.array(0), out_start), code.at(code.array(3), a_start), code.at(code.array(7), x_start)
        table = code.at(code.array(10), first)
        sums = [[code.variable(code.number(0.0)) for _ in range(columns)] for _ in range(rows)]
        starts = [code.at(a, code.times(i, a_pitch)) for i in range(rows)]
        others = [code.at(x, code.builder.load(code.at(table, j))) for j in range(columns)]
        whole = code.builder.and_(count, _index(-code.lanes))
        left = code.builder.sub(count, whole)
        mask, some = code.first(left), code.builder.icmp_signed(">", left, _index(0))

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

    return _intrinsic((0, 3, 7, 10), 14, emit)


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


@cache
def copy(step: Literal[1, 2]) -> Any:
    """`out[i] = x[step * i]` for i below `count`; called as `run(out, out_start, x, x_start, count)`."""

    def emit(code: _Code) -> None:
        _, out_start, _, x_start, count = code.arguments
        out, x = code.at(code.array(0), out_start), code.at(code.array(2), x_start)
        even = _mask([2 * i for i in range(code.lanes)])
        with code.loop(count, code.lanes) as i:
            left = code.builder.sub(count, i)
            mask = code.first(left)
            if step == 1:
                vector = code.load_first(mask, code.at(x, i))
            else:  # the last number that is read is an even one
                more, place = code.builder.sub(code.times(left, 2), _index(1)), code.at(x, code.times(i, 2))
                low = code.load_first(code.first(more), place)
                more = code.builder.sub(more, _index(code.lanes))
                high = code.load_first(code.first(more), code.at(place, code.lanes))
                vector = code.builder.shuffle_vector(low, high, even)
            code.store_first(mask, vector, code.at(out, i))

    return _intrinsic((0, 2), 5, emit)


@lru_cache(maxsize=1)
def collect() -> Any:
    """`out[f] = sum over r of x[r, row - rows[r], f - columns[r]]`, for the planes x of `height` by `width`.

    Called as `run(out, out_start, x, x_start, pitch, rows, columns, count, row, height, width, size)`: x's planes begin
    `pitch` apart; r is below `count`, f below `size`. What is outside of x is left out.
    """

    def emit(code: _Code) -> None:
        _, out_start, _, x_start, pitch, _, _, count, row, height, width, size = code.arguments
        out, x, rows, columns = (
            code.at(code.array(0), out_start),
            code.at(code.array(2), x_start),
            *map(code.array, (5, 6)),
        )
        with code.loop(size, code.lanes) as f:
            total = code.variable(code.number(0.0))
            with code.loop(count) as r:
                line = code.builder.sub(row, code.builder.load(code.at(rows, r)))
                with code.builder.if_then(code.builder.icmp_unsigned("<", line, height)):
                    first = code.builder.sub(f, code.builder.load(code.at(columns, r)))
                    place = code.at(x, code.times(r, pitch), code.times(line, width), first)
                    found = code.load_first(code.inside(first, width), place)
                    code.builder.store(code.builder.fadd(code.builder.load(total), found, flags=FUSED), total)
            code.store_first(code.first(code.builder.sub(size, f)), code.builder.load(total), code.at(out, f))

    return _intrinsic((0, 2, 5, 6), 12, emit)


@lru_cache(maxsize=1)
def clear() -> Any:
    """`out[i] = 0` for i below `count`; called as `run(out, start, count)`."""

    def emit(code: _Code) -> None:
        _, start, count = code.arguments
        out = code.at(code.array(0), start)
        with code.loop(count, code.lanes) as i:
            code.store_first(code.first(code.builder.sub(count, i)), code.number(0.0), code.at(out, i))

    return _intrinsic((0,), 3, emit)


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
