"""Speed, measured by commands."""

import numeric  # noqa: F401 - before NumPy: see `numeric.threads`
