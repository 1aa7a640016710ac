"""The convolution layer in NumPy: its index map, its definition, its algorithms, and bounds on their rounding.

conv, conv_input_gradient, conv_weight_gradient, conv_bias_gradient    the layer (`numeric.conv`)
convolve, correlate, rot180, shift                                     single arrays (`numeric.plane`)
Geometry, Axis, GeometryError                                          the index map (`numeric.geometry`)
definition, rounding                                                   the oracle; a priori error bounds
"""

from numeric import definition, rounding
from numeric.conv import conv, conv_bias_gradient, conv_input_gradient, conv_weight_gradient
from numeric.geometry import Axis, Geometry, GeometryError
from numeric.plane import convolve, correlate, rot180, shift
from numeric.transpose import conv_transpose, conv_transpose_input_gradient, conv_transpose_weight_gradient

__all__ = [
    "Axis",
    "Geometry",
    "GeometryError",
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
    "rot180",
    "rounding",
    "shift",
]
