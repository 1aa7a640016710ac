"""The least of what the environment, threadpoolctl and the process's cores allow."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from numeric import threads


@pytest.fixture
def eight_cores(monkeypatch):
    """No limits, on a machine with eight cores."""
    monkeypatch.setattr(threads, "cores", lambda: 8)
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "threadpoolctl", raising=False)
    threads._at_start.cache_clear()
    yield
    threads._at_start.cache_clear()


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize("name", threads.VARIABLES)
@pytest.mark.parametrize(("said", "threads_"), [("3", 3), ("1", 1), ("2,4", 2), ("64", 8), ("", 8), ("0", 8), ("x", 8)])
def test_each_variable_limits(monkeypatch, name, said, threads_):
    monkeypatch.setenv(name, said)
    assert threads.limit() == threads_


@pytest.mark.usefixtures("eight_cores")
def test_the_least_counts(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    assert threads.limit() == 2
    threads._at_start.cache_clear()
    monkeypatch.setattr(threads, "cores", lambda: 1)
    assert threads.limit() == 1


@pytest.mark.usefixtures("eight_cores")
def test_threadpoolctl_limits_while_it_does(monkeypatch):
    """Its controller is asked at every call, and only about pools of threads for arithmetic."""
    pools = [SimpleNamespace(user_api="blas", num_threads=4), SimpleNamespace(user_api="other", num_threads=1)]
    module = ModuleType("threadpoolctl")
    module.ThreadpoolController = lambda: SimpleNamespace(lib_controllers=pools)
    monkeypatch.setitem(sys.modules, "threadpoolctl", module)
    threads._controller.cache_clear()
    assert threads.limit() == 4
    pools[0].num_threads = 3
    assert threads.limit() == 3
    threads._controller.cache_clear()


def test_the_real_threadpoolctl():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    threads._controller.cache_clear()
    with threadpoolctl.threadpool_limits(1):
        assert threads.limit() == 1


def test_a_process_with_one_core(monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert threads.cores() == 1
    monkeypatch.delattr(threads.os, "sched_getaffinity")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: None)
    assert threads.cores() == 1


@pytest.mark.parametrize(
    ("first", "given", "told"),
    [("numeric", None, "20"), ("numeric", "7", "7"), ("numpy, numeric", None, "None")],
)
def test_blas_is_told_not_to_wait_for_long_unless_it_is_loaded_or_somebody_else_told_it(first, given, told):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
    environment |= {} if given is None else {"OPENBLAS_THREAD_TIMEOUT": given}
    command = f"import {first}, os; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    found = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == told
