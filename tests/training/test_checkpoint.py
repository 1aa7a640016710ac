"""A checkpoint is whole or not there, goes on exactly where it was, and is told from all else that may be there."""

import errno
import io
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import data
from training.checkpoint import FORMAT, NAME, Checkpoint, Keeper, read, write
from training.errors import DataError, RunError
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
IDENTITY = {"recipe": {"epochs": 3}, "seed": 0}
SMALL = Checkpoint(
    identity=IDENTITY,
    progress={"step": 2, "rows": [{"epoch": 1, "loss": 0.5}], "losses": [0.25], "right": [1.0], "seconds": 0.5},
    state={"model/0": np.arange(6, dtype=np.float32).reshape(2, 3), "optimizer/0": np.array(7)},
    best=[np.ones(2, np.float32), np.zeros((1, 2), np.float32)],
)


def fit(mnist: data.Dataset, recipe: Recipe = RECIPE, seed: int = 0) -> Fit:
    training, validation = mnist.training.take(np.arange(100)), mnist.training.take(np.arange(100, 130))
    return Fit(recipe, Execution(chunk=4), seed, training, validation)


def keeper(folder: Path, made: Fit, seconds: float = 0.0) -> Keeper:
    return Keeper(folder, made, IDENTITY, seconds)


def advance(made: Fit, chunks: int) -> None:
    for _ in range(chunks):
        made.advance(lambda _: None)


def outcome(made: Fit) -> list[object]:
    """Weights and figures of a training, but for times."""
    weights = [weight.tobytes() for weight in made.finish().model.get_weights()]
    return [*weights, *({**row, "seconds": 0} for row in made.progress.rows)]


@pytest.fixture(scope="module")
def whole(mnist: data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], list[Path]]:
    """What an uninterrupted training comes to, and the folders of its checkpoints before each of its six chunks."""
    made, folders = fit(mnist), [tmp_path_factory.mktemp("before") for _ in range(6)]
    for folder in folders:
        keeper(folder, made).keep()
        advance(made, 1)
    assert made.done
    return outcome(made), folders


@pytest.fixture(scope="module")
def other(mnist: data.Dataset) -> Fit:
    """Another training of that recipe, wherever it is."""
    return fit(mnist)


@pytest.mark.parametrize("chunks", range(6))
def test_a_training_goes_on_to_the_same_end(chunks: int, whole: tuple[list[object], list[Path]], other: Fit) -> None:
    """In mid-epoch and between two; with all that has a state: Adam, averages, normalisation, dropout, patience."""
    expected, folders = whole
    kept = read(folders[chunks] / NAME)
    keeper(folders[chunks], other).restore(kept)
    assert other.progress.step == [0, 4, 6, 10, 12, 16][chunks]
    assert kept.identity == IDENTITY
    advance(other, 6 - chunks)
    assert other.done
    assert outcome(other) == expected


@pytest.mark.parametrize("name", ["model", "optimizer", "average", "seed"])
def test_without_a_part_of_its_state_it_would_go_on_to_another_end(
    name: str, whole: tuple[list[object], list[Path]], other: Fit
) -> None:
    """So the test above can fail."""
    expected, folders = whole
    kept = read(folders[3] / NAME)
    parts = {"seed": lambda key, array: key.startswith("model/") and array.dtype == np.int64}
    lost = parts.get(name, lambda key, _: key.startswith(f"{name}/"))
    changed = {key: array + 1 if lost(key, array) else array for key, array in kept.state.items()}
    assert any(lost(key, array) for key, array in kept.state.items())
    keeper(folders[3], other).restore(replace(kept, state=changed))
    advance(other, 3)
    assert outcome(other) != expected


def test_arrays_of_another_network_are_refused_before_any_change(
    mnist: data.Dataset, whole: tuple[list[object], list[Path]], other: Fit
) -> None:
    kept = read(whole[1][3] / NAME)
    before, progress = other.loop.state(), other.progress
    with pytest.raises(DataError, match=r"npz: expected arrays \{.*\}, got \{.*\}; without --resume the training "):
        keeper(whole[1][3], other).restore(replace(kept, state={**kept.state, "model/0": np.zeros(3)}))
    assert all(np.array_equal(array, before[name]) for name, array in other.loop.state().items())
    assert other.progress is progress


def test_it_is_written_in_its_time_or_when_asked_for(other: Fit, tmp_path: Path) -> None:
    made = keeper(tmp_path / "new" / "folder", other, seconds=3600)
    made.keep()
    assert list(tmp_path.iterdir()) == []
    made.keep(now=True)
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [NAME]
    made.discard()
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    made.discard()


@pytest.mark.parametrize(
    ("error", "text"),
    [(KeyboardInterrupt(), "{where}"), (RunError("no"), "no; {where}"), (KeyError("bug"), "'bug'")],
)
def test_it_is_written_when_what_comes_after_the_last_step_fails(
    error: BaseException, text: str, other: Fit, tmp_path: Path
) -> None:
    made = keeper(tmp_path, other, seconds=3600)
    with pytest.raises(type(error)) as caught, made.on_failure():
        raise error
    step = other.progress.step
    assert str(caught.value) == text.format(where=f"--resume continues after step {step} of 18")
    assert read(tmp_path / NAME).progress["step"] == step


def full(file: object, **_: object) -> None:
    file.write(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_and_leaves_the_one_before(
    other: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keeper(tmp_path, other)
    made.keep()
    before = (tmp_path / NAME).read_bytes()
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(RunError) as caught:
        made.keep()
    assert str(caught.value) == f"cannot write the checkpoint {tmp_path / NAME}: No space left on device"
    with pytest.raises(RunError, match=r"^the first$"), made.on_failure():  # nothing is promised that is not there
        raise RunError("the first")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == before


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small checkpoint, as a file."""
    path = tmp_path_factory.mktemp("small") / NAME
    write(path, SMALL)
    return path.read_bytes()


def same(found: Checkpoint) -> bool:
    arrays = [*found.state.items(), *enumerate(found.best)]
    expected = [*SMALL.state.items(), *enumerate(SMALL.best)]
    plain = found.identity == SMALL.identity and found.progress == SMALL.progress
    return plain and all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in zip(arrays, expected, strict=True))


def message_for(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: expected a ")
    assert str(caught.value).endswith("; without --resume the training starts anew")
    assert "\n" not in str(caught.value)
    return (
        str(caught.value)
        .removeprefix(f"{path}: expected a ")
        .removesuffix("; without --resume the training starts anew")
    )


def test_what_is_written_is_read(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path / NAME) is None
    (tmp_path / NAME).write_bytes(content)
    assert same(read(tmp_path / NAME))


def test_what_a_kill_left_half_written_is_no_obstacle(content: bytes, tmp_path: Path) -> None:
    write(tmp_path / NAME, SMALL)
    (tmp_path / ".unfinished-checkpoint.npz").write_bytes(content[:100])
    assert same(read(tmp_path / NAME))
    write(tmp_path / NAME, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_one_cut_short_anywhere_is_told(content: bytes, tmp_path: Path) -> None:
    for length in range(len(content)):
        assert message_for(tmp_path / NAME, content[:length]).startswith("whole checkpoint: ")


def told(path: Path) -> str:
    """The message if there is one; nothing if what is read is as it was written."""
    try:
        found = read(path)
    except DataError as error:
        return str(error)
    assert same(found)
    return ""


def test_one_with_a_bit_flipped_anywhere_is_told_or_unharmed(content: bytes, tmp_path: Path) -> None:
    """Unharmed where it is in dates and the like, of which the archive keeps no check sums."""
    path, messages = tmp_path / NAME, []
    for place, byte in enumerate(content):
        path.write_bytes(content[:place] + bytes([byte ^ 1 << place % 8]) + content[place + 1 :])
        messages.append(told(path))
    assert all(text.startswith(f"{path}: expected a ") and "\n" not in text for text in messages if text)
    assert len([text for text in messages if text]) > len(content) / 2


def archive(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def headed(**changes: object) -> bytes:
    """An archive with that header and no arrays."""
    progress = {"step": 0, "rows": [], "losses": [], "right": [], "seconds": 0.0}
    header = {"format": FORMAT, "identity": {}, "progress": progress, "arrays": {}, **changes}
    return archive(header=np.frombuffer(json.dumps(header).encode(), np.uint8))


def pickled(*, protocol: int = 4) -> bytes:
    return pickle.dumps({"header": 1}, protocol=protocol)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (b"", "whole checkpoint: File is not a zip file"),
        (b"text", "whole checkpoint: File is not a zip file"),
        (pickled(), "whole checkpoint: File is not a zip file"),
        (archive(x_train=np.zeros(3)), "whole checkpoint: 'header is not a file in the archive'"),
        (archive(header=np.zeros(3)), "whole checkpoint: "),
        (archive(header=np.frombuffer(b"[1]", np.uint8)), "whole checkpoint: it has no header"),
        (archive(header=np.array([{}])), "whole checkpoint: Object arrays cannot be loaded when allow_pickle=False"),
        (headed(format=FORMAT + 1), f"checkpoint of version {FORMAT}, got {FORMAT + 1}"),
        (headed(progress={}), "whole checkpoint: its header is incomplete"),
        (headed(progress=1), "whole checkpoint: "),
        (headed(more=1), "whole checkpoint: its header is incomplete"),
        (
            headed(arrays={"state/a": ["<f4", [2]]}),
            "whole checkpoint: arrays are missing or are not as its header says",
        ),
    ],
)
def test_something_else_is_told(other: bytes, message: str, tmp_path: Path) -> None:
    assert message_for(tmp_path / NAME, other).startswith(message)


class Trap:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self._path,)


def test_nothing_is_unpickled(content: bytes, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    arrays = dict(np.load(io.BytesIO(content)))
    trap = np.array([Trap(sprung)], dtype=object)
    for name in arrays:
        message = message_for(tmp_path / NAME, archive(**{**arrays, name: trap}))
        assert message == "whole checkpoint: Object arrays cannot be loaded when allow_pickle=False"
    message_for(tmp_path / NAME, pickle.dumps(Trap(sprung)))
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # noqa: S301 - so the trap works
    assert sprung.exists()


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(DataError, match="npz: expected a whole checkpoint: Is a directory; without --resume"):
        read(tmp_path / NAME)


def test_one_that_must_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by its permissions: they do not hold for every user that runs tests."""

    def forbidden(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(DataError, match="npz: expected a whole checkpoint: Permission denied; without --resume"):
        read(tmp_path / NAME)
