"""`predict.py`: the model's reading of each picture, told plainly or as JSON; what cannot be read is told and left out.

The model is one with random weights: what is demanded is that the page of figures is its own, for the image that
`training.picture` makes, which MNIST's own digits become bit for bit (see there).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("PIL")

import keras
from PIL import Image

from training import models, predict, trained
from training.data import Dataset
from training.errors import UsageError
from training.predict import main
from training.recipes import Network
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PREDICT = Path(__file__).resolve().parents[2] / "training" / "predict.py"
SMALL = Network((Convolution(4, 5), Convolution(6, 3)), dense=8)
SUMMARY = {"recipe": {"name": "fast"}, "seed": 3, "test_accuracy": 0.5}
QUIET = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # as users have it
STANDARD = range(4)  # places of test digits that come back bit for bit


def run_in(folder: Path, network: Network = SMALL) -> Path:
    """A folder as a run leaves it, with random weights."""
    folder.mkdir(parents=True)
    keras.utils.set_random_seed(0)
    models.build(network).save(folder / "model.keras")
    (folder / "summary.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_in(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def pictures(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Test digits as PNG: inverted or not, elsewhere on larger paper."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in STANDARD:
        paper = np.zeros((60, 90), np.uint8)
        top, left = random.integers(1, 30, 2)
        paper[top : top + 28, left : left + 28] = mnist.test.images[number]
        Image.fromarray(255 - paper if number % 2 else paper).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in STANDARD]


def expected(run: Path, mnist: Dataset) -> np.ndarray:
    return trained.load(run).probabilities(mnist.test.images[list(STANDARD)])


def test_digits_at_other_places_and_in_either_polarity_have_the_models_reading(
    run: Path, pictures: list[Path], mnist: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(run), "--json", *map(str, pictures)]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert err == ""
    assert [row["image"] for row in rows] == [str(path) for path in pictures]
    for row, image in zip(rows, mnist.test.images, strict=False):
        alone = trained.load(run).probabilities(image[None])[0]  # a batch of them may be summed in another order
        assert row["probabilities"] == alone.tolist()
        assert row["digit"] == alone.argmax()


def test_the_likeliest_comes_first(
    run: Path, pictures: list[Path], mnist: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(run / "model.keras"), str(pictures[0])]) == 0
    probabilities = trained.load(run).probabilities(mnist.test.images[:1])[0]
    order = probabilities.argsort()[::-1]
    shares = "  ".join(f"{digit} {probabilities[digit]:.2%}" for digit in order)
    assert capsys.readouterr().out == f"{pictures[0]}: {order[0]}   {shares}\n"


def test_what_cannot_be_read_is_told_and_the_others_are_read(
    run: Path, pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (40, 40), 200).save(tmp_path / "blank.png")
    (tmp_path / "words.png").write_text("words")
    files = [tmp_path / "absent.png", pictures[0], tmp_path / "blank.png", tmp_path / "words.png", pictures[1]]
    assert main(["--model", str(run), *map(str, files)]) == 2
    out, err = capsys.readouterr()
    assert [line.partition(": ")[0] for line in out.splitlines()] == [str(pictures[0]), str(pictures[1])]
    assert err.splitlines() == [
        f"predict.py: error: {tmp_path / 'absent.png'}: expected a picture that can be read: No such file or directory",
        f"predict.py: error: {tmp_path / 'blank.png'}: expected a digit, found blank paper",
        f"predict.py: error: {tmp_path / 'words.png'}: expected a picture that can be read: not one, or damaged",
    ]
    assert main(["--model", str(run), "--json", *map(str, files)]) == 2
    rows = json.loads(capsys.readouterr().out)
    assert [sorted(row) for row in rows] == [
        ["error", "image"] if number in (0, 2, 3) else ["digit", "image", "probabilities"] for number in range(5)
    ]


def test_ink_is_what_it_is_said_to_be(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stroke cut off close is read as a gap unless it is said that ink is dark."""
    grey = np.zeros((60, 20), np.uint8)
    grey[:12, :9] = 255
    Image.fromarray(grey).save(tmp_path / "close.png")
    Image.fromarray(np.pad(grey, 4, constant_values=255)).save(tmp_path / "wide.png")
    found = []
    for arguments in (["close.png"], ["close.png", "--ink", "dark"], ["wide.png"]):
        assert main(["--model", str(run), "--json", str(tmp_path / arguments[0]), *arguments[1:]]) == 0
        found.append(json.loads(capsys.readouterr().out)[0]["probabilities"])
    assert found[1] == found[2] != found[0]


def test_the_default_is_the_run_that_ended_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age, name in enumerate(["new", "several/seed1", "old"]):
        folder = run_in(tmp_path / "runs" / name)
        os.utime(folder / "summary.json", ns=(10**18 - age, 10**18 - age))
    unfinished = run_in(tmp_path / "runs" / "unfinished")
    (unfinished / "summary.json").unlink()
    monkeypatch.chdir(tmp_path)
    assert trained.newest() == Path("runs/new/model.keras")
    (tmp_path / "runs/new/model.keras").unlink()
    found = trained.load()
    assert found.path == Path("runs/several/seed1/model.keras")
    assert found.about == "fast, seed 3, 50.00% of the test digits"


def test_a_model_without_its_run_is_known_by_its_path(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes((run / "model.keras").read_bytes())
    assert trained.load(path).about == ""
    (tmp_path / "summary.json").write_text("[]")
    assert trained.load(path).about == ""


def test_no_run_is_told_with_the_command_that_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["digit.png"]) == 2
    message = "runs: expected a run with a model.keras, found none; to make one: python training/train.py"
    assert capsys.readouterr() == ("", f"predict.py: error: {message}\n")


def test_what_is_no_model_of_digits_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with pytest.raises(UsageError) as caught:
        trained.load(path)
    assert str(caught.value) == f"{path}: expected a model, as training/train.py saves it, found no file"
    path.write_bytes(b"words")
    with pytest.raises(UsageError) as caught:
        trained.load(path)
    assert str(caught.value).startswith(f"{path}: expected a model that Keras can load: ")
    assert "\n" not in str(caught.value)
    keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(10)]).save(path)
    with pytest.raises(UsageError) as caught:
        trained.load(path)
    shapes = "(None, 5) and (None, 10)"
    assert str(caught.value) == f"{path}: expected a model of images (28, 28) with ten outputs, got {shapes}"


def test_feature_maps_are_what_each_convolution_gives(run: Path, mnist: Dataset) -> None:
    model, image = trained.load(run), mnist.test.images[0]
    maps = model.feature_maps(image)
    assert {name: found.shape for name, found in maps.items()} == {
        "convolution_1": (24, 24, 4),
        "convolution_2": (10, 10, 6),
    }
    first = model.model.get_layer("convolution_1")
    given = keras.Model(model.model.inputs[0], first.input)(image[None])
    assert np.array_equal(maps["convolution_1"], np.array(first(given))[0])


def test_a_model_without_convolutions_has_no_feature_maps(tmp_path: Path, mnist: Dataset) -> None:
    layers = [keras.layers.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    assert trained.load(tmp_path).feature_maps(mnist.test.images[0]) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: IMAGE"),
        (["a.png", "--ink", "red"], "argument --ink: invalid choice: 'red'"),
        (["a.png", "--modal", "m"], "unrecognized arguments: --modal m"),
    ],
)
def test_bad_options_are_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"predict.py: error: {message}")


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(predict.startup, "require_packages", lambda: (_ for _ in ()).throw(UsageError("install it")))
    assert main(["a.png"]) == 2
    assert capsys.readouterr().err == "predict.py: error: install it\n"


def test_help_is_quick_and_complete() -> None:
    code = f"""
import runpy, sys
sys.argv = ["predict.py", "--help"]
try:
    runpy.run_path({str(PREDICT)!r}, run_name="__main__")
except SystemExit as end:
    assert end.code == 0
assert not {{"tensorflow", "keras", "PIL"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("--model", "--ink", "--json", "IMAGE", "20 x 20", "exit status"):
        assert word in done.stdout


def test_as_a_command_it_writes_nothing_but_its_lines(run: Path, pictures: list[Path]) -> None:
    command = [sys.executable, str(PREDICT), "--model", str(run), str(pictures[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{pictures[0]}: ")
