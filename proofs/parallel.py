"""Deciding many laws at once on the processors that there are: by fork, since starting Python anew costs more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence

from proofs.law import Evidence, Law
from proofs.tiers import QUICK, TIERS, coq

FEW = 12
"""So many laws are decided before another process is worth its while."""

_laws: Mapping[str, Law] = {}


def decide(laws: Mapping[str, Law], tiers: Sequence[str] | None = None) -> dict[str, tuple[Evidence, ...]]:
    """What `proofs.prove` finds, in the same order; on one process where there is no fork, or few laws."""
    global _laws
    _laws = laws
    if tiers is not None and "coq" in tiers:
        coq.prepare()
    todo = [(name, None if tiers is None else tuple(tiers)) for name in laws]
    jobs = min(len(todo) // FEW, len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1
    if jobs < 2:
        return dict(map(_one, todo))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside NumPy's threads, which do nothing here
        with multiprocessing.get_context("fork").Pool(jobs, _quiet) as pool:
            return dict(pool.map(_one, todo, chunksize=4))


def _one(job: tuple[str, tuple[str, ...] | None]) -> tuple[str, tuple[Evidence, ...]]:
    name, tiers = job
    deciding = QUICK.values() if tiers is None else [TIERS[tier] for tier in tiers]
    found = (decide(_laws[name]) for decide in deciding)
    return name, tuple(evidence for evidence in found if evidence is not None)


def _quiet() -> None:
    """Ctrl-C is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
