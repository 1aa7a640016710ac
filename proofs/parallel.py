"""Deciding many laws at once on the processors that there are: by fork, since starting Python anew costs more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import partial

from proofs.law import Evidence, Law
from proofs.tiers import QUICK, TIERS, coq

FEW = 12
"""So many laws are decided before another process is worth its while."""

THREADED = ("jax", "tensorflow", "torch")
"""Frameworks whose threads hold locks that a forked process would wait for, for ever: beside one, nothing is forked."""

_laws: Mapping[str, Law] = {}


def decide(laws: Mapping[str, Law], tiers: Sequence[str] | None = None) -> dict[str, tuple[Evidence, ...]]:
    """What `proofs.prove` finds, in the same order; on one process where nothing can be forked, or few laws."""
    global _laws
    _laws = laws
    if tiers is not None and "coq" in tiers:
        coq.prepare()
    deciding = QUICK if tiers is None else {tier: TIERS[tier] for tier in tiers}
    # a tier stays in one process as far as it can: what SymPy has worked out once it knows there
    sizes = [(tier, name) for tier in deciding if tier != "symbolic" for name in laws]
    shapes = [(tier, name) for tier in deciding if tier == "symbolic" for name in laws]
    jobs = min(len(laws) // FEW, len(os.sched_getaffinity(0))) if _can_fork() else 1
    work = [sizes, *(shapes[start : start + 4] for start in range(0, len(shapes), 4))]
    found = dict(pair for pairs in _mapped(work, jobs, deciding is QUICK) for pair in pairs)
    return {name: tuple(e for tier in deciding if (e := found[tier, name]) is not None) for name in laws}


def _can_fork() -> bool:
    return sys.platform == "linux" and not any(framework in sys.modules for framework in THREADED)


Job = tuple[str, str]
Pairs = list[tuple[Job, Evidence | None]]


def _mapped(work: Sequence[Sequence[Job]], jobs: int, quick: bool) -> list[Pairs]:
    """Decide groups of tiers and laws, each in one process; the first starts first."""
    run = partial(_group, quick)
    if jobs < 2:
        return list(map(run, work))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside NumPy's threads, which do nothing here
        with multiprocessing.get_context("fork").Pool(jobs, _ignore_interrupts) as pool:
            return pool.map(run, work, chunksize=1)


def _group(quick: bool, group: Sequence[Job]) -> Pairs:
    deciding = QUICK if quick else TIERS
    return [((tier, name), deciding[tier](_laws[name])) for tier, name in group]


def _ignore_interrupts() -> None:
    """Ctrl-C is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
