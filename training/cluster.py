"""Several machines: each runs `train.py` with the same options, and TensorFlow's variable `TF_CONFIG` says which it is.

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'

All train one model, each on its part of every batch; the first one alone reports and writes. A worker that is lost ends
the others with an error; all of them go on with --resume.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training import meeting
from training.errors import UsageError

if TYPE_CHECKING:
    from training.backends import Machine
    from training.options import Options

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")  # in the order in which TensorFlow counts them
_MEETING = 300  # seconds that workers may start after one another
_STEP = 120  # seconds that one may be late for a step
_NEEDED = ("checkpoint.npz", "summary.json")  # what --resume reads


@dataclass(frozen=True)
class Worker:
    """One of a cluster's workers, at these `addresses`; the one with number 0 leads."""

    number: int
    addresses: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many workers there are."""
        return len(self.addresses)


def this_worker() -> Worker | None:
    """Return which worker this process is, or `None` if it is the only one. Raises `UsageError` if that is unclear."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        config = json.loads(text)
        jobs = {job: list(map(str, config["cluster"].get(job, ()))) for job in _JOBS}
        job, index = config["task"]["type"], int(config["task"]["index"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f'{VARIABLE}: expected JSON with "cluster" and "task", got {text!r}') from error
    if not 0 <= index < len(jobs.get(job, ())):
        raise UsageError(f"{VARIABLE}: expected one of the cluster's {' or '.join(_JOBS)} tasks, got {job} {index}")
    before = len(jobs["chief"]) if job == "worker" else 0
    worker = Worker(before + index, tuple(jobs["chief"] + jobs["worker"]))
    return worker if worker.count > 1 else None


def seated(action: Callable[["Options"], Any], options: "Options") -> Any:
    """Do `action` with `options` as this process may follow them.

    A worker that does not lead is quiet, and writes to a folder that is thrown away; what --resume reads is copied to
    there.
    """
    worker = this_worker()
    if worker is None or worker.number == 0:
        return action(options)
    with tempfile.TemporaryDirectory() as scratch:
        seat = replace(options, output=Path(scratch) / "output", quiet=True)
        if options.resume:
            for there, here in zip(options.each_seed(), seat.each_seed(), strict=True):
                here.output.mkdir(parents=True, exist_ok=True)
                for name in _NEEDED:
                    with suppress(FileNotFoundError):
                        shutil.copy(there.output / name, here.output)
        return action(seat)


def strategy(worker: Worker) -> Any:
    """Meet the other workers, and return TensorFlow's strategy. Nothing may have been computed before.

    Raises `UsageError` if one does not come.
    """
    import tensorflow as tf

    try:
        meeting.meet(worker.addresses, worker.number, _MEETING)
    except (OSError, ValueError) as error:
        text = f"{VARIABLE}: expected all {worker.count} workers at their addresses within {_MEETING} s: {error}"
        raise UsageError(text) from error
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_STEP)
    return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)


def require_agreement(machine: "Machine", plan: Any) -> None:
    """Raise `UsageError` unless all workers have the same `plan`, which is what JSON can hold."""
    worker = this_worker()
    if worker is None:
        return
    import tensorflow as tf

    digest = int.from_bytes(hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).digest()[:7], "big")

    def gather() -> Any:
        return tf.distribute.get_replica_context().all_gather(tf.constant([digest], tf.int64), axis=0)

    of_all = machine.devices.run(tf.function(gather))
    if len(set(machine.devices.experimental_local_results(of_all)[0].numpy().tolist())) > 1:
        raise UsageError(
            f"{VARIABLE}: expected workers that all have the same options, data and versions, and that see the same "
            "output folder if they are to resume; got others"
        )
