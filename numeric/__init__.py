"""The layers of a convolutional network in NumPy: index map, definition, algorithms, bounds on their rounding.

conv, conv_input_gradient, conv_weight_gradient, conv_bias_gradient    the layer (`numeric.conv`)
conv_transpose, and its input and weight gradients                     its adjoint (`numeric.transpose`)
max_pool, average_pool, and their input gradients                      pooling (`numeric.pooling`)
dense, locally_connected, and their gradients                          weights that are not shared (`numeric.dense`)
convolve, correlate, rot180, shift                                     single arrays (`numeric.plane`)
Geometry, Axis, GeometryError                                          the index map (`numeric.geometry`)
definition, rounding                                                   the oracle; a priori error bounds
"""

from numeric import definition, rounding
from numeric.conv import conv, conv_bias_gradient, conv_input_gradient, conv_weight_gradient
from numeric.dense import (
    dense,
    dense_bias_gradient,
    dense_input_gradient,
    dense_weight_gradient,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
)
from numeric.geometry import Axis, Geometry, GeometryError
from numeric.plane import convolve, correlate, rot180, shift
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient
from numeric.transpose import conv_transpose, conv_transpose_input_gradient, conv_transpose_weight_gradient

__all__ = [
    "Axis",
    "Geometry",
    "GeometryError",
    "average_pool",
    "average_pool_input_gradient",
    "conv",
    "conv_bias_gradient",
    "conv_input_gradient",
    "conv_transpose",
    "conv_transpose_input_gradient",
    "conv_transpose_weight_gradient",
    "conv_weight_gradient",
    "convolve",
    "correlate",
    "definition",
    "dense",
    "dense_bias_gradient",
    "dense_input_gradient",
    "dense_weight_gradient",
    "locally_connected",
    "locally_connected_input_gradient",
    "locally_connected_weight_gradient",
    "max_pool",
    "max_pool_input_gradient",
    "rot180",
    "rounding",
    "shift",
]
