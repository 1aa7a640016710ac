"""Certifying PyTorch's conv2d against checking its gradients by differences, side by side and interleaved.

    python -m tests.benchmarks.certify_speed [--rounds N] [--batch N]

16x16, 8 to 8 channels, 3x3, padding 1, float64 for all, as `torch.autograd.gradcheck` needs it; forward and both
gradients. gradcheck differentiates in one backward pass that gives both gradients; so does `integers, jointly`, while
`integers, alone` calls each function on its own. Slow mode runs in the first round only, and the first round warms up.
Times are medians over the rounds, and so are the ratios to fast mode, each of neighbours in time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from itertools import permutations
from time import perf_counter

from numeric.geometry import Geometry
from proofs.conformance.adapters import load
from proofs.conformance.basis import structure
from proofs.conformance.integers import integers
from proofs.conformance.joint import jointly

LAYER = Geometry((16, 16), (3, 3), padding=1, in_channels=8, out_channels=8)
FUNCTIONS = ("conv", "conv.input_gradient", "conv.weight_gradient")


def main() -> int:
    """Measure, print, and say by the exit status whether both promises hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--batch", type=int, default=1, help="samples, of gradcheck and of the tier integers")
    options = parser.parse_args()
    rounds, runs = options.rounds, _runs(options.batch)
    orders = list(permutations(runs))  # what runs before has the caches
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name in orders[number % len(orders)]:
            if name == "gradcheck, slow" and number > 1:
                continue
            started = perf_counter()
            runs[name]()
            if number:
                times[name].append(perf_counter() - started)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        spread = f"{min(found):.4f} to {max(found):.4f}"
        sys.stdout.write(f"{name:18} {medians[name]:10.4f} s  ({spread}, {len(found)} runs)\n")
    ratio = medians["gradcheck, slow"] / medians["structure"]
    fast = {name: _ratio(times, name) for name in times if name.startswith("integers")}
    sys.stdout.write(f"structure is {ratio:.0f} times faster than slow mode\n")
    for name, value in fast.items():
        sys.stdout.write(f"{name} takes {value:.2f} of the time of fast mode\n")
    return 0 if ratio >= 100 and fast["integers, jointly"] <= 1 else 1


def _ratio(times, name):
    """Median over the rounds of a run's time divided by fast mode's in the same round."""
    return statistics.median(a / b for a, b in zip(times[name], times["gradcheck, fast"], strict=True))


def _runs(batch):
    import torch

    target = load("torch", dtype="float64")
    random = torch.Generator().manual_seed(0)
    x, w = (
        torch.randn(shape, dtype=torch.float64, generator=random, requires_grad=True)
        for shape in (LAYER.input_shape(batch), LAYER.weight_shape)
    )

    def conv(x, w):
        return torch.nn.functional.conv2d(x, w, padding=1)

    def certified(found):
        if found.outcome != "certified":
            raise SystemExit(f"{found.function}: {found.outcome}: {found.detail}")

    return {
        "structure": lambda: [certified(structure(target, name, LAYER)) for name in FUNCTIONS],
        "integers, jointly": lambda: [certified(found) for found in jointly(target, FUNCTIONS, LAYER, batch)],
        "integers, alone": lambda: [certified(integers(target, name, LAYER, batch)) for name in FUNCTIONS],
        "gradcheck, fast": lambda: torch.autograd.gradcheck(conv, (x, w), fast_mode=True),
        "gradcheck, slow": lambda: torch.autograd.gradcheck(conv, (x, w)),
    }


if __name__ == "__main__":
    sys.exit(main())
