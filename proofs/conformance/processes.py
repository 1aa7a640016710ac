"""Running pieces where native code may take the process down with it: what dies is a finding, and the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")


def isolated(
    run: Callable[[P, str], R], todo: Sequence[P], key: str, jobs: int, died: Callable[[P], R]
) -> Iterator[tuple[P, R]]:
    """Run every piece in one of `jobs` processes of their own; `died` gives the result of one that killed its process.

    When a process dies, the pieces that may have been running are run again, each in a process that it has to itself.
    """
    left = dict.fromkeys(todo)
    while left:
        for piece, result in _until_one_dies(run, tuple(left), key, jobs):
            del left[piece]
            yield piece, result
        for piece in tuple(left)[: 2 * jobs + 1]:  # running, or handed over to a process
            del left[piece]
            yield piece, _alone(run, piece, key, died)


def _until_one_dies(run: Callable[[P, str], R], todo: Sequence[P], key: str, jobs: int) -> Iterator[tuple[P, R]]:
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures: dict[Future[R], P] = {}
        try:
            futures.update((pool.submit(run, piece, key), piece) for piece in todo)
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone(run: Callable[[P, str], R], piece: P, key: str, died: Callable[[P], R]) -> R:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(run, piece, key).result()
        except BrokenProcessPool:
            return died(piece)
