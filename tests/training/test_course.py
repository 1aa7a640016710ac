"""What each step gets: every image once an epoch, the same draws whenever they are asked for, the schedule."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from numeric.rounding import gamma
from training.course import Course, drawn_warps
from training.recipes import RECIPES, Adam, Augmentation

RECIPE = replace(RECIPES["balanced"], epochs=3, batch_size=8)


def test_every_image_is_seen_at_most_once_an_epoch_and_what_is_left_out_changes() -> None:
    course = Course(RECIPE, images=43, seed=5)
    assert (course.batch, course.steps_per_epoch, course.steps) == (8, 5, 15)
    left_out = []
    for epoch in range(3):
        order = course.portion(5 * epoch, 5 * epoch + 5).order
        assert order.shape == (5, 8)
        assert len(np.unique(order)) == 40
        left_out.append(frozenset(range(43)) - set(order.flat))
    assert len(set(left_out)) == 3


def test_a_batch_larger_than_the_data_is_all_of_it() -> None:
    course = Course(RECIPE, images=5, seed=0)
    assert (course.batch, course.steps_per_epoch) == (5, 1)
    assert sorted(course.portion(2, 3).order[0]) == [0, 1, 2, 3, 4]


def test_any_portion_can_be_drawn_again_on_its_own() -> None:
    """Whatever was asked for before: so a resumed training sees what the first would have seen."""
    whole = Course(RECIPE, images=40, seed=1).portion(5, 10)
    course = Course(RECIPE, images=40, seed=1)
    course.portion(0, 5)
    last = course.portion(8, 10)
    for name in ("order", "warps", "rates", "decays"):
        assert np.array_equal(getattr(last, name), getattr(whole, name)[3:])
    other = Course(RECIPE, images=40, seed=2).portion(5, 10)
    assert not np.array_equal(other.order, whole.order)
    assert not np.array_equal(other.warps, whole.warps)


def rates(adam: Adam, images: int, batch_size: int, epochs: int) -> list[float]:
    course = Course(replace(RECIPE, optimizer=adam, epochs=epochs, batch_size=batch_size), images, seed=0)
    return [course.rate(step) for step in range(course.steps + 1)]


def test_one_cycle_rises_to_its_peak_and_falls_to_zero() -> None:
    found = rates(Adam(0.5, warmup=0.25), images=100, batch_size=10, epochs=2)
    assert len(found) == 21
    assert found[:6] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert sorted(found[5:], reverse=True) == found[5:]
    assert found[-1] == 0


def test_rate_is_constant_without_warmup() -> None:
    assert rates(Adam(0.5), images=4, batch_size=2, epochs=1) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("images", [1, 2, 9])
def test_schedule_of_a_handful_of_steps_is_finite(images: int) -> None:
    assert np.isfinite(rates(Adam(0.01, warmup=0.25), images=images, batch_size=4, epochs=1)).all()


def test_the_average_forgets_the_first_weights_soon_and_then_decays_as_the_recipe_says() -> None:
    decays = Course(replace(RECIPE, ema=0.5, epochs=4), images=40, seed=0).portion(0, 5).decays
    np.testing.assert_array_equal(decays[:2], np.float32([1 / 10, 2 / 11]))
    assert Course(replace(RECIPE, ema=0.5), images=160, seed=0).portion(0, 20).decays.max() == 0.5
    assert not Course(replace(RECIPE, ema=0.0), images=40, seed=0).portion(0, 5).decays.any()


def test_no_warps_are_drawn_without_augmentation() -> None:
    assert Course(replace(RECIPE, augmentation=Augmentation()), 40, 0).portion(0, 2).warps.shape == (2, 8, 0, 0)


class Corners:
    """Draws the ends of the range and its middle, in all combinations."""

    def uniform(self, low: float, high: float, shape: tuple[int, int]) -> np.ndarray:
        """Return them as a generator of NumPy's would."""
        assert (low, high) == (-1, 1)
        drawn = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=shape[0]))).T
        assert drawn.shape == shape
        return drawn


@pytest.mark.parametrize(
    ("augmentation", "limits"),
    [
        (Augmentation(shift=2.0), [[1, 0, 2], [0, 1, 2]]),
        (Augmentation(rotation=30.0), [[1, 0.5, 0], [0.5, 1, 0]]),
        (Augmentation(scale=0.2), [[1.25, 0, 0], [0, 1.25, 0]]),
        (Augmentation(shift=1.5, scale=0.5), [[2, 0, 1.5], [0, 2, 1.5]]),
    ],
)
def test_warps_reach_as_far_as_the_recipe_says_and_no_further(augmentation: Augmentation, limits: list) -> None:
    maps, reach = drawn_warps(augmentation, 4000, np.random.default_rng(0)), np.array(limits, np.float32)
    assert maps.dtype == np.float32
    assert (abs(maps) <= reach).all()
    assert (np.linalg.det(maps[:, :, :2].astype(float)) > 0).all()
    ends = drawn_warps(augmentation, 81, Corners())
    assert np.array_equal(abs(ends).max(axis=0), reach)
    assert np.array_equal(ends.max(axis=0)[:, 2], -ends.min(axis=0)[:, 2])  # to either side


def test_rotations_do_not_stretch() -> None:
    """Off by the rounding of each entry to float32, which its square doubles."""
    linear = drawn_warps(Augmentation(rotation=180.0), 4000, np.random.default_rng(0))[:, :, :2].astype(float)
    found = linear @ linear.transpose(0, 2, 1)
    assert (abs(found - np.eye(2)) <= gamma(2, np.float32) * np.eye(2)).all()
    assert (linear[:, 0, 0] < 0).any()


def test_scales_do_not_turn() -> None:
    linear = drawn_warps(Augmentation(scale=0.5), 4000, np.random.default_rng(0))[:, :, :2]
    assert np.array_equal(linear, linear[:, :1, :1] * np.eye(2, dtype=np.float32))
