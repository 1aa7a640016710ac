"""The command line of `train_numpy.py`: its recipe, options, their checks, and the help."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.options import Options, Parser, add_common
from training.recipes import Adam, Network, Recipe
from training.values import Convolution, integer, positive

PROGRAM = "train_numpy.py"

RECIPE = Recipe(
    name="numpy",
    about="two small convolutions, one-cycle Adam, on the layers of `numeric`",
    network=Network(convolutions=(Convolution(8, 5), Convolution(24, 3)), dense=128),
    optimizer=Adam(learning_rate=0.006, beta_1=0.7, beta_2=0.9, warmup=0.1),
    epochs=3,
    batch_size=64,
)

MEASURED = "99.14 % (99.09 to 99.22, seeds 0 to 2), 21 to 23 s"
"""Mean accuracy on the test set, its range, and the time of the whole process in NumPy alone, for the help."""

_DESCRIPTION = """\
Train a convolutional network to read the handwritten digits of MNIST with this package's own layers and gradients:
NumPy, in float32 on the CPU. The data is part of the repository; no network is needed.
"""

_EPILOG = """\
network and recipe:
  5x5x8 and 3x3x24 convolutions, each with 2x2 max pooling and ReLU, dense 128, ten digits: 80,178 parameters;
  one-cycle Adam, 3 epochs, batches of 64.
  Measured: {measured}.
  That is mean accuracy on the test set with its range, and the time of the whole process on 2 CPU cores in NumPy
  alone; where Numba is installed, it is 8 to 11 s.

what is measured on what:
  One training image in twelve (5,000 of 60,000), drawn by the seed, is set aside for validation after each epoch.
  The test images are read once, after the last epoch, with the weights as they then are. On one machine the same
  seed gives the same figures; other machines, versions of NumPy and numbers of threads differ a little.

files in the output folder, written together at the end or not at all:
  model.npz      the weights, LAYER.NAME; training/fitting_numpy.py builds the network that they are of
  history.csv    one row per epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds, learning_rate
  summary.json   test accuracy and loss, times, seed, device, versions, recipe, data; written last

examples:
  python training/train_numpy.py
  python training/train_numpy.py --epochs 1 --seed 1 --output /tmp/quick
  python training/train_numpy.py --data ~/.keras/datasets/mnist.npz

exit status:
  0 done;  1 the training failed (loss not finite) or its results could not be written;
  2 bad option, data or output folder: one line on stderr, nothing done;  130 interrupted by Ctrl-C, 143 by SIGTERM
"""


def parse(argv: Sequence[str] | None = None) -> Options:
    """Return the options in `argv` (by default those of this process).

    Raises `UsageError`, with a line for the user, if one is wrong; ends the process after `--help`.
    """
    given = _parser().parse_args(argv)
    optimizer = replace(RECIPE.optimizer, learning_rate=given.learning_rate or RECIPE.optimizer.learning_rate)
    epochs, batch_size = given.epochs or RECIPE.epochs, given.batch_size or RECIPE.batch_size
    recipe = replace(RECIPE, optimizer=optimizer, epochs=epochs, batch_size=batch_size)
    output = given.output or Path("runs") / f"{recipe.name}-seed{given.seed}"
    return Options(recipe, given.seed, given.data, output, given.quiet)


def _parser() -> Parser:
    parser = Parser(PROGRAM, _DESCRIPTION, _EPILOG.format(measured=MEASURED))
    add_common(parser, default_output="runs/numpy-seedN")
    add = parser.add_argument
    add("--epochs", type=integer(1), metavar="N", help="instead of the recipe's; its schedule is stretched")
    add("--batch-size", type=integer(1), metavar="N", help="images per step, instead of the recipe's")
    add(
        "--learning-rate",
        type=positive,
        metavar="RATE",
        help="peak of the one cycle, instead of the recipe's",
    )
    return parser
