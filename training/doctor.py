"""What is here to train with, and what is missing: `train.py --doctor`. Works whatever is not installed."""

import ctypes
import os
import platform
from collections.abc import Callable, Iterator
from importlib import metadata

from training import backends, precision, probes, startup
from training.errors import UsageError

_PACKAGES = ("numpy", "keras", "matplotlib")
_DRIVER = "libcuda.so.1"
_OTHERS = ("nvidia-cuda-runtime", "nvidia-cudnn", "nvidia-cublas", "jax-cuda")  # how CUDA's packages begin

Tell = Callable[[str, str], None]


def examine(tell: Tell) -> int:
    """Tell what there is, a heading and a text at a time; return 0 if training can run, otherwise 2."""
    tell("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    features = ", ".join(sorted(precision.cpu_features())) or "none known"
    tell("cpu", f"{os.cpu_count()} cores; instructions on bfloat16: {features}")
    for package in _PACKAGES:
        tell(package, version(package) or "not installed")
    missing = dict.fromkeys(_missing())
    for name in backends.NAMES:
        failed = _backend(name, tell)
        if failed and name == os.environ.get(backends.VARIABLE, backends.NAMES[0]):
            missing[failed] = None
    tell("driver", _driver())
    tell("cuda", ", ".join(_cuda_packages()) or "no package of its libraries is installed")
    for failed in missing:
        tell("missing", failed)
    tell("verdict", "training cannot run" if missing else f"training can run, with KERAS_BACKEND={backends.chosen()}")
    return 2 if missing else 0


def version(package: str) -> str | None:
    """Return the version of an installed `package`; `None` if it is not. Imports nothing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _missing() -> Iterator[str]:
    try:
        startup.require_packages()
    except UsageError as error:
        yield str(error)


def _backend(name: str, tell: Tell) -> str | None:
    """Tell what `name` says of this machine; return why it cannot be used, if so."""
    if version(name) is None:
        tell(name, f"not installed; to install it: {startup.INSTALL[name]}")
        return None  # of the chosen one, `_missing` tells
    asked = probes.ask(name)
    if "failed" in asked:
        tell(name, f"{version(name)}, cannot be imported: {asked['failed']}")
        return f"{name} is installed but cannot be imported: {asked['failed']}"
    built = ", ".join(f"{library.removesuffix('_version')} {of}" for library, of in asked["built"].items())
    tell(name, asked["version"] + (f", built for {built}" if built else ""))
    gpus = ", ".join(asked["gpus"])
    tell("", f"GPUs: {gpus}" if gpus else f"no GPU: {probes.reason(asked)}; for one: {startup.INSTALL_GPU[name]}")
    return None


def _driver() -> str:
    try:
        ctypes.CDLL(_DRIVER)
    except OSError as error:
        return f"no driver of NVIDIA's: {error}"
    return f"{_DRIVER} can be loaded"


def _cuda_packages() -> list[str]:
    names = {(found.metadata["Name"] or ""): found.version for found in metadata.distributions()}
    return [f"{name} {names[name]}" for name in sorted(names) if name.startswith(_OTHERS)]
