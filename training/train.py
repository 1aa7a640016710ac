"""Train a convolutional network on MNIST: `python training/train.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from training import clocks, cluster, exports, locks, publish, signals, startup, statistics
from training.command import exit_status, leave
from training.options import PROGRAM, Options, parse
from training.report import Report

if TYPE_CHECKING:
    from training.backends import Machine
    from training.checkpoint import Checkpoint, Keeper
    from training.data import Dataset
    from training.fitting import Fit


@dataclass(frozen=True, eq=False)
class Setting:
    """What the trainings with several seeds share."""

    dataset: "Dataset"
    machine: "Machine"
    certified: dict[str, Any] | None
    report: Report


def main(argv: Sequence[str] | None = None) -> int:
    """Train as `argv` says and return the exit status: 0, or 1, 2, 130, 143 as `--help` explains."""
    return exit_status(PROGRAM, lambda: cluster.seated(run, parse(argv)), patient=True)


def run(options: Options) -> list[dict[str, Any]]:
    """Load, build, fit, test, and write the results, for each seed; return what their `summary.json` hold.

    Raises `UsageError` or `DataError` before any work, and as a rule before TensorFlow is imported; `RunError` after
    that.
    """
    from training import data  # brings NumPy: not for --help

    startup.require_packages()
    exports.require(options.export)
    publish.require_writable(options.output)
    dataset = data.load(options.data)
    data.split(dataset.training, options.seed, validate=options.validate)  # is there enough of it?
    with locks.held(*dict.fromkeys([options.output, *(one.output for one in options.each_seed())])):
        return _each_seed(options, dataset)


def _each_seed(options: Options, dataset: "Dataset") -> list[dict[str, Any]]:
    signals.check()
    machine = startup.start(options.devices, require_gpu=options.require_gpu, deterministic=options.deterministic)
    from training import earlier, fitting, precision  # they import Keras

    recipe = replace(options.recipe, precision=precision.resolve(options.recipe.precision))
    options = replace(options, recipe=recipe)
    left = {one: earlier.find(one, dataset) for one in options.each_seed()}
    plan = [[earlier.identity(one, dataset), getattr(found, "progress", found)] for one, found in left.items()]
    cluster.require_agreement(machine, plan)
    report = Report(quiet=options.quiet)
    report.device(machine.device)
    unfinished = any(not isinstance(found, dict) for found in left.values())
    certified = _certify(options, dataset, machine, report) if unfinished else None
    setting = Setting(dataset, machine, certified, report)
    summaries: list[dict[str, Any]] = []
    started = 0.0
    for one, found in left.items():
        where = f"--resume continues with seed {one.seed}" if summaries else ""
        with signals.leading_to(where), fitting.failures_told():
            signals.check()
            summaries.append(found if isinstance(found, dict) else train(one, setting, found, started))
        report.result(summaries[-1], one.output, before=found is summaries[-1])
        started = clocks.process_seconds()
    if options.seeds > 1:
        with publish.published(options.output) as folder:
            together = statistics.together(summaries, len(dataset.test))
            publish.write_summary(folder / "seeds.json", together)
        report.together(together, options.output)
    return summaries


def train(options: Options, setting: Setting, found: "Checkpoint | None", started: float) -> dict[str, Any]:
    """Train with one seed, read the test images once, after the last step, and write all that came of it.

    It goes on from the checkpoint that was `found`. The times of the summary are wall-clock seconds: `seconds_train` is
    that of all steps and validations, after compilation; `seconds_total` runs from the second `started` of this process
    to the writing of the summary.
    """
    from training import checkpoint, data, earlier, fitting, results

    dataset, report = setting.dataset, setting.report
    training, validation = data.split(dataset.training, options.seed, validate=options.validate)
    report.data(dataset, len(validation))
    execution = fitting.Execution(options.chunk, options.xla, setting.machine)
    fit = fitting.Fit(options.recipe, execution, options.seed, training, validation)
    signals.check()
    report.model(options.recipe, options.seed, fit.reader.model)
    keeper = checkpoint.Keeper(options.output, fit, earlier.identity(options, dataset), options.checkpoint)
    if found:
        keeper.restore(found)
    if options.resume:
        report.resumed(fit.progress.step, fit.course.steps)
    _fit(fit, keeper, report)
    with keeper.on_failure():
        reader = fit.finish()
        reading = reader.read(dataset.test)
        signals.check()
        with publish.published(options.output, results.FILES) as folder:
            found_out = results.write(folder, options, dataset, fit, reading)
            summary = results.summarise(options, dataset, setting.machine.device, fit, reading) | found_out
            summary["certified"] = setting.certified
            if options.shifts:
                summary["test_accuracy_shifts"] = reader.read(dataset.test, shifts=True).accuracy
            summary["seconds_total"] = clocks.process_seconds() - started
            publish.write_summary(folder / publish.LAST, summary)
            signals.check()
    keeper.discard()
    return summary


def _fit(fit: "Fit", keeper: "Keeper", report: Report) -> None:
    """Do all steps; when told to stop, keep what there is after the chunk that runs."""
    while not fit.done:
        fit.advance(report.epoch)
        keeper.keep(now=signals.came())
        signals.check(keeper.where)


def _certify(options: Options, dataset: "Dataset", machine: "Machine", report: Report) -> dict[str, Any] | None:
    if not options.certify:
        return None
    from training import certification

    batch = min(options.recipe.batch_size, len(dataset.training)) // machine.count
    certified = certification.certify(options.recipe, batch)
    report.certified(certified)
    return certified


if __name__ == "__main__":
    leave(main())
