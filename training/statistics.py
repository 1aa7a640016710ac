"""What several trainings that differ in their seed alone say together."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any


def together(summaries: Sequence[Mapping[str, Any]], test_images: int) -> dict[str, Any]:
    """Return mean and spread of `summaries`: of test accuracies, and of seconds.

    `binomial_error` is how far off a share read from that many `test_images` is by chance, even with all seeds alike:
    the test set's own uncertainty, which more seeds do not reduce.
    """
    accuracies = [summary["test_accuracy"] for summary in summaries]
    mean = statistics.fmean(accuracies)
    found = {
        "seeds": [summary["seed"] for summary in summaries],
        "test_accuracy": _spread(accuracies),
        "binomial_error": math.sqrt(mean * (1 - mean) / test_images),
        "seconds_train": _spread([summary["seconds_train"] for summary in summaries]),
    }
    if all("test_accuracy_shifts" in summary for summary in summaries):
        found["test_accuracy_shifts"] = _spread([summary["test_accuracy_shifts"] for summary in summaries])
    found["device"] = "; ".join(dict.fromkeys(summary["device"] for summary in summaries))
    return found | {name: summaries[0][name] for name in ("versions", "recipe", "data")}


def _spread(figures: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation (of a sample: n - 1), least and greatest."""
    deviation = statistics.stdev(figures) if len(figures) > 1 else 0.0
    ends = {"least": min(figures), "greatest": max(figures)}
    return {"mean": statistics.fmean(figures), "standard_deviation": deviation, **ends}
