"""What the operations on registers are written in: LLVM's vectors, pointers into flat arrays, and counted loops.

Numba's loops are vectorised by LLVM, which keeps sums in memory and guards every index; here the sums are vectors that
stay in registers. `numeric.paths.compiled.vector` and `moves` have the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FUSED = ("contract", "reassoc", "nsz")
INDEX, SMALL = ir.IntType(64), ir.IntType(32)


@lru_cache(maxsize=1)
def register() -> int:
    """Bytes of a vector register of this processor."""
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def lanes(itemsize: int) -> int:
    """Numbers in a vector."""
    return register() // itemsize


def beside(rows: int) -> int:
    """How many vectors side by side of so many rows of sums stay in registers, with one that is read for each.

    One register more holds the factor. AVX-512 has 32 registers, and what came before it has 16.
    """
    return min(8, ((32 if register() == 64 else 16) - 1) // (rows + 1))


class Code:
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
            pointer = self.builder.gep(pointer, [index(term)])
        return pointer

    def times(self, a: ir.Value | int, b: ir.Value | int) -> ir.Value:
        """Product of two indices."""
        return self.builder.mul(index(a), index(b))

    def least(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The smaller of two indices."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def most(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The larger of two indices."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), b, a)

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
        return self.builder.shuffle_vector(first, empty, mask_of([0] * self.lanes))

    def one(self, argument: int, *terms: ir.Value | int) -> ir.Value:
        """Vector of one entry of an array."""
        return self.everywhere(self.builder.load(self.at(self.array(argument), *terms)))

    def first(self, count: ir.Value | int) -> ir.Value:
        """Mask of a vector's first entries: all where `count` is at least the lanes, none where it is below one."""
        return self.builder.icmp_signed("<", self._numbered(), self._every(count))

    def inside(self, first: ir.Value, count: ir.Value) -> ir.Value:
        """Mask of the entries that are below `count` and not below 0, where a vector begins at `first`."""
        places = self.builder.add(self._numbered(), self._every(first))
        return self.builder.icmp_unsigned("<", places, self._every(count))

    def bits(self, bits: ir.Value, first: int) -> ir.Value:
        """Mask of a vector by the bits of an index from the `first` one on."""
        moved = self.builder.lshr(bits, index(first))
        if register() == 64:
            some = self.builder.trunc(moved, ir.IntType(self.lanes))
            return self.builder.bitcast(some, ir.VectorType(ir.IntType(1), self.lanes))
        # LLVM takes the bits apart and sets one lane after another where it is left to it
        powers = mask_of([1 << lane for lane in range(self.lanes)])
        return self.builder.icmp_signed("==", self.builder.and_(self._every(moved), powers), powers)

    def _numbered(self) -> ir.Constant:
        return mask_of(range(self.lanes))

    def _every(self, value: ir.Value | int) -> ir.Value:
        """An index at every lane, in 32 bits: what is masked is never as long as that."""
        empty = ir.Constant(self._numbered().type, ir.Undefined)
        short = self.builder.trunc(index(value), SMALL)
        one = self.builder.insert_element(empty, short, ir.Constant(SMALL, 0))
        return self.builder.shuffle_vector(one, empty, mask_of([0] * self.lanes))

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

    def store_first(self, count: ir.Value, vector: ir.Value, pointer: ir.Value) -> None:
        """Write a vector's first `count` entries: all where it is at least the lanes, none where it is below one."""
        if register() == 64:  # a mask costs nothing
            self._store_masked(self.first(count), vector, pointer)
            return
        with self.builder.if_else(self.builder.icmp_signed(">=", count, index(self.lanes))) as (whole, part):
            with whole:
                self.store(vector, pointer)
            with part:
                self._store_masked(self.first(count), vector, pointer)

    def _store_masked(self, mask: ir.Value, vector: ir.Value, pointer: ir.Value) -> None:
        place = self.builder.bitcast(pointer, self.vector.as_pointer())
        arguments = [vector, place, ir.Constant(SMALL, self.size), mask]
        self.builder.call(self._masked("store", ir.VoidType(), arguments), arguments)

    def _masked(self, name: str, result: ir.Type, arguments: Sequence[ir.Value]) -> ir.Function:
        vector = f"v{self.lanes}f{8 * self.size}"
        found = ir.FunctionType(result, [argument.type for argument in arguments])
        return cgutils.get_or_insert_function(self.builder.module, found, f"llvm.masked.{name}.{vector}.p0{vector}")

    def load_places(self, pointer: ir.Value) -> ir.Value:
        """Vector of places, which are numbers of 32 bits."""
        return self.builder.load(self.builder.bitcast(pointer, self._numbered().type.as_pointer()), align=4)

    def store_places(self, places: ir.Value, pointer: ir.Value) -> None:
        """Write a vector of places."""
        self.builder.store(places, self.builder.bitcast(pointer, places.type.as_pointer()), align=4)

    def gather(self, pointer: ir.Value, places: ir.Value) -> ir.Value:
        """Vector of what is at each place, told from the pointer on; a vector of places is at `places`.

        One by one: that costs no more than the instruction for it, and a lot less on AMD's processors.
        """
        vector = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.lanes):
            place = self.builder.sext(self.builder.load(self.at(places, lane)), INDEX)
            found = self.builder.load(self.at(pointer, place))
            vector = self.builder.insert_element(vector, found, ir.Constant(SMALL, lane))
        return vector

    def row(self, vectors: int, left: ir.Value | None = None) -> Row:
        """How to read and write that many vectors side by side."""
        return Row(self, vectors, left)

    def number(self, value: float) -> ir.Value:
        """Vector of one constant."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def variable(self, value: ir.Value) -> ir.Value:
        """A vector that changes; LLVM keeps it in a register."""
        place = cgutils.alloca_once(self.builder, value.type)
        self.builder.store(value, place)
        return place

    def add_product(self, place: ir.Value, a: ir.Value, b: ir.Value) -> None:
        """`place += a * b`."""
        product = self.builder.fmul(a, b, flags=FUSED)
        self.builder.store(self.builder.fadd(self.builder.load(place), product, flags=FUSED), place)

    @contextmanager
    def loop(self, count: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """A loop over `0, step, 2 * step, ...` below `count`."""
        with cgutils.for_range_slice(self.builder, index(0), count, index(step), inc=True) as (i, _):
            yield i

    def interleaved(self, a: ir.Value, b: ir.Value) -> list[ir.Value]:
        """`a[0], b[0], a[1], b[1], ...` as two vectors."""
        order = [place + lane * self.lanes for place in range(self.lanes) for lane in range(2)]
        return [self.builder.shuffle_vector(a, b, mask_of(half)) for half in (order[: self.lanes], order[self.lanes :])]

    def total(self, vector: ir.Value) -> ir.Value:
        """Sum of a vector's entries, by halves."""
        half = self.lanes // 2
        while half:
            other = self.builder.shuffle_vector(
                vector, vector, mask_of([(i + half) % self.lanes for i in range(self.lanes)])
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


class Row:
    """Vectors side by side, of which `left` numbers are there, if that is given."""

    def __init__(self, code: Code, vectors: int, left: ir.Value | None) -> None:
        self._code = code
        starts = range(0, vectors * code.lanes, code.lanes)
        self._parts = [(start, None if left is None else code.builder.sub(left, index(start))) for start in starts]
        self._masks = [None if count is None else code.first(count) for _, count in self._parts]

    def load(self, pointer: ir.Value) -> list[ir.Value]:
        """The row at a place."""
        code, places = self._code, (self._code.at(pointer, start) for start, _ in self._parts)
        read = zip(places, self._masks, strict=True)
        return [code.load(place) if mask is None else code.load_first(mask, place) for place, mask in read]

    def store(self, vectors: Sequence[ir.Value], pointer: ir.Value) -> None:
        """Write the row to a place."""
        for vector, (start, count) in zip(vectors, self._parts, strict=True):
            place = self._code.at(pointer, start)
            if count is None:
                self._code.store(vector, place)
            else:
                self._code.store_first(count, vector, place)


def index(value: ir.Value | int) -> ir.Value:
    """An index, of LLVM's or of Python."""
    return ir.Constant(INDEX, value) if isinstance(value, int) else value


def mask_of(places: Sequence[int]) -> ir.Constant:
    """Which entries a shuffle takes."""
    return ir.Constant(ir.VectorType(SMALL, len(places)), list(places))


def intrinsic_of(arrays: Sequence[int], count: int, emit: Callable[[Code], None]) -> Any:
    """Intrinsic of `count` arguments, of which some are arrays and the rest are indices, without a result."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        emit(Code(context, builder, signature, arguments))
        return context.get_dummy_value()

    def typed(*given: Any) -> Any:
        return types.void(*(given[i] if i in arrays else types.intp for i in range(count))), generate

    names = ", ".join(f"a{i}" for i in range(count))
    made: dict[str, Any] = {"typed": typed}
    # Numba reads how many arguments an intrinsic has off its signature
    exec(f"def run(typing, {names}): return typed({names})", made)  # noqa: S102 - no text but the names above
    return intrinsic(made["run"])
