"""The tiers of evidence, one per file: each decides a law and returns its `Evidence`, or None if it cannot."""

from proofs.tiers import derivation, symbolic

TIERS = {"derivation": derivation.decide, "symbolic": symbolic.decide}
