"""Which cells of feature maps must move with the image: exactly those in which no window meets the border."""

from collections.abc import Callable
from itertools import product

import keras
import numpy as np
import pytest

from numeric import Geometry, conv, max_pool, shift
from training import models, translation
from training.recipes import Network
from training.translation import Stage, agreeing, compare, maps, stages
from training.values import Convolution

SAME = Geometry((6, 5), (3, 2), padding="same")
LAYERS = {
    "valid": (Geometry((6, 5), (3, 2)),),
    "same": (SAME,),
    "stride": (Geometry((7, 6), (3, 3), stride=2, padding=1),),
    "wide padding": (Geometry((5, 5), (2, 3), padding=((2, 1), (0, 3))),),
    "same twice": (SAME, Geometry((6, 5), (3, 3), padding="same")),
    "stride, then same": (Geometry((8, 9), (2, 3), stride=2), Geometry((4, 4), (3, 3), padding="same")),
    "same, then stride": (Geometry((8, 8), (3, 3), padding="same"), Geometry((8, 8), (2, 2), stride=2)),
}


def computed(layers: tuple[Geometry, ...], x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What convolutions with any weights make of `x` `(height, width)`; by the bias, paper and padding differ."""
    y = x[None, None]
    for geometry in layers:
        w = generator.integers(-1000, 1000, geometry.weight_shape)
        bias = generator.integers(1, 1000, 1)
        y = conv(y, w, bias, stride=geometry.stride, padding=geometry.padding)
    return y[0, 0]


@pytest.mark.parametrize("offset", [(0, 0), *product((-4, -2, 2, 4), repeat=2), (2, 0), (0, -2), (6, 0), (-8, 2)])
@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_cells_that_must_agree_are_those_that_do(layers: tuple[Geometry, ...], offset: tuple[int, int]) -> None:
    """On integers drawn from millions, so that none are alike by chance."""
    stage = Stage("layer", layers)
    draw = np.random.default_rng
    x = draw(1).integers(-(10**6), 10**6, layers[0].input_size)
    steps = (offset[0] // stage.stride, offset[1] // stage.stride)
    before, moved = (computed(layers, image, draw(0)) for image in (x, shift(x, offset)))
    there = shift(np.ones(before.shape, bool), steps)
    assert np.array_equal(agreeing(stage, offset), there & (shift(before, steps) == moved))


@pytest.mark.parametrize("offset", [(2, 0), (-2, 2), (0, 4)])
def test_windows_of_maxima_agree_where_they_must(offset: tuple[int, int]) -> None:
    """The others may agree by chance: a maximum needs no more than one cell."""
    layers = (Geometry((8, 8), (3, 3), padding="same"), Geometry((8, 8), (2, 2), stride=2))
    x = np.random.default_rng(0).integers(-(10**6), 10**6, (20, 1, 8, 8))
    w = np.random.default_rng(1).integers(-1000, 1000, (1, 1, 3, 3))

    def of(images: np.ndarray) -> np.ndarray:
        return max_pool(conv(images, w, padding=layers[0].padding), 2)[:, 0]

    steps = (offset[0] // 2, offset[1] // 2)
    agree = agreeing(Stage("pooling", layers), offset)
    assert agree.any()
    assert np.array_equal(shift(of(x), steps, axes=(1, 2))[:, agree], of(shift(x, offset, axes=(2, 3)))[:, agree])


NETWORK = Network((Convolution(4, 3, "same", pooling=1), Convolution(3, 5), Convolution(3, 3, "same")), dense=8)


def network(normalise: bool = False) -> keras.Model:
    keras.utils.set_random_seed(0)
    return models.build(Network(NETWORK.convolutions, NETWORK.dense, normalise=normalise))


def test_stages_end_before_the_next_layer_that_reads_windows() -> None:
    found = [(stage.name, stage.stride) for stage in stages(network())]
    expected = [("relu_1", 1), ("convolution_2", 1), ("relu_2", 2), ("convolution_3", 2), ("relu_3", 4)]
    assert found == expected
    assert [stage.name for stage in stages(network(normalise=True))] == [name for name, _ in expected]


def test_maps_are_those_of_the_layers() -> None:
    model, images = network(), np.random.default_rng(0).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    x = images
    for layer in model.layers:
        x = layer(x)
        if layer.name == "relu_2":
            break
    (found,) = maps(model, stages(model)[2:3])(images)
    assert found.shape == (2, 12, 12, 3)
    assert np.array_equal(found, x)


@pytest.fixture
def images() -> np.ndarray:
    """Ink everywhere, up to the border."""
    return np.random.default_rng(0).integers(1, 256, (4, 28, 28)).astype(np.uint8)


@pytest.mark.parametrize("normalise", [False, True])
def test_every_cell_that_must_agree_has_the_same_bits(images: np.ndarray, normalise: bool) -> None:
    rows = compare(network(normalise), images)
    assert [row["shifts"] for row in rows] == [[1, 2, 3, 4, 5, 6]] * 2 + [[2, 4, 6]] * 2 + [[4]]
    for row in rows:
        assert 0 < row["cells"] == row["equal"]
        assert row["largest_difference"] == 0
        assert row["elsewhere"] > row["elsewhere_equal"]  # at the border it is otherwise
    there = 4 * sum(2 * 28 * (28 - pixels) * 2 for pixels in range(1, 7)) * 4  # of 4 images and 4 maps
    assert rows[0]["cells"] + rows[0]["elsewhere"] == there


def test_a_shift_by_the_stride_is_tried_if_it_is_larger_than_the_others(images: np.ndarray) -> None:
    rows = compare(models.build(Network((Convolution(2, 3, pooling=2), Convolution(2, 3, pooling=4)), dense=0)), images)
    assert rows[-1]["shifts"] == [8]
    assert rows[-1]["cells"] == rows[-1]["equal"] > 0


def where_it_is(x: np.ndarray) -> np.ndarray:
    """Each row counts for more than the one above."""
    return x * np.arange(1, x.shape[1] + 1, dtype=np.float32)[:, None, None]


@pytest.mark.parametrize(
    ("wrong", "first"), [("relu_1", 0), ("convolution_2", 1), ("pooling_2", 2), ("relu_3", 4)], ids=str
)
def test_a_layer_that_knows_where_it_is_is_caught(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch, wrong: str, first: int
) -> None:
    model = network()
    layer = model.get_layer(wrong)
    call: Callable[..., object] = layer.call
    monkeypatch.setattr(layer, "call", lambda x, *rest, **options: where_it_is(call(x, *rest, **options)))
    rows = compare(model, images)
    caught = [row["equal"] < row["cells"] for row in rows]
    assert caught.index(True) == first
    assert rows[first]["largest_difference"] > 0


def test_cells_that_need_not_agree_are_not_held_against_it(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong idea of them, all cells that both have, the border is found out."""

    def all_there(stage: Stage, offset: tuple[int, int]) -> np.ndarray:
        steps = (offset[0] // stage.stride, offset[1] // stage.stride)
        return shift(np.ones(stage.geometries[-1].output_size, bool), steps)

    monkeypatch.setattr(translation, "agreeing", all_there)
    assert all(row["equal"] < row["cells"] for row in compare(network(), images))
