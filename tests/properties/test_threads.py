"""The least of what the environment, threadpoolctl and the process's cores allow."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest
import threadpoolctl

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
    [("numeric", None, "14"), ("numeric", "7", "7"), ("numpy, numeric", None, "None")],
)
def test_blas_is_told_not_to_wait_for_long_unless_it_is_loaded_or_somebody_else_told_it(first, given, told):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
    environment |= {} if given is None else {"OPENBLAS_THREAD_TIMEOUT": given}
    command = f"import {first}, os; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    found = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == told


def blas():
    """Threads that BLAS may use, of each library."""
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two():
    """BLAS with two threads, known to a controller made now."""
    threads._controller.cache_clear()
    with threadpoolctl.threadpool_limits(2, "blas"):
        if blas() != {2}:
            pytest.skip("BLAS has no two threads here")
        yield


def test_small_products_are_for_one_thread_where_others_wait(two, monkeypatch):
    monkeypatch.setattr(threads._blas, "crowded", False)
    with threads.product(1):
        assert blas() == {2}
    threads.waiting()
    for size, number in ((threads.SMALL - 1, 1), (threads.SMALL, 2)):
        with threads.product(size):
            assert blas() == {number}
        assert blas() == {2}


def test_blas_has_its_threads_again_when_the_last_that_asked_is_done(two):
    first, second = threads._blas.alone(), threads._blas.alone()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # not in the order of a stack, as where they are of two threads
    assert blas() == {1}
    second.__exit__(None, None, None)
    assert blas() == {2}


def test_blas_has_its_threads_again_after_an_error(two):
    with pytest.raises(ZeroDivisionError), threads._blas.alone():
        1 / 0  # noqa: B018
    assert blas() == {2}
