"""The type that a training computes in: `auto` is bfloat16 where the hardware has it, float32 elsewhere."""

import re
from pathlib import Path

import tensorflow as tf

_CPU = Path("/proc/cpuinfo")
_CPU_FLAGS = {"amx_bf16", "avx512_bf16"}
_AMPERE = (8, 0)  # the first compute capability with bfloat16


def resolve(precision: str) -> str:
    """Return `precision`, or for `auto` what it stands for here.

    A CPU counts if it has instructions that multiply bfloat16, on vectors or on tiles.
    """
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        found = [tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus]
        return "bfloat16" if min(found) >= _AMPERE else "float32"
    return "bfloat16" if _CPU_FLAGS & _cpu_flags() else "float32"


def policy(precision: str) -> str:
    """Return Keras's name of it: the arithmetic is in that type, weights are in float32."""
    return precision if precision == "float32" else f"mixed_{precision}"


def _cpu_flags() -> set[str]:
    try:
        found = re.search(r"^flags\s*:(.*)$", _CPU.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:  # not Linux: not known
        return set()
    return set(found[1].split()) if found else set()
