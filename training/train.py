"""Train a convolutional network on MNIST: `python training/train.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import time
from collections.abc import Sequence
from typing import Any

from training import data, publish, startup
from training.command import exit_status
from training.options import PROGRAM, Options, parse
from training.report import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Train as `argv` says and return the exit status: 0, or 1, 2, 130 as `--help` explains."""
    return exit_status(PROGRAM, lambda: run(parse(argv)))


def run(options: Options) -> dict[str, Any]:
    """Load, build, fit, test, and write the results; return what `summary.json` holds.

    Its times are wall-clock seconds: `seconds_train` is that of fitting, with compilation and validation;
    `seconds_total` runs from the call of this function to the writing of the summary. Raises `UsageError` or
    `DataError` before TensorFlow is imported, `RunError` after that.
    """
    start = time.perf_counter()
    startup.require_packages()
    publish.require_writable(options.output)
    dataset = data.load(options.data)
    training, validation = data.split(dataset.training, options.seed)
    device = startup.start_tensorflow()
    from training import fitting, results  # these import TensorFlow: bad input is told before that

    report = Report(quiet=options.quiet)
    report.device(device)
    report.data(dataset, len(validation))
    certified = None
    if options.certify:
        from training import certification

        certified = certification.certify(options.recipe, min(options.recipe.batch_size, len(training)))
        report.certified(certified)
    trained = fitting.train(options.recipe, options.seed, training, validation, report)
    reading = fitting.read(trained.model, dataset.test)
    with publish.published(options.output) as folder:
        results.write(folder, options, dataset, trained, reading)
        seconds = time.perf_counter() - start
        summary = {**results.summarise(options, dataset, device, trained, reading, seconds), "certified": certified}
        publish.write_summary(folder / publish.LAST, summary)
    report.result(summary, options.output)
    return summary


if __name__ == "__main__":
    sys.exit(main())
