"""Derivations of the laws for all sizes, one file per family like `proofs.laws`: steps only, no machinery."""
