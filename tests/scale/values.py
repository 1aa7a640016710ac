"""What each bound of `numeric.rounding` is on fixed numbers, so that none changes unseen: every one is a derivation.

    .venv/bin/python -m tests.scale.values

writes them down in `values.json`, to be read before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from numeric.rounding.network import network_bound
from tests.properties.test_network import batch, small
from tests.scale import smooth, sums
from tests.scale.cases import Row, flat

FILE = Path(__file__).with_suffix(".json")
CASES = {
    f"{row.name}, {np.dtype(dtype)}": (row, dtype)
    for row in (*sums.ROWS, *smooth.ROWS)
    for dtype in row.floats
    if dtype != np.float64  # whose bounds differ in nothing but the roundoff
}
NETWORKS = {f"network_bound, {np.dtype(dtype)}": dtype for dtype in (np.float32, np.float64)}


def totals(row: Row, dtype: Any) -> list[float]:
    """Sums of a bound's entries, weighted so that each place counts: on numbers around 1, and where products underflow.

    No entry is infinite there.
    """
    limits = np.finfo(dtype)
    return [_total(_bound(row, dtype, power)) for power in (-3, (limits.minexp - limits.nmant) // row.degree - 2)]


def network(dtype: Any) -> list[float]:
    """The bound on a network's loss, and the sums of those on its gradients, in the order of their names."""
    bound = network_bound(small(dtype), *batch())
    return [bound.loss, *(_total(gradient) for _, gradient in sorted(bound.gradients.items()))]


def finite(row: Row, dtype: Any) -> list[int]:
    """How many entries are finite, on products from near the largest number downwards."""
    powers = (np.finfo(dtype).maxexp // row.degree - bits for bits in range(6, 16))
    return [int(np.isfinite(_bound(row, dtype, power)).sum()) for power in powers]


def _total(bound: Any) -> float:
    return float((np.ravel(bound) * (1 + np.arange(bound.size) % 7)).sum())


def _bound(row: Row, dtype: Any, power: int) -> Any:
    """The bound on small integers times a power of two."""
    numbers = (
        ((np.arange(np.prod(shape)) * 37 + 11 * place) % 101 - 50.0) * 2.0**power
        for place, shape in enumerate(row.shapes.values())
    )
    arrays = [array.astype(dtype).reshape(shape) for array, shape in zip(numbers, row.shapes.values(), strict=True)]
    with np.errstate(over="ignore", invalid="ignore"):  # the bound is infinite there
        return flat(row.bound(*arrays))


if __name__ == "__main__":
    values = {name: [*totals(*case), finite(*case)] for name, case in CASES.items()}
    values |= {name: network(dtype) for name, dtype in NETWORKS.items()}
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
