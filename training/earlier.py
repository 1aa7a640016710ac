"""What an earlier run left of a training: all of it, a checkpoint, or nothing; and whether it is the same training."""

import dataclasses
import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import checkpoint, publish
from training.checkpoint import Checkpoint, anew
from training.data import Dataset
from training.errors import DataError, UsageError
from training.options import Options

Summary = dict[str, Any]


def find(options: Options, dataset: Dataset) -> Summary | Checkpoint | None:
    """Return what to go on from: a checkpoint, else the summary of the finished training, else nothing.

    Nothing unless it is to `resume`. Raises `DataError` if what is in the output folder is damaged, `UsageError` if it
    is of another training.
    """
    if not options.resume:
        return None
    wanted = identity(options, dataset)
    path = options.output / checkpoint.NAME
    kept = checkpoint.read(path)
    if kept is not None:
        _require_same(path, kept.identity, wanted)
        return kept
    path = options.output / publish.LAST
    summary = _read_summary(path)
    if summary is not None:
        _require_same(path, summary, wanted)
        _require_all(path, summary, options)
    return summary


def identity(options: Options, dataset: Dataset) -> dict[str, Any]:
    """Return all that decides which weights come out, as the plain values that `summary.json` has under these names.

    Left out is what only rounds differently: the machine, XLA and the length of chunks.
    """
    decides = {
        "recipe": dataclasses.asdict(options.recipe),
        "seed": options.seed,
        "validate": options.validate,
        "deterministic": options.deterministic,
        "data": {"sha256": dict(dataset.digests)},
        "versions": {name: version for name, version in versions().items() if name != "python"},
    }
    plain: dict[str, Any] = json.loads(json.dumps(decides))
    return plain


def versions() -> dict[str, str]:
    """Return the versions of what computes."""
    backend = keras.config.backend()
    return {
        "python": platform.python_version(),
        backend: sys.modules[backend].__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _read_summary(path: Path) -> Summary | None:
    try:
        summary = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(anew(f"{path}: expected the summary of a training: {error}")) from error
    if not isinstance(summary, dict):
        raise DataError(anew(f"{path}: expected the summary of a training, got JSON without names"))
    return summary


def _require_all(path: Path, summary: Summary, options: Options) -> None:
    """Raise `UsageError` if something is asked for that only the training itself can add."""
    if options.shifts and "test_accuracy_shifts" not in summary:
        raise UsageError(f"--resume: {path} has no accuracy at shifts: expected no --test-time-shifts")
    if options.report == "full" and "shifts" not in summary:
        raise UsageError(f"--resume: {path} is of a short report: expected no --report full")
    there = summary.get("exports", {})
    if set(options.export) - set(there):
        expected, got = ",".join(there) or "none", ",".join(options.export)
        raise UsageError(f"--resume: {path} is of a training that is done: expected --export {expected}, got {got}")


def _require_same(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    old, new = _leaves(there), _leaves(here)
    for name, value in new.items():
        if old.get(name, "absent") != value:
            found = old.get(name, "absent")
            raise UsageError(f"--resume: {path} is of another training: {name} is {found} there, {value} here")


def _leaves(tree: Any, name: str = "") -> dict[str, Any]:
    """Return the values of a tree of dictionaries by their paths, such as `recipe.network.dense`."""
    if not isinstance(tree, Mapping):
        return {name: tree}
    parts = [_leaves(value, f"{name}.{key}" if name else str(key)) for key, value in tree.items()]
    return {path: value for part in parts for path, value in part.items()}
