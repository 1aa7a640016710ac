"""The trained model in files of other programs, each read back by its own runtime before anybody gets it.

A new format is one entry in `EXPORTS`. What a format needs is imported when it is written: `--help` needs none of it.
"""

import importlib.util
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training import backends
from training.errors import UsageError

if TYPE_CHECKING:
    import keras
    import numpy.typing as npt

    from training.data import Digits

    Read = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]  # images (n, 28, 28), uint8, to probabilities (n, 10)

IMAGE, PROBABILITY = "image", "probability"  # what input and output are called in every format that names them
INSTALL = "sh .ci/setup onnx (in a clone), or pip install with the extra `onnx`"
_OPSET = 18  # of ONNX: the newest that tf2onnx writes
_BATCH = 1000  # images read at once


@dataclass(frozen=True)
class Export:
    """A format: its file or folder, the packages that it needs besides those of a training, how it is made and read.

    `backends` are those of Keras that can write it.
    """

    file: str
    write: "Callable[[keras.Model, Path], None]"
    load: "Callable[[Path], Read]"
    packages: tuple[str, ...] = ()
    backends: tuple[str, ...] = ("tensorflow", "jax")


def require(names: Iterable[str]) -> None:
    """Raise `UsageError` if a format of these `names` cannot be written here. Imports nothing."""
    backend = backends.chosen()
    for name in names:
        export = EXPORTS[name]
        if backend not in export.backends:
            wanted = " or ".join(export.backends)
            raise UsageError(f"--export {name}: expected Keras with {wanted}, got {backend}")
        for package in export.packages:
            if importlib.util.find_spec(package) is None:
                raise UsageError(f"--export {name} needs {package}, which is not installed; to install it: {INSTALL}")


def write(
    folder: Path, names: Iterable[str], model: "keras.Model", digits: "Digits", probabilities: "npt.NDArray[Any]"
) -> dict[str, Any]:
    """Write `model` into `folder` in each format; return what `summary.json` says of how they read `digits`.

    `probabilities` are those that the model itself gave. Raises `RunError` if a file reads otherwise.
    """
    import numpy as np

    from training import agreement

    found = {}
    for name in names:
        export = EXPORTS[name]
        path = folder / export.file
        export.write(model, path)
        read = export.load(path)
        parts = [read(digits.images[start : start + _BATCH]) for start in range(0, len(digits), _BATCH)]
        agreed = agreement.compare(export.file, model, digits.images, probabilities, np.concatenate(parts))
        found[name] = {"file": export.file, **agreed}
    return found


def _write_keras(model: "keras.Model", path: Path) -> None:
    model.save(path)


def _load_keras(path: Path) -> "Read":
    import keras
    import numpy as np

    model = keras.models.load_model(path)
    return lambda images: np.asarray(model(images, training=False))


def _write_savedmodel(model: "keras.Model", path: Path) -> None:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", *_reading(model))
    archive.write_out(str(path), verbose=False)


def _load_savedmodel(path: Path) -> "Read":
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # its functions live as long as it does
    return lambda images: loaded.signatures["serving_default"](image=tf.constant(images))[PROBABILITY].numpy()


def _write_onnx(model: "keras.Model", path: Path) -> None:
    import onnx
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks NumPy for names that are gone, and deals with that
        import tf2onnx

        function, signature = _reading(model)
        compiled = tf.function(function, input_signature=signature)
        converted, _ = tf2onnx.convert.from_function(compiled, input_signature=signature, opset=_OPSET)
    for value in (*converted.graph.input, *converted.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.save(converted, path)


def _load_onnx(path: Path) -> "Read":
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def read(images: "npt.NDArray[Any]") -> "npt.NDArray[Any]":
        probabilities: npt.NDArray[Any] = session.run([PROBABILITY], {IMAGE: images})[0]
        return probabilities

    return read


def _reading(model: "keras.Model") -> tuple[Callable[[Any], dict[str, Any]], list[Any]]:
    """Return `model` as a function of grey values, with what it takes."""
    import tensorflow as tf

    def read(image: Any) -> dict[str, Any]:
        return {PROBABILITY: model(image, training=False)}

    return read, [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=IMAGE)]


EXPORTS = {
    "keras": Export("model.keras", _write_keras, _load_keras),
    "savedmodel": Export("savedmodel", _write_savedmodel, _load_savedmodel, backends=("tensorflow",)),
    "onnx": Export(
        "model.onnx", _write_onnx, _load_onnx, packages=("onnx", "onnxruntime", "tf2onnx"), backends=("tensorflow",)
    ),
}
