"""How many threads compiled code may use: what the environment, threadpoolctl and this process's cores allow.

NumPy's products run on the threads of its BLAS, which reads the same variables when it is loaded. Compiled paths never
call BLAS, and run one after the other with it: two pools that wait for work by spinning cost more than they give.

OpenBLAS's threads do so for 2**26 cycles after a product, or a tenth of a second where they give way, and layers on
compiled paths take twice their time for as long. Loaded before NumPy, this module makes that 2**14 cycles, unless
OPENBLAS_THREAD_TIMEOUT says something else. The other way round, a product that is done in a tenth of a millisecond
took four times as long where BLAS had to wake a thread for it on a core that a compiled path's thread waits on: such
products have one thread, once a compiled path has run (`product`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

if "numpy" not in sys.modules:  # which loads OpenBLAS, which reads it once
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "14")

SMALL = 1 << 23  # multiply-adds of a matrix product that one thread has done before another is at it
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SHARES = 8  # parts of a sum, as many for any number of threads: no result depends on that
WORTH = 1 << 23  # bytes to move from which on threads are started for it

Item = TypeVar("Item")
Result = TypeVar("Result")


def limit() -> int:
    """Threads that may run at once, at least 1: the least that any of the three says.

    Only `threadpoolctl` may change it while the process runs.
    """
    return max(1, min([_at_start(), *pools()]))


@lru_cache(maxsize=1)
def _at_start() -> int:
    """What holds for the whole process is asked for once, as BLAS does, since that takes as long as a small layer."""
    return min([cores(), *environment(os.environ).values()])


def each(run: Callable[[Item], Result], items: Sequence[Item], size: float) -> list[Result]:
    """`run` for all of the items, of which none writes where another does, and their results in order.

    NumPy copies and adds on one thread. Where the `size` of it, in bytes, is worth it, all threads share the items, and
    BLAS has one thread for each meanwhile.
    """
    number = min(limit(), len(items)) if size >= WORTH else 1
    if number < 2:
        return [run(item) for item in items]
    with _blas.alone(), ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, items))


def waiting() -> None:
    """Say that compiled paths run in this process: from now on their threads wait for more, on every core."""
    _blas.crowded = True


@contextmanager
def product(size: int) -> Iterator[None]:
    """For a product of matrices in NumPy, of `size` multiply-adds: where others wait, a small one is for one thread."""
    with _blas.alone() if _blas.crowded and size < SMALL else nullcontext():
        yield


class _Blas:
    """BLAS's threads; for as long as somebody asks for it, there is one for each caller."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As in a new process: nobody asks, nothing runs."""
        self.crowded = False
        self._lock = Lock()
        self._asking = 0
        self._before: list[tuple[Any, int]] = []  # libraries and their numbers

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One thread, until the last that asked is done: callers may be many, and end in any order."""
        with self._lock:
            self._asking += 1
            if self._asking == 1:
                libraries = [library for library in _controller().lib_controllers if library.user_api == "blas"]
                self._before = [(library, library.num_threads) for library in libraries]
                for library in libraries:
                    library.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                if not self._asking:
                    for library, number in self._before:
                        library.set_num_threads(number)


_blas = _Blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_blas.begin)


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment(variables: Mapping[str, str]) -> dict[str, int]:
    """What each variable says, if it says a number; OpenMP's may be a list, of which the first counts."""
    said = {name: variables.get(name, "").split(",")[0].strip() for name in VARIABLES}
    return {name: int(value) for name, value in said.items() if value.isdecimal() and int(value)}


def pools() -> list[int]:
    """Limits in force by threadpoolctl; nothing if it is not loaded, since then nobody has set any by it."""
    if "threadpoolctl" not in sys.modules:
        return []
    return [library.num_threads for library in _controller().lib_controllers if library.user_api in ("blas", "openmp")]


@lru_cache(maxsize=1)
def _controller() -> Any:
    """Libraries are looked for once, since that takes milliseconds; their limits are asked for every time."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
