"""Calibration and confusion are those of the formulas, counted by hand."""

import numpy as np
import pytest

from training.calibration import BINS, Bin, confusion, expected_error, reliability, summarise


def read(*readings: tuple[int, float]) -> np.ndarray:
    """Probabilities of digits that are read as the first with the second; the others share the rest."""
    rows = []
    for digit, confidence in readings:
        row = np.full(10, (1 - confidence) / 9)
        row[digit] = confidence
        rows.append(row)
    return np.array(rows)


def test_a_digit_is_in_the_bin_that_ends_at_its_confidence() -> None:
    found = reliability(read((3, 0.25), (3, 1.0), (4, 1.0), (5, 0.97)), np.array([3, 3, 9, 5]))
    assert [one.digits for one in found] == [0, 0, 0, 1, *[0] * 10, 3]
    assert found[3] == Bin(3 / BINS, 4 / BINS, 1, 0.25, 1.0)
    assert (found[-1].low, found[-1].high) == ((BINS - 1) / BINS, 1.0)
    assert found[-1].accuracy == 2 / 3
    assert found[-1].confidence == np.mean([1.0, 1.0, 0.97])


@pytest.mark.parametrize("number", range(1, BINS + 1))
def test_the_end_of_a_bin_belongs_to_it(number: int) -> None:
    """The test is on thirds of 1, where 15 times the end is a whole number in floats."""
    probabilities = np.zeros((1, 10))
    probabilities[0, 0] = number / BINS
    found = reliability(probabilities, np.array([0]))
    assert [one.digits for one in found].index(1) == number - 1


def test_a_probability_that_rounding_leaves_above_one_is_in_the_last_bin() -> None:
    probabilities = read((3, 1.0)).astype(np.float32)
    probabilities[0, 3] = np.nextafter(np.float32(1), np.float32(2))
    assert reliability(probabilities, np.array([3]))[-1].digits == 1


def test_expected_error_is_the_mean_gap_over_digits() -> None:
    bins = [Bin(0, 0.5, 3, 0.5, 0.25), Bin(0.5, 1, 1, 0.75, 1.0), Bin(0, 0, 0, 0.0, 0.0)]
    assert expected_error(bins) == (3 * 0.25 + 1 * 0.25) / 4


@pytest.mark.parametrize(("right", "error"), [(3, 0.0), (4, 0.25), (0, 0.75)])
def test_who_is_as_sure_as_right_has_no_error(right: int, error: float) -> None:
    labels = np.where(np.arange(4) < right, 7, 8)
    assert expected_error(reliability(read(*[(7, 0.75)] * 4), labels)) == error


def test_confusion_has_truth_in_rows() -> None:
    found = confusion(read((1, 0.9), (1, 0.9), (7, 0.9), (2, 0.9)), np.array([1, 7, 7, 2]))
    expected = np.zeros((10, 10), int)
    expected[[1, 7, 7, 2], [1, 1, 7, 2]] = 1
    assert np.array_equal(found, expected)


def test_summary_leaves_out_empty_bins() -> None:
    said = summarise(read((1, 0.9)), np.array([1]))
    (one,) = said["calibration"]["bins"]
    assert (one["digits"], one["confidence"], one["accuracy"]) == (1, 0.9, 1.0)
    assert np.sum(said["confusion"]) == 1
