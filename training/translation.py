"""The feature maps of a shifted digit are shifted feature maps: where the laws say so, compared bit for bit.

A layer that reads windows, convolution or pooling, commutes with shifts by its stride; a stack of them with shifts by
the product of their strides (`proofs.laws.equivariance`). On a finite image that holds for the cells of `agreeing`,
whatever the image shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from numeric import Geometry, shift
from training.certification import layers

Array = npt.NDArray[Any]
Offset = tuple[int, int]  # pixels down and right

DIRECTIONS = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}
FARTHEST = 6  # pixels; around a digit of MNIST are four of paper
PLANE = (1, 2)  # rows and columns of arrays that are channels-last


@dataclass(frozen=True)
class Stage:
    """The network up to the layer `name`: a layer that reads windows, and those entry by entry after it.

    `geometries` are those of all layers that read windows so far.
    """

    name: str
    geometries: tuple[Geometry, ...]

    @property
    def stride(self) -> int:
        """By how many pixels a shift must be divisible: the product of the strides, which are alike on both axes."""
        return int(np.prod([geometry.stride[0] for geometry in self.geometries]))


def stages(model: keras.Model) -> list[Stage]:
    """Return the stages of `model`, from its first convolution to what is flattened."""
    reading = {name: geometry for name, _, geometry in layers(model)}
    found: list[Stage] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Flatten):
            break
        before = found[-1].geometries if found else ()
        if layer.name in reading:
            found.append(Stage(layer.name, (*before, reading[layer.name])))
        elif found:
            found[-1] = Stage(layer.name, before)
    return found


def agreeing(stage: Stage, offset: Offset) -> npt.NDArray[np.bool_]:
    """Return for which cells the stage of a shifted image must be the stage of the image, shifted: for every image.

    `offset` is in pixels, divisible by the stride; paper (0) comes in. A cell must agree if the cell that it comes from
    is there, and each cell that it reads agrees or is padding on both sides: the law
    `zero-padding-commutes-exactly-where-no-window-meets-the-border`, layer upon layer.
    """
    agree = np.ones(stage.geometries[0].input_size, bool)  # what comes in is paper, as padding is
    for geometry in stage.geometries:
        agree = _next(geometry, agree, offset)
        offset = (offset[0] // geometry.stride[0], offset[1] // geometry.stride[1])
    return agree


def _next(geometry: Geometry, agree: npt.NDArray[np.bool_], offset: Offset) -> npt.NDArray[np.bool_]:
    """Return which outputs agree if those of the inputs do; arrays are over outputs o, p and taps u, v."""
    cells, inside, source, there = [], [], [], []
    for axis, moved in zip(geometry.axes, offset, strict=True):
        o = np.arange(axis.output_size)
        read = axis.reads(o[:, None], np.arange(axis.kernel_size))
        cells.append(np.clip(read, 0, axis.input_size - 1))
        inside.append((read >= 0) & (read < axis.input_size))
        source.append((read - moved >= 0) & (read - moved < axis.input_size))
        there.append((o - moved // axis.stride >= 0) & (o - moved // axis.stride < axis.output_size))

    def both(rows: Array, columns: Array) -> Array:
        return np.asarray(rows[:, None, :, None] & columns[None, :, None, :])

    known = both(*inside) & agree[cells[0][:, None, :, None], cells[1][None, :, None, :]]
    padding = ~both(*inside) & ~both(*source)
    return np.asarray((known | padding).all(axis=(2, 3)) & there[0][:, None] & there[1])


def maps(model: keras.Model, wanted: Sequence[Stage]) -> Callable[[Array], list[Array]]:
    """Return the function from images `(n, 28, 28)` to their maps `(n, height, width, channels)` at the stages."""
    compiled = keras.Model(model.inputs, {stage.name: model.get_layer(stage.name).output for stage in wanted})

    def of(images: Array) -> list[Array]:
        found = compiled([images], training=False)  # a list, as its inputs are
        return [np.asarray(found[stage.name]) for stage in wanted]

    return of


def compare(model: keras.Model, images: Array) -> list[dict[str, Any]]:
    """Return for each stage how the maps of shifted `images` compare with the shifted maps, as plain values.

    All shifts to `FARTHEST` pixels that the stage's stride divides, and those by a stage's stride. `cells` are all that
    must agree, `equal` those with the same bits, `elsewhere` and `elsewhere_equal` the others that are in both.
    """
    wanted = stages(model)
    of = maps(model, wanted)
    before = of(images)
    rows: list[dict[str, Any]] = [{"layer": stage.name, "stride": stage.stride, **_NOTHING} for stage in wanted]
    distances = sorted({*range(1, FARTHEST + 1), *(stage.stride for stage in wanted)})
    for row, stage in zip(rows, wanted, strict=True):
        row["shifts"] = [pixels for pixels in distances if pixels % stage.stride == 0]
    for offset in ((pixels * down, pixels * right) for pixels in distances for down, right in DIRECTIONS.values()):
        for row, stage, *both in zip(rows, wanted, before, of(shift(images, offset, axes=PLANE)), strict=True):
            if sum(map(abs, offset)) in row["shifts"]:
                _count(row, stage, offset, *both)
    return rows


_NOTHING = {"cells": 0, "equal": 0, "largest_difference": 0.0, "elsewhere": 0, "elsewhere_equal": 0}


def _count(row: dict[str, Any], stage: Stage, offset: Offset, before: Array, moved: Array) -> None:
    """Add to `row` what a shift of the images by `offset` says."""
    steps = (offset[0] // stage.stride, offset[1] // stage.stride)
    expected, agree = shift(before, steps, axes=PLANE), agreeing(stage, offset)
    elsewhere = shift(np.ones_like(agree), steps) & ~agree
    equal = expected == moved
    for name, cells in (("", agree), ("elsewhere_", elsewhere)):
        row["cells" if not name else "elsewhere"] += equal[:, cells].size
        row[f"{name}equal"] += int(equal[:, cells].sum())
    apart = abs(expected[:, agree].astype(np.float64) - moved[:, agree])
    row["largest_difference"] = max(row["largest_difference"], float(apart.max(initial=0)))
