"""Several seeds together: the figures of the textbook."""

from training.statistics import together


def summary(seed: int, accuracy: float, **more: float) -> dict:
    same = {"device": "d", "versions": {"v": "1"}, "recipe": {"name": "r"}, "data": {"source": "s"}}
    return {"seed": seed, "test_accuracy": accuracy, "seconds_train": float(seed), **same, **more}


def test_mean_deviation_and_binomial_error() -> None:
    found = together([summary(3, 0.25), summary(4, 0.5), summary(5, 0.75)], test_images=64)
    expected = {"mean": 0.5, "standard_deviation": 0.25, "least": 0.25, "greatest": 0.75}  # sqrt((1 + 0 + 1) / 16 / 2)
    assert found["test_accuracy"] == expected
    assert found["seconds_train"]["mean"] == 4
    assert found["binomial_error"] == 0.0625  # sqrt(0.5 * 0.5 / 64)
    assert found["seeds"] == [3, 4, 5]
    assert found["recipe"] == {"name": "r"}
    assert found["device"] == "d"
    assert "test_accuracy_shifts" not in found


def test_each_device_is_named() -> None:
    """Seeds that were finished before may come from elsewhere."""
    there = {**summary(1, 0.5), "device": "e"}
    assert together([summary(0, 0.5), there, summary(2, 0.5)], test_images=4)["device"] == "d; e"


def test_shifted_readings_are_kept_apart() -> None:
    two = [summary(seed, 0.5, test_accuracy_shifts=shifted) for seed, shifted in ((0, 0.25), (1, 0.75))]
    found = together(two, test_images=100)
    assert found["test_accuracy"]["mean"] == 0.5
    assert found["test_accuracy_shifts"]["least"] == 0.25
    found = together([*two, summary(2, 0.5)], test_images=100)  # not all of them have it: there is no mean
    assert "test_accuracy_shifts" not in found
