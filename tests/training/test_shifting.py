"""Accuracy on shifted digits, and what moved feature maps predict of it."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest

from training import shifting, translation
from training.data import Digits
from training.reading import Reader, Reading, mark
from training.recipes import Network
from training.shifting import accuracies
from training.translation import DIRECTIONS, FARTHEST, Stage
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NETWORK = Network((Convolution(6, 5), Convolution(6, 3)), dense=16)


@pytest.fixture(scope="module")
def reader() -> Reader:
    keras.utils.set_random_seed(3)
    return Reader(NETWORK)


def blots(margin: int) -> Digits:
    """Ink that leaves as much paper on each side; labels at random."""
    generator = np.random.default_rng(0)
    images = np.zeros((60, 28, 28), np.uint8)
    side = 28 - 2 * margin
    images[:, margin : margin + side, margin : margin + side] = generator.integers(0, 256, (60, side, side))
    return Digits(images, generator.integers(0, 10, 60).astype(np.uint8))


def test_rows_are_of_each_distance_with_the_last_layer_that_moves_by_it(reader: Reader) -> None:
    rows = accuracies(reader.model, reader.read, blots(10))
    layers = ["relu_2", "convolution_1", "convolution_2", "convolution_1", "relu_2", "convolution_1", "convolution_2"]
    assert [(row["pixels"], row["moved"]) for row in rows] == list(enumerate(layers))
    assert len(rows) == FARTHEST + 1
    for row in rows:
        assert set(row["accuracy"]) == set(row["predicted"]) == set(DIRECTIONS)
    assert len({*rows[0]["accuracy"].values(), *rows[0]["predicted"].values()}) == 1  # nothing is moved


def test_digits_are_shifted_and_paper_comes_in(reader: Reader) -> None:
    seen: list[np.ndarray] = []

    def read(digits: Digits) -> Reading:
        seen.append(digits.images)
        return mark(digits, np.eye(10, dtype=np.float32)[digits.labels])

    images = blots(0).images
    rows = accuracies(reader.model, read, Digits(images, np.zeros(60, np.uint8)))
    moved = dict(zip(((row["pixels"], direction) for row in rows for direction in DIRECTIONS), seen, strict=True))
    assert np.array_equal(moved[2, "down"][:, 2:], images[:, :-2])
    assert not moved[2, "down"][:, :2].any()
    assert np.array_equal(moved[5, "left"][:, :, :-5], images[:, :, 5:])
    assert not moved[5, "left"][:, :, -5:].any()
    assert np.array_equal(moved[6, "up"][:, :-6], images[:, 6:])
    assert np.array_equal(moved[1, "right"][:, :, 1:], images[:, :, :-1])


def test_prediction_is_exact_while_ink_stays_clear_of_the_border(reader: Reader) -> None:
    """Then every window that comes in sees paper alone. A window of the last layer reaches over 14 pixels."""
    rows = accuracies(reader.model, reader.read, blots(12))
    for row in rows:
        assert row["predicted"] == row["accuracy"]
        assert row["alike"] == pytest.approx(1, abs=4 * np.finfo(float).eps)  # a sum of four quarters
    assert len({share for row in rows for share in row["accuracy"].values()}) > 1  # places do matter


def test_prediction_comes_from_the_digit_where_it_was(reader: Reader) -> None:
    """A reading of something else is not what is predicted."""

    def other(digits: Digits) -> Reading:
        return reader.read(Digits(255 - digits.images, digits.labels))

    assert any(row["alike"] < 1 for row in accuracies(reader.model, other, blots(12)))


def test_at_the_border_it_is_otherwise(reader: Reader) -> None:
    """Ink that was outside of a window's reach is lost to the maps, but not to the image."""
    assert any(row["alike"] < 1 for row in accuracies(reader.model, reader.read, blots(0)))


def test_paper_that_comes_in_is_what_the_layers_make_of_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """With biases that is not zero; and something else in its place is found out."""
    biased, generator = Reader(NETWORK), np.random.default_rng(0)
    weights = biased.model.get_weights()
    biased.take([generator.normal(0, 0.05, weight.shape) if weight.ndim == 1 else weight for weight in weights])
    assert all(row["predicted"] == row["accuracy"] for row in accuracies(biased.model, biased.read, blots(12)))

    def with_ink_on_paper(model: keras.Model, wanted: Sequence[Stage]) -> Callable[[np.ndarray], list[np.ndarray]]:
        of = translation.maps(model, wanted)
        return lambda images: of(images if images.any() else images + 255)

    monkeypatch.setattr(shifting, "maps", with_ink_on_paper)
    rows = accuracies(biased.model, biased.read, blots(12))
    assert rows[0]["alike"] == 1
    assert any(row["alike"] < 1 for row in rows)
