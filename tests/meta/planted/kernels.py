"""Wrong kernels, each with one fault that people really make.

A fault is a change of the layer's index map, or of how its products are added up; the three sums are otherwise
those of `numeric.definition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from numeric import Geometry
from numeric.definition import terms
from tests.meta.planted.fault import Fault

Terms = Callable[[Geometry], Iterator[Any]]


@dataclass(frozen=True)
class Planted:
    """An algorithm like those in `numeric.paths`, with its own index map for each of the three sums."""

    forward: Terms = terms
    weight: Terms = terms
    input: Terms = terms
    finish: Callable[[Any, str], Any] = lambda array, _: array

    def supports(self, _):
        """Every layer."""
        return ""

    def conv(self, x, w, geometry):
        """Output."""
        y = np.zeros(geometry.output_shape(len(x)), np.result_type(x, w))
        for n in range(len(x)):
            for out, cell, weight in self.forward(geometry):
                y[(n, *out)] += x[(n, *cell)] * w[weight]
        return self.finish(y, "conv")

    def weight_gradient(self, g, x, geometry):
        """dL/dw."""
        dw = np.zeros(geometry.weight_shape, np.result_type(g, x))
        for n in range(len(x)):
            for out, cell, weight in self.weight(geometry):
                dw[weight] += g[(n, *out)] * x[(n, *cell)]
        return self.finish(dw, "weight_gradient")

    def input_gradient(self, g, w, geometry):
        """dL/dx."""
        dx = np.zeros(geometry.input_shape(len(g)), np.result_type(g, w))
        for n in range(len(g)):
            for out, cell, weight in self.input(geometry):
                dx[(n, *cell)] += g[(n, *out)] * w[weight]
        return self.finish(dx, "input_gradient")


def reading(change: Callable[[Geometry], dict[str, Any]]) -> Terms:
    """Index map of a layer with some fields changed, at the outputs and cells of the true one."""

    def wrong(geometry: Geometry) -> Iterator[Any]:
        other = object.__new__(Geometry)  # unchecked: the changed layer need not fit
        other.__dict__.update({**{k: getattr(geometry, k) for k in geometry.__dataclass_fields__}, **change(geometry)})
        other.__dict__["output_size"] = geometry.output_size
        return terms(other)

    return wrong


def weights(change: Callable[[Geometry, Any], Any]) -> Terms:
    """Index map that takes another weight for every product."""

    def wrong(geometry: Geometry) -> Iterator[Any]:
        for out, cell, weight in terms(geometry):
            yield out, cell, change(geometry, weight)

    return wrong


def without(drop: Callable[[Geometry, Any, Any, Any], bool]) -> Terms:
    """Index map with some products left out."""

    def wrong(geometry: Geometry) -> Iterator[Any]:
        return (term for term in terms(geometry) if not drop(geometry, *term))

    return wrong


def _rotated(geometry, weight):
    c, j, *u = weight
    return (c, j, *(k - 1 - i for i, k in zip(u, geometry.kernel_size, strict=True)))


def _channels_as_they_are(geometry, weight):
    """As if w were (in, out): the order of a transposed matrix read without transposing."""
    c, j, *u = weight
    flat = j * geometry.out_channels + c
    return (*divmod(flat, geometry.group_in), *u)


def _axes_swapped(geometry, weight):
    c, j, *u = weight
    return (c, j, *(i % k for i, k in zip(reversed(u), geometry.kernel_size, strict=True)))


def _groups_mixed(geometry):
    for (c, *o), (_, *a), (_, j, *u) in terms(geometry):
        yield (c, *o), (c % geometry.groups * geometry.group_in + j, *a), (c, j, *u)


def _first_group_only(geometry):
    for out, (_, *a), (c, j, *u) in terms(geometry):
        yield out, (j, *a), (c, j, *u)


def _clamped(geometry):
    """Replicates the edge instead of wrapping around."""
    for c in range(geometry.out_channels):
        for o in geometry.outputs():
            for j in range(geometry.group_in):
                for u in geometry.taps():
                    cell = [axis.reads(i, t) for axis, i, t in zip(geometry.axes, o, u, strict=True)]
                    if geometry.boundary == "circular":
                        cell = [min(max(a, 0), n - 1) for a, n in zip(cell, geometry.input_size, strict=True)]
                    elif any(not 0 <= a < n for a, n in zip(cell, geometry.input_size, strict=True)):
                        continue
                    yield (c, *o), (geometry.reads_channel(c, j), *cell), (c, j, *u)


def _last_write(geometry):
    """Overwrites instead of accumulating: of the products for one cell only the last counts."""
    last = {cell: (out, cell, weight) for out, cell, weight in terms(geometry)}
    return iter(last.values())


def _last_tap_write(geometry):
    last = {weight: (out, cell, weight) for out, cell, weight in terms(geometry)}
    return iter(last.values())


def _moved(step):
    return lambda geometry: {"padding": tuple((low + step, high - step) for low, high in geometry.padding)}


def _remainder_dropped(array, name):
    return array[..., :-1] if name == "input_gradient" and array.shape[-1] > 1 else array


def _far_end(geometry, out, cell, weight):
    return cell[-1] == geometry.input_size[-1] - 1


def _last_output(geometry, out, cell, weight):
    return out[-1] == geometry.output_size[-1] - 1


def _stride_one(geometry):
    return {"stride": (1,) * geometry.ndim}


KERNELS: dict[str, Planted] = {
    "forward: kernel rotated": Planted(forward=weights(_rotated)),
    "forward: H and W of the kernel swapped": Planted(forward=weights(_axes_swapped)),
    "forward: groups mixed": Planted(forward=_groups_mixed),
    "forward: first group for all": Planted(forward=_first_group_only),
    "forward: stride ignored": Planted(forward=reading(_stride_one)),
    "forward: dilation ignored": Planted(forward=reading(lambda g: {"dilation": (1,) * g.ndim})),
    "forward: last output missing": Planted(forward=without(_last_output)),
    "forward: circular read as zero": Planted(forward=reading(lambda _: {"boundary": "zero"})),
    "forward: edge replicated": Planted(forward=_clamped),
    "input gradient: kernel not rotated": Planted(input=weights(_rotated)),
    "input gradient: stride ignored": Planted(input=reading(_stride_one)),
    "input gradient: channels not transposed": Planted(input=weights(_channels_as_they_are)),
    "input gradient: groups mixed": Planted(input=_groups_mixed),
    "input gradient: overwrites": Planted(input=_last_write),
    "input gradient: padding off by one": Planted(input=reading(_moved(1))),
    "input gradient: dilation and stride swapped": Planted(
        input=reading(lambda g: {"stride": g.dilation, "dilation": g.stride})
    ),
    "input gradient: remainder dropped": Planted(finish=_remainder_dropped),
    "input gradient: far edge missing": Planted(input=without(_far_end)),
    "weight gradient: kernel rotated": Planted(weight=weights(_rotated)),
    "weight gradient: stride ignored": Planted(weight=reading(_stride_one)),
    "weight gradient: dilation ignored": Planted(weight=reading(lambda g: {"dilation": (1,) * g.ndim})),
    "weight gradient: overwrites": Planted(weight=_last_tap_write),
    "weight gradient: low and high padding swapped": Planted(
        weight=reading(lambda g: {"padding": tuple((high, low) for low, high in g.padding)})
    ),
    "weight gradient: H and W swapped": Planted(weight=weights(_axes_swapped)),
}


FAULTS = [Fault("kernels", what, "numeric.paths.PATHS.im2col", kernel, ("conv",)) for what, kernel in KERNELS.items()]
