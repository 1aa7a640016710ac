"""What is true of convolutional layers, and how we know.

    prove(*names, tiers=...)    decide laws; returns the evidence of each
    LAWS                        every law by its name, in reading order
    audit_sheet()               the exercise sheet, line by line
    certify(target, ...)        is an implementation of a layer right? see proofs.conformance.certify

The command line is `python -m proofs`; `proofs/README.md` says what a verdict means and what it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import proofs.laws  # noqa: F401 - registers them
from proofs.audit import Finding, decide
from proofs.law import LAWS, Evidence, Law, Proved, Verdict, overall
from proofs.tiers import QUICK, TIERS

if TYPE_CHECKING:
    from proofs.conformance.certify import certify

__all__ = ["LAWS", "TIERS", "Evidence", "Finding", "Law", "Verdict", "audit_sheet", "certify", "overall", "prove"]


def __getattr__(name: str) -> Any:
    """Import `certify` when it is first asked for: proving needs nothing of it."""
    if name == "certify":
        from proofs.conformance.certify import certify

        return certify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def prove(*names: str, tiers: Iterable[str] | None = None, laws: Mapping[str, Law] = LAWS) -> Proved:
    """Decide the named laws, or all, by every tier that can, or by those named.

    Raises `KeyError` for a name that is no law or no tier.
    """
    chosen = [TIERS[tier] for tier in tiers] if tiers is not None else list(QUICK.values())
    found = {name: laws[name] for name in names or laws}
    return Proved({name: tuple(e for tier in chosen if (e := tier(law)) is not None) for name, law in found.items()})


def audit_sheet() -> list[Finding]:
    """Decide every line of the exercise sheet."""
    from proofs.sheet import LINES  # only this needs the sheet

    return [decide(line) for line in LINES]
