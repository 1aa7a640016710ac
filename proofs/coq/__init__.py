"""Theorems about index maps, proved in Coq (`*.v`), and what runs `coqc` on them; `statements.json` is the register.

Arrays, IndexMap, Basis, Stack: any index map. Axis, Sizes, ReceptiveField: one axis. Layer, Equivariance, Instances:
the convolution layer and others like it. Table: what is compared with numeric. Plane: the sheet's plane.

`python -m proofs.coq` writes the register. Nothing is run when this package is imported.
"""
