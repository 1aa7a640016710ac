"""Equivariance: shifting the input shifts the output (sheet, Solution 1.1)."""

from collections.abc import Callable, Iterator

import numpy as np

import proofs.derivations.equivariance as derivations
from numeric import (
    Geometry,
    average_pool,
    conv,
    convolve,
    correlate,
    definition,
    leaky_relu,
    max_pool,
    relu,
    relu6,
    rot180,
    shift,
)
from numeric.dtypes import Array
from numeric.plane import mode_padding
from proofs import grids
from proofs.arithmetic import equivariance as facts
from proofs.arithmetic import reads
from proofs.law import Equation, Numbers, law


@law(
    name="convolution-commutes-with-translation",
    statement="τ(f * k) = (τf) * k, for every translation τ of the plane",
    source="sheet, Solution 1.1",
    cases=grids.translations,
    scope="1 to 3 axes, offsets of either sign",
    path="numeric.convolve, numeric.shift (im2col)",
    assumptions=("f and k vanish outside of their arrays",),
    derivation=derivations.convolution_commutes_with_translation,
    arithmetic=lambda: (facts.shifts_by_the_stride,),
    theorems=("Plane.convolution_commutes_with_translation",),
)
def translation(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Convolve a shifted frame; shift the convolution. The frame is wide enough that nothing leaves it."""
    x = _framed(of["x"], case.offset)
    y = convolve(x, of["k"], "full")
    yield "frame", shift(y, case.offset), convolve(shift(x, case.offset), of["k"], "full")


@law(
    name="stride-s-layer-commutes-with-shifts-by-s",
    statement="reads(o + t, u) = reads(o, u) + s·t, so conv(shift(x, s·t)) = shift(conv(x), t)",
    source="sheet, Solution 1.1, for a layer with stride s",
    cases=grids.circular_layers,
    scope="circular boundary, input/stride output positions, 1 and 2 axes, dilation, groups; every shift",
    path="numeric.conv, numeric.shift (im2col)",
    derivation=derivations.layer_on_circles,
    arithmetic=lambda: (facts.shifts_by_the_stride, reads.circular_boundary_reads, facts.circular_shifts),
    theorems=(
        "Sizes.cell_commutes_with_translation",
        "Plane.strided_layer_commutes_with_shifts_by_the_stride",
        "Equivariance.circular_layer_commutes_with_shifts_by_the_stride",
    ),
)
def strided_translation(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Shift the input by a multiple of the stride, circularly; shift the output, for every shift there is."""
    yield from _commutes(case, of)


def _commutes(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    geometry = case.geometry
    spatial = range(2, 2 + geometry.ndim)
    y = conv(of["x"], of["w"], **case.options)
    for t in np.ndindex(geometry.output_size):
        steps = [s * i for s, i in zip(geometry.stride, t, strict=True)]
        moved = conv(shift(of["x"], steps, "circular", spatial), of["w"], **case.options)
        yield f"shift by {t}", moved, shift(y, t, "circular", spatial)


def _framed(x: Array, offset: tuple[int, ...]) -> Array:
    """Put `x` on a piece of the plane that still holds it after the shift."""
    return np.pad(x, [(max(-t, 0), max(t, 0)) for t in offset])


@law(
    name="strided-layer-fails-to-commute-with-other-shifts",
    statement="not for every t: conv(shift(x, t)) = shift(conv(x), t'), for no t' at all where s does not divide t",
    source="a popular belief, refuted: equivariance of strided convolution",
    cases=grids.circular_layers,
    scope="the circular layers with stride s > 1, smallest first, every shift t by one cell and more",
    path="numeric.conv, numeric.shift (im2col)",
    arithmetic=lambda: (facts.matched_shifts,),
    fails=True,
)
def every_shift(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Shift the input by any number of cells; look for the shift of the output that it should be."""
    spatial = range(2, 2 + case.geometry.ndim)
    y = conv(of["x"], of["w"], **case.options)
    shifts = [shift(y, t, "circular", spatial) for t in np.ndindex(case.geometry.output_size)]
    for t in np.ndindex(case.geometry.input_size):
        moved = conv(shift(of["x"], t, "circular", spatial), of["w"], **case.options)
        yield f"input shifted by {t}", moved, next((s for s in shifts if (s == moved).all()), shifts[0])


@law(
    name="circular-padding-restores-equivariance",
    statement="stride 1, circular boundary, same size: conv(shift(x, t)) = shift(conv(x), t) for every circular t",
    source="sheet, Solution 1.1, on a finite image",
    cases=grids.cyclic_layers,
    scope="1 to 3 axes, dilation, even and odd kernels, groups; every shift",
    path="numeric.conv, numeric.shift (im2col)",
    derivation=derivations.stride_one_on_circles,
    arithmetic=lambda: (reads.circular_boundary_reads, facts.circular_shifts),
    theorems=("Equivariance.circular_layer_commutes_with_shifts_by_the_stride",),
)
def circular_padding(case: grids.LayerCase, of: Numbers) -> Iterator[Equation]:
    """Every shift of the torus."""
    yield from _commutes(case, of)


@law(
    name="zero-same-padding-is-not-equivariant",
    statement="not: correlate(shift(x, t), k, same) = shift(correlate(x, k, same), t)",
    source="a popular belief, refuted: zero padding breaks equivariance at the border",
    cases=grids.shifted_lines,
    scope="on a line every size to 5, kernel to 4, shift from −2 to 2; smallest first",
    path="numeric.correlate, numeric.shift (im2col)",
    fails=True,
)
def zero_padding(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """The two sides, at every position."""
    x, k, t = of["x"], of["k"], case.offset
    yield "everywhere", correlate(shift(x, t), k, "same"), shift(correlate(x, k, "same"), t)


@law(
    name="zero-padding-commutes-exactly-where-no-window-meets-the-border",
    statement="both sides agree at o ⇔ for every tap u whose cell a = reads(o, u) has a − t inside the input: "
    "a is inside it ⇔ o − t is an output",
    source="sheet, Solution 1.1, on a finite image: the exact set of positions",
    cases=grids.shifted_lines,
    scope="on a line every size to 5, kernel to 4, shift from −2 to 2; a plane",
    path="numeric.correlate, numeric.shift, numeric.Geometry (im2col)",
    arithmetic=lambda: (facts.zero_padding_agrees,),
    needs_symbols=True,
)
def exact_set(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Where the polynomials agree, and where the index map says that they do."""
    x, k, t = of["x"], of["k"], case.offset
    agree = correlate(shift(x, t), k, "same") == shift(correlate(x, k, "same"), t)
    padding = [mode_padding("same", m) for m in case.kernel_size]
    geometry = Geometry(case.input_size, case.kernel_size, padding=padding)
    expected = np.array([_undisturbed(geometry, o, t) for o in geometry.outputs()]).reshape(agree.shape)
    yield "positions", agree.astype(bool), expected
    yield "correlate", correlate(x, k, "same"), definition.correlate(x, k, "same")
    yield "shift", shift(x, t), definition.shift(x, t)


def _undisturbed(geometry: Geometry, o: tuple[int, ...], t: tuple[int, ...]) -> bool:
    """Whether every product of output o is there on both sides, or on neither."""
    source = _minus(o, t)
    for u in geometry.taps():
        a = tuple(axis.reads(i, j) for axis, i, j in zip(geometry.axes, o, u, strict=True))
        if _inside(_minus(a, t), geometry.input_size) and (
            _inside(a, geometry.input_size) != _inside(source, geometry.output_size)
        ):
            return False
    return True


def _minus(a: tuple[int, ...], t: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i - j for i, j in zip(a, t, strict=True))


def _inside(a: tuple[int, ...], size: tuple[int, ...]) -> bool:
    return all(0 <= i < n for i, n in zip(a, size, strict=True))


@law(
    name="stack-of-layers-commutes-with-shifts-by-the-product-of-strides",
    statement="conv₂(conv₁(shift(x, s₁·s₂·t))) = shift(conv₂(conv₁(x)), t)",
    source="sheet, Solution 1.1, layer upon layer",
    cases=grids.circular_stacks,
    scope="two circular layers, 1 and 2 axes, stride, dilation, channels; every shift",
    path="numeric.conv, numeric.shift (im2col)",
    derivation=derivations.stack_on_circles,
    arithmetic=lambda: (facts.stack_shifts_by_the_product,),
)
def stack(case: grids.StackCase, of: Numbers) -> Iterator[Equation]:
    """Shift the image by the product of the strides; shift what the second layer gives."""
    first, second = case.options
    spatial = range(2, 2 + case.first.ndim)

    def run(x: Array) -> Array:
        return conv(conv(x, of["w"], **first), of["v"], **second)

    y = run(of["x"])
    for t in np.ndindex(case.second.output_size):
        steps = [r * s * i for r, s, i in zip(case.first.stride, case.second.stride, t, strict=True)]
        yield f"shift by {t}", run(shift(of["x"], steps, "circular", spatial)), shift(y, t, "circular", spatial)


@law(
    name="pooling-commutes-with-shifts-by-its-stride",
    statement="pool(shift(x, s·t)) = shift(pool(x), t), maximum and average",
    source="sheet, Solution 1.1, for pooling",
    cases=grids.circular_pools,
    scope="circular boundary, windows apart and overlapping, 1 and 2 axes; every shift, two orders of the cells",
    path="numeric.max_pool, numeric.average_pool, numeric.shift",
    assumptions=("no two cells of a window are equal",),
    needs_symbols=True,
    derivation=derivations.pooling_on_circles,
    arithmetic=lambda: (facts.circular_shifts,),
)
def pooling(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """Every shift of the pooled circle, for both kinds."""
    geometry, x = case.geometry, of["x"]
    spatial = range(2, 2 + geometry.ndim)
    for pool in (max_pool, average_pool):
        y = pool(x, geometry.kernel_size, **case.options)
        for t in np.ndindex(geometry.output_size):
            steps = [s * i for s, i in zip(geometry.stride, t, strict=True)]
            moved = pool(shift(x, steps, "circular", spatial), geometry.kernel_size, **case.options)
            yield f"{pool.__name__}, shift by {t}", moved, shift(y, t, "circular", spatial)


@law(
    name="max-pooling-is-not-invariant-to-shifts",
    statement="not: max_pool(shift(x, 1)) = max_pool(x)",
    source="a popular belief, refuted: that pooling makes a network invariant to small shifts",
    cases=grids.circular_pools,
    scope="the circular windows, smallest first",
    path="numeric.max_pool, numeric.shift",
    needs_symbols=True,
    fails=True,
)
def shift_invariance(case: grids.PoolCase, of: Numbers) -> Iterator[Equation]:
    """One cell along every axis."""
    spatial = range(2, 2 + case.geometry.ndim)
    kernel = case.geometry.kernel_size
    moved = max_pool(shift(of["x"], 1, "circular", spatial), kernel, **case.options)
    yield "shift by 1", moved, max_pool(of["x"], kernel, **case.options)


@law(
    name="bias-and-activations-commute-with-every-shift",
    statement="shift(x, t) + b = shift(x + b, t), σ(shift(x, t)) = shift(σ(x), t): circular shifts",
    source="sheet, Solution 1.1, for what works on each cell by itself",
    cases=grids.points,
    scope="two cells, below 0, between 0 and 6, above 6; every shift",
    path="numeric.conv, numeric.relu, numeric.leaky_relu, numeric.relu6, numeric.shift (im2col)",
    assumptions=("no cell is 0 or 6",),
    needs_symbols=True,
    derivation=derivations.pointwise_on_circles,
)
def pointwise(case: grids.PointsCase, of: Numbers) -> Iterator[Equation]:
    """A kernel of one tap with weight 1 adds the bias alone; then the piecewise linear activations."""
    x, b = of["x"], of["a"]
    one = np.ones((1, 1, 1), int)
    functions: tuple[Callable[[Array], Array], ...] = (
        lambda x: conv(x[None, None], one, b)[0, 0],
        relu,
        lambda x: leaky_relu(x, b[0]),
        relu6,
    )
    for number, function in enumerate(functions):
        for t in range(len(case.values)):
            yield f"{number}, shift by {t}", function(shift(x, t, "circular")), shift(function(x), t, "circular")


@law(
    name="convolution-does-not-commute-with-rotation",
    statement="not: rot180(x) * k = rot180(x * k), without rotating k",
    source="a popular belief, refuted: that convolution is equivariant to rotations",
    cases=grids.lines,
    scope="on a line every size and kernel to 4 in every mode; smallest first",
    path="numeric.convolve, numeric.rot180 (im2col)",
    fails=True,
)
def rotation(case: grids.ArrayCase, of: Numbers) -> Iterator[Equation]:
    """Rotate before; rotate after."""
    x, k = of["x"], of["k"]
    yield "rot180", convolve(rot180(x), k, case.mode), rot180(convolve(x, k, case.mode))
