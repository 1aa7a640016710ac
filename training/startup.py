"""The backend, found and started: quietly, and on GPUs if it sees any."""

import importlib.util
import os

from training import backends, cluster, probes
from training.backends import Machine
from training.errors import UsageError

INSTALL = {
    "tensorflow": "sh .ci/setup train (in a clone), or pip install with the extra `train`",
    "jax": "sh .ci/setup train-jax (in a clone), or pip install with the extra `train-jax`",
}
INSTALL_GPU = {
    "tensorflow": "sh .ci/setup gpu (in a clone), or pip install with the extra `gpu`",
    "jax": "pip install 'jax[cuda12]'",
}


def packages(backend: str) -> tuple[str, ...]:
    """Return what has to be installed to train with `backend`."""
    return (backend, "keras", "matplotlib")


def require_packages() -> None:
    """Raise `UsageError`, with the line that installs them, if the backend, Keras or matplotlib is not installed.

    Imports none of them. Raises it too if `KERAS_BACKEND` is not known, or cannot do what `TF_CONFIG` says.
    """
    backend = backends.chosen()
    for package in packages(backend):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"training needs {package}, which is not installed; to install it: {INSTALL[backend]}")
    if cluster.this_worker() is not None and backend != "tensorflow":
        raise UsageError(f"{cluster.VARIABLE}: expected several workers with TensorFlow alone, got {backend}")


def start(devices: int | None = None, *, require_gpu: bool = False, deterministic: bool = False) -> Machine:
    """Import the backend and Keras and return what the training runs on: `devices` of them at most, all if `None`.

    Start-up messages are shown only if `TF_CPP_MIN_LOG_LEVEL` is set or the start fails. If it is to be
    `deterministic`, operations give the same bits every time, or fail. Raises `UsageError` if the backend cannot be
    imported, and if it is to have a GPU, or so many `devices`, and has not.
    """
    from proofs.conformance.adapters.quiet import held_back_messages  # brings all of `proofs`: not for --help

    name = backends.chosen()
    os.environ[backends.VARIABLE] = name
    if name == "jax":
        _set_environment_of_jax(deterministic=deterministic)
    problem: UsageError | None = None
    try:
        with held_back_messages():  # which shows them if the block raises
            backend = backends.load(name)
            try:
                _require_gpus(backend.NAME, len(backend.gpus()), devices, require_gpu=require_gpu)
                machine: Machine = backend.start(devices, deterministic=deterministic)
            except UsageError as error:
                problem = error
    except ImportError as error:
        where = "TensorFlow" if name == "tensorflow" else "JAX"
        raise UsageError(f"{where} is installed but cannot be imported: {error}") from error
    if problem:
        raise problem
    return machine


def _require_gpus(backend: str, gpus: int, devices: int | None, *, require_gpu: bool) -> None:
    if require_gpu and not gpus:
        name = backends.chosen()
        reason = f"{backend} sees no GPU: {probes.why_no_gpu(name)}"
        raise UsageError(f"--require-gpu: {reason}; to install what it needs: {INSTALL_GPU[name]}")
    if devices is not None and devices > max(gpus, 1):
        raise UsageError(f"--devices: expected at most the {gpus} GPUs that {backend} sees, got {devices}")


def _set_environment_of_jax(*, deterministic: bool) -> None:
    """Set what JAX reads when it is imported: memory of GPUs as it is needed, and the same bits if asked for."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if deterministic:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
