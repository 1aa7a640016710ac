"""TensorFlow, found and loaded: quietly, and on a GPU if it sees one."""

import faulthandler
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from training.errors import UsageError

INSTALL = "sh .ci/setup train (in a clone), or pip install with the extra `train`"
_VERBOSITY = "TF_CPP_MIN_LOG_LEVEL"


def require_packages() -> None:
    """Raise `UsageError`, with the line that installs them, if TensorFlow or matplotlib is not installed.

    Imports neither.
    """
    for package in ("tensorflow", "keras", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"training needs {package}, which is not installed; to install it: {INSTALL}")


def start_tensorflow() -> str:
    """Import TensorFlow and return, in words, the device that it computes on.

    Its start-up messages are shown only if `TF_CPP_MIN_LOG_LEVEL` is set or the start fails. On GPUs, memory is
    taken as needed rather than all at once. Raises `UsageError` if TensorFlow cannot be imported.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with _held_back_messages():
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
            for gpu in gpus:
                tf.config.experimental.set_memory_growth(gpu, True)
    except ImportError as error:
        raise UsageError(f"TensorFlow is installed but cannot be imported: {error}") from error
    if not gpus:
        return f"CPU with {os.cpu_count()} cores"
    return f"GPU: {tf.config.experimental.get_device_details(gpus[0]).get('device_name', gpus[0].name)}"


@contextmanager
def _held_back_messages() -> Iterator[None]:
    """Keep what is written to the file descriptor of stderr, and show it only if the block raises.

    TensorFlow's libraries write there before they read any log level, so nothing gentler keeps them quiet.
    """
    if _VERBOSITY in os.environ:
        yield
        return
    os.environ[_VERBOSITY] = "2"
    stderr = os.dup(2)
    watched = faulthandler.is_enabled()
    faulthandler.enable(stderr)  # should the import kill the process, this still says where
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except Exception:
            messages.seek(0)
            os.write(stderr, messages.read())
            raise
        finally:
            os.dup2(stderr, 2)
            faulthandler.enable() if watched else faulthandler.disable()
            os.close(stderr)
