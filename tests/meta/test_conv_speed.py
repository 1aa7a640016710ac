"""The speed benchmark: its arithmetic, that a wrong result is never timed, and that it runs."""

import json
import statistics
import subprocess
import sys
from math import comb

import numpy as np
import pytest

from numeric.paths import PATHS
from tests.benchmarks import conv_speed, mnist_side_by_side, peers, serving
from tests.benchmarks.cases import Case, cases


@pytest.mark.parametrize(("n", "skipped"), [(1, 0), (3, 0), (5, 0), (6, 0), (9, 1), (11, 1), (25, 7)])
def test_the_interval_holds_the_median_with_95_percent(n, skipped):
    """By order statistics, outside of which the median lies where all or nearly all coins fall alike."""
    found = conv_speed._interval([float(number) for number in range(n)])
    assert found == {"low": skipped, "high": n - 1 - skipped}
    assert n < 6 or 2 * sum(comb(n, k) for k in range(skipped + 1)) / 2**n <= 0.05


def test_ratios_are_of_neighbours_in_time_to_the_best_peer():
    times = {"numpy: im2col": [1.0, 4.0, 1.0], "torch: a": [2.0, 8.0, 3.0], "jax: b": [1.0, 9.0, 9.0]}
    found = conv_speed._compared({"seconds": times}, {"numpy": {"auto": "im2col", "auto-fast": "fft"}})
    assert found["best"] == "torch: a"
    assert found["ours"] == {"numpy, auto": {"path": "im2col", "ratio": 2.0, "low": 2.0, "high": 3.0}}


def test_peers_far_behind_are_timed_once_and_ours_always():
    times = {"numpy: im2col": [99.0], "torch: a": [1.0], "torch: b": [10.0], "jax: c": [10.1]}
    assert conv_speed._hopeless(times) == {"jax: c"}
    times = {"numpy: im2col": [99.0, 99.0], "torch: a": [1.0, 2.0], "jax: c": [10.1]}  # was left out before
    assert conv_speed._hopeless(times) == {"jax: c"}
    assert conv_speed._hopeless({"numpy: im2col": [1.0]}) == set()


def test_the_mean_is_geometric():
    rows = [{"ours": {"numpy, auto": {"ratio": ratio}}} for ratio in (0.5, 2.0, 8.0)]
    assert conv_speed._means(rows)["numpy, auto"] == pytest.approx(2.0)


@pytest.mark.parametrize("case", cases("float32", "1-20 5x5"), ids=lambda case: case.label)
def test_a_wrong_result_is_not_timed(monkeypatch, tmp_path, case):
    """Planted: a kernel that is not the layer's, one of another shape, and a library that fails."""
    reference = tmp_path / "reference.npy"
    np.save(reference, case.reference())

    def planted(case, a, b):
        path = PATHS["im2col"]
        right = getattr(path, case.function)(a, b, case.geometry)
        yield "right", lambda: right, np.asarray
        yield "off by a thousandth", lambda: right * np.float32(1.001), np.asarray
        yield "flipped", lambda: right[..., ::-1], np.asarray
        yield "of another shape", lambda: right[:1], np.asarray
        yield "failing", lambda: 1 / 0, np.asarray
        raise peers.UnsupportedError("no more")

    monkeypatch.setitem(peers.PEERS, "planted", ((), planted))
    runs, said = serving._prepare("planted", case, str(reference))
    assert list(runs) == ["right"]
    assert said["right"] < 1e-5
    assert "wrong by 1.0e-03" in said["off by a thousandth"]
    assert "wrong" in said["flipped"]
    assert "wrong by inf" in said["of another shape"]
    assert said["failing"].startswith("ZeroDivisionError")
    assert said["all"] == "no more"


def test_all_cases():
    found = cases("float32")
    assert len(found) == 42
    assert len({case.label for case in found}) == 42
    assert found[0] == Case("N16 56x56 64-64 3x3", "conv", "float32")
    assert found[0].operations == 2 * 16 * 56 * 56 * 64 * 64 * 9


def test_a_library_that_is_not_there_is_left_out(monkeypatch):
    monkeypatch.setitem(peers.PEERS, "missing", (("no_such_library",), None))
    assert serving.Worker("missing").reason == "not installed: no_such_library"


def test_it_runs_and_writes(tmp_path):
    command = ["-m", "tests.benchmarks.conv_speed", "--quick", "--only", "1-20 5x5 forward"]
    others = ",".join(name for name in peers.PEERS if name not in ("numpy", "scipy", "jax"))
    files = [f"--json={tmp_path}/a.json", f"--picture={tmp_path}/a.svg", f"--without={others}"]
    run = subprocess.run([sys.executable, *command, *files], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "N64 28x28 1-20 5x5 forward" in run.stdout
    assert "left out of 1 cases: scipy: all: filters single images and keeps their size" in run.stdout
    result = json.loads((tmp_path / "a.json").read_text())
    row = result["rows"][0]
    ours = row["ours"]["numpy, auto"]
    pairs = zip(row["seconds"][row["best"]], row["seconds"][f"numpy: {ours['path']}"], strict=True)
    assert ours["ratio"] == statistics.median(a / b for a, b in pairs)
    assert b"best peer" in (tmp_path / "a.svg").read_bytes() or (tmp_path / "a.svg").stat().st_size > 1000
    assert not list(tmp_path.glob(".*"))


def test_both_sides_train_the_same():
    """What Keras is told is what NumPy's own recipe says."""
    from training import options, options_numpy

    class Told:
        epochs, batch_size = 3, 64

    ours = options_numpy.RECIPE
    theirs = options.parse([*mnist_side_by_side._command("tensorflow", Told)[1:], "--output=x"]).recipe
    assert (theirs.network, theirs.optimizer) == (ours.network, ours.optimizer)
    assert (theirs.epochs, theirs.batch_size, theirs.label_smoothing) == (ours.epochs, ours.batch_size, 0)
    assert theirs.precision == "float32"
