"""Imports that would write to the terminal, held back."""

from __future__ import annotations

import faulthandler
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_VERBOSITY = "TF_CPP_MIN_LOG_LEVEL"


@contextmanager
def held_back_messages() -> Iterator[None]:
    """Keep what is written to the file descriptor of stderr, and show it only if the block raises.

    TensorFlow's libraries write there before they read any log level, so nothing gentler keeps them quiet. Whoever sets
    `TF_CPP_MIN_LOG_LEVEL` sees the messages.
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
