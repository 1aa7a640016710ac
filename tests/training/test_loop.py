"""A compiled step is a step: Adam on the smoothed cross-entropy, in portions of any length; the average; the state."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from training import data
from training.course import Course
from training.data import Digits
from training.loop import Loop
from training.recipes import RECIPES, Augmentation, Network, Recipe
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SMALL = Network((Convolution(4, 5), Convolution(6, 3)), dense=8)
RECIPE = replace(RECIPES["fast"], network=SMALL, epochs=2, batch_size=16, precision="float32")
FULL = replace(
    RECIPE,
    network=replace(SMALL, normalise=True, dropout=0.25),
    augmentation=Augmentation(1, 10, 0.1),
    label_smoothing=0.1,
    ema=0.9,
)


@pytest.fixture(scope="module")
def digits(mnist: data.Dataset) -> Digits:
    return mnist.training.take(np.arange(100))


def loop(recipe: Recipe, digits: Digits, *, xla: bool = False) -> Loop:
    keras.utils.set_random_seed(0)
    return Loop(recipe, digits, tf.distribute.get_strategy(), xla=xla)


def ran(made: Loop, course: Course, *cuts: int) -> list[np.ndarray]:
    """Losses and shares right of the steps from the first cut to the last, in portions between the cuts."""
    parts = [made.run(course.portion(first, last)) for first, last in itertools.pairwise(cuts)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def same(left: dict, right: dict) -> bool:
    return set(left) == set(right) and all(np.array_equal(left[name], right[name]) for name in left)


def test_steps_are_those_of_keras_own_training(digits: Digits) -> None:
    """The same weights and batches through `train_on_batch`, in float32: as close as its rounding leaves them."""
    made, course = loop(RECIPE, digits), Course(RECIPE, len(digits), 0)
    model = keras.models.clone_model(made.model)
    model.set_weights(made.model.get_weights())
    adam = RECIPE.optimizer
    optimizer = keras.optimizers.Adam(1.0, beta_1=adam.beta_1, beta_2=adam.beta_2)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    portion = course.portion(0, 6)
    losses, right = made.run(portion)
    for step, order in enumerate(portion.order):
        optimizer.learning_rate = portion.rates[step]
        model.reset_metrics()
        loss, accuracy = model.train_on_batch(digits.images[order], digits.labels[order])
        np.testing.assert_allclose(losses[step], loss, rtol=1e-4)
        assert right[step] == pytest.approx(float(accuracy))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("recipe", [RECIPE, FULL], ids=["plain", "full"])
def test_how_steps_are_cut_into_portions_changes_nothing(recipe: Recipe, digits: Digits) -> None:
    course = Course(recipe, len(digits), 0)
    one, other = loop(recipe, digits), loop(recipe, digits)
    left, right = ran(one, course, 0, 6, 12), ran(other, course, 0, 1, 4, 6, 7, 12)
    assert all(map(np.array_equal, left, right))
    assert same(one.state(), other.state())


@pytest.mark.parametrize("recipe", [RECIPE, FULL], ids=["plain", "full"])
def test_the_state_is_all_that_the_next_steps_depend_on(recipe: Recipe, digits: Digits) -> None:
    course = Course(recipe, len(digits), 0)
    one, other = loop(recipe, digits), loop(recipe, digits)
    ran(one, course, 0, 3)
    state = one.state()
    ran(other, course, 6, 9)  # elsewhere, for a while
    other.restore(state)
    assert all(map(np.array_equal, ran(one, course, 3, 6), ran(other, course, 3, 6)))
    assert same(one.state(), other.state())
    assert not same(one.state(), state)


def test_compiling_leaves_the_state_as_it_was(digits: Digits) -> None:
    made = loop(FULL, digits)
    before = made.state()
    made.compile(Course(FULL, len(digits), 0))
    assert same(made.state(), before)


def test_weights_to_read_with_are_the_running_average_of_all_of_them(digits: Digits) -> None:
    made, course = loop(FULL, digits), Course(FULL, len(digits), 0)
    expected = [weight.astype(float) for weight in made.model.get_weights()]
    for step in range(5):
        portion = course.portion(step, step + 1)
        made.run(portion)
        keep = float(portion.decays[0])
        expected = [keep * e + (1 - keep) * w for e, w in zip(expected, made.model.get_weights(), strict=True)]
    found = made.weights()
    assert len(found) == len(made.model.weights) == 2 * (1 + 4) + 2 * 2  # kernel and normalisation; dense
    for average, weight in zip(expected, found, strict=True):
        np.testing.assert_allclose(weight, average, rtol=1e-5, atol=1e-6)
    assert not all(map(np.array_equal, found, made.model.get_weights()))


def test_weights_to_read_with_are_the_models_own_without_an_average(digits: Digits) -> None:
    made = loop(RECIPE, digits)
    ran(made, Course(RECIPE, len(digits), 0), 0, 3)
    assert all(map(np.array_equal, made.weights(), made.model.get_weights()))


def test_smoothed_targets_have_the_loss_of_the_formula(digits: Digits) -> None:
    recipe = replace(RECIPE, label_smoothing=0.2)
    made, portion = loop(recipe, digits), Course(recipe, len(digits), 0).portion(0, 1)
    order = portion.order[0]
    logs = np.log(np.asarray(made.model(digits.images[order]), float))
    target = 0.8 * np.eye(10)[digits.labels[order]] + 0.2 / 10
    np.testing.assert_allclose(made.run(portion)[0][0], -(target * logs).sum(axis=1).mean(), rtol=1e-5)


def test_images_are_moved_by_the_warps_of_the_portion(digits: Digits) -> None:
    """All of them off the picture: what is left is paper, alike for all, and its loss is that of paper."""
    recipe = replace(RECIPE, augmentation=Augmentation(shift=1))
    made, portion = loop(recipe, digits), Course(recipe, len(digits), 0).portion(0, 1)
    portion.warps[..., 2] = 1000
    paper = np.asarray(made.model(np.zeros((1, 28, 28), np.uint8)), float)[0]
    expected = -np.log(paper[digits.labels[portion.order[0]]]).mean()
    np.testing.assert_allclose(made.run(portion)[0][0], expected, rtol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_other_precisions_learn_the_same_digits(precision: str, digits: Digits) -> None:
    recipe = replace(RECIPE, precision=precision, epochs=20)
    losses, _ = ran(loop(recipe, digits), Course(recipe, len(digits), 0), *range(0, 121, 6))
    exact, _ = ran(loop(RECIPE, digits), Course(recipe, len(digits), 0), *range(0, 7, 6))
    assert losses[0] != exact[0]  # it is another arithmetic
    np.testing.assert_allclose(losses[0], exact[0], rtol=2**-6)  # of a few bits less
    assert losses[-6:].mean() < 0.2 * losses[0]


def test_xla_takes_the_same_steps(digits: Digits) -> None:
    course = Course(RECIPE, len(digits), 0)
    (found, _), (expected, _) = (
        ran(loop(RECIPE, digits, xla=True), course, 0, 4),
        ran(loop(RECIPE, digits), course, 0, 4),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)
