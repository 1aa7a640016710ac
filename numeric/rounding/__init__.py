"""A priori bounds on what floating point adds to the layer, componentwise, for any order of summation.

Model (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1, with
gradual underflow): a product rounds to `a*b*(1 + d) + e` and a sum to `(a + b)*(1 + d)`, with `|d| <= u` and
`|e| <= s/2`, where u is the unit roundoff and s the smallest subnormal number. A sum of n products, in any
order and with or without fused multiply-adds, is then off by at most

    gamma(n) * sum of |a*b|  +  n * s,        gamma(n) = n*u / (1 - n*u)

Overflow is excluded: where the bound or the value could pass the largest number, the bound is infinite. It
does not hold where a processor flushes subnormal numbers to zero. Arrays must have the shapes of the geometry.

`model` has the model itself, `linear` the layers that are sums of products, `pooling` the pooling.
"""

from numeric.rounding.linear import (
    bias_gradient_bound,
    conv_bound,
    dense_bound,
    input_gradient_bound,
    locally_connected_bound,
    weight_gradient_bound,
)
from numeric.rounding.model import gamma, unit_roundoff
from numeric.rounding.pooling import average_pool_bound

__all__ = [
    "average_pool_bound",
    "bias_gradient_bound",
    "conv_bound",
    "dense_bound",
    "gamma",
    "input_gradient_bound",
    "locally_connected_bound",
    "unit_roundoff",
    "weight_gradient_bound",
]
