"""`auto` is bfloat16 exactly where the hardware has it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from training import precision


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_a_name_stands_for_itself(name: str) -> None:
    assert precision.resolve(name) == name
    assert precision.policy(name).removeprefix("mixed_") == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 sse\n", "bfloat16"),
        ("processor : 0\nflags\t\t: fpu amx_bf16\n", "bfloat16"),
        ("processor : 0\nflags\t\t: fpu avx512f\nbugs : avx512_bf16\n", "float32"),
        ("Hardware : another kind of machine\n", "float32"),
        (None, "float32"),
    ],
)
def test_cpus(text: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr(precision, "_CPU", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert precision.resolve("auto") == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(8, 0)], "bfloat16"), ([(9, 0), (8, 9)], "bfloat16"), ([(9, 0), (7, 5)], "float32"), ([None], "float32")],
)
def test_gpus(capabilities: list, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [SimpleNamespace(details={"compute_capability": c} if c else {}) for c in capabilities]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: gpus)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: gpu.details)
    assert precision.resolve("auto") == expected
