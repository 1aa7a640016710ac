"""The full report: feature maps, and what shifts do to them and to the accuracy, beside what the laws say."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import shift
from training import plots, shifting, signals, translation
from training.data import Digits
from training.plots.translation import Moved
from training.reading import Reader, Reading
from training.translation import Stage

_COMPARED = 50  # digits whose maps are compared
_DRAWN = 0  # the digit in the pictures


def write(folder: Path, reader: Reader, digits: Digits, reading: Reading) -> dict[str, Any]:
    """Draw the pictures into `folder`; return what `summary.json` holds of them."""
    model = reader.model
    signals.check()
    _draw_features(folder / "features.png", reader, digits, reading)
    _draw_equivariance(folder / "equivariance.png", reader, digits.images[_DRAWN])
    compared = translation.compare(model, digits.images[:_COMPARED])
    signals.check()
    some = digits.take(np.arange(min(shifting.READ, len(digits))))
    rows = shifting.accuracies(model, reader.read, some)
    plots.shifts(folder / "shifts.png", rows, f"The first {len(some):,} test digits, shifted; paper comes in")
    return {"shifts": {"digits": len(some), "rows": rows}, "equivariance": compared}


def _draw_features(path: Path, reader: Reader, digits: Digits, reading: Reading) -> None:
    image, stages = digits.images[_DRAWN], translation.stages(reader.model)
    found = translation.maps(reader.model, stages)(image[None])
    probabilities = reading.probabilities[_DRAWN]
    title = (
        f"What the layers make of test digit {_DRAWN}: a {digits.labels[_DRAWN]}, read as {probabilities.argmax()} "
        f"with {probabilities.max():.1%}"
    )
    named = [(stage.name, maps[0]) for stage, maps in zip(stages, found, strict=True)]
    plots.features(path, image, named, title)


def _draw_equivariance(path: Path, reader: Reader, image: npt.NDArray[np.uint8]) -> None:
    """Draw the first stage and the last in which a cell stays inside; the shift is by its stride, to the right."""
    stages = translation.stages(reader.model)
    staying = [stage for stage in stages if translation.agreeing(stage, (0, stage.stride)).any()]
    stages = list(dict.fromkeys([stages[0], *staying[-1:]]))
    offset = (0, stages[-1].stride)
    moved = shift(image, offset)
    both = translation.maps(reader.model, stages)(np.stack([image, moved]))
    shown = [_moved(stage, maps, offset) for stage, maps in zip(stages, both, strict=True)]
    title = (
        f"Feature maps of a digit, and of the same digit {offset[1]} pixels to the right (grey: no law says anything)"
    )
    plots.equivariance(path, (image, moved), shown, title)


def _moved(stage: Stage, maps: npt.NDArray[Any], offset: translation.Offset) -> Moved:
    """Return the map that varies most, of the digit and of the moved one."""
    channel = int(maps[0].std(axis=(0, 1)).argmax())
    before, found = maps[0, :, :, channel], maps[1, :, :, channel]
    steps = (offset[0] // stage.stride, offset[1] // stage.stride)
    there = shift(np.ones(before.shape, bool), steps)
    heading = f"{stage.name},\nstride {stage.stride}"
    return Moved(heading, before, shift(before, steps), found, translation.agreeing(stage, offset), there)
