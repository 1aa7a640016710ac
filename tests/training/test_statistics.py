"""Several seeds together: the figures of the textbook."""

import pytest

from training.statistics import together


def summary(seed: int, accuracy: float, **more: float) -> dict:
    same = {"device": "d", "versions": {"v": "1"}, "recipe": {"name": "r"}, "data": {"source": "s"}}
    return {"seed": seed, "test_accuracy": accuracy, "seconds_train": float(seed), **same, **more}


def test_mean_deviation_and_binomial_error() -> None:
    found = together([summary(3, 0.5), summary(4, 0.75), summary(5, 1.0)], test_images=300)
    expected = {"mean": 0.75, "standard_deviation": 0.25, "least": 0.5, "greatest": 1.0}  # sqrt((1 + 0 + 1) / 16 / 2)
    assert found["test_accuracy"] == expected
    assert found["seconds_train"]["mean"] == 4
    assert found["binomial_error"] == pytest.approx(0.025)  # sqrt(0.75 * 0.25 / 300)
    assert found["seeds"] == [3, 4, 5]
    assert found["recipe"] == {"name": "r"}
    assert "test_accuracy_shifts" not in found


def test_shifted_readings_are_kept_apart() -> None:
    two = [summary(seed, 0.5, test_accuracy_shifts=shifted) for seed, shifted in ((0, 0.25), (1, 0.75))]
    found = together(two, test_images=100)
    assert found["test_accuracy"]["mean"] == 0.5
    assert found["test_accuracy_shifts"]["least"] == 0.25
