"""Reading marks what a model read: each image once, in the right order, at nine places if asked to."""

import numpy as np
import pytest

from training import data
from training.data import Digits
from training.reading import Reader, mark
from training.recipes import Network
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NETWORK = Network((Convolution(4, 5),), dense=8)


def test_marks_are_those_of_the_formulas() -> None:
    probabilities = np.full((4, 10), 0.05, np.float32)
    probabilities[[0, 1, 2, 3], [3, 1, 5, 7]] = 0.55
    reading = mark(Digits(np.zeros((4, 28, 28), np.uint8), np.array([3, 1, 6, 7], np.uint8)), probabilities)
    assert reading.accuracy == 0.75
    np.testing.assert_allclose(reading.loss, -(3 * np.log(0.55) + np.log(0.05)) / 4, rtol=1e-6)


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    nothing = np.zeros((1, 10), np.float32)
    assert np.isfinite(mark(Digits(np.zeros((1, 28, 28), np.uint8), np.array([3], np.uint8)), nothing).loss)


def test_portions_come_in_order_and_the_last_may_be_smaller(mnist: data.Dataset) -> None:
    reader = Reader(NETWORK)
    digits = mnist.test.take(np.arange(1010))
    expected = np.asarray(reader.model(digits.images))
    np.testing.assert_allclose(reader.read(digits).probabilities, expected, rtol=1e-5, atol=1e-7)


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
            seen.append(np.asarray(reader.model(images)))
    found = reader.read(digits, shifts=True).probabilities
    np.testing.assert_allclose(found, np.mean(seen, axis=0), rtol=1e-5, atol=1e-7)
    assert not np.allclose(found, reader.read(digits).probabilities, rtol=1e-3)
