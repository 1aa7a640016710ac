"""How long this process has run, its start and its imports included."""

import os
import time
from pathlib import Path

_IMPORTED = time.perf_counter()
_STARTTIME = 19  # the place of `starttime` after the name of the program, in proc(5)'s stat


def process_seconds() -> float:
    """Return the seconds since this process started; where that is not known, since this module was imported."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8")
        ticks = int(stat.rpartition(")")[2].split()[_STARTTIME])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # not Linux
        return time.perf_counter() - _IMPORTED
