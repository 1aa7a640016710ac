"""The tiers of evidence, one per file: each decides a law and returns its `Evidence`, or None if it cannot."""

from collections.abc import Callable

from proofs.law import Evidence, Law
from proofs.tiers import derivation, symbolic

TIERS: dict[str, Callable[[Law], Evidence | None]] = {"derivation": derivation.decide, "symbolic": symbolic.decide}
