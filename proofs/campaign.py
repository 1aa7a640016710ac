"""Proving on the full grids: in pieces, on several processes, and resumable.

A piece is a stretch of one law's cases. Its result is kept in a folder as soon as it is there (joblib's `Memory`, which
writes a file whole or not at all), under a digest of our own sources and of the versions of Python, NumPy and SymPy:
an interrupted run goes on where it stopped, and a result of other code is never taken for one of this. Once all pieces
are done the folder is emptied, so that a verdict is always one of the run that prints it, and of those it continued.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import joblib

import proofs.laws  # noqa: F401 - a worker has to register them
from proofs.grids import entries
from proofs.law import LAWS, Evidence, Law
from proofs.tiers import symbolic
from proofs.tiers.symbolic import Found

PIECE = 4000
"""Array entries of the cases of a piece, about: some seconds of work."""
P = TypeVar("P")
R = TypeVar("R")
Spread = Callable[[Callable[[Any, str], Any], Sequence[Any], str, int], Iterator[tuple[Any, Any]]]


@dataclass(frozen=True)
class Piece:
    """Cases `start` to before `stop` of a law's full grid."""

    law: str
    start: int
    stop: int

    @property
    def cases(self) -> int:
        """How many cases it has."""
        return self.stop - self.start

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        return self.law


def folder() -> Path:
    """Where results of an unfinished run are kept: `convproof` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convproof"


def pieces(laws: Mapping[str, Law]) -> list[Piece]:
    """All laws' full grids, cut up in order."""
    return [piece for name in laws for piece in _cut(name)]


def _cut(name: str) -> list[Piece]:
    found, start, size = [], 0, 0
    cases = _cases(name)
    for stop, case in enumerate(cases, start=1):
        size += entries(case)
        if size >= PIECE or stop == len(cases):
            found.append(Piece(name, start, stop))
            start, size = stop, 0
    return found


@cache
def _cases(name: str) -> Sequence[Any]:
    law = LAWS[name]
    return list((law.full or law.cases)())


def _run(piece: Piece, digest: str) -> Found:  # noqa: ARG001 - the digest makes results of other code other results
    """Run a piece; what joblib keeps."""
    return symbolic.run(LAWS[piece.law], _cases(piece.law)[piece.start : piece.stop])


def prove(
    laws: Mapping[str, Law], jobs: int, kept: Path, tell: Callable[[Piece, Found, bool], None]
) -> dict[str, Evidence]:
    """Decide laws by the symbolic tier on their full grids, on that many processes; `laws` are those of the registry.

    `tell` hears of every piece as it is done: the piece, what it found, and whether it was kept from an earlier run.
    Raises `OSError` if nothing can be kept in the folder `kept`.
    """
    todo = pieces(laws)
    found = resume(_run, todo, digest(), jobs, kept, tell)
    return {name: _evidence(laws[name], [found[piece] for piece in todo if piece.law == name]) for name in laws}


def resume(
    run: Callable[[P, str], R],
    todo: Sequence[P],
    key: str,
    jobs: int,
    kept: Path | None,
    tell: Callable[[P, R, bool], None],
    spread: Spread | None = None,
) -> dict[P, R]:
    """Run every piece that the folder `kept` has no result of under that key; empty the folder once all are there.

    Without a folder nothing is kept. `tell` hears of every piece, those that are there first. `spread(run, pieces, key,
    jobs)` runs what is left, and yields each piece with its result as it comes: joblib unless given.
    """
    memory = joblib.Memory(kept, verbose=0)
    kept_run = memory.cache(run)
    before = {piece for piece in todo if kept_run.check_call_in_cache(piece, key)}
    found: dict[P, R] = {}
    for piece in (piece for piece in todo if piece in before):
        found[piece] = kept_run(piece, key)
        tell(piece, found[piece], True)
    rest = [piece for piece in todo if piece not in before]
    for piece, result in (spread or _by_joblib)(kept_run, rest, key, jobs):
        found[piece] = result
        tell(piece, result, False)
    memory.clear(warn=False)
    return found


def _by_joblib(run: Callable[[P, str], R], todo: Sequence[P], key: str, jobs: int) -> Iterator[tuple[P, R]]:
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(joblib.delayed(_paired)(run, piece, key) for piece in todo)


def _paired(run: Callable[[P, str], R], piece: P, key: str) -> tuple[P, R]:
    return piece, run(piece, key)


def _evidence(law: Law, found: list[Found]) -> Evidence:
    return symbolic.evidence(law, sum(found, Found()), law.full_scope if law.full else law.scope)


def digest() -> str:
    """SHA-256 of the sources of `numeric` and `proofs` and of the versions that they run on."""
    content = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for path in sorted((*(root / "numeric").rglob("*.py"), *(root / "proofs").rglob("*.py"))):
        content.update(str(path.relative_to(root)).encode())
        content.update(path.read_bytes())
    versions = (platform.python_version(), version("numpy"), version("sympy"))
    content.update(" ".join(versions).encode())
    return content.hexdigest()
