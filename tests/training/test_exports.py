"""What is exported reads as the model does, in its own runtime; what does not is never published."""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from training import agreement, data, exports, models
from training.data import Digits
from training.errors import RunError, UsageError
from training.exports import EXPORTS
from training.options import parse
from training.reading import Reader
from training.recipes import Network
from training.train import main
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LAYERS = (Convolution(4, 5), Convolution(6, 3, "same", pooling=1), Convolution(5, 3, pooling=3))
NETWORKS = {
    "dense": Network(LAYERS, dense=12),
    "dropout": Network(LAYERS, dense=0, dropout=0.5),
    "normalised": Network(LAYERS, dense=12, normalise=True),
}


def needs(name: str) -> None:
    for package in EXPORTS[name].packages:
        pytest.importorskip(package, reason=f"--export {name} needs the extra `onnx`")


def trained(network: Network) -> Reader:
    """A reader whose every weight is drawn, moving means and variances too."""
    generator, reader = np.random.default_rng(0), Reader(network)
    drawn = []
    for weight in reader.model.weights:
        away = 1.0 if "variance" in weight.path or "gamma" in weight.path else 0.0
        drawn.append(away + generator.uniform(-0.3, 0.3, weight.shape))
    reader.take(drawn)
    return reader


@pytest.fixture(scope="module")
def digits(mnist: data.Dataset) -> Digits:
    return mnist.test.take(np.arange(1010))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_reads_as_the_model_does(name: str, network: Network, digits: Digits, tmp_path: Path) -> None:
    needs(name)
    reader = trained(network)
    ours = reader.read(digits).probabilities
    found = exports.write(tmp_path, [name], reader.model, digits, ours)
    assert [path.name for path in tmp_path.iterdir()] == [EXPORTS[name].file] == [found[name]["file"]]
    assert found[name]["read_otherwise"] == 0
    assert found[name]["within_bound"] == (not network.normalise)
    theirs = EXPORTS[name].load(tmp_path / EXPORTS[name].file)(digits.images[:10])
    assert theirs.shape == (10, 10)
    assert len(np.unique(theirs, axis=0)) == 10  # one answer for all would prove little


def rotated(model: keras.Model) -> keras.Model:
    """A copy whose first layer convolves where the model correlates."""
    kernels, *others = model.get_weights()
    return with_weights(model, [kernels[::-1, ::-1], *others])


def off(model: keras.Model) -> keras.Model:
    """A copy with one bias, of the digit 0, a twentieth off."""
    *others, bias = model.get_weights()
    return with_weights(model, [*others, bias + np.eye(10)[0] / 20])


def with_weights(model: keras.Model, weights: list[np.ndarray]) -> keras.Model:
    copy = keras.models.clone_model(model)
    copy.set_weights(weights)
    return copy


@pytest.mark.parametrize(("wrong", "network"), [(rotated, "dense"), (off, "dense"), (rotated, "normalised")])
@pytest.mark.parametrize("name", EXPORTS)
def test_a_layer_that_is_wrong_is_caught(
    name: str, wrong: Callable, network: str, digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(name)
    reader, export = trained(NETWORKS[network]), EXPORTS[name]
    spoilt = dataclasses.replace(export, write=lambda model, path: export.write(wrong(model), path))
    monkeypatch.setitem(EXPORTS, name, spoilt)
    with pytest.raises(RunError) as caught:
        exports.write(tmp_path, [name], reader.model, digits, reader.read(digits).probabilities)
    assert str(caught.value).startswith(f"{export.file} is not the model: expected test digit ")
    assert str(caught.value).endswith(", farther apart than rounding explains")


def test_savedmodel_takes_grey_values_by_name(digits: Digits, tmp_path: Path) -> None:
    reader = trained(NETWORKS["dense"])
    exports.write(tmp_path, ["savedmodel"], reader.model, digits, reader.read(digits).probabilities)
    signature = tf.saved_model.load(str(tmp_path / "savedmodel")).signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in inputs.items()} == {
        "image": ([None, 28, 28], tf.uint8)
    }
    assert set(signature.structured_outputs) == {"probability"}


def test_onnx_takes_grey_values_by_name(digits: Digits, tmp_path: Path) -> None:
    needs("onnx")
    import onnx
    import onnxruntime

    reader = trained(NETWORKS["dense"])
    exports.write(tmp_path, ["onnx"], reader.model, digits, reader.read(digits).probabilities)
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    described = [
        [(value.name, value.type, value.shape) for value in values()]
        for values in (session.get_inputs, session.get_outputs)
    ]
    assert described == [[("image", "tensor(uint8)", ["n", 28, 28])], [("probability", "tensor(float)", ["n", 10])]]


@pytest.mark.parametrize(
    ("name", "backend", "missing", "message"),
    [
        ("savedmodel", "jax", None, "--export savedmodel: expected Keras with tensorflow, got jax"),
        ("onnx", "jax", None, "--export onnx: expected Keras with tensorflow, got jax"),
        (
            "onnx",
            "tensorflow",
            "tf2onnx",
            f"--export onnx needs tf2onnx, which is not installed; to install it: {exports.INSTALL}",
        ),
    ],
)
def test_what_cannot_be_written_here_is_told(
    name: str, backend: str, missing: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None if package == missing else object())
    exports.require(["keras"])
    with pytest.raises(UsageError) as caught:
        exports.require(["keras", name])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "names"),
    [("onnx", ("onnx",)), ("onnx,keras", ("keras", "onnx")), ("keras,keras", ("keras",)), (None, ("keras",))],
)
def test_formats_are_given_in_any_order(text: str | None, names: tuple[str, ...]) -> None:
    assert parse([] if text is None else ["--export", text]).export == names


@pytest.mark.parametrize("text", ["", "keras,", "onnx keras", "pickle"])
def test_other_formats_are_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"^argument --export: expected one of keras, savedmodel, onnx, got '"):
        parse(["--export", text])


def test_nothing_is_published_if_an_export_reads_otherwise(
    tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def off(path: Path) -> Callable[[np.ndarray], np.ndarray]:
        read = EXPORTS["savedmodel"].load(path.with_name("savedmodel"))
        return lambda images: np.roll(read(images), 1, axis=1)

    monkeypatch.setitem(EXPORTS, "onnx", dataclasses.replace(EXPORTS["savedmodel"], file="model.onnx", load=off))
    arguments = ["--data", str(tiny_npz), "--output", str(tmp_path / "out"), "--no-certify", "--quiet"]
    assert main([*arguments, "--export", "savedmodel,onnx"]) == 1
    assert "model.onnx is not the model: expected test digit " in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoint.npz"]  # --resume needs no new training


def test_exports_of_a_run_are_those_asked_for_and_an_older_runs_go(tiny_npz: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(tiny_npz), "--output", str(tmp_path), "--no-certify", "--quiet"]
    assert main([*arguments, "--export", "savedmodel"]) == 0
    assert not (tmp_path / "model.keras").exists()
    assert (tmp_path / "savedmodel" / "saved_model.pb").exists()
    (tmp_path / "savedmodel" / "mine").write_text("mine")
    assert main([*arguments, "--export", "savedmodel", "--seed", "1"]) == 0
    assert not (tmp_path / "savedmodel" / "mine").exists()  # a folder is replaced whole
    assert main([*arguments, "--seed", "2"]) == 0
    assert not (tmp_path / "savedmodel").exists()
    assert set(json.loads((tmp_path / "summary.json").read_text())["exports"]) == {"keras"}


# Agreement


def integers(network: Network) -> keras.Model:
    """The network with small integers as weights."""
    generator, model = np.random.default_rng(0), models.build(network)
    model.set_weights([generator.integers(-2, 3, weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("name", ["dense", "dropout"])
def test_the_network_that_bounds_are_of_is_the_model(name: str) -> None:
    """Exactly, on black and white images: all numbers are integers then."""
    model = integers(NETWORKS[name])
    images = 255 * np.random.default_rng(1).integers(0, 2, (3, 28, 28)).astype(np.uint8)
    x = agreement._scaled(model, images[0])
    assert np.array_equal(x, images[0][None, None] / 255)
    network = agreement.as_numeric(model)
    expected = np.asarray(models.logits(model)([images]))
    found = [network.forward(agreement._scaled(model, image))[0] for image in images]
    assert abs(expected).max() < 2**24  # so float32 holds every sum
    assert np.array_equal(found, expected)


def test_there_is_no_bound_with_batch_normalisation() -> None:
    assert agreement.as_numeric(models.build(NETWORKS["normalised"])) is None


def compared(network: Network, change: Callable[[np.ndarray], Any], digits: Digits) -> dict[str, Any]:
    reader = trained(network)
    ours = reader.read(digits).probabilities
    return agreement.compare("a file", reader.model, digits.images, ours, change(ours.copy()))


def twins(reader: Reader) -> None:
    """Make the digits 3 and 5 one to the model, and surer than all others."""
    *weights, kernel, bias = reader.model.get_weights()
    kernel[:, 5], bias[[3, 5]] = kernel[:, 3], bias.max() + 30
    reader.take([*weights, kernel, bias])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_bits_agree(name: str, digits: Digits) -> None:
    found = compared(NETWORKS[name], lambda ours: ours, digits)
    assert found == {"largest_difference": 0.0, "read_otherwise": 0, "within_bound": name != "normalised"}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_rounding_is_told_and_let_pass(name: str, digits: Digits) -> None:
    found = compared(NETWORKS[name], lambda ours: np.nextafter(ours, np.float32(1)), digits)
    assert 0 < found["largest_difference"] < np.finfo(np.float32).eps
    assert found["read_otherwise"] == 0


def test_a_tie_may_be_read_either_way(digits: Digits) -> None:
    reader = trained(NETWORKS["dense"])
    twins(reader)
    ours = reader.read(digits).probabilities
    theirs = ours.copy()
    theirs[0, 5] = np.nextafter(theirs[0, 3], np.float32(1))
    assert theirs[0].argmax() == 5 != ours[0].argmax()
    assert agreement.compare("a file", reader.model, digits.images, ours, theirs)["read_otherwise"] == 1


def test_without_a_bound_every_digit_must_be_read_alike(digits: Digits) -> None:
    reader = trained(NETWORKS["normalised"])
    twins(reader)
    ours = reader.read(digits).probabilities
    theirs = ours.copy()
    theirs[7, 5] = np.nextafter(theirs[7, 3], np.float32(1))
    readings = f"read as 3 with {ours[7, 3]:.9g}, got 5 with {theirs[7, 5]:.9g}"
    assert abs(ours[7, 3] - 0.5) < 1e-6
    with pytest.raises(RunError, match=f"expected test digit 7 {re.escape(readings)}"):
        agreement.compare("a file", reader.model, digits.images, ours, theirs)


def swapped(ours: np.ndarray) -> np.ndarray:
    """The digit read with most confidence is read as another."""
    digit = ours.max(axis=1).argmax()
    ours[digit] = np.roll(ours[digit], 1)
    return ours


@pytest.mark.parametrize("name", NETWORKS)
def test_one_digit_of_a_thousand_read_otherwise_is_caught(name: str, digits: Digits) -> None:
    with pytest.raises(RunError, match=r"a file is not the model: expected test digit \d+ read as \d with "):
        compared(NETWORKS[name], swapped, digits)


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda ours: ours[:-1], (1009, 10)),
        (lambda ours: ours[:, :9], (1010, 9)),
        (lambda ours: np.where(ours == ours.min(), np.nan, ours), (1010, 10)),
    ],
)
def test_what_is_no_reading_is_caught(change: Callable, got: Sequence[int], digits: Digits) -> None:
    with pytest.raises(RunError) as caught:
        compared(NETWORKS["dense"], change, digits)
    assert str(caught.value) == f"a file is not the model: expected (1010, 10) finite probabilities, got {got}"
