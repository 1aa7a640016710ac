"""The whole conformance suite for each of our kernels."""

from proofs.conformance.pytest import conformance

test_conv2d = conformance("mykernels.kernels:conv2d", op="conv2d", layout="NHWC")
test_hasty_conv2d = conformance("mykernels.kernels:hasty_conv2d", op="conv2d", layout="NHWC")
