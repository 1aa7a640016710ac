"""What compiled paths share: Numba is optional and lazy, NaN keeps its meaning, threads are limited and given back."""

import os
import subprocess
import sys

import numpy as np
import pytest

from numeric.paths import COMPILED, compiled

numba = pytest.importorskip("numba")


def _sum_of_products(a, b):
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


def test_numba_is_not_imported_before_it_is_needed():
    code = (
        "import sys, numeric, numeric.paths.compiled as c; assert not c.available(); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_the_reason_says_what_to_install(monkeypatch):
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    compiled.available.cache_clear()
    try:
        assert compiled.available() == "compiled paths need Numba: pip install 'convproof[fast]'"
    finally:
        compiled.available.cache_clear()


@pytest.mark.parametrize("dtypes", [("float16",), ("int64",), ("object",), ("complex64",), ("float32", "float64")])
def test_other_types_are_refused(dtypes):
    message = rf"fused2 is compiled for arrays of float32 or of float64, got {' and '.join(dtypes)}; path='im2col'"
    with pytest.raises(TypeError, match=message):
        compiled.expect_floats("fused2", *(np.zeros(1, dtype) for dtype in dtypes))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_taken(dtype):
    compiled.expect_floats("fused2", np.zeros(1, dtype), np.zeros(2, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_keep_their_meaning(dtype):
    kernel, a, ones = compiled.jit()(_sum_of_products), np.arange(33, dtype=dtype), np.ones(33, dtype)
    assert kernel(a, ones) == 528
    for position in range(33):
        for value, expected in ((np.nan, np.nan), (np.inf, np.inf), (-np.inf, -np.inf)):
            b = ones.copy()
            b[position] = value
            # 0 * inf is NaN
            np.testing.assert_equal(kernel(a, b), dtype(np.nan if position == 0 else expected))


def test_no_setting_assumes_that_there_is_no_nan():
    settings = compiled.jit()(_sum_of_products).targetoptions
    assert settings["fastmath"] == {"contract", "reassoc", "nsz"}


@pytest.mark.parametrize("allowed", [1, 10**6])
def test_threads_are_limited_and_given_back(allowed, monkeypatch):
    monkeypatch.setattr(compiled, "limit", lambda: allowed)
    before = numba.get_num_threads()
    with compiled.workers() as number:
        assert number == numba.get_num_threads() == min(allowed, numba.config.NUMBA_NUM_THREADS)
    assert numba.get_num_threads() == before


def test_threads_are_given_back_after_an_error(monkeypatch):
    monkeypatch.setattr(compiled, "limit", lambda: 1)
    before = numba.get_num_threads()
    with pytest.raises(ZeroDivisionError), compiled.workers():
        raise ZeroDivisionError
    assert numba.get_num_threads() == before
    with compiled.workers() as number:  # and the next caller is not shut out
        assert number == 1


FORK = """
import os, sys, numpy as np, numeric as nm
from numeric.paths import auto, compiled
x, w = np.ones((16, 64, 56, 56), np.float32), np.ones((64, 64, 3, 3), np.float32)
assert auto.plan("auto", "conv", nm.Geometry((56, 56), (3, 3), 1, 1, 0, 64, 64), 16, x.dtype)[0] == "direct"
y = nm.conv(x, w)
compiled._ONE_AT_A_TIME.acquire()  # as a thread that computes would hold it
child = os.fork()
if child == 0:
    assert (nm.conv(x, w) == y).all()
    try:
        nm.conv(x, w, path="direct")
    except nm.GeometryError as error:
        os._exit(10 if "before this process was forked" in str(error) else 1)
    os._exit(11)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(("layer", "expected"), [("omp", 10), ("workqueue", 11)])
def test_a_forked_process_goes_on(layer, expected):
    """Under GNU's OpenMP without compiled paths, which would end it; under Numba's own threads with them."""
    environment = {**os.environ, "NUMBA_THREADING_LAYER": layer}
    done = subprocess.run([sys.executable, "-c", FORK], env=environment, timeout=300, capture_output=True, text=True)
    assert done.returncode == expected, done.stderr


MEMORY = """
import sys, numpy as np
from numeric.paths import auto, COMPILED
from numeric import Geometry

def status(name):
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith(name))

path = sys.argv[1]
geometry = Geometry((56, 56), (3, 3), padding=1, in_channels=128, out_channels=96)
for function in ("conv", "input_gradient", "weight_gradient"):
    shapes = {"x": geometry.input_shape(32), "w": geometry.weight_shape, "g": geometry.output_shape(32)}
    a, b = (np.ones(shapes[name], np.float32) for name in {"conv": "xw", "input_gradient": "gw"}.get(function, "gx"))
    run = getattr(COMPILED[path], function)
    run(a[:1], b[:1] if function == "weight_gradient" else b, geometry)  # compiles, and starts threads
    open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
    before = status("VmRSS")
    result = run(a, b, geometry)
    used = status("VmHWM") - before - result.nbytes
    work = auto.Work(function, geometry, 32, 4)
    stated = auto.MODELS[path].count(work).space * 4
    assert stated < 60e6, stated
    assert used <= stated + (4 << 20), (function, used, stated)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the kernel does not count a peak anew")
@pytest.mark.parametrize("path", COMPILED)
def test_the_work_space_of_a_large_batch_is_what_is_stated(path):
    done = subprocess.run([sys.executable, "-c", MEMORY, path], timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
