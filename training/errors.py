"""What can go wrong, by exit status: `UsageError` and `DataError` end a run with 2, `RunError` with 1."""


class UsageError(ValueError):
    """An option, the output folder or the installation is not usable; nothing was done."""


class DataError(ValueError):
    """The data is missing, damaged or not what was expected; nothing was done."""


class RunError(RuntimeError):
    """The training failed, or its results could not be written."""
