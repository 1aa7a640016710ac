"""The command line of `train.py`: options, their checks, and the help."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from training import overrides
from training.errors import UsageError
from training.exports import EXPORTS
from training.recipes import DEFAULT, MEASURED, RECIPES, Recipe, require_fitting
from training.values import integer, nonnegative, several

PROGRAM = "train.py"
_LARGEST_SEED = 2**32 - 1  # NumPy's, which Keras seeds along with its own

_TAKEN = (
    "certify",
    "validate",
    "shifts",
    "chunk",
    "xla",
    "seeds",
    "resume",
    "checkpoint",
    "deterministic",
    "devices",
    "require_gpu",
    "export",
    "report",
)

_DESCRIPTION = """\
Train a convolutional network to read the handwritten digits of MNIST, with TensorFlow or JAX: on GPUs if it sees
any, otherwise on the CPU. The data is part of the repository; no network is needed.
"""

_EPILOG = """\
recipes:
{recipes}

  Measured: mean accuracy on the test set with its range, and the time of the whole process on 2 CPU cores with
  TensorFlow 2.21. The recipes were tuned on validation images alone. The exercise sheet's own file,
  train_and_test_MNIST_solution.py, is not to be had: `sheet` is the kind of network that such exercises used in
  2018, not a copy of it.

what is measured on what:
  One training image in twelve (5,000 of 60,000), drawn by the seed, is set aside for validation after each epoch.
  The test images are read once, after the last step, with the final weights (their average, where the recipe keeps
  one). On the CPU of one machine the same seed gives the same figures; other machines, versions and GPUs differ a
  little. Two clocks: warm, all steps and validations once everything is compiled; cold, from the start of the process
  to the writing of its last file.

files in the output folder, written together at the end or not at all:
  model.keras      the trained model: grey values 0 to 255 (n, 28, 28) in, ten probabilities out
  savedmodel/, model.onnx    the same for other programs, with --export: `image` (uint8) in, `probability` out. Every
                   file is read back by its own runtime, and must read all test images as the model did, but for what
                   rounding explains
  history.csv      one row per epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds, learning_rate
  tensorboard/     the same, the loss of each step, and the pictures
  curves.png       loss and accuracy of each step, and after each epoch on validation images
  kernels.png      the kernels of the first layer
  confusion.png    what the test digits were read as
  calibration.png  how often digits were read right, by how surely they were read
  misread.png      test digits misread: what each is, what it was read as, how surely
  summary.json     test accuracy and loss, times, seed, device, versions, recipe, data, calibration, certificate; what
                   each name is, training/results.py says; written last
  With --report full, which takes some seconds more:
  features.png     what the layers make of a digit
  equivariance.png the feature maps of a shifted digit beside shifted feature maps; compared bit for bit
  shifts.png       accuracy on digits shifted by 0 to 6 pixels, beside what equivariance predicts
  While it trains: checkpoint.npz, replaced whole; removed when the results are there. It is written every ten seconds
  (--checkpoint), when Ctrl-C or SIGTERM ends the training, and when the results cannot be written; --resume goes on
  from it. Only the same training may: recipe, seed, data, --validate, --deterministic, versions. And .lock: a second
  training in the same folder is refused.
  With --seeds N: these in a folder seedN for each, and seeds.json with mean, standard deviation and binomial error;
  --resume passes over the seeds that are finished.

with --deterministic:
  Two runs on one machine give the same weights, figures and pictures, byte for byte, times apart; so does a training
  that was killed at any moment and resumed.

examples:
  python training/train.py
  python training/train.py --recipe sheet --seed 1 --output /tmp/sheet
  python training/train.py --recipe balanced --epochs 2 --learning-rate 0.005 --convolutions 32x3,32x3/2,64x3/2
  python training/train.py --data ~/.keras/datasets/mnist.npz

exit status:
  0 done;  1 one of the backend's kernels is wrong, the training failed (loss not finite, memory) or its results,
  checkpoint or report could not be written: one line on stderr, an older result in the folder is left whole;
  2 bad option, data, checkpoint, output folder or installation: one line on stderr, nothing done;
  130 interrupted by Ctrl-C, 143 by SIGTERM: after the steps or the file at hand; a second one interrupts at once

environment:
  KERAS_BACKEND         tensorflow (the default) or jax, which computes. Recipes and options are the same, weights are
                        not: each draws its own, and goes on from its own checkpoints alone.
  TF_CONFIG             several machines, each with this command and one of the cluster's tasks, train one model with
                        TensorFlow; the first worker reports and writes. training/cluster.py says more.
  TF_CPP_MIN_LOG_LEVEL  0 shows the messages of TensorFlow's start, which are held back
"""


@dataclass(frozen=True)
class Options:
    """What the user asked for, checked as far as that goes without touching the disk."""

    recipe: Recipe
    seed: int
    data: Path | None
    output: Path
    quiet: bool
    certify: bool = False
    validate: bool = True
    shifts: bool = False
    chunk: int = 100
    xla: str = "auto"
    seeds: int = 1
    resume: bool = False
    checkpoint: float = 10.0
    deterministic: bool = False
    devices: int | None = None
    require_gpu: bool = False
    export: tuple[str, ...] = ("keras",)
    report: str = "short"

    def each_seed(self) -> "list[Options]":
        """Return the options of each training; if there are several, each has a folder of its own in `output`."""
        if self.seeds == 1:
            return [self]
        seeds = range(self.seed, self.seed + self.seeds)
        return [replace(self, seed=seed, seeds=1, output=self.output / f"seed{seed}") for seed in seeds]


def parse(argv: Sequence[str] | None = None) -> Options:
    """Return the options in `argv` (by default those of this process).

    Raises `UsageError`, with a line for the user, if one is wrong; ends the process after `--help`.
    """
    given = _parser().parse_args(argv)
    recipe = overrides.apply(RECIPES[given.recipe], vars(given))
    require_fitting(recipe.network)
    if recipe.patience and not given.validate:
        raise UsageError("--patience: expected validation images to judge by, got --no-validate")
    last = given.seed + given.seeds - 1
    if last > _LARGEST_SEED:
        raise UsageError(f"--seeds: expected seeds up to {_LARGEST_SEED}, got {given.seed} to {last}")
    name = f"seed{given.seed}" if given.seeds == 1 else f"seeds{given.seed}-{last}"
    output = given.output or Path("runs") / f"{recipe.name}-{name}"
    taken = {name: getattr(given, name) for name in ("seed", "data", "quiet", *_TAKEN)}
    return Options(recipe=recipe, output=output, **taken)


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` instead of ending the process; takes no abbreviations, and prints its help as written."""

    def __init__(self, program: str, description: str, epilog: str) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=program, description=description, epilog=epilog, formatter_class=raw, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise UsageError(message)


def _parser() -> Parser:
    parser = Parser(PROGRAM, _DESCRIPTION, _EPILOG.format(recipes="\n".join(map(_described, RECIPES.values()))))
    parser.add_argument(
        "--recipe", choices=RECIPES, default=DEFAULT, help="what to train, and how (default: %(default)s)"
    )
    parser.add_argument("--list-recipes", action=_ListRecipes, help="print every recipe with its fields, and end")
    _add_ways(parser)
    parser.add_argument("--doctor", action=_Doctor, help="tell what is here to train with and what is missing, and end")
    add_common(parser, default_output="runs/RECIPE-seedN")
    overrides.add_to(parser)
    return parser


def _add_ways(parser: Parser) -> None:
    """Add the options that say how a recipe is carried out, and do not change what it is."""
    add, either = parser.add_argument, argparse.BooleanOptionalAction
    about = "first certify the backend's kernels, bit for bit, at the network's own shapes (default: yes)"
    add("--certify", action=either, default=True, help=about)
    about = (
        "set one training image in twelve aside and read those after each epoch (default: yes); otherwise train on all"
    )
    add("--validate", action=either, default=True, help=about)
    about = "read each test image also at nine places a pixel apart; reported on its own (default: no)"
    add("--test-time-shifts", dest="shifts", action=either, default=False, help=about)
    about = "train with N seeds from --seed up, and tell mean, standard deviation and binomial error (default: 1)"
    add("--seeds", type=integer(1), default=1, metavar="N", help=about)
    about = "go on from what is in the output folder: a checkpoint, seeds that are finished, or nothing"
    add("--resume", action="store_true", help=about)
    about = "least time between two checkpoints; 0: after every chunk (default: %(default)g)"
    add("--checkpoint", type=nonnegative, default=10.0, metavar="SECONDS", help=about)
    add("--deterministic", action="store_true", help="the same bits in every run on one machine, at some cost in time")
    about = f"formats of the model, with commas: {', '.join(EXPORTS)} (default: keras)"
    add("--export", type=several(*EXPORTS), default=("keras",), metavar="FORMATS", help=about)
    about = "full: also feature maps, and what shifts do to them and to the accuracy (default: %(default)s)"
    add("--report", choices=("short", "full"), default="short", help=about)
    about = "steps that run before Python looks at them (default: %(default)s)"
    add("--chunk", type=integer(1), default=100, metavar="N", help=about)
    about = "compile each step with XLA: yes, no or auto, which is on a GPU (default: %(default)s)"
    add("--xla", choices=("auto", "yes", "no"), default="auto", help=about)
    about = "use N GPUs, which share each batch (default: all that the backend sees)"
    add("--devices", type=integer(1), default=None, metavar="N", help=about)
    add("--require-gpu", action="store_true", help="fail, with the backend's own reason, where it sees no GPU")


class _ListRecipes(argparse.Action):
    """Prints the recipes and ends the process, as --help does."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        sys.stdout.write("\n".join(map(overrides.listed, RECIPES.values())) + "\n")
        parser.exit()


class _Doctor(_ListRecipes):
    """Tells what is here to train with, and ends the process: with 0 if training can run, else with 2."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from training import doctor

        def tell(heading: str, text: str) -> None:
            sys.stdout.write(f"{heading:11} {text}\n")
            sys.stdout.flush()  # some of it takes seconds to find out

        parser.exit(doctor.examine(tell))


def add_common(parser: Parser, default_output: str) -> None:
    """Add the options of every training: --seed, --data, --output, --quiet."""
    add = parser.add_argument
    add(
        "--seed",
        type=integer(0, _LARGEST_SEED),
        default=0,
        metavar="N",
        help="for weights, order and split (default: %(default)s)",
    )
    add(
        "--data",
        type=Path,
        metavar="PATH",
        help="a folder of IDX files or a Keras-style .npz, instead of MNIST",
    )
    add("--output", type=Path, metavar="DIR", help=f"folder for the results (default: {default_output})")
    add("--quiet", action="store_true", help="print nothing but errors")


def _described(recipe: Recipe) -> str:
    return f"  {recipe.name:13} {recipe.about}\n{'':15} {MEASURED[recipe.name]}"
