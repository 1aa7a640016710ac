"""JAX: on the CPU, on one GPU, on several of one machine (each batch is cut up, `jax.sharding`)."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import jax
import keras
import numpy as np
import numpy.typing as npt

from training.backends import Machine
from training.backends.jax_loop import JaxLoop as Loop
from training.errors import UsageError

CPU_BFLOAT16 = False  # XLA's convolutions on CPUs convert to float32 and back
__all__ = ["NAME", "Loop", "compiled", "gpus", "has_bfloat16", "reason", "start", "uses_xla"]

NAME = "JAX"
_AMPERE = 8.0  # the first compute capability with bfloat16


def start(wanted: int | None, *, deterministic: bool) -> Machine:
    """Return what JAX computes on: `wanted` devices at most. `startup` has set the environment that it reads."""
    del deterministic
    if "tensorflow" not in sys.modules:
        # Keras would import it, to save a model for one, wherever it is installed, which takes seconds.
        import_module("keras.src.utils.module_utils").tensorflow._available = False
    used = jax.devices()[:wanted]
    words = _words(used)
    if len(used) == 1:
        return Machine(words)
    return Machine(words, jax.sharding.Mesh(np.array(used), ("batch",)), len(used))


def gpus() -> list[Any]:
    """Return the GPUs that JAX sees."""
    return [device for device in jax.devices() if device.platform == "gpu"]


def has_bfloat16() -> bool | None:
    """Return whether every GPU has bfloat16; `None` if there is no GPU."""
    found = [float(getattr(gpu, "compute_capability", 0)) for gpu in gpus()]
    return min(found) >= _AMPERE if found else None


def uses_xla(wanted: str) -> bool:
    """Return True: JAX has nothing else. Raises `UsageError` if XLA is not wanted."""
    if wanted == "no":
        raise UsageError("--xla: expected auto or yes with JAX, which has no other compiler, got no")
    return True


def compiled(model: keras.Model) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """Return `model` as a compiled function of images, as `training.reading` reads them."""

    def read(trainable: Any, others: Any, images: Any) -> Any:
        return model.stateless_call(trainable, others, images, training=False)[0]

    def values(variables: list[Any]) -> list[Any]:
        return [variable.value for variable in variables]

    function = jax.jit(read)
    return lambda images: np.asarray(
        function(values(model.trainable_variables), values(model.non_trainable_variables), images)
    )


def reason(error: Exception) -> str | None:
    """Return what JAX says is wrong, in a line, or `None` if the error is not its own."""
    if not isinstance(error, jax.errors.JaxRuntimeError):
        return None
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _words(used: list[Any]) -> str:
    if used[0].platform == "cpu":
        return f"CPU with {os.cpu_count()} cores"
    names = [device.device_kind for device in used]
    kind = used[0].platform.upper()
    return f"{kind}: {names[0]}" if len(names) == 1 else f"{len(names)} {kind}s: {', '.join(dict.fromkeys(names))}"
