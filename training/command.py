"""How a training ends for the shell: exit status, and one line on stderr if it failed."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from training import signals
from training.errors import DataError, RunError, UsageError

_INTERRUPTED = "interrupted; no results were written"


def exit_status(program: str, action: Callable[[], object], *, patient: bool = False) -> int:
    """Do `action`; return 0, or tell what went wrong in a line that begins with `program` and return its status.

    If it is `patient`, signals interrupt it where it calls `signals.check`.
    """
    with signals.watched(patient=patient) as watch:
        try:
            action()
        except KeyboardInterrupt as interrupted:
            return _fail(program, f"interrupted; {interrupted}" if str(interrupted) else _INTERRUPTED, watch.status)
        except Exception as error:
            told = _told(error, interrupted=watch.number is not None)
            if told is None:
                raise
            message, status = told
            return _fail(program, message, status or watch.status)
    return 0


def leave(status: int) -> NoReturn:
    """End the process with `status`. All is done and told: an interruption would only make Python complain."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


def _told(error: Exception, *, interrupted: bool) -> tuple[str, int] | None:
    """Return the message for `error` and its status (0: that of an interruption), or `None` if it is a bug."""
    if interrupted:  # a library took the interruption for an error of its own
        return _INTERRUPTED, 0
    if isinstance(error, OSError):
        _give_up_stdout()
    match error:
        case UsageError() | DataError():
            return f"error: {error}", 2
        case BrokenPipeError():  # whoever read the report has gone, as in `| head`
            return "the report could not be written: nobody reads it", 1
        case RunError() | OSError():
            return f"error: {error}", 1
        case MemoryError():
            return f"error: not enough memory: {error}", 1
    return None


def _give_up_stdout() -> None:
    """If stdout cannot be written to, leave it: Python would try once more when it ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(program: str, message: str, status: int) -> int:
    with suppress(OSError):  # there is nowhere left to tell it
        sys.stderr.write(f"{program}: {message}\n")
    return status
