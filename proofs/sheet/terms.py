"""Claims that two terms are equal, tried at concrete sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs.audit import Test
from proofs.evaluate import Model
from proofs.tiers.symbolic import instance


def same_terms(left: Any, right: Any, sizes: Callable[[dict[str, int]], Model]) -> Test:
    """Test that two terms have the same value, as polynomials in all array entries, at a case's sizes."""

    def test(case: dict[str, int]) -> str:
        model = sizes(case)
        ours, theirs = model.value(left), model.value(right)
        return "" if ours == theirs else f"{ours}, not {theirs}{instance(ours, theirs)}"

    return test
