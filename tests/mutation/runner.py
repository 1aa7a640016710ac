"""Runs the tests against mutants: pytest collects once, and each mutant is tested in a process forked from there.

A mutant meets only the tests that run its function: those first that caught other mutants of that function, then those
of its own file's name, then the quick ones. A changed default also meets the tests that look at signatures. Nothing has
run in the process that is forked, so no cached result of the unchanged code is left in it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.mutants import Functions, Mutant, Place, activate, live_functions

KILLED, SURVIVED, TIMEOUT, UNTESTED = "killed", "survived", "timeout", "untested"
LOOKING = "test_defaults.py"
"""The tests that look at signatures, and run nothing."""
MEMORY = 6 * 2**30
"""Bytes that a mutant may ask for."""


@dataclass
class Clean:
    """What a run of a test on the unchanged code showed: its seconds, whether it passed, the functions that it runs.

    These by file and name: one that a function makes counts as that function.
    """

    seconds: float
    passed: bool
    functions: list[tuple[str, str]]


@dataclass
class Mutation:
    """Pytest plugin that tests mutants in place of running the tests once; `done` takes what became of each.

    `kept` is where the run on the unchanged code is kept. A mutant meets tests of `budget` seconds at most.
    """

    root: Path
    mutants: list[Mutant]
    done: Callable[[Mutant, str, str], None]
    kept: Path
    jobs: int = 2
    budget: float = float("inf")
    killers: dict[Place, dict[str, int]] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Test every mutant against the collected tests that run its function."""
        if session.testsfailed:
            raise session.Interrupted("the tests were not collected")
        session.config.pluginmanager.unregister(name="terminalreporter")  # it would print every mutant's tests
        functions = live_functions(self.root)
        items = {item.nodeid: item for item in session.items}
        clean = self._clean(items)
        covering = _covering(clean)
        gc.collect()
        gc.freeze()  # what the forked processes share stays shared
        running: dict[int, tuple[Mutant, int]] = {}
        looking = [name for name in clean if LOOKING in name]
        for mutant in self.mutants:
            tests = (looking if mutant.kind.startswith("default") else []) + covering.get(mutant.place[:2], [])
            tests = self._order(mutant, tests, clean)
            if not tests or mutant.place not in functions:
                self.done(mutant, UNTESTED, "")
                continue
            while len(running) >= self.jobs:
                self._reap(running)
            limits = [(items[name], 10 + 10 * clean[name].seconds) for name in tests]
            pid, pipe = _forked(lambda mutant=mutant, limits=limits: _killer(mutant, limits, functions))
            running[pid] = (mutant, pipe)
        while running:
            self._reap(running)
        return True

    def _order(self, mutant: Mutant, tests: list[str], clean: dict[str, Clean]) -> list[str]:
        caught = self.killers.get(mutant.place, {})
        stem = Path(mutant.path).stem
        related = [LOOKING, stem]
        tests = sorted(tests, key=lambda name: (-caught.get(name, 0), not any(word in name for word in related)))
        spent = 0.0
        for number, name in enumerate(tests):
            spent += clean[name].seconds
            if spent > self.budget:
                return tests[: max(number, 1)]
        return tests

    def _reap(self, running: dict[int, tuple[Mutant, int]]) -> None:
        """Wait for one mutant's tests to end. A process that died did not pass; at its limit, it never ended."""
        pid, status = os.wait()
        mutant, pipe = running.pop(pid)
        with os.fdopen(pipe) as reader:
            killer = reader.read()
        if killer:
            caught = self.killers.setdefault(mutant.place, {})
            caught[killer] = caught.get(killer, 0) + 1
        outcome = {0: SURVIVED, -24: TIMEOUT}.get(os.waitstatus_to_exitcode(status), KILLED)
        self.done(mutant, outcome, killer)

    def _clean(self, items: dict[str, Any]) -> dict[str, Clean]:
        """Run every test once on the unchanged code, in forked processes, but for those whose run is kept."""
        known = {json.loads(line)[0] for line in self.kept.read_text().splitlines()} if self.kept.exists() else set()
        new = [item for name, item in items.items() if name not in known]
        shares = [self.kept.with_suffix(f".{job}") for job in range(self.jobs if new else 0)]
        for job, share in enumerate(shares):
            own = new[job :: self.jobs]
            _forked(lambda own=own, share=share: _write(share, own, self.root))
        for _ in shares:
            os.wait()
        with self.kept.open("a") as file:
            file.writelines(share.read_text() for share in shares)
        found = (json.loads(line) for line in self.kept.read_text().splitlines())
        clean = {name: Clean(s, ok, [(f, q) for f, q in at]) for name, s, ok, at in found if name in items}
        failing = [name for name, of in clean.items() if not of.passed]
        say(f"{len(clean)} tests in {sum(of.seconds for of in clean.values()):.0f} s; left out: {failing or 'none'}")
        return clean


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _covering(clean: dict[str, Clean]) -> dict[tuple[str, str], list[str]]:
    """Tests that run each function, of those that pass; the quick ones first."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, of in sorted(clean.items(), key=lambda entry: entry[1].seconds):
        for place in of.functions if of.passed else ():
            found.setdefault(place, []).append(name)
    return found


def _forked(work: Callable[[], Iterable[str]]) -> tuple[int, int]:
    """Start a process that writes the first text of `work` into a pipe; its status is 1, or 0 if there is none."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    text = None
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        text = next(iter(work()), None)
    except BaseException as error:  # noqa: BLE001 - nothing may return into the parent's stack
        text = f"the test run: {error!r}"
    if text is not None:
        os.write(writer, text.encode()[:4000])
    os._exit(int(text is not None))


def _killer(mutant: Mutant, limits: list[tuple[Any, float]], functions: Functions) -> Iterator[str]:
    """Test the mutant in this process; the tests that fail."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        activate(mutant, functions)
    except Exception as error:  # noqa: BLE001 - whatever a default value raises when it is evaluated
        yield f"its definition: {error!r}"
        return
    seconds = {item.nodeid: limit for item, limit in limits}
    yield from (name for name, _, passed in _ran([item for item, _ in limits], seconds) if not passed)


def _ran(items: list[Any], limits: dict[str, float] | None = None) -> Iterator[tuple[str, float, bool]]:
    """Run tests by pytest's own protocol; the name, seconds and outcome of each. Past a limit the process ends."""
    session = items[0].session
    for item, following in zip(items, [*items[1:], None], strict=True):
        failed = session.testsfailed
        start = time.process_time()
        if limits:
            resource.setrlimit(resource.RLIMIT_CPU, (int(start + limits[item.nodeid]) + 1, resource.RLIM_INFINITY))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        yield item.nodeid, time.process_time() - start, session.testsfailed == failed


def _write(path: Path, items: list[Any], root: Path) -> Iterator[str]:
    """Run tests one by one and write down which functions of the files under `root` they run."""
    codes: dict[int, Any] = {}

    def trace(frame: Any, *_: Any) -> None:
        codes[id(frame.f_code)] = frame.f_code

    running = _ran(items)
    prefix = f"{root}/"
    with path.open("w") as file:
        while True:
            codes.clear()
            sys.settrace(trace)
            ran = next(running, None)
            sys.settrace(None)
            if ran is None:
                return
            inside = [code for code in codes.values() if code.co_filename.startswith(prefix)]
            names = ((code.co_filename.removeprefix(prefix), code.co_qualname.split(".<locals>")[0]) for code in inside)
            file.write(json.dumps([*ran, sorted(set(names))]) + "\n")
    yield from ()
