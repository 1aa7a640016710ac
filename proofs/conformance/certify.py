"""Certify an implementation: every function on every layer of a grid, on processes or a cluster, resumable.

A target that goes by name is made again in every process; results of an unfinished run are kept as those of
`proofs.campaign` are, under a digest of our sources, of the target's own where it is one's own code, and of what it
says about itself. A target that is an object goes to the processes as it is, if it can.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib

from numeric.geometry import Geometry
from proofs import campaign
from proofs.conformance import pieces as pieces_
from proofs.conformance.adapters import ADAPTERS, load
from proofs.conformance.certificate import Diagnosed, Report, outcome
from proofs.conformance.geometries import Case
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.pieces import Judged, Piece
from proofs.conformance.processes import isolated
from proofs.conformance.record import Recorder
from proofs.conformance.target import Target, TargetError

DIED = "the process that ran it died: an abort or a segmentation fault in native code"
DIAGNOSES = 3
"""Refuted layers of a function that are diagnosed, the smallest first."""


@dataclass(frozen=True)
class Named:
    """A target that `adapters.load` makes, in any process."""

    name: str
    dtype: str = "float32"
    device: str | None = None
    layout: str | None = None
    op: str | None = None


def certify(
    target: str | Target | Any,
    *,
    operations: Sequence[str] | None = None,
    geometries: str | Path | Sequence[Geometry | Case] = "quick",
    dtype: str = "float32",
    device: str | None = None,
    layout: str | None = None,
    jobs: int = 1,
    dask: str | None = None,
    tiers: Sequence[str] | None = None,
    journal: Path | None = None,
    keep_calls: bool = False,
    progress: bool = False,
    diagnose: bool = True,
    isolate: bool = False,
) -> Report:
    """Decide whether every function of a target is right, on every layer of a grid.

    `target` is a name for `adapters.load` (`torch`, `mypackage.kernels:conv2d`), a `Target`, or one's own function,
    object or module, as `adapters.own` takes it. `operations` are those of `OPERATIONS`, or with their number of axes
    (`conv2d`); all that it has unless given. `geometries` is `quick`, `full`, a file for `geometries.from_file`, or
    layers. `tiers` are those of `TIERS`. `jobs` is a number of processes, `dask` the address of a scheduler to use in
    their place. `journal` is a folder where results of an unfinished run are kept. `keep_calls` keeps what came out,
    for `Report.record`; `progress` shows a bar on stderr; `diagnose` says whether what is refuted is diagnosed.
    `isolate` runs a target that goes by name in processes of its own: one that native code takes down is a finding.

    Raises `TargetError` for a target that cannot be made, `GridError` for layers that cannot be read, `ValueError` for
    tiers that there are not.
    """
    start = perf_counter()
    op = operations[0] if operations and len(operations) == 1 else None
    named = Named(target, dtype, device, layout, op) if isinstance(target, str) else None
    made = make(named or target, dtype=dtype, device=device, layout=layout, op=op)
    todo = pieces_.plan(made, operations, geometries, tiers)
    run, jobs, notes = _runner(named, made, jobs, dask, keep_calls)
    kept = journal / f"certify-{_digest(_key(named, made))}" if journal and named else None
    with _workers(dask), _shown(todo, kept) if progress else nullcontext(_unheard) as tell:
        found = campaign.resume(
            run,
            list(dict.fromkeys(map(str, todo))),
            _key(named, made),
            -1 if dask else jobs,
            kept,
            lambda text, judged, before: tell(Piece.parse(text), judged, before),
            partial(isolated, died=_died) if isolate and named and not dask else None,
        )
    judged = [(piece, found[str(piece)]) for piece in todo]
    lists = {"functions": list(made.functions), "jointly": list(getattr(made, "jointly", ()))}
    head = {"name": made.name, "dtype": made.dtype, **lists, "about": _about(made, judged)}
    diagnoses = tuple(_diagnoses(made, judged)) if diagnose else ()
    return Report(head, _grid_name(geometries), judged, perf_counter() - start, diagnoses, notes)


def make(
    target: Any,
    *,
    dtype: str = "float32",
    device: str | None = None,
    layout: str | None = None,
    op: str | None = None,
) -> Target:
    """Make a `Target` of what is named, is one, or is one's own function, object or module. Raises `TargetError`."""
    if isinstance(target, Named):
        return load(**asdict(target))
    if all(hasattr(target, name) for name in ("name", "dtype", "functions", "about", "supports", "run")):
        made: Target = target
        return made
    from proofs.conformance.adapters.own import wrap

    return wrap(target, dtype=dtype, device=device, layout=layout, op=op)


def _about(made: Target, judged: Iterable[tuple[Piece, Judged]]) -> dict[str, str]:
    """What a target says about itself, once it has run: which device did is known only then."""
    ran = [result.about for _, result in judged if any(finding.calls for finding in result.findings)]
    return dict(ran[-1] if ran else made.about())


def _grid_name(grid: Any) -> str:
    return str(grid) if isinstance(grid, str | Path) else f"{len(grid)} layers"


def _died(text: str) -> Judged:
    """What is found of a piece in which the process ended without a word."""
    piece = Piece.parse(text)
    where = (piece.case.geometry, piece.case.batch, Outcome.REFUTED, DIED)
    return Judged((Finding(piece.tiers[0], piece.function, *where, calls=1),))


Run = Callable[[str, str], Judged]


def _runner(
    named: Named | None, made: Target, jobs: int, dask: str | None, keep: bool
) -> tuple[Run, int, tuple[str, ...]]:
    """What runs a piece, on how many processes, and why not on as many as were asked for."""
    if named is not None:
        return (_run_keeping if keep else _run), jobs, ()
    run = partial(_run_object, made, keep)
    if jobs > 1 or dask:
        try:
            joblib.externals.cloudpickle.dumps(run)
        except Exception as error:
            if dask:
                raise TargetError(f"the target cannot be sent to a cluster: {error}; give it by name") from error
            return run, 1, (f"run in one process, since the target cannot be sent to another: {error}",)
    return run, jobs, ()


def _run(text: str, key: str) -> Judged:
    return pieces_.run(_loaded(key), Piece.parse(text), keep=False)


def _run_keeping(text: str, key: str) -> Judged:
    return pieces_.run(_loaded(key), Piece.parse(text), keep=True)


def _run_object(target: Target, keep: bool, text: str, _: str) -> Judged:
    return pieces_.run(target, Piece.parse(text), keep)


@cache
def _loaded(key: str) -> Target:
    return load(**json.loads(key)["target"])


def _key(named: Named | None, made: Target) -> str:
    """What a result depends on, beside its piece."""
    if named is None:
        return ""
    own = _sources(named.name)
    about = dict(made.about())
    return json.dumps({"target": asdict(named), "about": about, "code": campaign.digest(), "own": own}, sort_keys=True)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _sources(name: str) -> str:
    """Digest of the Python files of the package, or the module, that one's own code is in."""
    for module in name.split(":")[:-1]:
        package = module.partition(".")[0]
        if module in ADAPTERS:
            continue
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
        return _digest("".join(f"{file} {blake2b(file.read_bytes()).hexdigest()}\n" for file in files))
    return ""


@contextmanager
def _workers(dask: str | None) -> Iterator[None]:
    """Run joblib on a Dask cluster. Raises `TargetError` if Dask is not installed or not to be reached."""
    if dask is None:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise TargetError('--dask needs dask.distributed; to install: pip install "convproof[dask]"') from error
    try:
        client = Client(dask, timeout=10)
    except (OSError, ValueError) as error:
        raise TargetError(f"no Dask scheduler answers at {dask}: {error}") from error
    with client, joblib.parallel_config(backend="dask"):
        yield


Tell = Callable[[Piece, Judged, bool], None]


def _unheard(_: Piece, __: Judged, ___: bool) -> None:
    pass


@contextmanager
def _shown(todo: Sequence[Piece], kept: Path | None) -> Iterator[Tell]:
    from proofs.report.progress import Progress

    with Progress(todo, kept, "functions on layers") as bar:
        yield bar.tell


def _diagnoses(target: Target, judged: Iterable[tuple[Piece, Judged]]) -> Iterator[Diagnosed]:
    """What is wrong with each function that is refuted, on its smallest layers; the same mistake once."""
    refuted: dict[str, list[Geometry]] = {}
    for piece, result in judged:
        dead = any(finding.detail == DIED for finding in result.findings)  # nor would we survive it
        if outcome(result.findings) == Outcome.REFUTED and piece.tiers != ("premises",) and not dead:
            refuted.setdefault(piece.function, []).append(piece.case.geometry)
    for function, layers in refuted.items():
        told: set[tuple[str, ...]] = set()
        for layer in list(dict.fromkeys(layers))[:DIAGNOSES]:
            found = diagnosed(target, function, layer)
            mistake = tuple(found.content.get("names") or [found.text]) if found else ()
            if found and mistake not in told:
                told.add(mistake)
                yield found


def diagnosed(target: Target, function: str, layer: Geometry) -> Diagnosed | None:
    """What is wrong with a function on a layer, an exception of its own included; nothing where no trial shows it."""
    from proofs.conformance.diagnose import diagnose

    watched = Recorder(target)
    try:
        found = diagnose(watched, function, layer)
    except Exception as error:
        if error not in watched.failures:
            raise
        return Diagnosed(function, layer, f"it raises {type(error).__name__}: {error}", {})
    return None if found is None else Diagnosed(function, layer, str(found), found.as_dict())
