"""A compiled step is a step: Adam on the smoothed cross-entropy, in portions of any length; the average; the state.

On the backend that the environment names: `test_backends` runs this file once more on JAX. That gradients are right is
said there too.
"""

import contextlib
import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest

from numeric.rounding import gamma, softmax_cross_entropy_bound
from training import backends, data
from training.course import Course, Portion
from training.data import CLASSES, Digits
from training.errors import UsageError
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


def loop(recipe: Recipe, digits: Digits) -> Loop:
    backend = backends.current()
    keras.utils.set_random_seed(0)
    made: Loop = backend.Loop(recipe, digits, xla=backend.uses_xla("auto"))
    return made


def ran(made: Loop, course: Course, *cuts: int) -> list[np.ndarray]:
    """Losses and shares right of the steps from the first cut to the last, in portions between the cuts."""
    parts = [made.run(course.portion(first, last)) for first, last in itertools.pairwise(cuts)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def same(left: dict, right: dict) -> bool:
    return set(left) == set(right) and all(np.array_equal(left[name], right[name]) for name in left)


class Moments:
    """What Adam with memories of 1/2 keeps of the model's trainable weights, as float64: its means and its squares."""

    def __init__(self, made: Loop) -> None:
        state = {name: array.astype(float) for name, array in made.state().items()}
        count = len(made.model.trainable_variables)
        self.weights = [state[f"model/{n}"] for n, v in enumerate(made.model.variables) if v.trainable]
        self.means = [state[f"optimizer/{2 + 2 * number}"] for number in range(count)]
        self.squares = [state[f"optimizer/{3 + 2 * number}"] for number in range(count)]


def check_adam(before: Moments, after: Moments, rate: float, step: int) -> None:
    """A step of Adam leads from one to the other, at that learning rate, in float32.

    With memories of 1/2 the mean is `m + (g - m) / 2`, of two roundings, from which g follows; the square likewise, of
    three. The change of a weight is a root of the share that is known of squares, over that of means (which are exact:
    1 - 2**-step), times rate and mean, over a root and a sum: nine roundings; with the change itself it is ten.
    """
    share = 1 - 0.5**step
    for number, mean in enumerate(after.means):
        m, v, square = before.means[number], before.squares[number], after.squares[number]
        g = 2 * mean - m
        off = 2 * gamma(3, np.float32) * (abs(g) + abs(m))
        expected = (v + g**2) / 2
        assert (abs(square - expected) <= off * (2 * abs(g) + off) + gamma(3, np.float32) * (g**2 + v)).all()
        change = rate * np.sqrt(share) / share * mean / (np.sqrt(square) + 1e-7)
        moved = after.weights[number] - (before.weights[number] - change)
        assert (abs(moved) <= gamma(10, np.float32) * (abs(change) + abs(before.weights[number]))).all()


def adams(digits: Digits) -> list[tuple[Moments, Moments, float, int]]:
    """What `check_adam` is to be told of the first six steps."""
    recipe = replace(RECIPE, optimizer=replace(RECIPE.optimizer, beta_1=0.5, beta_2=0.5))
    made, course = loop(recipe, digits), Course(recipe, len(digits), 0)
    found = []
    for step in range(6):
        before, portion = Moments(made), course.portion(step, step + 1)
        made.run(portion)
        found.append((before, Moments(made), float(portion.rates[0]), step + 1))
    return found


def test_steps_are_adams(digits: Digits) -> None:
    for seen in adams(digits):
        check_adam(*seen)


def test_a_learning_rate_or_a_count_that_is_off_is_seen(digits: Digits) -> None:
    for before, after, rate, step in adams(digits)[1:]:  # at first the rate is 0
        for wrong in ((rate * 1.001, step), (rate, step + 1)):
            with pytest.raises(AssertionError):
                check_adam(before, after, *wrong)


def test_the_loss_goes_down(digits: Digits) -> None:
    recipe = replace(RECIPE, epochs=20)
    losses, _ = ran(loop(recipe, digits), Course(recipe, len(digits), 0), *range(0, 121, 6))
    assert losses[-6:].max() < losses[:6].min()


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
    """A step of it rounds four times."""
    made, course = loop(FULL, digits), Course(FULL, len(digits), 0)
    expected = [weight.astype(float) for weight in made.model.get_weights()]
    bound = [np.zeros_like(weight) for weight in expected]
    for step in range(5):
        portion = course.portion(step, step + 1)
        made.run(portion)
        keep = float(portion.decays[0])
        weights = made.model.get_weights()
        sizes = [keep * (abs(e) + b) + (1 - keep) * abs(w) for e, b, w in zip(expected, bound, weights, strict=True)]
        bound = [keep * b + gamma(4, np.float32) * size for b, size in zip(bound, sizes, strict=True)]
        expected = [keep * e + (1 - keep) * w for e, w in zip(expected, weights, strict=True)]
    found = made.weights()
    assert len(found) == len(made.model.weights) == 2 * (1 + 4) + 2 * 2  # kernel and normalisation; dense
    for average, weight, off in zip(expected, found, bound, strict=True):
        assert (abs(weight - average) <= off).all()
    assert not all(map(np.array_equal, found, made.model.get_weights()))


def test_weights_to_read_with_are_the_models_own_without_an_average(digits: Digits) -> None:
    made = loop(RECIPE, digits)
    ran(made, Course(RECIPE, len(digits), 0), 0, 3)
    assert all(map(np.array_equal, made.weights(), made.model.get_weights()))


def test_smoothed_targets_have_the_loss_of_the_formula(digits: Digits) -> None:
    """All images have the same exact logits, the last layer's biases, as its weights are 0.

    The loss of an image is off by the bound; mean and targets round some more, as many times as there are numbers.
    """
    recipe = replace(RECIPE, label_smoothing=0.25)
    made, portion = loop(recipe, digits), Course(recipe, len(digits), 0).portion(0, 1)
    logits = np.arange(CLASSES, dtype=np.float32) / 4
    kernel, bias = made.model.weights[-2:]
    kernel.assign(np.zeros(kernel.shape, np.float32))
    bias.assign(logits)
    target = (0.75 * np.eye(CLASSES) + 0.25 / CLASSES)[digits.labels[portion.order[0]]]
    rows = np.tile(logits, (len(target), 1))
    exact = rows.astype(float)
    losses = -(target * (exact - np.log(np.exp(exact).sum(axis=1, keepdims=True)))).sum(axis=1)
    off = softmax_cross_entropy_bound(rows, target.astype(np.float32))
    bound = off.mean() + gamma(len(target) + 2, np.float32) * (losses + off).mean()
    assert abs(made.run(portion)[0][0] - losses.mean()) <= bound
    assert bound < 0.01 * abs(losses - losses.mean()).max()  # another target is seen


def one(images: int, warps: np.ndarray | None = None) -> Portion:
    """A step of the first images, in order."""
    none = np.empty((images, 0, 0), np.float32)
    rate = np.zeros(1, np.float32)
    return Portion(np.arange(images, dtype=np.int32)[None], (none if warps is None else warps)[None], rate, rate)


def test_images_are_moved_by_the_warps_of_the_portion(digits: Digits) -> None:
    """By a whole number of pixels, each its own, which is exact: as if they had been so from the start."""
    moved = np.zeros_like(digits.images[:16])
    for number, (image, source) in enumerate(zip(moved, digits.images, strict=False)):
        image[: 28 - number] = source[number:]
    warps = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (16, 1, 1))
    warps[:, 0, 2] = np.arange(16)
    found = loop(replace(RECIPE, augmentation=Augmentation(shift=1)), digits).run(one(16, warps))
    expected = loop(RECIPE, Digits(moved, digits.labels[:16])).run(one(16))
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, loop(RECIPE, digits).run(one(16)))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_other_precisions_learn_the_same_digits(precision: str, digits: Digits) -> None:
    recipe = replace(RECIPE, precision=precision, epochs=20)
    made = loop(recipe, digits)
    types = {layer.name: layer.compute_dtype for layer in made.model.layers}
    assert {types.pop("digit"), types.pop("probability")} == {"float32"}
    assert set(types.values()) == {precision}
    assert {variable.dtype for variable in made.model.trainable_variables} == {"float32"}
    losses, _ = ran(made, Course(recipe, len(digits), 0), *range(0, 121, 6))
    exact, _ = ran(loop(RECIPE, digits), Course(recipe, len(digits), 0), 0, 1)
    assert losses[0] != exact[0]  # it is another arithmetic
    assert losses[-6:].max() < losses[:6].min()


def test_a_batch_that_devices_cannot_share_is_told(digits: Digits) -> None:
    class Shared(Loop):
        def _run(self, _: Portion) -> tuple[np.ndarray, np.ndarray]:
            raise AssertionError("it was made")

    with pytest.raises(UsageError) as caught:
        Shared(RECIPE, 16, 3, contextlib.nullcontext())
    assert str(caught.value) == (
        "--batch-size: expected a multiple of 3, the devices that share a batch, got 16; 15 is the nearest, and "
        "--devices says how many are used"
    )
