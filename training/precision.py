"""The type that a training computes in: `auto` is bfloat16 where the hardware has it, float32 elsewhere."""

import re
from pathlib import Path

from training import backends

_CPU = Path("/proc/cpuinfo")
_CPU_FLAGS = {"amx_bf16", "avx512_bf16"}


def resolve(precision: str) -> str:
    """Return `precision`, or for `auto` what it stands for here: on the GPU if there is one, else on the CPU.

    A CPU counts if it has instructions that multiply bfloat16, on vectors or on tiles, and the backend uses them.
    """
    if precision != "auto":
        return precision
    backend = backends.current()
    on_gpu = backend.has_bfloat16()
    has = bool(cpu_features()) and backend.CPU_BFLOAT16 if on_gpu is None else on_gpu
    return "bfloat16" if has else "float32"


def policy(precision: str) -> str:
    """Return Keras's name of it: the arithmetic is in that type, weights are in float32."""
    return precision if precision == "float32" else f"mixed_{precision}"


def cpu_features() -> set[str]:
    """Return which instructions on bfloat16 this CPU has, in Linux's words; none elsewhere: not known."""
    try:
        found = re.search(r"^flags\s*:(.*)$", _CPU.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return set()
    return _CPU_FLAGS & set(found[1].split()) if found else set()
