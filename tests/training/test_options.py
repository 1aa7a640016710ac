"""The command line: defaults, checks, and a help that is quick and complete."""

import subprocess
import sys
from pathlib import Path

import pytest

from training.errors import UsageError
from training.options import parse
from training.recipes import DEFAULT, MEASURED, RECIPES

TRAIN = Path(__file__).resolve().parents[2] / "training" / "train.py"


def test_defaults() -> None:
    options = parse([])
    assert options.recipe == RECIPES[DEFAULT]
    assert (options.seed, options.data, options.quiet) == (0, None, False)
    assert options.output == Path("runs/quick-seed0")


def test_options_override_the_recipe() -> None:
    numbers = ["--seed", "4", "--epochs", "2", "--batch-size", "32"]
    options = parse(["--recipe", "sheet", *numbers, "--data", "d", "--output", "o", "--quiet"])
    assert (options.recipe.name, options.recipe.epochs, options.recipe.batch_size) == ("sheet", 2, 32)
    assert options.recipe.network == RECIPES["sheet"].network
    assert (options.seed, options.data, options.output, options.quiet) == (4, Path("d"), Path("o"), True)


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
    with pytest.raises(UsageError, match=r"argument --recipe: invalid choice: 'x' \(choose from .*quick.*sheet"):
        parse(["--recipe", "x"])


def test_help_names_every_option_recipe_and_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    options = ["--recipe", "--seed", "--epochs", "--batch-size", "--data", "--output", "--quiet", "--help"]
    files = ["model.keras", "history.csv", "summary.json", "curves.png", "kernels.png", "misread.png"]
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
