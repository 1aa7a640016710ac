"""A checkpoint is whole or not there, goes on exactly where it was, and is refused by any other training."""

import errno
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from training import data
from training.checkpoint import NAME, Keeper
from training.errors import DataError, RunError, UsageError
from training.fitting import Execution, Fit
from training.recipes import RECIPES, Augmentation, Network, Recipe
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RECIPE = replace(
    RECIPES["fast"],
    network=Network((Convolution(4, 5),), dense=8, dropout=0.25, normalise=True),
    epochs=3,
    batch_size=16,
    augmentation=Augmentation(1, 10, 0.1),
    ema=0.9,
    patience=2,
    precision="float32",
)


def fit(mnist: data.Dataset, recipe: Recipe = RECIPE, seed: int = 0) -> Fit:
    training, validation = mnist.training.take(np.arange(100)), mnist.training.take(np.arange(100, 130))
    return Fit(recipe, Execution(chunk=4), seed, training, validation)


def keeper(folder: Path, made: Fit, seed: int = 0, seconds: float = 0.0) -> Keeper:
    return Keeper(folder, made, {"recipe": asdict(made.recipe), "seed": seed}, seconds)


def advance(made: Fit, chunks: int) -> None:
    for _ in range(chunks):
        made.advance(lambda _: None)


def outcome(made: Fit) -> list[object]:
    """Weights and figures of a training, but for times."""
    weights = [weight.tobytes() for weight in made.finish().model.get_weights()]
    return [*weights, *({**row, "seconds": 0} for row in made.progress.rows)]


@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
def test_a_training_goes_on_to_the_same_end(chunks: int, mnist: data.Dataset, tmp_path: Path) -> None:
    """In mid-epoch and between two; with all that has a state: Adam, averages, normalisation, dropout, patience."""
    whole = fit(mnist)
    advance(whole, chunks)
    keeper(tmp_path, whole).keep()
    advance(whole, 6 - chunks)
    resumed = fit(mnist)
    advance(resumed, 1)  # where it is does not matter
    assert keeper(tmp_path, resumed).resume()
    assert resumed.progress.step == [0, 4, 6, 10][chunks]
    advance(resumed, 6 - chunks)
    assert whole.done
    assert resumed.done
    assert outcome(resumed) == outcome(whole)


def test_without_its_state_it_would_go_on_to_another_end(mnist: data.Dataset) -> None:
    """So the test above can fail."""
    whole, resumed = fit(mnist), fit(mnist)
    advance(whole, 6)
    advance(resumed, 1)
    resumed.progress.step = 0
    resumed.progress.losses, resumed.progress.right = [], []
    advance(resumed, 6)
    assert outcome(resumed) != outcome(whole)


def test_there_may_be_none(mnist: data.Dataset, tmp_path: Path) -> None:
    made = keeper(tmp_path, fit(mnist))
    assert not made.resume()
    made.discard()
    made.keep()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    made.discard()
    assert list(tmp_path.iterdir()) == []


def test_it_is_written_in_its_time_or_when_asked_for(mnist: data.Dataset, tmp_path: Path) -> None:
    made = keeper(tmp_path / "new" / "folder", fit(mnist), seconds=3600)
    made.keep()
    assert list(tmp_path.iterdir()) == []
    made.keep(now=True)
    assert (tmp_path / "new" / "folder" / NAME).is_file()


@pytest.mark.parametrize(
    ("recipe", "seed", "difference"),
    [
        (replace(RECIPE, batch_size=17), 0, "recipe.batch_size is 16 there, 17 here"),
        (replace(RECIPE, network=replace(RECIPE.network, dense=9)), 0, "recipe.network.dense is 8 there, 9 here"),
        (RECIPE, 1, "seed is 0 there, 1 here"),
    ],
)
def test_one_of_another_training_is_refused(
    recipe: Recipe, seed: int, difference: str, mnist: data.Dataset, tmp_path: Path
) -> None:
    keeper(tmp_path, fit(mnist)).keep()
    with pytest.raises(UsageError) as caught:
        keeper(tmp_path, fit(mnist, recipe, seed), seed).resume()
    assert str(caught.value) == f"--resume: {tmp_path / NAME} is of another training: {difference}"


def damaged(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 1])
    half, bit = content[:middle], content[:middle] + flipped + content[middle + 1 :]
    return {"empty": b"", "cut": half, "bit": bit, "text": b"not a checkpoint"}[how]


@pytest.mark.parametrize("how", ["empty", "cut", "bit", "text"])
def test_a_damaged_one_is_told(how: str, mnist: data.Dataset, tmp_path: Path) -> None:
    made = keeper(tmp_path, fit(mnist))
    made.keep()
    (tmp_path / NAME).write_bytes(damaged((tmp_path / NAME).read_bytes(), how))
    with pytest.raises(DataError) as caught:
        made.resume()
    assert str(caught.value).startswith(f"{tmp_path / NAME}: expected a whole checkpoint: ")
    assert str(caught.value).endswith("; without --resume the training starts anew")


def test_a_full_disk_is_told_and_leaves_the_one_before(
    mnist: data.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fit(mnist)
    keeper(tmp_path, made).keep()
    before = (tmp_path / NAME).read_bytes()
    advance(made, 1)

    def full(file: object, **_: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(RunError) as caught:
        keeper(tmp_path, made).keep()
    assert str(caught.value) == f"cannot write the checkpoint {tmp_path / NAME}: No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == before
