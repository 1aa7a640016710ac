"""What came out of certifying one function on one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from numeric.geometry import Geometry


class Outcome(StrEnum):
    """From the best to the worst; a layer's is the worst of its functions', `not run` and `unsupported` aside."""

    CERTIFIED = "certified"
    INEXACT = "inexact"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not run"
    REFUTED = "refuted"


@dataclass(frozen=True)
class Finding:
    """What one tier found about one function on one layer.

    `tier` is `structure`, `integers`, `bound` or `premises`; `detail` says in a line what was seen, `scope` what it
    holds for and `assumptions` under which premises. `difference` is filled where it is refuted: what was expected,
    what came, and where first. `calls` counts runs of the target.
    """

    tier: str
    function: str
    geometry: Geometry
    batch: int
    outcome: Outcome
    detail: str
    scope: str = ""
    assumptions: tuple[str, ...] = ()
    calls: int = 0
    seconds: float = 0.0
    difference: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        from proofs.report.notebook import finding

        return finding(self)
