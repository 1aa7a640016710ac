"""TensorFlow, found and loaded: quietly, and on a GPU if it sees one."""

import importlib.util
import os

from training.errors import UsageError

INSTALL = "sh .ci/setup train (in a clone), or pip install with the extra `train`"


def require_packages() -> None:
    """Raise `UsageError`, with the line that installs them, if TensorFlow or matplotlib is not installed.

    Imports neither.
    """
    for package in ("tensorflow", "keras", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"training needs {package}, which is not installed; to install it: {INSTALL}")


def start_tensorflow(*, deterministic: bool = False) -> str:
    """Import TensorFlow and return, in words, the device that it computes on.

    Its start-up messages are shown only if `TF_CPP_MIN_LOG_LEVEL` is set or the start fails. On GPUs, memory is
    taken as needed rather than all at once. If it is to be `deterministic`, operations give the same bits every
    time, or fail. Raises `UsageError` if TensorFlow cannot be imported.
    """
    from proofs.conformance.adapters.quiet import held_back_messages  # brings all of `proofs`: not for --help

    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with held_back_messages():
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
            for gpu in gpus:
                tf.config.experimental.set_memory_growth(gpu, True)
            if deterministic:
                tf.config.experimental.enable_op_determinism()
    except ImportError as error:
        raise UsageError(f"TensorFlow is installed but cannot be imported: {error}") from error
    if not gpus:
        return f"CPU with {os.cpu_count()} cores"
    return f"GPU: {tf.config.experimental.get_device_details(gpus[0]).get('device_name', gpus[0].name)}"


def use_xla(wanted: str) -> bool:
    """Return whether XLA compiles the steps: as `wanted` says, and for `auto` on a single GPU.

    On CPUs its convolutions are slower than TensorFlow's own.
    """
    import tensorflow as tf

    return wanted == "yes" or (wanted == "auto" and len(tf.config.list_physical_devices("GPU")) == 1)
