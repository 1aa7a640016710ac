"""Speed of `numeric`'s convolution beside that of other libraries, in one run, interleaved.

    python -m tests.benchmarks.conv_speed [--json FILE] [--picture FILE] [--quick] [--dtype float64] [--only PATTERN]
    python -m tests.benchmarks.conv_speed --paths

Each result is checked against float64, and then all variants of all libraries are timed in rounds, in another random
order each; `tests.benchmarks.serving` says why each library has a process of its own. A ratio is the best peer's time
divided by ours in the same round, above 1 where we are faster: the median over the rounds, with the order statistics
that hold it with 95 % confidence (for 5 rounds or fewer: all, with less). The best peer is the variant with the least
median; one that takes ten times as long as it in the first round is timed no more. Percents are of the rate of a
product of square matrices in NumPy, measured in the same rounds.

With `--paths` all of our own paths are timed and printed beside what the model of `numeric.paths.auto` expects.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import statistics
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from numeric.paths.auto import AUTOMATIC, MODELS, Work
from tests.benchmarks.cases import Case, cases
from tests.benchmarks.peers import OURS, PEERS, THREADS
from tests.benchmarks.serving import Worker, choose

PACKAGES = (
    "numpy",
    "numba",
    "torch",
    "tensorflow",
    "jax",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "scipy",
)
HOPELESS = 10  # times the best peer's seconds, in the first round
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write; return 0."""
    options = _parser().parse_args(argv)
    random.seed(0)
    os.environ.update(
        {name: str(THREADS) for name in POOLS} | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )  # the libraries' processes
    if options.paths:
        os.environ["CONV_SPEED_PATHS"] = "1"
    names = [name for name in (OURS if options.paths else PEERS) if name not in options.without.split(",")]
    workers = [Worker(name) for name in names]
    for worker in workers:
        if worker.reason:
            _say(f"left out: {worker.name}: {worker.reason}")
    workers = [worker for worker in workers if not worker.reason]
    rounds = options.rounds or (3 if options.quick else 11)
    rows: list[dict[str, Any]] = []
    result: dict[str, Any] = {"dtype": options.dtype, "rounds": rounds, **_machine(), "rows": rows}
    for case in cases(options.dtype, options.only):
        rows.append(_row(case, workers, rounds, options))
        if not options.paths:
            result["geometric mean"] = _means(rows)
        if options.json:  # after every case: they take an hour
            _whole(options.json, json.dumps(result, indent=1).encode())
    for worker in workers:
        worker.close()
    if not options.paths:
        _say(*_left_out(rows))
        _say(*(f"geometric mean, {name}: {mean:.2f}" for name, mean in result["geometric mean"].items()))
    if options.picture and not options.paths:
        from tests.benchmarks.picture import draw

        _whole(options.picture, draw(result, options.picture.suffix[1:]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--picture", type=Path, help="draw the ratios into this file (.svg, .png, .pdf)")
    parser.add_argument("--quick", action="store_true", help="3 rounds in place of 11")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--only", default="", metavar="PATTERN", help="cases whose name holds this")
    parser.add_argument("--without", default="", metavar="NAMES", help="libraries to leave out, by commas")
    parser.add_argument("--paths", action="store_true", help="all our paths, beside the model's times")
    return parser


def _row(case: Case, workers: list[Worker], rounds: int, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of a case, printed."""
    with tempfile.TemporaryDirectory() as folder:
        reference = f"{folder}/reference.npy"
        np.save(reference, case.reference())
        found = {worker.name: worker.ask("prepare", case, reference) for worker in workers}
    able = [
        (worker, variant)
        for worker in workers
        for variant, error in found[worker.name].items()
        if not isinstance(error, str)
    ]
    times: dict[str, list[float]] = {f"{worker.name}: {variant}": [] for worker, variant in able}
    peak = []
    for _ in range(rounds):
        random.shuffle(able)
        for worker, variant in able:
            times[f"{worker.name}: {variant}"].append(worker.ask("time", variant))
        peak.append(_product(case.dtype))
        hopeless = _hopeless(times)
        able = [(worker, variant) for worker, variant in able if f"{worker.name}: {variant}" not in hopeless]
    row = {
        "case": case.label,
        "operations": case.operations,
        "seconds": times,
        "errors": {f"{name}: {v}": e for name, of in found.items() for v, e in of.items() if not isinstance(e, str)},
        "left out": {f"{name}: {v}": e for name, of in found.items() for v, e in of.items() if isinstance(e, str)},
        "product": statistics.median(peak),
    }
    if options.paths:
        _show_paths(case, row)
    else:
        row |= _compared(row, {worker.name: worker.ask("choices", case) for worker in workers if worker.name in OURS})
        _show(row)
    return row


def _hopeless(times: dict[str, list[float]]) -> set[str]:
    """Variants of peers that took `HOPELESS` times as long as the fastest one: they are timed no more."""
    peers = {name: min(found) for name, found in times.items() if name.split(":")[0] not in OURS}
    return {name for name, least in peers.items() if least > HOPELESS * min(peers.values())}


def _compared(row: dict[str, Any], choices: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The best peer, and for each of our choices its path and ratios."""
    times = row["seconds"]
    medians = {name: statistics.median(found) for name, found in times.items()}
    peers = {name: m for name, m in medians.items() if name.split(":")[0] not in OURS}
    best = min(peers, key=peers.__getitem__) if peers else None
    ours = {}
    for side, paths in choices.items():
        for choice, path in paths.items():
            name = f"{side}: {path}"
            if name in times and best:
                ratios = sorted(a / b for a, b in zip(times[best], times[name], strict=True))
                ours[f"{side}, {choice}"] = {"path": path, "ratio": statistics.median(ratios), **_interval(ratios)}
    return {"best": best, "ours": ours}


def _interval(ratios: list[float]) -> dict[str, float]:
    """Order statistics around the median: as many from each end as a fair coin exceeds with 2.5 % at most."""
    n, below, skipped = len(ratios), 0.0, 0
    for k in range(n // 2):
        below += math.comb(n, k) / 2**n
        if below > 0.025:
            break
        skipped = k
    return {"low": ratios[skipped], "high": ratios[-1 - skipped]}


def _product(dtype: str) -> float:
    """Operations a second of a product of square matrices."""
    n = 1024
    a = np.ones((n, n), dtype)
    a @ a
    return 2 * n**3 / _best(lambda: a @ a)


def _best(run: Any) -> float:
    from timeit import repeat

    return min(repeat(run, number=1, repeat=5))


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Geometric means of the ratios."""
    names = dict.fromkeys(name for row in rows for name in row["ours"])
    found = {name: [math.log(row["ours"][name]["ratio"]) for row in rows if name in row["ours"]] for name in names}
    return {name: math.exp(statistics.fmean(logs)) for name, logs in found.items()}


def _left_out(rows: list[dict[str, Any]]) -> list[str]:
    """Every reason once, with the number of cases."""
    reasons = [f"{name}: {reason}" for row in rows for name, reason in row["left out"].items()]
    return [f"left out of {reasons.count(reason)} cases: {reason}" for reason in dict.fromkeys(reasons)]


def _show(row: dict[str, Any]) -> None:
    if row["best"] is None:
        _say(f"{row['case']}: no peer")
        return
    seconds = statistics.median(row["seconds"][row["best"]])
    share = row["operations"] / seconds / row["product"]
    _say(f"{row['case']:42} best peer {row['best']}, {seconds * 1e3:.3g} ms, {share:.0%} of the product's rate")
    for name, of in row["ours"].items():
        ours = statistics.median(row["seconds"][f"{name.split(',')[0]}: {of['path']}"])
        share, error = row["operations"] / ours / row["product"], row["errors"][f"{name.split(',')[0]}: {of['path']}"]
        interval = f"({of['low']:.2f} to {of['high']:.2f})"
        _say(
            f"    {name:20} {of['path']:10} {ours * 1e3:8.3g} ms {share:5.0%}  {of['ratio']:5.2f} {interval:18}"
            f" error {error:.0e}"
        )


def _show_paths(case: Case, row: dict[str, Any]) -> None:
    work = Work(case.function, case.geometry, case.batch, np.dtype(case.dtype).itemsize)
    _say(f"{case.label}: {', '.join(f'{choice} takes {choose(case, choice)}' for choice in AUTOMATIC)}")
    for name, times in row["seconds"].items():
        path = name.split(": ")[1]
        model = f"{MODELS[path].seconds(work) * 1e3:8.3g} ms" if path in MODELS else "none"
        _say(f"    {name:22} {statistics.median(times) * 1e3:8.3g} ms   model {model}")


def _machine() -> dict[str, Any]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"machine": platform.machine(), "cores": os.cpu_count(), "threads": THREADS, "versions": versions}


def _whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
