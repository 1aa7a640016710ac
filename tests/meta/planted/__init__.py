"""Planted faults: wrong implementations behind the names of `numeric`, each as people really get it wrong.

    python -m tests.meta.planted

prints how many of each family are killed by the property suite and by the symbolic tier, and those that survive; it
exits with 1 unless all are killed. A new fault is a row in its family's file, most often an edit of the shipped
source: place, what is wrong, the text as it ships, the text that is planted. The tests run over `FAULTS`.
"""

from tests.meta.planted import (
    activations,
    geometry,
    kernels,
    layers,
    losses,
    network,
    normalisation,
    paths,
    pooling,
)
from tests.meta.planted.fault import Fault

FILES = (kernels, layers, pooling, activations, losses, normalisation, geometry, paths, network)
ROWS: tuple[Fault, ...] = tuple(fault for file in FILES for fault in file.FAULTS)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in ROWS}

__all__ = ["FAULTS", "ROWS", "Fault"]
