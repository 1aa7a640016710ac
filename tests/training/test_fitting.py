"""Epochs, chunks and the early end: what a training does between its steps."""

from dataclasses import replace

import numpy as np
import pytest

from training import data
from training.errors import RunError
from training.fitting import Execution, Fit, Row
from training.reading import Reader, Reading
from training.recipes import RECIPES, Network, Recipe
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RECIPE = replace(
    RECIPES["fast"], network=Network((Convolution(4, 5),), dense=8), epochs=6, batch_size=16, precision="float32"
)


def fit(mnist: data.Dataset, recipe: Recipe, chunk: int = 3) -> Fit:
    training, validation = mnist.training.take(np.arange(100)), mnist.training.take(np.arange(100, 130))
    return Fit(recipe, Execution(chunk=chunk), 0, training, validation)


def finished(made: Fit) -> list[Row]:
    """Do all chunks; return the rows as they were told."""
    told: list[Row] = []
    while not made.done:
        made.advance(told.append)
    return told


def test_chunks_end_where_epochs_do(mnist: data.Dataset) -> None:
    made, steps = fit(mnist, RECIPE, chunk=4), []
    while not made.done:
        made.advance(lambda _: None)
        steps.append(made.progress.step)
    assert steps == [4, 6, 10, 12, 16, 18, 22, 24, 28, 30, 34, 36]


def test_figures_do_not_depend_on_the_chunk(mnist: data.Dataset) -> None:
    one, other = finished(fit(mnist, RECIPE, chunk=1)), finished(fit(mnist, RECIPE, chunk=100))
    assert [{**row, "seconds": 0} for row in one] == [{**row, "seconds": 0} for row in other]
    assert [row["epoch"] for row in one] == [1, 2, 3, 4, 5, 6]


def losing(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Have the validation images read with these losses, one after the other."""
    coming = iter(losses)
    monkeypatch.setattr(Reader, "read", lambda *_: Reading(next(coming), 0.5, np.zeros((0, 10), np.float32)))


@pytest.mark.parametrize(
    ("patience", "losses", "epochs", "best"),
    [
        (2, [3, 2, 1, 1, 1, 0], 5, 2),  # as good as the best is no better
        (2, [3, 2, 2.5, 1, 1.5, 1.2], 6, 3),
        (1, [1, 2, 0, 0, 0, 0], 2, 0),
        (6, [1, 2, 2, 2, 2, 2], 6, 0),
    ],
)
def test_patience_ends_it_with_the_best_weights(
    patience: int, losses: list[float], epochs: int, best: int, mnist: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing(monkeypatch, losses)
    made, weights = fit(mnist, replace(RECIPE, patience=patience)), []
    while not made.done:
        made.advance(lambda _: weights.append(made.loop.weights()))
    assert len(made.progress.rows) == epochs
    assert made.progress.best_epoch == best
    assert all(map(np.array_equal, made.finish().model.get_weights(), weights[best]))


def test_without_patience_the_last_weights_are_the_final_ones(
    mnist: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing(monkeypatch, [0, 1, 2, 3, 4, 5])
    made = fit(mnist, RECIPE)
    assert len(finished(made)) == 6
    assert all(map(np.array_equal, made.finish().model.get_weights(), made.loop.weights()))


def test_a_lost_loss_is_told_with_its_step(mnist: data.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fit(mnist, RECIPE, chunk=4)
    made.advance(lambda _: None)
    lost = np.array([1, np.nan], np.float32)
    monkeypatch.setattr(made.loop, "run", lambda _: (lost, np.zeros(2, np.float32)))
    with pytest.raises(RunError) as caught:
        made.advance(lambda _: None)
    assert str(caught.value) == "the loss is nan at step 6 of the epoch: is the learning rate too high?"
    assert made.progress.step == 4
