"""The tiers of evidence, one per file: each decides a law and returns its `Evidence`, or None if it cannot."""

from collections.abc import Callable
from functools import partial

from proofs.law import Evidence, Law
from proofs.tiers import arithmetic, coq, derivation, symbolic

TIERS: dict[str, Callable[[Law], Evidence | None]] = {
    "derivation": derivation.decide,
    "arithmetic": arithmetic.decide,
    "coq": coq.decide,
    "symbolic": symbolic.decide,
}
QUICK = {**TIERS, "coq": coq.postponed}
"""What is asked where no tier is named: all, but what takes long only says how it is run."""
FULL: dict[str, Callable[[Law], Evidence | None]] = {**TIERS, "derivation": partial(derivation.decide, seeds=range(10))}
"""What `--grid full` asks beside its own grids of the tier `symbolic`: derivations at more sizes."""
