"""What paths compiled by Numba share: whether it is here, its settings, its threads. It is the optional extra `fast`.

A path's kernels are in a module of their own, which decorates them with `jit` and is imported by the functions that
run them: neither `import numeric` nor the table of paths imports Numba.

Sums may be taken in any order and products fused into them, for which the bounds of `numeric.rounding` hold. That NaN
and infinity do not occur is never assumed.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

from numeric.dtypes import Array
from numeric.paths import toom_cook
from numeric.threads import limit, waiting

FASTMATH = frozenset({"contract", "reassoc", "nsz"})  # fused, in any order, zeros without sign; not "nnan" and "ninf"
_ONE_AT_A_TIME = threading.Lock()  # Numba's own pool of threads does not stand two callers
_forked = False


@lru_cache(maxsize=1)
def available() -> str:
    """Why compiled paths cannot run here; nothing if they can."""
    if _forked:
        return (
            "compiled paths ran on OpenMP's threads before this process was forked, and would end it: "
            "start it another way (spawn), or set NUMBA_THREADING_LAYER=workqueue"
        )
    return "" if find_spec("numba") else "compiled paths need Numba: pip install 'convproof[fast]'"


def load() -> None:
    """Import Numba and all kernels now, which otherwise the first layers do; nothing where there is no Numba."""
    if not available():
        from numeric.paths.compiled import image, maxima, scatter, tiles  # noqa: F401 - the others come with them


def _after_fork() -> None:
    """In a forked process: OpenMP would end it at its first use, and a lock that a thread held is held by nobody."""
    global _ONE_AT_A_TIME, _forked
    _ONE_AT_A_TIME = threading.Lock()
    if "numba" in sys.modules:
        import numba

        try:
            _forked = numba.threading_layer() == "omp"
        except ValueError:  # no thread was started before
            return
        available.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def expect_floats(path: str, *arrays: Array, instead: str = "im2col") -> None:
    """Raise `TypeError` unless the arrays are of one type that is compiled for: float32 or float64."""
    if arrays[0].dtype.char not in "fd" or any(array.dtype != arrays[0].dtype for array in arrays):
        found = {array.dtype.name for array in arrays}
        raise TypeError(
            f"{path} is compiled for arrays of float32 or of float64, got {' and '.join(sorted(found))}; "
            f"path={instead!r} takes every number type"
        )


def jit(*, parallel: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Numba's decorator with this project's settings; what was compiled is kept beside the source."""
    import numba

    settings = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": set(FASTMATH)}
    decorated: Any = numba.njit(parallel=parallel, **settings)

    def compiled(function: Callable[..., Any]) -> Any:
        # Numba looks for a change in the function's own file only, but what was compiled holds code of the others, too
        function.__qualname__ += f"_{_fingerprint():08x}"
        return decorated(function)

    return compiled


@lru_cache(maxsize=1)
def _fingerprint() -> int:
    """Checksum of all that is compiled, and of what the matrices in it are made by."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(toom_cook.__file__)]
    return crc32(b"".join(file.read_bytes() for file in files))


@contextmanager
def workers() -> Iterator[int]:
    """Run compiled loops on as many threads as `numeric.threads` allows; yields how many."""
    import numba

    with _ONE_AT_A_TIME:
        before = numba.get_num_threads()
        number = min(limit(), int(numba.config.NUMBA_NUM_THREADS))
        if number != before:  # to set it takes as long as the smallest layers
            numba.set_num_threads(number)
        waiting()
        try:
            yield number
        finally:
            if number != before:
                numba.set_num_threads(before)
