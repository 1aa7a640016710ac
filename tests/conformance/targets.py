"""Targets made of plain functions: the right ones of `numeric`, and wrong, impure or inexact ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numeric.paths import PATHS
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.precision import rounded
from proofs.conformance.probes import storage

POOL = ("stride", "dilation", "padding")


def pooling(geometry):
    return {name: getattr(geometry, name) for name in POOL}


def functions(path: Any) -> dict[str, Any]:
    """Every function of `FUNCTIONS`, by a path's three functions."""

    def double_backward_g(geometry, ddx, ddw, g, x, w):
        return path.conv(ddx, w, geometry) + path.conv(x, ddw, geometry)

    return {
        "conv": lambda geometry, x, w: path.conv(x, w, geometry),
        "conv.input_gradient": lambda geometry, g, w: path.input_gradient(g, w, geometry),
        "conv.weight_gradient": lambda geometry, g, x: path.weight_gradient(g, x, geometry),
        "conv.bias_gradient": lambda _, g: g.sum(axis=(0, *range(2, g.ndim)), dtype=g.dtype),
        "conv.double_backward_g": double_backward_g,
        "conv.double_backward_x": lambda geometry, _ddx, ddw, g, _x, _w: path.input_gradient(g, ddw, geometry),
        "conv.double_backward_w": lambda geometry, ddx, _ddw, g, _x, _w: path.weight_gradient(g, ddx, geometry),
        "conv_transpose": lambda geometry, g, w: path.input_gradient(g, w, geometry),
        "conv_transpose.input_gradient": lambda geometry, x, w: path.conv(x, w, geometry),
        "conv_transpose.weight_gradient": lambda geometry, x, g: path.weight_gradient(g, x, geometry),
        "average_pool": lambda geometry, x: average_pool(x, geometry.kernel_size, **pooling(geometry)),
        "average_pool.input_gradient": lambda geometry, g: average_pool_input_gradient(
            g, geometry.input_size, geometry.kernel_size, **pooling(geometry)
        ),
        "max_pool": lambda geometry, x: max_pool(x, geometry.kernel_size, **pooling(geometry)),
        "max_pool.input_gradient": lambda geometry, g, x: max_pool_input_gradient(
            g, x, geometry.kernel_size, **pooling(geometry)
        ),
    }


@dataclass
class FromKernels:
    """Target made of functions `(geometry, *arrays)`."""

    kernels: dict[str, Any] = field(default_factory=lambda: functions(PATHS["im2col"]))
    dtype: str = "float32"
    name: str = "kernels"
    refuses: Any = lambda _: ""

    @property
    def functions(self):
        """Those that there are."""
        return tuple(name for name in FUNCTIONS if name in self.kernels)

    def about(self):
        """Nothing to tell."""
        return {"device": "cpu"}

    def supports(self, function, geometry):
        """Whatever its path does."""
        return "" if "pool" in function else self.refuses(geometry)

    def run(self, function, geometry, *arrays):
        """Compute; bfloat16 in float32, rounded at the end."""
        found = self.kernels[function](geometry, *arrays)
        return rounded(found, 8).astype(np.float32) if self.dtype == "bfloat16" else found


@dataclass
class AtOnce(FromKernels):
    """Gives the functions of a layer in one call, too, by kernels of their own: `at_once`."""

    at_once: dict[str, Any] = field(default_factory=lambda: functions(PATHS["im2col"]))

    @property
    def jointly(self):
        """All of the first order, of layers with weights."""
        return tuple(name for name in self.functions if "pool" not in name and "double" not in name)

    def joint(self, functions, geometry, arrays):
        """Compute each."""
        kernels = FromKernels(self.at_once, self.dtype)
        return tuple(kernels.run(n, geometry, *(arrays[k] for k in FUNCTIONS[n].arguments)) for n in functions)


def numeric(path: str = "im2col", dtype: str = "float32") -> FromKernels:
    """A path of `numeric`."""
    return FromKernels(functions(PATHS[path]), dtype, f"numeric:{path}", PATHS[path].supports)


def planted(kernel: Any, dtype: str = "float32") -> FromKernels:
    """A planted wrong kernel."""
    return FromKernels(functions(kernel), dtype, "planted")


def changed(change: Any, dtype: str = "float32", path: str = "im2col", **options: Any) -> FromKernels:
    """`numeric` with every function put through `change(function name, function)`."""
    kernels = {name: change(name, function) for name, function in functions(PATHS[path]).items()}
    return FromKernels(kernels, dtype, "changed", **options)


def of_inputs(how: Any) -> Any:
    """Change that puts every float argument through a function first."""
    return lambda _, function: lambda geometry, *arrays: function(geometry, *map(how, arrays))


def of_output(how: Any) -> Any:
    """Change that puts the result through a function of it, the geometry and the arguments."""
    return lambda _, function: lambda geometry, *arrays: how(function(geometry, *arrays), geometry, arrays)


def tf32(dtype: str = "float32") -> FromKernels:
    """Multiplies like a matrix unit: inputs rounded to 11 bits."""
    return changed(of_inputs(lambda a: rounded(a, 11).astype(storage(dtype))), dtype)
