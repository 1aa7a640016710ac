"""Several workers, as processes of this machine: one model, one of them writes, and none waits for one that is lost."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.training.ports import free_ports
from training import cluster, meeting
from training.cluster import Worker
from training.errors import UsageError
from training.options import Options, parse
from training.recipes import FAST

ROOT = Path(__file__).resolve().parents[2]
PAIR = {"worker": ["a:1", "b:1"]}


def configured(monkeypatch: pytest.MonkeyPatch, *, job: str = "worker", index: int = 0, **jobs: Sequence[str]) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": jobs, "task": {"type": job, "index": index}}))


@pytest.mark.parametrize("text", [None, "", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}'])
def test_a_process_alone_is_no_worker(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert cluster.this_worker() is None


def test_workers_are_counted_from_the_chief_on(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, index=1, **PAIR)
    assert cluster.this_worker() == Worker(1, ("a:1", "b:1"))
    jobs = {"chief": ["c:1"], **PAIR}
    configured(monkeypatch, job="chief", **jobs)
    assert cluster.this_worker() == Worker(0, ("c:1", "a:1", "b:1"))
    configured(monkeypatch, index=1, **jobs)
    found = cluster.this_worker()
    assert found == Worker(2, ("c:1", "a:1", "b:1"))
    assert found.count == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": {}}', '{"cluster": {"worker": 3}, "task": {}}'])
def test_what_is_no_cluster_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError) as caught:
        cluster.this_worker()
    assert str(caught.value) == f'TF_CONFIG: expected JSON with "cluster" and "task", got {text!r}'


@pytest.mark.parametrize(("job", "index"), [("worker", 2), ("worker", -1), ("ps", 0), ("chief", 0)])
def test_a_task_that_the_cluster_has_not_is_told(job: str, index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, job=job, index=index, **PAIR)
    with pytest.raises(UsageError) as caught:
        cluster.this_worker()
    assert str(caught.value) == f"TF_CONFIG: expected one of the cluster's chief or worker tasks, got {job} {index}"


def options(output: Path, *arguments: str) -> Options:
    return parse(["--output", str(output), *arguments])


def test_the_first_worker_has_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, **PAIR)
    given = options(tmp_path)
    assert cluster.seated(lambda seen: seen, given) is given


def test_another_reads_what_is_to_be_resumed_and_writes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, index=1, **PAIR)
    for folder, name in (("seed0", "summary.json"), ("seed1", "checkpoint.npz"), ("seed1", "notes.txt")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(name)

    def look(seen: Options) -> tuple[Options, list[str]]:
        (seen.output / "mine").write_text("")
        return seen, sorted(str(path.relative_to(seen.output)) for path in seen.output.rglob("*.*"))

    seen, files = cluster.seated(look, options(tmp_path, "--resume", "--seeds", "3"))
    assert files == ["seed0/summary.json", "seed1/checkpoint.npz"]
    assert (seen.quiet, seen.seeds, seen.recipe) == (True, 3, FAST)
    assert not seen.output.exists()
    assert not (tmp_path / "mine").exists()


CODE = """
import os, signal, sys
from pathlib import Path
from training import cluster, startup, train

told, meeting, kill, *arguments = sys.argv[1:]
cluster._MEETING = int(meeting)

def started(*given, start=startup.start, **named):
    machine = start(*given, **named)
    from training import results
    from training.loop import Loop

    def tell(*given, summarise=results.summarise, **named):
        found = summarise(*given, **named)
        Path(told).write_text(found["weights_sha256"])
        return found

    def strike(loop, portion, run=Loop.run, portions=[]):
        portions.append(portion)
        if len(portions) == int(kill):
            os.kill(os.getpid(), signal.SIGKILL)
        return run(loop, portion)

    results.summarise, Loop.run = tell, strike
    return machine

startup.start = started
sys.exit(train.main(arguments))
"""
"""train.py, which tells each worker's weights, and is killed before that portion (0: never) if it is the second."""

WAYS = "--convolutions 4x5/2 --dense 8 --normalise yes --dropout 0.2 --ema 0.9 --shift 1 --precision float32 "
WAYS += "--batch-size 64 --epochs 2 --chunk 3 --checkpoint 0 --no-certify"

Ended = tuple[int, str, str]


def together(folder: Path, digits: Path, *arguments: Sequence[str], kill: int = 0, meeting: int = 120) -> list[Ended]:
    """Start a worker with each of the `arguments`; return how each ended, and what it said on stdout and stderr.

    If there is one alone, the other one does not come.
    """
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    processes = []
    for index, own in enumerate(arguments):
        environment["TF_CONFIG"] = json.dumps(
            {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        )
        command = [sys.executable, "-c", CODE, str(folder / f"told{index}"), str(meeting), str(kill * index)]
        command += ["--data", str(digits), "--output", str(folder / "out"), *WAYS.split(), *own]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes))
    try:
        said = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *words) for process, words in zip(processes, said, strict=True)]


def told(folder: Path) -> list[str]:
    """The digest of each worker's final weights."""
    return [(folder / f"told{index}").read_text(encoding="utf-8") for index in (0, 1)]


@pytest.fixture(scope="module")
def whole(tiny_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two workers that were left in peace."""
    folder = tmp_path_factory.mktemp("whole")
    first, second = together(folder, tiny_npz, [], [])
    assert (first[0], first[2]) == (0, "")
    assert "device    2 workers, this one on CPU with " in first[1]
    assert second == (0, "", "")
    return folder


def test_both_have_the_same_weights_and_one_writes(whole: Path) -> None:
    first, second = told(whole)
    assert first == second
    summary = json.loads((whole / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["weights_sha256"] == first
    assert sorted(path.name for path in whole.iterdir()) == ["out", "told0", "told1"]


def test_a_lost_worker_ends_the_other_and_both_resume_to_the_same_weights(
    whole: Path, tiny_npz: Path, tmp_path: Path
) -> None:
    """The second is killed before its third portion, the first being the step that is undone: three steps are kept."""
    first, second = together(tmp_path, tiny_npz, [], [], kill=3)
    assert second[0] == -signal.SIGKILL
    assert first[0] == 1
    told_last = first[2].splitlines()[-1]  # TensorFlow has its say before
    assert told_last == "train.py: error: TensorFlow failed: another worker of the cluster was lost, or is too late"
    assert "Traceback" not in first[2]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoint.npz"]
    first, second = together(tmp_path, tiny_npz, ["--resume"], ["--resume"])
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert re.search(r"^resume +after step 3 of 10$", first[1], re.MULTILINE)
    assert told(tmp_path) == told(whole)


def test_workers_that_differ_are_told(tiny_npz: Path, tmp_path: Path) -> None:
    ended = together(tmp_path, tiny_npz, [], ["--seed", "1"])
    message = (
        "train.py: error: TF_CONFIG: expected workers that all have the same options, data and versions, and that see "
        "the same output folder if they are to resume; got others\n"
    )
    assert ended == [(2, "", message)] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_does_not_come_is_told(tiny_npz: Path, tmp_path: Path) -> None:
    ended = together(tmp_path, tiny_npz, [], meeting=1)
    where = "TF_CONFIG: expected all 2 workers at their addresses within 1 s"
    assert ended == [(2, "", f"train.py: error: {where}: worker 1 did not come\n")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [2, 4])
def test_workers_meet_whoever_comes_first_and_leave_the_port(count: int) -> None:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    for _ in range(2):
        with ThreadPoolExecutor(count) as pool:
            tasks = [pool.submit(meeting.meet, addresses, number, 60) for number in reversed(range(count))]
            for task in tasks:
                task.result()


def test_a_first_worker_that_does_not_come_is_told() -> None:
    (port,) = free_ports(1)
    with pytest.raises(TimeoutError) as caught:
        meeting.meet([f"127.0.0.1:{port}", "b:1"], 1, 0.1)
    assert str(caught.value) == f"worker 0, at 127.0.0.1:{port}, did not say that all are there"


def test_those_who_did_not_come_are_named() -> None:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(1)] + ["b:1", "c:1", "d:1"]
    with ThreadPoolExecutor(1) as pool:
        came = pool.submit(meeting.meet, addresses, 2, 2)
        with pytest.raises(TimeoutError) as caught:
            meeting.meet(addresses, 0, 1)
        assert isinstance(came.exception(), TimeoutError)
    assert str(caught.value) == "worker 1, 3 did not come"
