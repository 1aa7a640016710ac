"""The layer's algorithms, one per file, each with `conv`, `input_gradient` and `weight_gradient`.

They take and return channels-first arrays of one number type and a `Geometry`, have the signatures of
`numeric.definition`, and compute the same map. To add one: write the module, and name it in `PATHS`; the
property tests run over this table.
"""

from numeric import definition
from numeric.paths import im2col

PATHS = {"im2col": im2col, "definition": definition}
