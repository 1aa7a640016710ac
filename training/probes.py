"""What a backend says of this machine, asked in a process of its own: it may crash, and it has been told to be loud."""

import json
import os
import re
import subprocess
import sys
from typing import Any

_TENSORFLOW = """
import json, tensorflow as tf
gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
build = tf.sysconfig.get_build_info()
built = {name: str(build[name]) for name in ("cuda_version", "cudnn_version") if name in build}
print(json.dumps({"version": tf.__version__, "gpus": [gpu.get("device_name", "?") for gpu in gpus], "built": built}))
"""
_JAX = """
import json, jax
gpus = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
print(json.dumps({"version": jax.__version__, "gpus": gpus, "built": {}}))
if not gpus:
    jax.devices("gpu")
"""
_PROBES = {"tensorflow": _TENSORFLOW, "jax": _JAX}
_LOUD = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_MAX_VLOG_LEVEL": "0"}
_HEAD = re.compile(r"^(?:[IWEF]\d{4} |\d{4}-\d\d-\d\d )\S+(?: +\d+)? (?:[IWEF] )?\S+:\d+\] ")
_ABOUT_GPUS = re.compile(r"cuda|gpu|dlopen|nvidia|rocm|cuinit", re.IGNORECASE)


def ask(backend: str) -> dict[str, Any]:
    """Return `version`, `gpus` (names), `built` (versions of libraries), `said` (lines), and `failed` if it did.

    `failed` is the last thing that the backend said.
    """
    command = [sys.executable, "-c", _PROBES[backend]]
    done = subprocess.run(command, env={**os.environ, **_LOUD}, capture_output=True, text=True, check=False)
    said = [_HEAD.sub("", line).strip() for line in done.stderr.splitlines() if line.strip()]
    found: dict[str, Any] = {"version": None, "gpus": [], "built": {}, "said": said}
    try:
        found |= json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        found["failed"] = said[-1] if said else f"it ended with status {done.returncode}"
    return found


def why_no_gpu(backend: str) -> str:
    """Return what the backend itself says of GPUs, in a line."""
    return reason(ask(backend))


def reason(asked: dict[str, Any]) -> str:
    """Return what there is about GPUs in what a backend was `asked`, in a line."""
    about = [line.rstrip(".") for line in asked["said"] if _ABOUT_GPUS.search(line) and not line.startswith("File ")]
    return "; ".join(dict.fromkeys(about)) or asked.get("failed", "it does not say why")
