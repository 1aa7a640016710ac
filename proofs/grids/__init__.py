"""The cases on which the symbolic tier runs the laws: what a case is, the default grids, and the full ones."""

from proofs.grids.cases import *  # noqa: F403 - every case
from proofs.grids.quick import *  # noqa: F403 - every grid
