"""Reading marks what a model read: each image once, in the right order, at nine places if asked to."""

import numpy as np
import pytest

from training import agreement, data
from training.data import Digits
from training.errors import RunError
from training.reading import Reader, mark
from training.recipes import Network
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NETWORK = Network((Convolution(4, 5),), dense=8)


def test_marks_are_those_of_the_formulas() -> None:
    """Probabilities are powers of two; their logarithms in float32 add up exactly in float64."""
    probabilities = np.full((4, 10), 1 / 32, np.float32)
    probabilities[[0, 1, 2, 3], [3, 1, 5, 7]] = 0.5
    reading = mark(Digits(np.zeros((4, 28, 28), np.uint8), np.array([3, 1, 6, 7], np.uint8)), probabilities)
    assert reading.accuracy == 0.75
    high, low = np.log(np.array([0.5, 1 / 32], np.float32)).astype(float)
    assert reading.loss == -(3 * high + low) / 4


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    nothing = np.zeros((1, 10), np.float32)
    assert np.isfinite(mark(Digits(np.zeros((1, 28, 28), np.uint8), np.array([3], np.uint8)), nothing).loss)


def test_portions_come_in_order_and_the_last_may_be_smaller(mnist: data.Dataset) -> None:
    reader = Reader(NETWORK)
    digits = mnist.test.take(np.arange(1010))
    found = reader.read(digits).probabilities
    parts = [reader.read(digits.take(np.arange(*ends))).probabilities for ends in ((0, 1000), (1000, 1010))]
    assert np.array_equal(found, np.concatenate(parts))
    check_read(reader, digits.images, found)


def check_read(reader: Reader, images: np.ndarray, found: np.ndarray) -> None:
    """They are what the model itself makes of the images, but for what rounding explains, digit by digit."""
    each = np.asarray(reader.model(images))
    for image, ours, theirs in zip(images, each, found, strict=True):
        agreement.compare("reader", reader.model, image[None], ours[None], theirs[None])


def test_a_digit_read_in_the_place_of_another_is_seen(mnist: data.Dataset) -> None:
    reader, images = Reader(NETWORK), mnist.test.images[:3]
    with pytest.raises(RunError, match="farther apart than rounding explains"):
        check_read(reader, images, np.asarray(reader.model(images[::-1])))


def test_weights_taken_are_those_read_with(mnist: data.Dataset) -> None:
    one, other, digits = Reader(NETWORK), Reader(NETWORK), mnist.test.take(np.arange(20))
    assert not np.array_equal(one.read(digits).probabilities, other.read(digits).probabilities)
    other.take(one.model.get_weights())
    assert np.array_equal(one.read(digits).probabilities, other.read(digits).probabilities)


def test_shifted_reading_is_the_mean_over_nine_places(mnist: data.Dataset) -> None:
    reader, digits = Reader(NETWORK), mnist.test.take(np.arange(6))
    seen = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            images = np.zeros_like(digits.images)
            for row in range(28):
                for column in range(28):
                    if 0 <= row - down < 28 and 0 <= column - right < 28:
                        images[:, row, column] = digits.images[:, row - down, column - right]
            seen.append(reader.read(Digits(images, digits.labels)).probabilities.astype(float))
    found = reader.read(digits, shifts=True).probabilities
    assert np.array_equal(found, np.mean(seen, axis=0).astype(np.float32))
    assert not np.array_equal(found, seen[4])
