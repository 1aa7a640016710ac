"""What computes a training: one module for each backend of Keras, imported only when it is chosen.

Each has its `NAME`, as people write it; `gpus`, `has_bfloat16` and `CPU_BFLOAT16`; `start`, `uses_xla`; `Loop`;
`compiled`, a model that reads; and `reason`, which tells its own errors.
"""

import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from training.errors import UsageError

NAMES = ("tensorflow", "jax")
VARIABLE = "KERAS_BACKEND"


@dataclass(frozen=True)
class Machine:
    """What a training runs on: in words, and as its backend has it.

    `devices` is a `tf.distribute.Strategy`, or a `jax.sharding.Mesh` with the one axis `batch`; `None` is the first
    device. `count` is how many there are.
    """

    device: str
    devices: Any = None
    count: int = 1


FIRST = Machine("the first device")


def chosen() -> str:
    """Return the backend that `KERAS_BACKEND` names; TensorFlow if it names none. Raises `UsageError` if unknown."""
    name = os.environ.get(VARIABLE) or NAMES[0]
    if name not in NAMES:
        raise UsageError(f"{VARIABLE}: expected {' or '.join(NAMES)}, got {name!r}")
    return name


def load(name: str) -> Any:
    """Import the module of the backend `name`, and with it the backend."""
    return import_module(f"{__name__}.{name}_")


def current() -> Any:
    """Return the module of the backend that Keras was imported with."""
    import keras

    return load(keras.config.backend())
