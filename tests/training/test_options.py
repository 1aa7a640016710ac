"""The command line: defaults, checks, and a help that is quick and complete."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from training import overrides
from training.errors import UsageError
from training.options import parse
from training.recipes import DEFAULT, MEASURED, PRECISIONS, RECIPES, Adam, Augmentation, Network, Recipe
from training.values import Convolution

TRAIN = Path(__file__).resolve().parents[2] / "training" / "train.py"


def test_defaults() -> None:
    options = parse([])
    assert options.recipe == RECIPES[DEFAULT]
    assert (options.seed, options.data, options.quiet) == (0, None, False)
    assert options.output == Path("runs/fast-seed0")


def test_options_override_the_recipe() -> None:
    numbers = ["--seed", "4", "--epochs", "2", "--batch-size", "32"]
    options = parse(["--recipe", "sheet", *numbers, "--data", "d", "--output", "o", "--quiet"])
    assert (options.recipe.name, options.recipe.epochs, options.recipe.batch_size) == ("sheet", 2, 32)
    assert options.recipe.network == RECIPES["sheet"].network
    assert (options.seed, options.data, options.output, options.quiet) == (4, Path("d"), Path("o"), True)


LAYERS = (
    "argument --convolutions: expected KERNELSxWIDTH, s for same padding, /POOLING, as in 32x5s/2, several with "
    "commas, got "
)
EVERY_FIELD = {
    "--convolutions": ("8x3,16x5s/2", (Convolution(8, 3, pooling=1), Convolution(16, 5, "same", 2))),
    "--dense": ("0", 0),
    "--dropout": ("0.25", 0.25),
    "--normalise": ("yes", True),
    "--learning-rate": ("0.5", 0.5),
    "--beta-1": ("0.5", 0.5),
    "--beta-2": ("0.75", 0.75),
    "--warmup": ("none", None),
    "--epochs": ("7", 7),
    "--batch-size": ("9", 9),
    "--shift": ("2.5", 2.5),
    "--rotation": ("15", 15),
    "--scale": ("0.125", 0.125),
    "--label-smoothing": ("0.2", 0.2),
    "--ema": ("0.99", 0.99),
    "--patience": ("3", 3),
    "--precision": ("float16", "float16"),
    "--gradients": ("proved", "proved"),
}


def changed(recipe: Recipe) -> dict[str, object]:
    """The values of all fields, by option."""
    return {overrides.option(field.name): value for field, value in overrides.values(recipe)}


def test_every_field_of_a_recipe_has_an_option() -> None:
    assert set(changed(RECIPES[DEFAULT])) == set(EVERY_FIELD)
    fields = {name for part in (Recipe, Network, Adam, Augmentation) for name in part.__dataclass_fields__}
    fields -= {"name", "about", "network", "optimizer", "augmentation"}
    assert {overrides.option(name) for name in fields} == set(EVERY_FIELD)


@pytest.mark.parametrize("option", EVERY_FIELD)
def test_an_option_changes_its_field_and_no_other(option: str) -> None:
    text, value = EVERY_FIELD[option]
    recipe = RECIPES[DEFAULT]
    assert changed(parse([option, text]).recipe) == {**changed(recipe), option: value}
    assert changed(recipe)[option] != value


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_the_list_shows_is_read_back_as_the_recipe(recipe: Recipe) -> None:
    """From any other recipe: so the list leaves nothing out."""
    head, *lines = overrides.listed(recipe).splitlines()
    assert head == f"{recipe.name}: {recipe.about}"
    for other in RECIPES:
        given = parse(["--recipe", other, *" ".join(lines).split()]).recipe
        assert replace(given, name=recipe.name, about=recipe.about) == recipe


def test_list_recipes_prints_all_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--list-recipes"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == "".join(f"{overrides.listed(recipe)}\n" for recipe in RECIPES.values())


def test_smallest_layers_that_fit_are_taken() -> None:
    assert parse(["--convolutions", "8x28,8x1,8x9s"]).recipe.network.convolutions[2].width == 9
    assert parse(["--convolutions", "8x3/26"]).recipe.network.convolutions[0].pooling == 26


def test_each_of_several_seeds_has_its_own_folder() -> None:
    options = parse(["--seeds", "3", "--seed", "5"])
    assert options.output == Path("runs/fast-seeds5-7")
    each = options.each_seed()
    assert [(one.seed, one.seeds) for one in each] == [(5, 1), (6, 1), (7, 1)]
    assert [one.output for one in each] == [options.output / f"seed{seed}" for seed in (5, 6, 7)]
    one = parse([])
    assert one.each_seed() == [one]


def test_output_folder_is_named_after_recipe_and_seed() -> None:
    assert parse(["--recipe", "sheet", "--seed", "7"]).output == Path("runs/sheet-seed7")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs -1", "argument --epochs: expected an integer from 1 up, got -1"),
        ("--epochs 0", "argument --epochs: expected an integer from 1 up, got 0"),
        ("--epochs two", "argument --epochs: expected an integer from 1 up, got 'two'"),
        ("--epochs 1.5", "argument --epochs: expected an integer from 1 up, got '1.5'"),
        ("--batch-size 0", "argument --batch-size: expected an integer from 1 up, got 0"),
        ("--convolutions 8x3,", f"{LAYERS}''"),
        ("--convolutions 8x0", f"{LAYERS}'8x0'"),
        ("--convolutions 8x3/0", f"{LAYERS}'8x3/0'"),
        ("--convolutions 8y3", f"{LAYERS}'8y3'"),
        ("--learning-rate 0", "argument --learning-rate: expected a number above 0, got 0"),
        ("--learning-rate nan", "argument --learning-rate: expected a number above 0, got nan"),
        ("--learning-rate inf", "argument --learning-rate: expected a number above 0, got inf"),
        ("--dropout 1", "argument --dropout: expected a number from 0 up, below 1, got 1"),
        ("--warmup never", "argument --warmup: expected a number from 0 up, below 1, got 'never'"),
        ("--normalise maybe", "argument --normalise: expected one of yes, no, got 'maybe'"),
        ("--precision double", f"argument --precision: expected one of {', '.join(PRECISIONS)}, got 'double'"),
        ("--gradients mine", "argument --gradients: expected one of autodiff, proved, got 'mine'"),
        ("--shift -1", "argument --shift: expected a number from 0 up, got -1"),
        ("--chunk 0", "argument --chunk: expected an integer from 1 up, got 0"),
        ("--patience 2 --no-validate", "--patience: expected validation images to judge by, got --no-validate"),
        ("--seed 4294967290 --seeds 7", "--seeds: expected seeds up to 4294967295, got 4294967290 to 4294967296"),
        ("--convolutions 8x29", "--convolutions: expected layers that fit what they read, got 8x29 on 28 x 28"),
        ("--convolutions 8x5/9,8x3", "--convolutions: expected layers that fit what they read, got 8x3 on 2 x 2"),
        (
            "--convolutions 8x28s/2,8x2s/15",
            "--convolutions: expected layers that fit what they read, got 8x2s/15 on 14 x 14",
        ),
        ("--seed -1", "argument --seed: expected an integer from 0 to 4294967295, got -1"),
        ("--seed 4294967296", "argument --seed: expected an integer from 0 to 4294967295, got 4294967296"),
        ("--seed", "argument --seed: expected one argument"),
        ("--epoch 3", "unrecognized arguments: --epoch 3"),
        ("extra", "unrecognized arguments: extra"),
    ],
)
def test_bad_option_is_told(arguments: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(arguments.split())
    assert str(caught.value) == message


def test_unknown_recipe_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"argument --recipe: invalid choice: 'x' \(choose from .*fast.*sheet"):
        parse(["--recipe", "x"])


def test_help_names_every_option_recipe_and_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    ways = [
        "--certify",
        "--validate",
        "--test-time-shifts",
        "--chunk",
        "--xla",
        "--seeds",
        "--resume",
        "--checkpoint",
        "--deterministic",
        "--export",
        "--report",
    ]
    options = [*EVERY_FIELD, *ways, "--recipe", "--list-recipes", "--seed", "--data", "--output", "--quiet", "--help"]
    files = [
        "model.keras",
        "history.csv",
        "summary.json",
        "curves.png",
        "kernels.png",
        "misread.png",
        "confusion.png",
        "calibration.png",
        "features.png",
        "equivariance.png",
        "shifts.png",
        "savedmodel/",
        "model.onnx",
        "tensorboard/",
        "seeds.json",
        "checkpoint.npz",
    ]
    sheet = ["train_and_test_MNIST_solution.py", "not a copy"]
    for word in [*options, *files, *sheet, *RECIPES, *MEASURED.values()]:
        assert word in text
    assert max(map(len, text.splitlines())) <= 120


def test_help_does_not_import_tensorflow() -> None:
    code = f"""
import runpy, sys
sys.argv = ["train.py", "--help"]
try:
    runpy.run_path({str(TRAIN)!r}, run_name="__main__")
except SystemExit as end:
    assert end.code == 0
assert not {{"tensorflow", "keras", "matplotlib"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: train.py")
