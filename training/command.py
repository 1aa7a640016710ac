"""How a training ends for the shell: exit status, and one line on stderr if it failed."""

import os
import sys
from collections.abc import Callable

from training.errors import DataError, RunError, UsageError
from training.signals import Interrupted


def exit_status(program: str, action: Callable[[], object]) -> int:
    """Do `action`; return 0, or tell what went wrong in a line that begins with `program` and return its status."""
    try:
        action()
    except (UsageError, DataError) as error:
        return _fail(program, f"error: {error}", 2)
    except RunError as error:
        return _fail(program, f"error: {error}", 1)
    except BrokenPipeError:  # whoever read the report has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(program, "the report could not be written: nobody reads it", 1)
    except Interrupted as interrupted:
        return _fail(program, f"interrupted; {interrupted}", interrupted.status)
    except KeyboardInterrupt:
        return _fail(program, "interrupted; no results were written", 130)
    return 0


def _fail(program: str, message: str, status: int) -> int:
    sys.stderr.write(f"{program}: {message}\n")
    return status
