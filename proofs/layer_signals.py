"""The layer's maps as signals: the sums of `numeric.definition`, with batch, channels, groups and any number of axes.

    y[n, c, o] = Σ over (j, u) of x[n, channel(c, j), reads(o, u)]·w[c, j, u]

o, u and a are multi-indices. `reads` is the index map: which cell output o reads through tap u, or none; `channel` is
the input channel that output channel c reads with its j-th slice of weights. Both are left open here: what follows for
them follows for every stride, dilation, padding, boundary and number of groups. `numeric.Geometry` has their values.
"""

from __future__ import annotations

from typing import Any

from sympy import Function, KroneckerDelta, Sum, Symbol, Tuple

from proofs.signals import Signal, value


def _over(index: str, size: str) -> tuple[Any, Any, Any]:
    """Index symbol, symbol of the size, and the limits of a sum over the whole range."""
    symbol, count = Symbol(index, integer=True), Symbol(size, integer=True, positive=True)
    return symbol, count, Tuple(symbol, 0, count - 1)


SAMPLE, BATCH, SAMPLES = _over("n", "N")
CHANNEL, OUT_CHANNELS, CHANNELS = _over("c", "C")
SLICE, GROUP_IN, SLICES = _over("j", "J")
INPUT_CHANNEL, IN_CHANNELS, INPUT_CHANNELS = _over("i", "I")
OUTPUT, POSITIONS, OUTPUTS = _over("o", "m")
TAP, KERNEL, TAPS = _over("u", "k")
CELL, INPUT, CELLS = _over("a", "n")
READS, READS_CHANNEL = Function("reads", integer=True), Function("channel", integer=True)
COUNT = Function("count", integer=True, positive=True)
CLASSES = Tuple(INPUT_CHANNEL, 0, OUT_CHANNELS - 1)
VALUES, OTHER_VALUES = Tuple(INPUT_CHANNEL, 0, BATCH - 1), Tuple(SLICE, 0, BATCH - 1)
NUMBER = Function("number", integer=True)
WINNER = "winner"
FEATURE, LENGTH, FEATURES = _over("f", "F")
UPPER = tuple(_over(index, size)[2] for index, size in (("j1", "J1"), ("u1", "k1"), ("o1", "m1"), ("c1", "C1")))
"""Ranges of the layer with the number 1: slices, taps, outputs, output channels."""
ENTRY_CHANNEL, ENTRY_CELL = Symbol("i1", integer=True), Symbol("a1", integer=True)
ENTRIES = (Tuple(ENTRY_CHANNEL, 0, IN_CHANNELS - 1), Tuple(ENTRY_CELL, 0, INPUT - 1))
WINDOW = Symbol("K", integer=True, positive=True)


class Layer(Signal):
    """`Layer(x, w)`: the layer's output, `[n, c, o]`. `Layer(x, w, 1)` is that of a second layer of its own."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, w, *which = self.args
        n, c, o = index
        reads, channel, (j, *_), (u, *_) = ranges = self._maps(*which)
        return Sum(value(x, n, channel(c, j), reads(o, u)) * value(w, c, j, u), *ranges[2:])

    @staticmethod
    def _maps(which: Any = "") -> tuple[Any, ...]:
        """Index maps, slices and taps; a second layer has its own."""
        names = (f"reads{which}", f"channel{which}")
        limits = (_over(f"{letter}{which}", f"{size}{which}")[2] for letter, size in (("j", "J"), ("u", "k")))
        return (*(Function(name, integer=True) for name in names), *limits)


class Biased(Signal):
    """`Biased(y, b)`: `y[n, c, o] + b[c]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        y, b = self.args
        return value(y, *index) + value(b, index[1])


class WeightGradient(Signal):
    """`WeightGradient(g, x)`: `dw[c, j, u] = Σ over (n, o) of g[n, c, o]·x[n, channel(c, j), reads(o, u)]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        c, j, u = index
        cell = value(x, SAMPLE, READS_CHANNEL(c, j), READS(OUTPUT, u))
        return Sum(value(g, SAMPLE, c, OUTPUT) * cell, SAMPLES, OUTPUTS)


class InputGradient(Signal):
    """`InputGradient(g, w)`: `dx[n, i, a]`, the sum of `g[n, c, o]·w[c, j, u]` over all that read cell (i, a)."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, w = self.args
        n, i, a = index
        product = value(g, n, CHANNEL, OUTPUT) * value(w, CHANNEL, SLICE, TAP)
        return Sum(reading(i, a) * product, CHANNELS, SLICES, OUTPUTS, TAPS)


class BiasGradient(Signal):
    """`BiasGradient(g)`: `db[c] = Σ over (n, o) of g[n, c, o]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        (c,) = index
        return Sum(value(self.args[0], SAMPLE, c, OUTPUT), SAMPLES, OUTPUTS)


class LocallyConnected(Signal):
    """`LocallyConnected(x, w)`: the layer with weights of its own at every position, `w[c, j, o, u]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, w = self.args
        n, c, o = index
        return Sum(value(x, n, READS_CHANNEL(c, SLICE), READS(o, TAP)) * value(w, c, SLICE, o, TAP), SLICES, TAPS)


class LocalWeightGradient(Signal):
    """`LocalWeightGradient(g, x)`: `dw[c, j, o, u] = Σ over n of g[n, c, o]·x[n, channel(c, j), reads(o, u)]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        c, j, o, u = index
        return Sum(value(g, SAMPLE, c, o) * value(x, SAMPLE, READS_CHANNEL(c, j), READS(o, u)), SAMPLES)


class LocalInputGradient(Signal):
    """`LocalInputGradient(g, w)`: `dx[n, i, a]`, the sum of `g[n, c, o]·w[c, j, o, u]` over all that read it."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, w = self.args
        n, i, a = index
        product = value(g, n, CHANNEL, OUTPUT) * value(w, CHANNEL, SLICE, OUTPUT, TAP)
        return Sum(reading(i, a) * product, CHANNELS, SLICES, OUTPUTS, TAPS)


class AveragePool(Signal):
    """`AveragePool(x)`: `y[n, c, o] = Σ over u of x[n, c, reads(o, u)] / K`, every cell of the window counted.

    `AveragePool(x, count)` divides by `count(o)` instead, the cells that are inside.
    """

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        n, c, o = index
        return Sum(value(self.args[0], n, c, READS(o, TAP)) / _counted(self, o), TAPS)


class AveragePoolGradient(Signal):
    """`AveragePoolGradient(g)`: `dx[n, c, a]`, the sum of `g[n, c, o] / K` over all (o, u) that read a."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        n, c, a = index
        part = value(self.args[0], n, c, OUTPUT) / _counted(self, OUTPUT)
        return Sum(KroneckerDelta(READS(OUTPUT, TAP), a) * part, OUTPUTS, TAPS)


def _counted(pool: Any, o: Any) -> Any:
    return COUNT(o) if len(pool.args) > 1 else WINDOW


class MaxPool(Signal):
    """`MaxPool(x)`: `y[n, c, o] = x[n, c, reads(o, winner(n, c, o))]`; `MaxPool(x, 1)` has maps of its own.

    `winner` is the tap through which that output reads the largest entry of its window: it depends on x.
    """

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, *which = self.args
        n, c, o = index
        return value(x, n, c, _won(n, c, o, *which))


class MaxPoolGradient(Signal):
    """`MaxPoolGradient(g)`: `dx[n, c, a]`, the sum of `g[n, c, o]` over all o whose window cell a has won."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, *which = self.args
        n, c, a = index
        (o, *_) = outputs = UPPER[2] if which else OUTPUTS
        return Sum(KroneckerDelta(_won(n, c, o, *which), a) * value(g, n, c, o), outputs)


def _won(n: Any, c: Any, o: Any, which: Any = "") -> Any:
    """Cell that has won the window of output (n, c, o)."""
    return Function(f"reads{which}", integer=True)(o, Function(f"{WINNER}{which}", integer=True)(n, c, o))


class Dense(Signal):
    """`Dense(x, w)`: `y[n, c] = Σ over i of x[n, i]·w[c, i]`; `Dense(x, w, SLICES)` by j."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, w, *features = self.args
        n, c = index
        (i, *_) = limits = features[0] if features else INPUT_CHANNELS
        return Sum(value(x, n, i) * value(w, c, i), limits)


class DenseInputGradient(Signal):
    """`DenseInputGradient(g, w)`: `dx[n, i] = Σ over c of g[n, c]·w[c, i]`; with `UPPER[3]` over c1."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, w, *outputs = self.args
        n, i = index
        (c, *_) = limits = outputs[0] if outputs else CHANNELS
        return Sum(value(g, n, c) * value(w, c, i), limits)


class DenseWeightGradient(Signal):
    """`DenseWeightGradient(g, x)`: `dw[c, i] = Σ over n of g[n, c]·x[n, i]`."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        g, x = self.args
        c, i = index
        return Sum(value(g, SAMPLE, c) * value(x, SAMPLE, i), SAMPLES)


class OneGroup(Signal):
    """`OneGroup(x, w)`: the layer of one group, where channel(c, j) = j.

    `OneGroup(x, w, 1, slices, taps)` has an index map, slices and taps of its own.
    """

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, w, *own = self.args
        n, c, o = index
        which, slices, taps = own or ("", SLICES, TAPS)
        (j, *_), (u, *_) = slices, taps
        return Sum(value(x, n, j, Function(f"reads{which}", integer=True)(o, u)) * value(w, c, j, u), slices, taps)


class From(Signal):
    """`From(f, 1, t)`: f with its index number 1 counted from t on, a part of it."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, place, start = self.args
        return value(signal, *(i + start if number == place else i for number, i in enumerate(index)))


class Constant(Signal):
    """`Constant(c)`: c at every position."""

    def at(self, *index: Any) -> Any:  # noqa: ARG002 - the same everywhere
        """Value by definition."""
        return self.args[0]


class Windows(Signal):
    """`Windows(x)`: `[n, c, j, u, o]`, what output (c, o) reads through (j, u): the columns of im2col."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        n, c, j, u, o = index
        return value(self.args[0], n, READS_CHANNEL(c, j), READS(o, u))


class Flatten(Signal):
    """`Flatten(x)`: `[n, f]`, the entry (i, a) whose number is f; `Flatten(x, channels, cells)` of other ranges."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        x, *own = self.args
        n, f = index
        entries = own or ENTRIES
        place = [entry for entry, *_ in entries]
        return Sum(KroneckerDelta(NUMBER(*place), f) * value(x, n, *place), *entries)


class Unflatten(Signal):
    """`Unflatten(g)`: `[n, i, a]`, the entry that (i, a) has in the row."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        n, i, a = index
        return value(self.args[0], n, NUMBER(i, a))


class Fixed(Signal):
    """`Fixed(f, a)`: f with its last index held at a."""

    def at(self, *index: Any) -> Any:
        """Value by definition."""
        signal, last = self.args
        return value(signal, *index, last)


def reading(i: Any, a: Any) -> Any:
    """1 where output channel c and position o read cell a of channel i through slice j and tap u, else 0."""
    return KroneckerDelta(READS_CHANNEL(CHANNEL, SLICE), i) * KroneckerDelta(READS(OUTPUT, TAP), a)


def whole(limit: Any) -> bool:
    """Whether a sum's limit is the whole range of one of the layer's indices."""
    return limit in _RANGES


_RANGES = {
    *(SAMPLES, CHANNELS, SLICES, INPUT_CHANNELS, OUTPUTS, TAPS, CELLS, FEATURES),
    *(CLASSES, VALUES, OTHER_VALUES, *ENTRIES, *UPPER),
}
INDICES = frozenset(limit[0] for limit in _RANGES)
"""Symbols over which the layer's sums run."""
