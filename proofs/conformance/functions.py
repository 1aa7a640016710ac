"""The functions that can be certified: what they take, what they give, and what the index map says that they give.

Each is linear in every argument that is not named in `fixed`, so a bilinear or linear map with coefficients that the
index map determines. Arrays are channels-first, as everywhere in `numeric`; a target's adapter turns them round.
`geometry` is the layer's; for the transposed layer it is that of the convolution whose transpose it is, so that x of
the transposed layer has the shape of g here, and for pooling it has one channel in and out for each of its `channels`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from numeric.paths import shift
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient

OPERATIONS = ("conv", "conv_transpose", "average_pool", "max_pool")


@dataclass(frozen=True)
class Function:
    """One function of an operation.

    `arguments` name its arrays, by the letters of `numeric`: x, w, g, and b; `gives` is that whose shape it returns.
    `expected(geometry, *arrays)` computes it exactly on integers (int64, or Python's in object arrays) and fractions.
    `fixed` are arguments in which it is not linear: max pooling's x decides who wins. The three `double_backward_*` are
    the gradients of `<ddx, input_gradient(g, w)> + <ddw, weight_gradient(g, x)>` for g, x and w, and bilinear in the
    pairs that `PAIRS` names; each takes all five arrays, and must not depend on the others.
    """

    operation: str
    name: str
    arguments: tuple[str, ...]
    gives: str
    expected: Callable[..., Array]
    fixed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.operation if self.name == "forward" else f"{self.operation}.{self.name}"


def shape(letter: str, geometry: Geometry, batch: int) -> tuple[int, ...]:
    """Shape of the array that goes by a letter: x, w, g (and y), b; `ddx` and `ddw` like x and w."""
    shapes: dict[str, tuple[int, ...]] = {
        "x": geometry.input_shape(batch),
        "w": geometry.weight_shape,
        "g": geometry.output_shape(batch),
        "b": (geometry.out_channels,),
    }
    return shapes[letter[-1]]


def options(geometry: Geometry) -> dict[str, Any]:
    """Keywords of `numeric.conv` for a layer."""
    return {name: getattr(geometry, name) for name in ("stride", "dilation", "padding", "groups", "boundary")}


def _double_backward_g(geometry: Geometry, ddx: Array, ddw: Array, g: Array, x: Array, w: Array) -> Array:  # noqa: ARG001
    return shift.conv(ddx, w, geometry) + shift.conv(x, ddw, geometry)


_SECOND = ("ddx", "ddw", "g", "x", "w")


def _pool(geometry: Geometry) -> dict[str, Any]:
    return {name: getattr(geometry, name) for name in ("stride", "dilation", "padding")}


FUNCTIONS: dict[str, Function] = {
    str(function): function
    for function in (
        Function("conv", "forward", ("x", "w"), "g", lambda geometry, x, w: shift.conv(x, w, geometry)),
        Function(
            "conv", "input_gradient", ("g", "w"), "x", lambda geometry, g, w: shift.input_gradient(g, w, geometry)
        ),
        Function(
            "conv", "weight_gradient", ("g", "x"), "w", lambda geometry, g, x: shift.weight_gradient(g, x, geometry)
        ),
        Function("conv", "bias_gradient", ("g",), "b", lambda _, g: g.sum(axis=(0, *range(2, g.ndim)), dtype=g.dtype)),
        Function("conv", "double_backward_g", _SECOND, "g", _double_backward_g),
        Function(
            "conv",
            "double_backward_x",
            _SECOND,
            "x",
            lambda geometry, _ddx, ddw, g, _x, _w: shift.input_gradient(g, ddw, geometry),
        ),
        Function(
            "conv",
            "double_backward_w",
            _SECOND,
            "w",
            lambda geometry, ddx, _ddw, g, _x, _w: shift.weight_gradient(g, ddx, geometry),
        ),
        Function(
            "conv_transpose", "forward", ("g", "w"), "x", lambda geometry, g, w: shift.input_gradient(g, w, geometry)
        ),
        Function(
            "conv_transpose", "input_gradient", ("x", "w"), "g", lambda geometry, x, w: shift.conv(x, w, geometry)
        ),
        Function(
            "conv_transpose",
            "weight_gradient",
            ("x", "g"),
            "w",
            lambda geometry, x, g: shift.weight_gradient(g, x, geometry),
        ),
        Function(
            "average_pool",
            "forward",
            ("x",),
            "g",
            lambda geometry, x: average_pool(x, geometry.kernel_size, **_pool(geometry)),
        ),
        Function(
            "average_pool",
            "input_gradient",
            ("g",),
            "x",
            lambda geometry, g: average_pool_input_gradient(
                g, geometry.input_size, geometry.kernel_size, **_pool(geometry)
            ),
        ),
        Function(
            "max_pool", "forward", ("x",), "g", lambda geometry, x: max_pool(x, geometry.kernel_size, **_pool(geometry))
        ),
        Function(
            "max_pool",
            "input_gradient",
            ("g", "x"),
            "x",
            lambda geometry, g, x: max_pool_input_gradient(g, x, geometry.kernel_size, **_pool(geometry)),
            fixed=("x",),
        ),
    )
}


# The arguments that a function multiplies with each other; what it is linear in, if it is one argument.
PAIRS: dict[str, tuple[tuple[str, ...], ...]] = {
    name: (tuple(letter for letter in function.arguments if letter not in function.fixed),)
    for name, function in FUNCTIONS.items()
} | {
    "conv.double_backward_g": (("ddx", "w"), ("x", "ddw")),
    "conv.double_backward_x": (("g", "ddw"),),
    "conv.double_backward_w": (("g", "ddx"),),
}


@lru_cache(maxsize=64)
def table(geometry: Geometry) -> Array:
    """The index map as numbers, `(outputs, taps)`: the cell that each output reads through a tap, row-major, or -1."""
    found: Any = np.zeros((1,) * (2 * geometry.ndim), np.intp)
    inside: Any = np.ones_like(found, bool)
    for number, axis in enumerate(geometry.axes):
        shape = np.ones(2 * geometry.ndim, int)
        shape[[number, number + geometry.ndim]] = axis.output_size, axis.kernel_size
        reads = axis.reads(np.arange(axis.output_size)[:, None], np.arange(axis.kernel_size)).reshape(shape)
        if geometry.boundary == "circular":
            reads = reads % axis.input_size
        found = found * axis.input_size + reads
        inside = inside & (reads >= 0) & (reads < axis.input_size)
    cells = np.where(inside, found, -1).reshape(prod(geometry.output_size), prod(geometry.kernel_size))
    cells.flags.writeable = False  # it is kept
    return cells
