"""Which algorithm runs a layer when none is named: the one that a cost model expects to be fastest.

    auto            of those that add up the layer's own products (`numeric.paths.SUMS`). Nothing is lost: their bound
                    is the same, and a NaN stays with the outputs that read it
    auto-fast       F(2,3) and the FFT, too. Their error is small against the largest outputs, not against each one:
                    max|error| / max|y| is 1e-7 to 9e-7 in float32, where a direct sum's is 2e-7 to 7e-7
    auto-fastest    F(4,3), too: 5e-6 to 1.2e-5, or 2e-6 to 5e-6 where Numba compiles it, at other points

Those are measured (3x3 layers with 32 to 256 channels, normal entries, forward and gradients); what holds a priori is
`numeric.rounding`, which takes these names too and bounds the path that was chosen. Only float32 and float64 are chosen
for: integers, objects and all else are computed by im2col, always.

The model is arithmetic: multiply-adds by a rate, bytes by a bandwidth, and a call's overhead. What is counted follows
from the algorithm; the constants were fitted to what `python -m tests.benchmarks.conv_speed --paths` times, which
prints model and measurement side by side: on two quiet cores of an AMD EPYC with AVX-512, where the model is off by a
factor of 1.1 to 1.4 in the mean and of 3.4 at most (4.5 for shift); those of NumPy's Winograd and FFT on an AMD EPYC
with AVX2, in proportion to im2col there. They are to decide between paths and promise no time. Nothing is measured
here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2, prod
from typing import Any, Literal, cast

import numpy as np

from numeric.geometry import Geometry
from numeric.paths import EVERY, SUMS, im2col
from numeric.paths.compiled.direct import band_space
from numeric.paths.compiled.fused import Fused, piece_space
from numeric.paths.fft import Fourier, sizes
from numeric.paths.turned import backward
from numeric.paths.winograd import Winograd, cut, gathers
from numeric.threads import SHARES, cores

SPACE = 3 << 27  # bytes that a path may use besides its arguments and its result; larger batches go in blocks

AUTOMATIC: Mapping[str, tuple[str, ...]] = {
    "auto": SUMS,
    "auto-fast": (*SUMS, "winograd2", "fused2", "fft"),
    "auto-fastest": (*SUMS, "winograd2", "fused2", "winograd4", "fused4", "fft"),
}


Function = Literal["conv", "input_gradient", "weight_gradient"]


@dataclass(frozen=True)
class Work:
    """One of the layer's three functions on a batch, in numbers."""

    function: Function
    geometry: Geometry
    batch: int
    itemsize: int

    @property
    def positions(self) -> int:
        """Outputs of a channel, in the whole batch."""
        return self.batch * int(prod(self.geometry.output_size))

    @property
    def products(self) -> int:
        """Multiply-adds of the definition."""
        return self.positions * int(prod(self.geometry.weight_shape))

    @property
    def arrays(self) -> int:
        """Entries of x, w and y."""
        of = self.geometry
        read = self.batch * of.in_channels * int(prod(axis.padded_size for axis in of.axes))
        return read + int(prod(of.weight_shape)) + self.positions * of.out_channels


@dataclass(frozen=True)
class Counts:
    """What an algorithm does with its work: multiply-adds, entries moved, and those in its work space at once."""

    products: float
    moved: float
    space: float


@dataclass(frozen=True)
class Model:
    """How to count, and how fast it goes: multiply-adds and bytes a second in float32, seconds of a call."""

    count: Callable[[Work], Counts]
    rate: float
    bandwidth: float
    call: float

    def seconds(self, work: Work) -> float:
        """Expected time; in float64 half as many multiply-adds fit into a register."""
        counts = self.count(work)
        arithmetic = counts.products * work.itemsize / 4 / self.rate
        return self.call + arithmetic + counts.moved * work.itemsize / self.bandwidth


def _im2col(work: Work) -> Counts:
    """Every input cell is copied once for each tap that reads it; a gradient adds back, or reads across the copy."""
    if work.function == "input_gradient" and im2col.gathers(work.geometry):
        return _im2col(replace(work, function="conv", geometry=backward(work.geometry)))
    columns = work.positions * work.geometry.in_channels * prod(work.geometry.kernel_size)
    passes = {"conv": 1, "input_gradient": 12, "weight_gradient": 2}[work.function]
    row = work.geometry.in_channels * prod((*work.geometry.kernel_size, *work.geometry.output_size[1:]))
    space = 2 * work.arrays + 2 * cores() * max(im2col.BLOCK // work.itemsize, row)
    return Counts(work.products / _filled(work), passes * columns + work.arrays, space)


def _shift(work: Work) -> Counts:
    """A product for each tap, added to the sum of all; what is read again at every tap is in the cache by then."""
    read, written = work.geometry.in_channels, work.geometry.out_channels
    passes = {"conv": 5.5, "input_gradient": 5.5, "weight_gradient": 1.2}[work.function] * read + written / 2
    moved = prod(work.geometry.kernel_size) * work.positions * passes
    return Counts(work.products / _filled(work), moved, 2 * work.arrays)


def _filled(work: Work) -> float:
    """Share of a product's registers that narrow matrices use."""
    return work.geometry.group_out / (work.geometry.group_out + 8)


def _winograd(outputs: int) -> Callable[[Work], Counts]:
    """Products at points, and those of the matrices that take cells, outputs and kernels there, an axis at a time."""

    def count(work: Work) -> Counts:
        of = work.geometry
        one = cast(Winograd, EVERY[f"winograd{outputs}"]).matrices(of)
        tiling, n, both = cut(of, one, work.itemsize), one.points, of.in_channels + of.out_channels
        tiles, points, kernels = work.batch * prod(tiling.count), n**of.ndim, prod(of.weight_shape[:2])
        sides = ((one.inputs, tiles * of.in_channels), (one.outputs, tiles * of.out_channels), (one.taps, kernels))
        there = sum(number * sum(n ** (k + 1) * m ** (of.ndim - k) for k in range(of.ndim)) for m, number in sides)
        passes = 4 if work.function != "input_gradient" or gathers(of) else 14
        moved = passes * tiles * points * both + (10 if max(of.dilation) > 1 else 1) * work.arrays
        space = 2 * work.arrays + 2 * cores() * min(tiling.block, tiles) * points * both
        products = tiles * points * of.group_in * of.out_channels
        return Counts(products + there, moved, space + (3 + cores()) * points * kernels)

    return count


def _fft(work: Work) -> Counts:
    """Transforms of every tile, kernel and output; four multiply-adds to a complex product, half the spectrum."""
    of, tiling = work.geometry, cast(Fourier, EVERY["fft"]).tiling(work.geometry, work.itemsize)
    cells, tiles, kernels = prod(sizes(tiling.layer)), work.batch * prod(tiling.count), prod(of.weight_shape[:2])
    both = of.in_channels + of.out_channels
    products = 2 * cells * tiles * of.group_in * of.out_channels
    running = cores() * min(tiling.block, tiles) * cells
    space = 2 * work.arrays + 5 * running * both + (8 + SHARES) * kernels * cells
    return Counts(products, (tiles * both + kernels) * cells * log2(cells + 1), space)


def _direct(work: Work) -> Counts:
    """Few rows of sums load more for each product than eight do together; the input is read once, or laid out."""
    of = work.geometry
    written = of.group_in if work.function == "input_gradient" else of.group_out
    few = 1 + {"conv": 0.5, "input_gradient": 0.5, "weight_gradient": 1.5}[work.function] / written
    circle = work.arrays if of.boundary == "circular" else 0
    space = cores() * band_space(of, work.itemsize) + (3 + cores()) * prod(of.weight_shape) + circle
    return Counts(work.products * few, 3 * work.arrays, space)


def _fused(outputs: int) -> Callable[[Work], Counts]:
    def count(work: Work) -> Counts:
        of, points = work.geometry, Fused(outputs).matrices(work.geometry).inputs ** 2
        tiles = work.batch * prod(-(-size // outputs) for size in of.output_size)
        read, written = (-(-channels // 16) * 16 for channels in (of.group_in, of.group_out))  # whole vectors
        weights = of.groups * points * of.group_in * written
        moved = of.groups * tiles * points * (read + written) + 2 * weights
        space = (1 + cores()) * weights + cores() * piece_space(of, outputs, work.itemsize)
        return Counts(of.groups * tiles * points * of.group_in * written, moved + work.arrays, space)

    return count


MODELS: Mapping[str, Model] = {
    "im2col": Model(_im2col, 9e10, 2.5e10, 28e-6),
    "shift": Model(_shift, 8e10, 1.2e10, 50e-6),
    "direct": Model(_direct, 1.02e11, 1.2e11, 16e-6),
    "winograd2": Model(_winograd(2), 8e10, 2.9e10, 190e-6),
    "winograd4": Model(_winograd(4), 8e10, 1.9e10, 260e-6),
    "fused2": Model(_fused(2), 1.09e11, 3.3e10, 20e-6),
    "fused4": Model(_fused(4), 1.07e11, 2.4e10, 25e-6),
    "fft": Model(_fft, 1.5e9, 9e9, 85e-6),
}


@lru_cache(maxsize=4096)
def plan(path: str, function: Function, geometry: Geometry, batch: int, dtype: np.dtype[Any]) -> tuple[str, int]:
    """Name of the path that runs, and how many samples at a time; a name that is not of `AUTOMATIC` is its own."""
    work = Work(function, geometry, batch, dtype.itemsize)
    name = path
    if path in AUTOMATIC:
        found = costs(path, work, dtype)
        name = min(found, key=found.__getitem__)
    return name, max(samples(name, work), 1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=plan.cache_clear)  # compiled paths may not be available there


def costs(path: str, work: Work, dtype: np.dtype[Any]) -> dict[str, float]:
    """Seconds that the model expects of each path that may be chosen.

    A path that would need more than `SPACE` for a single sample is none. Where nothing is left, it is im2col.
    """
    names = AUTOMATIC[path] if dtype.char in "fd" else ()
    taken = [name for name in names if name in MODELS and _fits(name, work)]
    return {name: MODELS[name].seconds(work) for name in taken or ("im2col",)}


def _fits(name: str, work: Work) -> bool:
    return not EVERY[name].supports(work.geometry) and samples(name, replace(work, batch=1)) > 0


def samples(name: str, work: Work) -> int:
    """How many samples at a time a path can take in `SPACE`, at most all; none if one is too large."""
    if name not in MODELS or EVERY[name].supports(work.geometry):  # which its caller refuses
        return work.batch
    one, two = (MODELS[name].count(replace(work, batch=batch)).space * work.itemsize for batch in (1, 2))
    if one == two:
        return work.batch if one <= SPACE else 0
    return min(work.batch, int((SPACE - one) // (two - one)) + 1)  # what does not grow with the batch is in both
