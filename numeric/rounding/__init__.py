"""A priori bounds on what floating point adds to the layer, componentwise, for any order of summation.

Model (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1, with
gradual underflow): a product rounds to `a*b*(1 + d) + e` and a sum to `(a + b)*(1 + d)`, with `|d| <= u` and
`|e| <= s/2`, where u is the unit roundoff and s the smallest subnormal number. A sum of n products, in any
order, with or without fused multiply-adds, in this type or with intermediate results in a wider one, is then
off by at most

    gamma(n) * sum of |a*b|  +  n * s,        gamma(n) = n*u / (1 - n*u)

(beyond `n*u = 1/2` the second term is `n * s * (1 + gamma(n)) / 2`, beyond 1 there is no bound: it is infinite).
n is counted for each entry, from the products that the entry reads and that are not zero by a factor; a bias is
one more term, whenever it is added.

Overflow is excluded: where the bound or the value could pass the largest number, the bound is infinite. It
does not hold where a processor flushes subnormal numbers to zero. Arrays must have the shapes of the geometry.

`model` has the model itself, `linear` the layers that are sums of products, `paths` what other algorithms add,
`pooling` the pooling; `approximation` has numbers that carry their error, from which the bounds in `pointwise`,
`losses` and `normalisation` are made, and says what is assumed of exp and its like; `network` bounds the loss and the
gradients of a whole network. Max pooling, relu, relu6 and flatten are exact, like everything that only moves numbers,
and have no bound.
"""

from numeric.rounding.linear import (
    bias_gradient_bound,
    conv_bound,
    conv_double_backward_bound,
    conv_transpose_bound,
    conv_transpose_input_gradient_bound,
    conv_transpose_weight_gradient_bound,
    convolve_bound,
    correlate_bound,
    dense_bias_gradient_bound,
    dense_bound,
    dense_input_gradient_bound,
    dense_weight_gradient_bound,
    input_gradient_bound,
    locally_connected_bound,
    locally_connected_input_gradient_bound,
    locally_connected_weight_gradient_bound,
    weight_gradient_bound,
)
from numeric.rounding.losses import (
    log_softmax_bound,
    log_softmax_input_gradient_bound,
    softmax_bound,
    softmax_cross_entropy_bound,
    softmax_cross_entropy_input_gradient_bound,
    softmax_cross_entropy_target_gradient_bound,
    softmax_input_gradient_bound,
)
from numeric.rounding.model import gamma, smallest_subnormal, unit_roundoff
from numeric.rounding.normalisation import (
    batch_norm_bound,
    batch_norm_inference_bound,
    batch_norm_inference_input_gradient_bound,
    batch_norm_inference_scale_gradient_bound,
    batch_norm_input_gradient_bound,
    batch_norm_scale_gradient_bound,
    batch_norm_shift_gradient_bound,
    batch_statistics_bound,
    running_statistics_bound,
)
from numeric.rounding.pointwise import (
    dropout_bound,
    dropout_input_gradient_bound,
    elu_bound,
    elu_input_gradient_bound,
    leaky_relu_bound,
    leaky_relu_input_gradient_bound,
    sigmoid_bound,
    sigmoid_input_gradient_bound,
    silu_bound,
    silu_input_gradient_bound,
    softplus_bound,
    softplus_input_gradient_bound,
    tanh_bound,
    tanh_input_gradient_bound,
)
from numeric.rounding.pooling import (
    average_pool_bound,
    average_pool_input_gradient_bound,
    max_pool_input_gradient_bound,
)

__all__ = [
    "average_pool_bound",
    "average_pool_input_gradient_bound",
    "batch_norm_bound",
    "batch_norm_inference_bound",
    "batch_norm_inference_input_gradient_bound",
    "batch_norm_inference_scale_gradient_bound",
    "batch_norm_input_gradient_bound",
    "batch_norm_scale_gradient_bound",
    "batch_norm_shift_gradient_bound",
    "batch_statistics_bound",
    "bias_gradient_bound",
    "conv_bound",
    "conv_double_backward_bound",
    "conv_transpose_bound",
    "conv_transpose_input_gradient_bound",
    "conv_transpose_weight_gradient_bound",
    "convolve_bound",
    "correlate_bound",
    "dense_bias_gradient_bound",
    "dense_bound",
    "dense_input_gradient_bound",
    "dense_weight_gradient_bound",
    "dropout_bound",
    "dropout_input_gradient_bound",
    "elu_bound",
    "elu_input_gradient_bound",
    "gamma",
    "input_gradient_bound",
    "leaky_relu_bound",
    "leaky_relu_input_gradient_bound",
    "locally_connected_bound",
    "locally_connected_input_gradient_bound",
    "locally_connected_weight_gradient_bound",
    "log_softmax_bound",
    "log_softmax_input_gradient_bound",
    "max_pool_input_gradient_bound",
    "running_statistics_bound",
    "sigmoid_bound",
    "sigmoid_input_gradient_bound",
    "silu_bound",
    "silu_input_gradient_bound",
    "smallest_subnormal",
    "softmax_bound",
    "softmax_cross_entropy_bound",
    "softmax_cross_entropy_input_gradient_bound",
    "softmax_cross_entropy_target_gradient_bound",
    "softmax_input_gradient_bound",
    "softplus_bound",
    "softplus_input_gradient_bound",
    "tanh_bound",
    "tanh_input_gradient_bound",
    "unit_roundoff",
    "weight_gradient_bound",
]
