"""Before a training: the framework's kernels at the network's own shapes; wrong ones stop it."""

import json
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


def test_every_kernel_of_the_default_network_is_certified() -> None:
    certificate = certification.certify(FAST, 3)
    functions = {(row["layer"], row["function"]) for row in certificate["layers"]}
    for layer in ("convolution_1", "convolution_2"):
        for name in ("conv", "conv.input_gradient", "conv.weight_gradient", "conv.bias_gradient"):
            assert (layer, name) in functions
    assert ("pooling_2", "max_pool.input_gradient") in functions
    assert {row["outcome"] for row in certificate["layers"]} == {certificate["outcome"]} == {"certified"}
    assert certificate["batch_size"] == 3
    assert "CPU" in certificate["target"]["device"] or "GPU" in certificate["target"]["device"]


class _WrongAt:
    """TensorFlow, but for one entry of one function on one layer."""

    def __init__(self, function: str, size: tuple[int, ...]) -> None:
        self._true = load("tensorflow", dtype="float32")
        self._wrong = (function, size)

    def __getattr__(self, name: str) -> object:
        return getattr(self._true, name)

    def run(self, function: str, geometry: Geometry, *arrays: np.ndarray) -> np.ndarray:
        found = self._true.run(function, geometry, *arrays)
        if (function, geometry.input_size) == self._wrong:
            found = np.array(found)
            found.flat[-1] += 1
        return found


def test_a_wrong_kernel_stops_the_training(
    small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = _WrongAt("conv.weight_gradient", (12, 12))
    monkeypatch.setattr(certification, "load", lambda *_, **__: wrong)
    output = tmp_path / "out"
    assert main(["--data", str(small_npz), "--output", str(output), "--batch-size", "2", "--quiet"]) == 1
    error = capsys.readouterr().err
    assert "this framework's conv.weight_gradient is wrong for the layer convolution_2" in error
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
