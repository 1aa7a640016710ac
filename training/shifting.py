"""How well shifted digits are read, beside what equivariance predicts.

Convolutions and pooling move what they make of a digit along with it; the dense layer after them has weights for each
place, and commutes with nothing. So what a shift does to the accuracy is predicted from digits where they were: their
feature maps, moved, with those of paper coming in, and then read. A network that read its maps alike at all places (by
their mean, say) would lose nothing as long as a digit stays in the image.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from numeric import shift
from training import signals
from training.data import Digits
from training.reading import Reading
from training.translation import DIRECTIONS, FARTHEST, PLANE, Offset, Stage, maps, stages

Array = npt.NDArray[Any]

READ = 1000  # digits, at each place


def accuracies(model: keras.Model, read: Callable[[Digits], Reading], digits: Digits) -> list[dict[str, Any]]:
    """Return a row for each distance in pixels: how `read`, which is that of `model`, does on shifted `digits`.

    `accuracy` and `predicted` are by direction; `moved` is the layer whose maps the prediction moves, the last whose
    stride divides the distance. `alike` is the share of digits, over all directions, that are read as predicted.
    """
    rows = []
    wanted = stages(model)
    for pixels in range(FARTHEST + 1):
        signals.check()
        stage = [stage for stage in wanted if pixels % stage.stride == 0][-1]
        predict = _predicting(model, stage, digits.images)
        row: dict[str, Any] = {"pixels": pixels, "moved": stage.name, "accuracy": {}, "predicted": {}, "alike": 0.0}
        for direction, (down, right) in DIRECTIONS.items():
            offset = (pixels * down, pixels * right)
            reading = read(Digits(shift(digits.images, offset, axes=PLANE), digits.labels))
            predicted = predict(offset)
            row["accuracy"][direction] = reading.accuracy
            row["predicted"][direction] = float((predicted == digits.labels).mean())
            row["alike"] += float((predicted == reading.probabilities.argmax(axis=1)).mean()) / len(DIRECTIONS)
        rows.append(row)
    return rows


def _predicting(model: keras.Model, stage: Stage, images: Array) -> Callable[[Offset], Array]:
    """Return as what the images are read `(n,)` if their maps at `stage` are moved by an offset in pixels."""
    of = maps(model, [stage])
    (paper,) = of(np.zeros_like(images[:1]))
    (before,) = of(images)
    names = [layer.name for layer in model.layers]
    rest = model.layers[names.index(stage.name) + 1 :]

    def predict(offset: Offset) -> Array:
        steps = (offset[0] // stage.stride, offset[1] // stage.stride)
        there = shift(np.ones(paper.shape[1:3], bool), steps)[:, :, None]
        moved: Any = np.where(there, shift(before, steps, axes=PLANE), paper)
        for layer in rest:
            moved = layer(moved)
        return np.asarray(np.argmax(moved, axis=1))

    return predict
