"""The layers of a convolutional network in NumPy: index map, definition, algorithms, bounds on their rounding.

conv, its input, weight and bias gradients, conv_double_backward       the layer (`numeric.conv`)
conv_transpose, and its input and weight gradients                     its adjoint (`numeric.transpose`)
max_pool, average_pool, and their input gradients                      pooling (`numeric.pooling`)
dense, locally_connected, and their gradients                          weights that are not shared (`numeric.dense`)
relu, leaky_relu, relu6, elu, softplus, sigmoid, tanh, silu            and their gradients (`numeric.activations`)
softmax, log_softmax, softmax_cross_entropy                            and their gradients (`numeric.losses`)
batch_norm, batch_norm_inference, and their gradients                  with batch_statistics, running_statistics
                                                                       (`numeric.normalisation`)
dropout with a given mask, flatten, and their gradients                (`numeric.dropout`, `numeric.flatten`)
convolve, correlate, rot180, shift                                     single arrays (`numeric.plane`)
Geometry, Axis, GeometryError                                          the index map (`numeric.geometry`)
definition, rounding                                                   the oracle; a priori error bounds
"""

import numeric.threads  # noqa: F401 - before NumPy: BLAS reads what this says when it is loaded

# isort: split
from numeric import definition, rounding
from numeric.activations import (
    elu,
    elu_input_gradient,
    leaky_relu,
    leaky_relu_input_gradient,
    relu,
    relu6,
    relu6_input_gradient,
    relu_input_gradient,
    sigmoid,
    sigmoid_input_gradient,
    silu,
    silu_input_gradient,
    softplus,
    softplus_input_gradient,
    tanh,
    tanh_input_gradient,
)
from numeric.conv import (
    conv,
    conv_bias_gradient,
    conv_double_backward,
    conv_input_gradient,
    conv_weight_gradient,
)
from numeric.dense import (
    dense,
    dense_bias_gradient,
    dense_input_gradient,
    dense_weight_gradient,
    locally_connected,
    locally_connected_input_gradient,
    locally_connected_weight_gradient,
)
from numeric.dropout import dropout, dropout_input_gradient
from numeric.flatten import flatten, flatten_input_gradient
from numeric.geometry import Axis, Geometry, GeometryError
from numeric.losses import (
    log_softmax,
    log_softmax_input_gradient,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_input_gradient,
    softmax_cross_entropy_target_gradient,
    softmax_input_gradient,
)
from numeric.normalisation import (
    batch_norm,
    batch_norm_inference,
    batch_norm_inference_input_gradient,
    batch_norm_inference_scale_gradient,
    batch_norm_input_gradient,
    batch_norm_scale_gradient,
    batch_norm_shift_gradient,
    batch_statistics,
    running_statistics,
)
from numeric.plane import convolve, correlate, rot180, shift
from numeric.pooling import average_pool, average_pool_input_gradient, max_pool, max_pool_input_gradient
from numeric.transpose import conv_transpose, conv_transpose_input_gradient, conv_transpose_weight_gradient

__all__ = [
    "Axis",
    "Geometry",
    "GeometryError",
    "average_pool",
    "average_pool_input_gradient",
    "batch_norm",
    "batch_norm_inference",
    "batch_norm_inference_input_gradient",
    "batch_norm_inference_scale_gradient",
    "batch_norm_input_gradient",
    "batch_norm_scale_gradient",
    "batch_norm_shift_gradient",
    "batch_statistics",
    "conv",
    "conv_bias_gradient",
    "conv_double_backward",
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
    "dropout",
    "dropout_input_gradient",
    "elu",
    "elu_input_gradient",
    "flatten",
    "flatten_input_gradient",
    "leaky_relu",
    "leaky_relu_input_gradient",
    "locally_connected",
    "locally_connected_input_gradient",
    "locally_connected_weight_gradient",
    "log_softmax",
    "log_softmax_input_gradient",
    "max_pool",
    "max_pool_input_gradient",
    "relu",
    "relu6",
    "relu6_input_gradient",
    "relu_input_gradient",
    "rot180",
    "rounding",
    "running_statistics",
    "shift",
    "sigmoid",
    "sigmoid_input_gradient",
    "silu",
    "silu_input_gradient",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_input_gradient",
    "softmax_cross_entropy_target_gradient",
    "softmax_input_gradient",
    "softplus",
    "softplus_input_gradient",
    "tanh",
    "tanh_input_gradient",
]
