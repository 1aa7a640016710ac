"""Facts about the index map that laws rest on, one file per family; `proofs.solver` decides them for all integers."""
