"""The laws, one file per family: statements only. Importing this package registers them in reading order.

A new law goes into the file of its family; a new family is a new file, imported here.
"""

from proofs.laws import (  # noqa: I001 - reading order
    equivariance,
    geometry,
    parameters,
    algebra,
    gradients,
    reads,
    layers,
    nonlinear,
    training,
    algorithms,
)

__all__ = [
    "algebra",
    "algorithms",
    "equivariance",
    "geometry",
    "gradients",
    "layers",
    "nonlinear",
    "parameters",
    "reads",
    "training",
]
