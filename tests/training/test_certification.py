"""Before a training: the framework's kernels at the network's own shapes; wrong ones stop it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from numeric import Geometry
from proofs.conformance.adapters import load
from training import certification, models
from training.recipes import FAST, RECIPES
from training.train import main

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_the_layers_are_the_networks() -> None:
    found = {
        name: (op, geometry) for name, op, geometry in certification.layers(models.build(RECIPES["sheet"].network))
    }
    assert list(found) == ["convolution_1", "pooling_1", "convolution_2", "pooling_2"]
    same = Geometry((14, 14), (5, 5), padding="same", in_channels=32, out_channels=64)
    assert found["convolution_2"] == ("conv", same)
    pool = Geometry((28, 28), (2, 2), 2, in_channels=32, out_channels=32, groups=32)
    assert found["pooling_1"] == ("max_pool", pool)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_every_kernel_of_the_default_network_is_certified_in_the_type_it_trains_in(precision: str) -> None:
    certificate = certification.certify(replace(FAST, precision=precision), 3)
    functions = {(row["layer"], row["function"]) for row in certificate["layers"]}
    for layer in ("convolution_1", "convolution_2"):
        for name in ("conv", "conv.input_gradient", "conv.weight_gradient", "conv.bias_gradient"):
            assert (layer, name) in functions
    assert ("pooling_2", "max_pool.input_gradient") in functions
    assert {row["outcome"] for row in certificate["layers"]} == {certificate["outcome"]} == {"certified"}
    for row in certificate["layers"]:
        assert f"this shape in {precision}; " in row["scope"]
        assert row["function"].startswith("max_pool") or "one forward and one backward pass for all" in row["scope"]
    assert certificate["batch_size"] == 3
    assert certificate["dtype"] == precision
    assert "CPU" in certificate["target"]["device"] or "GPU" in certificate["target"]["device"]


class _WrongAt:
    """TensorFlow, but for one entry of one function on one layer, called alone and with others."""

    def __init__(self, function: str, size: tuple[int, ...], dtype: str) -> None:
        self._true = load("tensorflow", dtype=dtype, layout="NHWC")
        self._wrong = (function, size)

    def __getattr__(self, name: str) -> object:
        return getattr(self._true, name)

    def run(self, function: str, geometry: Geometry, *arrays: np.ndarray) -> np.ndarray:
        return self._spoilt(function, geometry, self._true.run(function, geometry, *arrays))

    def joint(self, functions: Sequence[str], geometry: Geometry, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
        found = self._true.joint(functions, geometry, arrays)
        return [self._spoilt(name, geometry, one) for name, one in zip(functions, found, strict=True)]

    def _spoilt(self, function: str, geometry: Geometry, found: np.ndarray) -> np.ndarray:
        if (function, geometry.input_size) == self._wrong:
            found = np.array(found)
            found.flat[-1] += 1
        return found


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("function", "layer"), [("conv.weight_gradient", "convolution_2"), ("max_pool.input_gradient", "pooling_1")]
)
def test_a_wrong_kernel_stops_the_training(
    function: str,
    layer: str,
    precision: str,
    small_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    size = {"convolution_2": (12, 12), "pooling_1": (24, 24)}[layer]
    monkeypatch.setattr(certification, "load", lambda *_, dtype, **__: _WrongAt(function, size, dtype))
    output = tmp_path / "out"
    options = ["--batch-size", "2", "--precision", precision, "--quiet"]
    assert main(["--data", str(small_npz), "--output", str(output), *options]) == 1
    error = capsys.readouterr().err
    assert f"this framework's {function} is wrong for the layer {layer}" in error
    assert "--no-certify trains all the same" in error
    assert not output.exists()


def test_the_certificate_is_told_and_in_the_summary(
    small_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    options = ["--epochs", "1", "--batch-size", "16"]
    assert main(["--data", str(small_npz), "--output", str(output), *options]) == 0
    assert "12 certified, at this network's shapes, bit for bit" in capsys.readouterr().out
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert summary["certified"]["outcome"] == "certified"
    assert len(summary["certified"]["layers"]) == 12
