"""TensorFlow: on the CPU, on one GPU, on several (`MirroredStrategy`), on several machines (`training.cluster`)."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training import cluster
from training.backends import Machine
from training.backends.tensorflow_loop import TensorFlowLoop as Loop
from training.data import IMAGE_SHAPE

CPU_BFLOAT16 = True
__all__ = ["NAME", "Loop", "compiled", "gpus", "has_bfloat16", "reason", "start", "uses_xla"]

NAME = "TensorFlow"
_AMPERE = (8, 0)  # the first compute capability with bfloat16


def start(wanted: int | None, *, deterministic: bool) -> Machine:
    """Set TensorFlow up, before it computes anything, and return what it computes on: `wanted` GPUs at most.

    On GPUs, memory is taken as needed rather than all at once. If it is to be `deterministic`, operations give the same
    bits every time, or fail.
    """
    tf.get_logger().setLevel("ERROR")  # it warns where several seeds trace the same function, each its own
    found = gpus()
    used = found[:wanted]
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    if len(used) < len(found):
        tf.config.set_visible_devices(used, "GPU")
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    words = _words(used)
    worker = cluster.this_worker()
    if worker is not None:
        strategy = cluster.strategy(worker)
        count = strategy.num_replicas_in_sync
        return Machine(f"{worker.count} workers, this one on {words}", strategy, count)
    if len(used) > 1:
        return Machine(words, tf.distribute.MirroredStrategy(), len(used))
    return Machine(words)


def gpus() -> list[Any]:
    """Return the GPUs that TensorFlow sees."""
    found: list[Any] = tf.config.list_physical_devices("GPU")
    return found


def has_bfloat16() -> bool | None:
    """Return whether every GPU has bfloat16; `None` if there is no GPU."""
    found = [_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus()]
    return min(found) >= _AMPERE if found else None


def uses_xla(wanted: str) -> bool:
    """Return whether XLA compiles the steps: as `wanted` says, and for `auto` on a single GPU.

    On CPUs its convolutions are slower than TensorFlow's own; on several devices it cannot compile what adds gradients.
    """
    return wanted == "yes" or (wanted == "auto" and len(tf.config.get_visible_devices("GPU")) == 1)


def compiled(model: keras.Model) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """Return `model` as a compiled function of images, as `training.reading` reads them."""
    specs = [tf.TensorSpec((None, *IMAGE_SHAPE), tf.uint8)]
    function = tf.function(lambda images: model(images, training=False), input_signature=specs)
    return lambda images: np.asarray(function(images))


def reason(error: Exception) -> str | None:
    """Return what TensorFlow says is wrong, in a line, or `None` if the error is not its own."""
    if not isinstance(error, tf.errors.OpError):
        return None
    lost = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError)
    if isinstance(error, lost) and cluster.this_worker() is not None:
        return "another worker of the cluster was lost, or is too late"
    lines = error.message.partition("\n\t [[")[0].strip().splitlines()  # places in the graph surround it
    return lines[-1] if lines else type(error).__name__


def _words(used: list[Any]) -> str:
    names = [_details(gpu).get("device_name", gpu.name) for gpu in used]
    if not names:
        return f"CPU with {os.cpu_count()} cores"
    return f"GPU: {names[0]}" if len(names) == 1 else f"{len(names)} GPUs: {', '.join(dict.fromkeys(names))}"


def _details(gpu: Any) -> dict[str, Any]:
    found: dict[str, Any] = tf.config.experimental.get_device_details(gpu)
    return found
