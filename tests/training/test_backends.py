"""Whatever computes a step, it is the same step: TensorFlow, JAX, XLA, two devices, two workers.

Loss and gradients of the same weights and digits are those of `numeric`'s network, within the bounds derived for both
(see `test_network_against_tensorflow`), so that any two of them are as close.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from numeric.rounding.network import NetworkBound, network_bound
from tests.training import steps
from tests.training.ports import free_ports
from tests.training.test_network_against_tensorflow import DIGITS, channels_last, check_within, network
from training.backends import FIRST
from training.backends.tensorflow_loop import TensorFlowLoop
from training.data import Dataset, Digits
from training.errors import UsageError
from training.recipes import IMAGE_SIDE

# Keras copies weights with `np.array(variable)`, at which NumPy 2 warns: TensorFlow's variables know no `copy`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ["tensorflow", "jax"]
Found = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def batch(mnist: Dataset) -> Digits:
    return mnist.training.take(np.array(DIGITS))


def weights() -> dict[str, np.ndarray]:
    """Those of `network`, in its order, as Keras has them."""
    return {name: channels_last(name, array) for name, array in network(np.float32).parameters.items()}


@pytest.fixture(scope="module")
def given(batch: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "given.npz"
    arrays = {f"weights/{number}": array for number, array in enumerate(weights().values())}
    np.savez(path, images=batch.images, labels=batch.labels, **arrays)
    return path


@pytest.fixture(scope="module")
def step(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int, int], Found]:
    """What `tests.training.steps` finds with a backend, so many devices and so many workers; asked for once."""
    known: dict[tuple[str, int, int], Found] = {}

    def find(backend: str, devices: int, workers: int) -> Found:
        key = backend, devices, workers
        if key not in known:
            known[key] = _found(given, tmp_path_factory.mktemp("steps"), backend, devices, workers)
        return known[key]

    return find


def _found(given: Path, folder: Path, backend: str, devices: int, workers: int) -> Found:
    """Run one process for each worker; what all of them found, which is the same."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    processes = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CONFIG": json.dumps(config)}
        command = [sys.executable, "-m", "tests.training.steps", str(given), str(folder / f"{index}.npz"), str(devices)]
        processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    found = []
    for index in range(workers):
        with np.load(folder / f"{index}.npz") as archive:
            found.append(dict(archive))
    for other in found[1:]:
        assert all(np.array_equal(other[name], array) for name, array in found[0].items())
    return found[0]


def check_step(batch: Digits, loss: float, gradients: list[np.ndarray]) -> None:
    """They are those of `numeric`, within twice the bound. Keras scales images by a rounded 1/255, as is done here."""
    ours = network(np.float32)
    images = (batch.images.astype(np.float32) * np.float32(1 / 255))[:, None]
    bound: NetworkBound = network_bound(ours, images, batch.labels)
    assert bound.kinks == 0
    expected, _ = ours.loss_and_gradients(images, batch.labels)
    assert abs(float(expected) - float(loss)) <= 2 * bound.loss
    check_within(ours.gradients, dict(zip(weights(), gradients, strict=True)), bound)


def check_found(batch: Digits, found: Found) -> None:
    check_step(batch, found["loss"], [found[f"gradients/{number}"] for number in range(len(weights()))])


@pytest.mark.parametrize("xla", [False, True], ids=["plain", "xla"])
def test_tensorflow_takes_the_step(batch: Digits, xla: bool) -> None:
    found = steps.first(list(weights().values()), batch, FIRST, xla=xla)
    check_step(batch, found["loss"], found["gradients"])


def test_jax_takes_the_step(batch: Digits, step: Callable[[str, int, int], Found]) -> None:
    check_found(batch, step("jax", 1, 1))


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_devices_take_the_step_together(
    backend: str, batch: Digits, step: Callable[[str, int, int], Found]
) -> None:
    check_found(batch, step(backend, 2, 1))


def test_two_workers_take_the_step_together(batch: Digits, step: Callable[[str, int, int], Found]) -> None:
    check_found(batch, step("tensorflow", 1, 2))


@pytest.mark.parametrize("part", [0.5, 2, 0.99], ids=["a mean of means of halves", "a sum", "one percent"])
def test_a_step_of_another_size_is_seen(batch: Digits, part: float) -> None:
    found = steps.first(list(weights().values()), batch, FIRST)
    with pytest.raises(AssertionError, match=r"entries of \d+ differ"):
        check_step(batch, found["loss"], [gradient * np.float32(part) for gradient in found["gradients"]])


@pytest.mark.parametrize(
    ("backend", "devices", "workers"), [("jax", 1, 1), ("jax", 2, 1), ("tensorflow", 2, 1), ("tensorflow", 1, 2)]
)
def test_normalisation_sees_the_whole_batch(
    backend: str, devices: int, workers: int, step: Callable[[str, int, int], Found]
) -> None:
    """Half of it is 0, half of it 1 under 28 x 28 taps of 1: all sums are exact, and one device has the same bits."""
    expected = steps.split(FIRST)
    taps = IMAGE_SIDE**2
    np.testing.assert_allclose(expected["variance"], 0.9 + 0.1 * taps**2 / 4, rtol=4 * np.finfo(np.float32).eps)
    found = step(backend, devices, workers)
    assert np.array_equal(found["mean"], expected["mean"])
    assert np.array_equal(found["variance"], expected["variance"])


def test_what_holds_of_tensorflow_holds_of_jax(tmp_path: Path) -> None:
    """The same tests, on the other backend; what it has compiled for one it takes for the next."""
    files = [f"tests/training/test_{name}.py" for name in ("loop", "reading", "warping")]
    compiled = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", **compiled},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


ALONE = """
import sys
from training import train
status = train.main(sys.argv[1:])
assert sys.modules.get("tensorflow") is None, "TensorFlow was imported"
sys.exit(status)
"""


def jax(*arguments: str) -> tuple[int, str, str]:
    """`train.py` on JAX, which fails if it imports TensorFlow: its status, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


WAYS = "--convolutions 4x5/2 --dense 8 --normalise yes --dropout 0.2 --ema 0.9 --shift 1 --precision bfloat16 "
WAYS += "--batch-size 64 --epochs 2 --chunk 3 --patience 5 --test-time-shifts --deterministic"


def test_a_recipe_is_trained_and_resumed_on_jax_alone(tiny_npz: Path, tmp_path: Path) -> None:
    """Certified at the network's shapes; interrupted and resumed it has the weights of one that was not."""
    ways = ["--data", str(tiny_npz), *WAYS.split()]
    status, out, err = jax(*ways, "--output", str(tmp_path / "whole"))
    assert (status, err) == (0, "")
    assert "certified, at this network's shapes, bit for bit" in out
    whole = json.loads((tmp_path / "whole" / "summary.json").read_text(encoding="utf-8"))
    assert whole["versions"].keys() == {"python", "jax", "keras", "numpy"}
    assert whole["certified"]["target"]["jax"] == whole["versions"]["jax"]
    assert whole["certified"]["outcome"] == "certified"
    stop = ALONE.replace("status =", STOPPED + "status =")
    command = [sys.executable, "-c", stop, *ways, "--no-certify", "--output", str(tmp_path / "cut")]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True).returncode == 130
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["checkpoint.npz"]
    status, out, err = jax(*ways, "--no-certify", "--resume", "--output", str(tmp_path / "cut"))
    assert (status, err) == (0, "")
    cut = json.loads((tmp_path / "cut" / "summary.json").read_text(encoding="utf-8"))
    assert cut["weights_sha256"] == whole["weights_sha256"]


STOPPED = """
import os, signal
from training.course import Course
portion, asked = Course.portion, []

def interrupted(*given):
    asked.append(given)
    if len(asked) == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return portion(*given)

Course.portion = interrupted
"""
"""Ctrl-C in the second chunk: the first portion is the step that is undone."""


def test_a_checkpoint_of_the_other_backend_is_told(tiny_npz: Path, tmp_path: Path) -> None:
    ways = ["--data", str(tiny_npz), *WAYS.split(), "--no-certify", "--output", str(tmp_path), "--resume"]
    identity = {"versions": {"tensorflow": "2.21.0"}}
    (tmp_path / "summary.json").write_text(json.dumps(identity), encoding="utf-8")
    status, _, err = jax(*ways)
    assert status == 2
    assert err.startswith(f"train.py: error: --resume: {tmp_path / 'summary.json'} is of another training: ")


def test_xla_on_several_of_tensorflows_devices_is_told(batch: Digits) -> None:
    with pytest.raises(UsageError) as caught:
        TensorFlowLoop(steps.STEP, batch, SimpleNamespace(num_replicas_in_sync=2), xla=True)
    assert str(caught.value) == "--xla: expected auto or no on several devices, got yes"


def test_jax_has_no_other_compiler(tiny_npz: Path, tmp_path: Path) -> None:
    status, _, err = jax("--data", str(tiny_npz), "--output", str(tmp_path / "out"), "--xla", "no", "--no-certify")
    assert (status, err) == (
        2,
        "train.py: error: --xla: expected auto or yes with JAX, which has no other compiler, got no\n",
    )
