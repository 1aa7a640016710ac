"""Every layer by its definition, as plain loops: the oracle, never clever.

One file for each of numeric's: `conv` (three sums over one index map), `dense`, `pooling`, `plane`. Nothing here
validates; arrays are channels-first.
"""

from numeric.definition.conv import bias_gradient, conv, input_gradient, terms, weight_gradient
from numeric.definition.dense import (
    dense,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
)
from numeric.definition.plane import convolve, correlate, rot180, shift
from numeric.definition.pooling import average_pool, max_pool, max_pool_input_gradient

__all__ = [
    "average_pool",
    "bias_gradient",
    "conv",
    "convolve",
    "correlate",
    "dense",
    "input_gradient",
    "locally_connected",
    "locally_connected_input_gradient",
    "locally_connected_weight_gradient",
    "max_pool",
    "max_pool_input_gradient",
    "rot180",
    "shift",
    "terms",
    "weight_gradient",
]
