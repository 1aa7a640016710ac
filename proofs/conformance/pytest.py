"""The conformance suite in a project's own tests, in one line.

    from proofs.conformance.pytest import conformance

    test_my_conv = conformance("mypackage.kernels:conv2d", op="conv2d", layout="NHWC")

is a test for each layer of the grid, named by what is special about it, and one for the premises of each function. What
fails says what is wrong, by its name where it has one, with the smallest layer and five lines that show it.
`tests/conformance/example/` is a small project that does so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from numeric.geometry import Geometry
from proofs.conformance import geometries, pieces
from proofs.conformance.adapters.operations import Operation
from proofs.conformance.certify import Named, diagnosed, make
from proofs.conformance.geometries import Case
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.pieces import Piece
from proofs.conformance.target import Target


def conformance(
    target: Any,
    *,
    op: str = "conv",
    layout: str | None = None,
    dtype: str = "float32",
    device: str | None = None,
    grid: str | Path | Sequence[Geometry | Case] = "quick",
    tiers: Sequence[str] | None = None,
    strict: bool = False,
) -> Callable[..., None]:
    """Return a parametrised test that certifies a target; arguments as those of `proofs.certify`.

    A layer that the target does not support is skipped, with its reason. `strict` makes what is unsupported or inexact
    a failure. Raises `GridError`, and `TargetError` for an operation that there is not.
    """
    operation = Operation.named(op)
    (name,) = operation.names
    cases = geometries.cases(grid, name, operation.ndim)
    named = Named(target, dtype, device, layout, op) if isinstance(target, str) else target

    @cache
    def made() -> Target:  # when the first test runs: what cannot be made fails there
        return make(named, dtype=dtype, device=device, layout=layout, op=op)

    @cache
    def planned() -> list[Piece]:
        return pieces.plan(made(), [op], cases, tiers)

    def todo(case: Case | str) -> list[Piece]:
        if isinstance(case, str):
            return [piece for piece in planned() if piece.tiers == ("premises",) and piece.function == case]
        return [piece for piece in planned() if piece.case == case and piece.tiers != ("premises",)]

    premises = [] if tiers is not None and "premises" not in tiers else list(operation.functions())
    layers = [] if tiers is not None and set(tiers) == {"premises"} else cases
    ids = [*(geometries.words(case, "-", "") for case in layers), *(f"premises-{function}" for function in premises)]

    @pytest.mark.parametrize("case", [*layers, *premises], ids=ids)
    def test(case: Case | str) -> None:
        _judge(made(), todo(case), strict)

    return test


def _judge(target: Target, todo: Sequence[Piece], strict: bool) -> None:
    """Fail for what is refuted, with its diagnosis; skip where nothing is supported."""
    found = [finding for piece in todo for finding in pieces.run(target, piece, keep=False).findings]
    wrong = [Outcome.REFUTED, *((Outcome.INEXACT, Outcome.UNSUPPORTED) if strict else ())]
    failing = [finding for finding in found if finding.outcome in wrong]
    if failing:
        pytest.fail("\n".join(_message(target, finding) for finding in failing), pytrace=False)
    if not any(finding.outcome in (Outcome.CERTIFIED, Outcome.INEXACT) for finding in found):
        pytest.skip(found[0].detail if found else "the target does not have this function")


def _message(target: Target, finding: Finding) -> str:
    text = f"{finding.function} is {finding.outcome}, by {finding.tier}: {finding.detail}"
    if finding.outcome == Outcome.REFUTED and finding.tier != "premises":
        what = diagnosed(target, finding.function, finding.geometry)
        text += f"\n{what.text}" if what else ""
    return text
