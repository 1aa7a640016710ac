"""A process for each library, which waits until it is asked: thread pools that wait by spinning never meet.

OpenMP's, Eigen's and OpenBLAS's threads spin for milliseconds after their work. In one process, what runs next would
share the cores with them. So every library has a process of its own, one is asked at a time, and the rest wait for a
message; the one who asks lets `PAUSE` pass before the next. All have the same cores and the same limits on threads.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import statistics
import sys
from time import perf_counter, sleep
from typing import Any

import numpy as np

from numeric.paths.auto import AUTOMATIC, plan
from tests.benchmarks.cases import Case
from tests.benchmarks.peers import PEERS, THREADS, UnsupportedError

PAUSE = 0.02  # seconds; longer than the pools' threads spin
LEAST = 0.02  # seconds that a measurement takes, in as many calls as it needs
LIMITS = {"float32": 1e-4, "float64": 1e-11}  # max|error| / max|reference| beyond which a result is no convolution


class Worker:
    """A library's process, seen from outside."""

    def __init__(self, name: str) -> None:
        self.name = name
        missing = [module for module in PEERS[name][0] if importlib.util.find_spec(module) is None]
        self.reason = f"not installed: {', '.join(missing)}" if missing else ""
        if missing:
            return
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(name, theirs), daemon=True)
        self._process.start()

    def ask(self, *message: Any) -> Any:
        """Send a message and wait for the answer; a process that ends instead is an answer, too."""
        sleep(PAUSE)
        try:
            self._connection.send(message)
            return self._connection.recv()
        except (EOFError, OSError) as error:
            self.reason = f"its process ended: {error!r}"
            return {} if message[0] != "time" else float("nan")

    def close(self) -> None:
        """End the process."""
        if not self.reason:
            self._connection.close()
            self._process.join()


def _serve(name: str, connection: Any) -> None:
    if hasattr(os, "sched_setaffinity"):  # XLA asks for no number of threads: it counts the cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    if name == "numpy":
        sys.modules["numba"] = None  # as if it were not installed
    runs: dict[str, Any] = {}
    while True:
        try:
            order, *arguments = connection.recv()
        except EOFError:
            return
        if order == "prepare":
            runs, answer = _prepare(name, *arguments)
        elif order == "choices":
            answer = {choice: choose(*arguments, choice) for choice in AUTOMATIC}
        else:
            answer = _measure(runs[arguments[0]])
        connection.send(answer)


def choose(case: Case, choice: str) -> str:
    """Path that runs a case by that name of `AUTOMATIC`."""
    function: Any = case.function
    return plan(choice, function, case.geometry, case.batch, np.dtype(case.dtype))[0]


def _prepare(name: str, case: Case, reference: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What can be timed, and for every variant its error, or why it is left out."""
    runs: dict[str, Any] = {}
    answer: dict[str, Any] = {}
    variants = PEERS[name][1](case, *case.arguments())
    true = np.load(reference)
    while True:
        variant = "all"
        try:
            variant, run, read = next(variants)
            found = np.asarray(read(run()))
            error = float(abs(found - true).max() / abs(true).max()) if found.shape == true.shape else np.inf
            answer[variant] = error
            if error < LIMITS[case.dtype]:
                runs[variant] = run
            else:
                answer[variant] = f"wrong by {error:.1e} of the largest output"
        except StopIteration:
            return runs, answer
        except UnsupportedError as error:
            answer[variant] = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its reason
            answer[variant] = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"


def _measure(run: Any) -> float:
    """Median time of a call, in seconds; the first one is not counted: it finds other work's data in the caches."""
    run()
    times: list[float] = []
    while sum(times) < LEAST or len(times) < 3:
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return statistics.median(times)
