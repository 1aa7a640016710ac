"""Read the digits on pictures: `python training/predict.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import json
from collections.abc import Sequence
from typing import Any

from training import startup
from training.command import exit_status, leave
from training.errors import DataError
from training.options import Parser

PROGRAM = "predict.py"

_DESCRIPTION = """\
Read the handwritten digit on each picture, of any size and of any kind that Pillow reads: a line with the digit, then
all ten with their probabilities, the likeliest first.
"""

_EPILOG = """\
A picture holds one digit. It is cropped, fitted into 20 x 20 pixels and centred by mass in 28 x 28, as MNIST was made.
The median of the border is taken for paper; where that is not so, as on a picture cut off close to its ink, say --ink.
Of a photograph, whose border is not of one grey, what is fainter than a quarter of the strongest ink is paper.
A probability is the network's own, and says little about a picture that is no digit.

examples:
  python training/predict.py seven.png photograph.jpg
  python training/predict.py --model runs/accurate-seed0 --json *.png

exit status:
  0 all were read;  2 bad option, no model, or a picture that could not be read or is blank: one line on stderr for
  each, and the others are read;  130 interrupted by Ctrl-C, 143 by SIGTERM
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Read as `argv` says and return the exit status, as `--help` explains."""
    failed: list[str] = []
    return exit_status(PROGRAM, lambda: failed.extend(_run(_parser().parse_args(argv)))) or 2 * bool(failed)


def add_model(parser: Parser) -> None:
    """Add the option that names the model."""
    about = "a model.keras, or the folder of a run (default: the newest in runs/)"
    parser.add_argument("--model", type=Path, metavar="PATH", help=about)


def _parser() -> Parser:
    parser = Parser(PROGRAM, _DESCRIPTION, _EPILOG)
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="files with a picture of a digit")
    add_model(parser)
    about = "whether the digit is dark, light, or what stands out from the border (default: auto)"
    parser.add_argument("--ink", choices=("auto", "dark", "light"), default="auto", help=about)
    parser.add_argument("--json", action="store_true", help="print a list with an object for each picture")
    return parser


def _run(options: Any) -> list[str]:
    """Read the pictures; return what was wrong with those that could not be."""
    startup.require_packages()
    from training import trained

    model = trained.load(options.model)
    rows = [_read(model, path, options.ink) for path in options.images]
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    for row in rows:
        if "error" in row:
            sys.stderr.write(f"{PROGRAM}: error: {row['error']}\n")
        elif not options.json:
            sys.stdout.write(_line(row) + "\n")
    return [row["error"] for row in rows if "error" in row]


def _read(model: Any, path: Path, ink: Any) -> dict[str, Any]:
    """What was read on a picture, or why it was not; `probabilities` are those of 0 to 9."""
    from training import picture

    try:
        image = picture.digit(picture.read(path), ink)
    except DataError as error:
        text = str(error)
        return {"image": str(path), "error": text if str(path) in text else f"{path}: {text}"}
    probabilities = model.probabilities(image[None])[0]
    return {"image": str(path), "digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


def _line(row: dict[str, Any]) -> str:
    order = sorted(range(10), key=lambda digit: -row["probabilities"][digit])
    shares = "  ".join(f"{digit} {row['probabilities'][digit]:.2%}" for digit in order)
    return f"{row['image']}: {row['digit']}   {shares}"


if __name__ == "__main__":
    leave(main())
