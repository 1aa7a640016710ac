"""Memory of large results is used again, and never while anything still reads it."""

import pickle
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest

from numeric import conv
from numeric.paths import memory

SINGLE = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Small results count as large, and what other tests gave back is not there."""
    monkeypatch.setattr(memory, "LEAST", 1000)
    monkeypatch.setattr(memory, "KEPT", 10000)
    monkeypatch.setattr(memory, "_free", [])


def place(array):
    return array.__array_interface__["data"][0]


def test_what_is_given_back_is_used_again_for_about_its_size():
    first = memory.empty((5, 100), SINGLE)
    assert (first.shape, first.dtype, first.flags.writeable) == ((5, 100), SINGLE, True)
    where = place(first)
    del first
    larger, smaller = memory.empty((600,), SINGLE), memory.empty((300,), SINGLE)
    assert where not in (place(larger), place(smaller))
    assert place(memory.empty((225,), np.dtype(complex))[:1].view(SINGLE)) != where  # 3600 bytes of 2000
    again = memory.empty((450,), SINGLE)
    assert place(again) == where
    again[...] = 7
    assert place(memory.empty((450,), SINGLE)) != where


@pytest.mark.parametrize(
    "keep",
    [
        lambda y: y[1:],
        lambda y: y.reshape(-1)[3:5],
        lambda y: y.view(np.int32).T,
        lambda y: memoryview(y),
        lambda y: y[::-1, ::2],
        lambda y: np.lib.stride_tricks.as_strided(y, (2, 2), (4, 4)),
    ],
)
def test_a_view_keeps_the_memory(keep):
    result = memory.empty((20, 30), SINGLE)
    result[...] = 3
    where, kept = place(result), keep(result)
    del result
    other = memory.empty((20, 30), SINGLE)
    other[...] = 5
    assert place(other) != where
    assert (np.asarray(kept).view(SINGLE) == 3).all()
    del kept
    assert place(memory.empty((20, 30), SINGLE)) == where


def test_no_more_is_kept_than_said():
    arrays = [memory.empty((1000,), SINGLE) for _ in range(5)]
    del arrays
    assert sum(kept.nbytes for kept in memory._free) == 8000


def test_small_results_and_objects_are_numpys_own():
    assert memory.empty((10,), SINGLE).base is None
    assert memory.empty((1000,), np.dtype(object))[0] is None
    assert not memory._free


def test_results_of_layers_do_not_share_memory_and_can_be_pickled():
    x, w = np.arange(900.0).reshape(1, 1, 30, 30), np.ones((2, 1, 3, 3))
    results = [conv(x + n, w) for n in range(4)]
    for n, y in enumerate(results):
        copy = pickle.loads(pickle.dumps(y))  # noqa: S301
        np.testing.assert_array_equal(copy, conv(x + n, w, path="shift"))


def test_results_that_are_left_when_python_ends_say_nothing():
    command = "import numpy as np; from numeric.paths import memory; memory.LEAST = 0\n"
    command += (
        "y = memory.empty((9,), np.dtype(float)); z = [memory.empty((9,), np.dtype(float)) for _ in range(3)]; del z"
    )
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("", "")


def test_threads_never_get_the_same_memory():
    wrong = []

    def run(number):
        for _ in range(200):
            mine = memory.empty((500,), SINGLE)
            mine[...] = number
            if not (mine == number).all():
                wrong.append(number)

    threads = [Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
