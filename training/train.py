"""Train a convolutional network on MNIST: `python training/train.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from training import clocks, data, publish, signals, startup, statistics
from training.command import exit_status
from training.data import Dataset
from training.options import PROGRAM, Options, parse
from training.report import Report

if TYPE_CHECKING:
    from training.checkpoint import Keeper
    from training.fitting import Fit


def main(argv: Sequence[str] | None = None) -> int:
    """Train as `argv` says and return the exit status: 0, or 1, 2, 130 as `--help` explains."""
    return exit_status(PROGRAM, lambda: run(parse(argv)))


def run(options: Options) -> list[dict[str, Any]]:
    """Load, build, fit, test, and write the results, for each seed; return what their `summary.json` hold.

    Raises `UsageError` or `DataError` before TensorFlow is imported, `RunError` after that.
    """
    startup.require_packages()
    publish.require_writable(options.output)
    dataset = data.load(options.data)
    data.split(dataset.training, options.seed, validate=options.validate)  # is there enough of it?
    device = startup.start_tensorflow(deterministic=options.deterministic)
    from training import precision  # imports TensorFlow, as what follows does: bad input is told before that

    recipe = replace(options.recipe, precision=precision.resolve(options.recipe.precision))
    options = replace(options, recipe=recipe)
    report = Report(quiet=options.quiet)
    report.device(device)
    certified = _certify(options, dataset, report)
    summaries: list[dict[str, Any]] = []
    started = 0.0
    for one in options.each_seed():
        summaries.append(train(one, dataset, device, certified, report, started))
        started = clocks.process_seconds()
    if options.seeds > 1:
        with publish.published(options.output) as folder:
            together = statistics.together(summaries, len(dataset.test))
            publish.write_summary(folder / "seeds.json", together)
        report.together(together, options.output)
    return summaries


def train(
    options: Options,
    dataset: Dataset,
    device: str,
    certified: dict[str, Any] | None,
    report: Report,
    started: float,
) -> dict[str, Any]:
    """Train with one seed, read the test images once, after the last step, and write all that came of it.

    The times of the summary are wall-clock seconds: `seconds_train` is that of all steps and validations, after
    compilation; `seconds_total` runs from the second `started` of this process to the writing of the summary.
    """
    from training import checkpoint, fitting, results

    training, validation = data.split(dataset.training, options.seed, validate=options.validate)
    report.data(dataset, len(validation))
    execution = fitting.Execution(options.chunk, startup.use_xla(options.xla))
    fit = fitting.Fit(options.recipe, execution, options.seed, training, validation)
    report.model(options.recipe, options.seed, fit.reader.model)
    keeper = checkpoint.Keeper(options.output, fit, results.identity(options, dataset), options.checkpoint)
    if options.resume:
        report.resumed(fit.progress.step if keeper.resume() else None, fit.course.steps)
    _fit(fit, keeper, report)
    reader = fit.finish()
    reading = reader.read(dataset.test)
    with publish.published(options.output) as folder:
        results.write(folder, options, dataset, fit, reading)
        summary = {**results.summarise(options, dataset, device, fit, reading), "certified": certified}
        if options.shifts:
            summary["test_accuracy_shifts"] = reader.read(dataset.test, shifts=True).accuracy
        summary["seconds_total"] = clocks.process_seconds() - started
        publish.write_summary(folder / publish.LAST, summary)
    keeper.discard()
    report.result(summary, options.output)
    return summary


def _fit(fit: "Fit", keeper: "Keeper", report: Report) -> None:
    """Do all steps; when told to stop, keep what there is after the chunk that runs."""
    with signals.noted() as stop:
        while not fit.done:
            fit.advance(report.epoch)
            keeper.keep(now=stop.number is not None)
            if stop.number is not None:
                where = f"step {fit.progress.step} of {fit.course.steps}"
                raise signals.Interrupted(f"--resume continues after {where}", stop.number)


def _certify(options: Options, dataset: Dataset, report: Report) -> dict[str, Any] | None:
    if not options.certify:
        return None
    from training import certification

    certified = certification.certify(options.recipe, min(options.recipe.batch_size, len(dataset.training)))
    report.certified(certified)
    return certified


if __name__ == "__main__":
    sys.exit(main())
