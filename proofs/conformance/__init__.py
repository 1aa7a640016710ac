"""Is an implementation of a layer right? Decided for any one, bit for bit, behind `python -m proofs certify`."""
