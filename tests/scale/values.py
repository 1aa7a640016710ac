"""What each bound of `numeric.rounding` is on fixed numbers, so that none changes unseen: every one is a derivation.

    .venv/bin/python -m tests.scale.values

writes them down in `values.json`, to be read before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from numeric import Geometry, rounding
from numeric.layers import Activation, AveragePool, Conv, Dense, Flatten, MaxPool
from numeric.network import Sequential
from numeric.rounding.network import NetworkBound, network_bound
from tests.properties.test_network import batch, small
from tests.scale import smooth, sums
from tests.scale.cases import FLOATS, Row, flat

FILE = Path(__file__).with_suffix(".json")
CIRCLE = Geometry(
    (5, 4), (3, 3), padding=((6, 0), (1, 3)), in_channels=4, out_channels=6, groups=2, boundary="circular"
)
LINE = Geometry((3,), (2,), padding=((1, 1),))  # with windows of one cell


def _wrapped(path: str) -> list[Row]:
    """The bounds of a path on a circle that the padding goes around, on whose arrays their errors add up."""
    x, w, g = CIRCLE.input_shape(2), CIRCLE.weight_shape, CIRCLE.output_shape(2)
    shapes = {
        "conv": {"x": x, "w": w, "b": (6,)},
        "weight_gradient": {"g": g, "x": x},
        "input_gradient": {"g": g, "w": w},
    }

    def bound(name: str) -> Any:
        function = getattr(rounding, f"{name}_bound")
        return lambda a, b, *bias: function(a, b, CIRCLE, *bias, path=path)

    return [Row(f"{name}_bound {path}, wrapped", bound(name), bound(name), given) for name, given in shapes.items()]


def _second(path: str) -> Row:
    """The bounds on the gradients of the gradients by a path."""
    x, w, g = CIRCLE.input_shape(2), CIRCLE.weight_shape, CIRCLE.output_shape(2)

    def bound(*arrays: Any) -> Any:
        return rounding.conv_double_backward_bound(*arrays, CIRCLE, path=path)

    shapes = {"ddx": x, "ddw": w, "g": g, "x": x, "w": w}
    return Row(f"conv_double_backward_bound {path}", bound, bound, shapes, floats=FLOATS[:2])


def _long() -> Row:
    """So many channels that `n * u` is above 1/2 in float16: what underflow adds may then double."""
    layer = Geometry((4,), (3,), in_channels=1100)

    def bound(x: Any, w: Any) -> Any:
        return rounding.conv_bound(x, w, layer, path="winograd2")

    return Row("conv_bound winograd2, long", bound, bound, {"x": layer.input_shape(1), "w": layer.weight_shape})


def _lonely(name: str, shape: tuple[int, ...]) -> Row:
    bound = getattr(rounding, f"{name}_bound")
    return Row(f"{name}_bound, lonely", bound, lambda array: bound(array, LINE), {"x": shape}, 1)


ROWS = [
    *sums.ROWS,
    *smooth.ROWS,
    *(row for path in ("winograd2", "winograd4", "fft") for row in (*_wrapped(path), _second(path))),
    _long(),
    _lonely("average_pool", (2, 3, 3)),
    _lonely("average_pool_input_gradient", (2, 3, 4)),
]
CASES = {f"{row.name}, {np.dtype(dtype)}": (row, dtype) for row in ROWS for dtype in row.floats}


def _tied(dtype: Any) -> NetworkBound:
    """Of a network that pools with options, on an image whose cells are equal, so that signs and winners are open."""
    w, last = (((np.arange(size) * 7) % 11 - 5.0) / 8 for size in (12, 16))
    network = Sequential(
        [
            Conv(w.reshape(2, 1, 2, 3).astype(dtype), padding=1),
            AveragePool(2, stride=1, padding=((0, 1), 1)),
            MaxPool((2, 3), stride=(2, 1)),
            Activation("relu"),
            Flatten(),
            Dense(last.reshape(1, 16).repeat(3, axis=0).astype(dtype) * np.arange(1, 4, dtype=dtype)[:, None]),
        ]
    )
    return network_bound(network, np.full((2, 1, 4, 5), 0.1, dtype), [0, 2])


NETWORKS = {
    f"{name}, {np.dtype(dtype)}": (of, dtype)
    for name, of in (("a network", lambda dtype: network_bound(small(dtype), *batch())), ("a tied network", _tied))
    for dtype in (np.float32, np.float64)
}


def totals(row: Row, dtype: Any) -> list[float]:
    """Sums of a bound's entries, weighted so that each place counts.

    On numbers around 1, where products underflow, and with zeros in the first place. What is infinite, of float16,
    counts 0.
    """
    limits = np.finfo(dtype)
    least = (limits.minexp - limits.nmant) // row.degree - 2
    return [_total(_bound(row, dtype, power, first)) for power, first in ((-3, 1), (least, 1), (-3, 0))]


def network(of: Callable[[Any], NetworkBound], dtype: Any) -> list[float]:
    """Kinks, the bound on a network's loss, and the sums of those on its gradients, in the order of their names."""
    bound = of(dtype)
    return [bound.kinks, bound.loss, *(_total(gradient) for _, gradient in sorted(bound.gradients.items()))]


def finite(row: Row, dtype: Any) -> list[int]:
    """How many entries are finite, on products from near the largest number downwards."""
    powers = (np.finfo(dtype).maxexp // row.degree - bits for bits in range(6, 16))
    return [int(np.isfinite(_bound(row, dtype, power)).sum()) for power in powers]


def _total(bound: Any) -> float:
    bound = np.ravel(np.where(np.isfinite(bound), bound, 0))
    return float((bound * (1 + np.arange(bound.size) % 7)).sum())


def _bound(row: Row, dtype: Any, power: int, first: int = 1) -> Any:
    """The bound on small integers times a power of two, those of the first argument also times another number."""
    numbers = (
        ((np.arange(np.prod(shape)) * 37 + 11 * place) % 101 - 50.0) * 2.0**power * (1 if place else first)
        for place, shape in enumerate(row.shapes.values())
    )
    arrays = [array.astype(dtype).reshape(shape) for array, shape in zip(numbers, row.shapes.values(), strict=True)]
    return flat(row.bound(*arrays))


if __name__ == "__main__":
    values = {name: [*totals(*case), finite(*case)] for name, case in CASES.items()}
    values |= {name: network(*of) for name, of in NETWORKS.items()}
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
