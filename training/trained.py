"""A model that an earlier run left: found, loaded, asked for digits and for what its convolutions make of one."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training import startup
from training.data import CLASSES, IMAGE_SHAPE
from training.errors import UsageError

if TYPE_CHECKING:
    import keras

RUNS = Path("runs")
FILE = "model.keras"
_SUMMARY = "summary.json"  # written last: where it is, the model beside it is whole


def newest(runs: Path = RUNS) -> Path:
    """Return the model of the run in the folder `runs` that ended last. Raises `UsageError` if there is none."""
    found = [path.with_name(FILE) for path in runs.glob(f"**/{_SUMMARY}") if path.with_name(FILE).is_file()]
    if not found:
        raise UsageError(f"{runs}: expected a run with a {FILE}, found none; to make one: python training/train.py")
    return max(found, key=lambda path: path.with_name(_SUMMARY).stat().st_mtime_ns)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model that reads images `(n, 28, 28)`, the file that it came from, and its run in words, if that is known."""

    model: "keras.Model"
    path: Path
    about: str

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return how likely each digit is, `(n, 10)`."""
        return np.asarray(_array(self.model(images, training=False)))

    def feature_maps(self, image: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Return what each convolution makes of one image, `(height, width, kernels)`, by its name, in order."""
        if self._convolutions is None:
            return {}
        return {name: _array(found)[0] for name, found in self._convolutions(image[None], training=False).items()}

    @cached_property
    def _convolutions(self) -> "keras.Model | None":
        """The model as far as its convolutions, if it has any."""
        import keras

        layers = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Conv2D)]
        outputs = {layer.name: layer.output for layer in layers}
        return keras.Model(self.model.inputs[0], outputs) if outputs else None


def load(path: Path | None = None) -> Trained:
    """Load the model in `path`, a file or the folder of a run; by default that of the newest run.

    Raises `UsageError` if there is none, or none that reads images `(28, 28)` as ten probabilities.
    """
    path = newest() if path is None else path
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"{path}: expected a model, as training/train.py saves it, found no file")
    startup.start(1)
    import keras

    try:
        model: Any = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path}: expected a model that Keras can load: {reason}") from error
    shapes = model.input_shape, model.output_shape
    if shapes != ((None, *IMAGE_SHAPE), (None, CLASSES)):
        raise UsageError(
            f"{path}: expected a model of images (28, 28) with ten outputs, got {shapes[0]} and {shapes[1]}"
        )
    return Trained(model, path, _about(path.with_name(_SUMMARY)))


def _about(summary: Path) -> str:
    """What a run's summary says, in short; nothing if there is none that says it."""
    try:
        found = json.loads(summary.read_bytes())
        return f"{found['recipe']['name']}, seed {found['seed']}, {found['test_accuracy']:.2%} of the test digits"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _array(tensor: Any) -> npt.NDArray[np.float32]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)
