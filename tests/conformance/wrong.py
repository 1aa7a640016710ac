"""Targets with a planted mistake, and the layers on which it shows: neither square nor symmetric nor of one channel."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache

import numpy as np

import numeric
from numeric.geometry import Geometry
from proofs.conformance.functions import FUNCTIONS, options, shape
from proofs.conformance.target import Unsupported
from tests.meta.planted.fault import edited
from tests.meta.planted.kernels import Planted

CONV = {
    1: Geometry((10,), (3,), 2, 3, ((1, 2),), 4, 6, 2),
    2: Geometry((7, 5), (3, 2), (2, 1), (1, 3), ((1, 2), (2, 0)), 4, 6, 2),
    3: Geometry((4, 3, 4), (2, 1, 3), (2, 1, 1), (1, 1, 2), ((0, 1), (1, 0), (1, 2)), 4, 6, 2),
}
POOL = {
    1: Geometry((8,), (3,), 2, 2, ((1, 2),), 2, 2, 2),
    2: Geometry((6, 5), (3, 2), (2, 1), (1, 2), ((1, 0), (0, 1)), 2, 2, 2),
    3: Geometry((4, 3, 5), (2, 1, 2), (1, 2, 2), (2, 1, 1), ((1, 0), (0, 0), (0, 1)), 2, 2, 2),
}


def layer(operation, ndim):
    """Of that operation: neither square nor symmetric nor of one channel."""
    return (POOL if operation.endswith("pool") else CONV)[ndim]


class Fake:
    """A target that runs some functions `f(geometry, *arrays)`."""

    def __init__(self, run, dtype="float32"):
        self.name, self.dtype, self.by_name = "fake", dtype, run

    @property
    def functions(self):
        """Names."""
        return tuple(self.by_name)

    def about(self):
        """Nothing."""
        return {}

    def supports(self, function, _):
        """What is there."""
        return "" if function in self.by_name else "it has none"

    def run(self, function, geometry, *arrays):
        """Call it."""
        return self.by_name[function](geometry, *arrays)


@cache
def indices(of, geometry):
    """Products of a planted index map, as index arrays."""
    found = list(of(geometry))
    sizes = (geometry.ndim + 1, geometry.ndim + 1, geometry.ndim + 2)
    return [tuple(np.array([row[i] for row in found], int).reshape(-1, n).T) for i, n in enumerate(sizes)]


def added(gives, sizes, index, values):
    """Sum of the values at their places, for each sample if there is one."""
    result = np.zeros(sizes, values.dtype)
    np.add.at(result, (slice(None), *index) if gives in "xg" else index, values)
    return result


def from_kernel(planted: Planted) -> Fake:
    """The planted algorithm, for the convolution and, read the other way, for the transposed one."""

    def run(name, of, finish=""):
        function = FUNCTIONS[name]

        def call(geometry, *arrays):
            out, cell, weight = indices(of, geometry)
            index = {"g": (slice(None), *out), "x": (slice(None), *cell), "w": weight}
            first, second = (a[index[k]] for k, a in zip(function.arguments, arrays, strict=True))
            values = first * second if function.gives in "xg" else (first * second).sum(0)
            place = {"g": out, "x": cell, "w": weight}[function.gives]
            sizes = shape(function.gives, geometry, len(arrays[0]))
            return planted.finish(added(function.gives, sizes, place, values), finish)

        return call

    maps = (("input_gradient", planted.input), ("weight_gradient", planted.weight))
    found = {"conv": run("conv", planted.forward, "conv")}
    found |= {f"conv.{name}": run(f"conv.{name}", of, name) for name, of in maps}
    found["conv_transpose"] = run("conv_transpose", planted.input, "input_gradient")
    found["conv_transpose.input_gradient"] = run("conv_transpose.input_gradient", planted.forward, "conv")
    found["conv_transpose.weight_gradient"] = run("conv_transpose.weight_gradient", planted.weight, "weight_gradient")
    return Fake(found)


def on(function, wrong):
    """A target that has one function."""
    return Fake({function: wrong})


# planted edits of whole modules: in a copy, since the true ones say what is expected

RUN = {
    "conv.input_gradient": lambda m, of, o, g, w: m.conv_input_gradient(g, w, of.input_size, **o),
    "conv.weight_gradient": lambda m, of, o, g, x: m.conv_weight_gradient(g, x, of.kernel_size, **o),
    "conv.bias_gradient": lambda m, _, __, g: m.conv_bias_gradient(g),
    "conv_transpose": lambda m, of, o, g, w: m.conv_transpose(
        g,
        w,
        output_padding=[axis.remainder for axis in of.axes],
        **o,
    ),
    "conv_transpose.input_gradient": lambda m, _, o, x, w: m.conv_transpose_input_gradient(x, w, **o),
    "conv_transpose.weight_gradient": lambda m, of, o, x, g: m.conv_transpose_weight_gradient(
        x, g, of.kernel_size, **o
    ),
    "average_pool": lambda m, of, o, x: m.average_pool(x, of.kernel_size, **o),
    "average_pool.input_gradient": lambda m, of, o, g: m.average_pool_input_gradient(
        g, of.input_size, of.kernel_size, **o
    ),
    "max_pool": lambda m, of, o, x: m.max_pool(x, of.kernel_size, path="windows", **o),
    "max_pool.input_gradient": lambda m, of, o, g, x: m.max_pool_input_gradient(
        g, x, of.kernel_size, path="windows", **o
    ),
}


def from_edit(fault):
    """A target made of a copy of the module in which the fault is planted."""
    name = "tests.conformance.planted_copy"
    spec = importlib.util.find_spec(fault.module)
    copy = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, spec.origin))
    sys.modules[name] = copy
    copy.__spec__.loader.exec_module(copy)
    setattr(copy, fault.attribute, edited(getattr(copy, fault.attribute), *fault.wrong))

    def bound(function, run):
        def call(geometry, *arrays):
            given = options(geometry)
            if FUNCTIONS[function].operation.endswith("pool"):
                del given["groups"]
            try:
                return run(copy, geometry, given, *arrays)
            except numeric.GeometryError as error:
                raise Unsupported(str(error)) from error

        return call

    return Fake({function: bound(function, run) for function, run in RUN.items()})
