"""What a layer's algorithm promises, stated once: every test and every planted fault goes through these."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from numeric import definition, rounding
from numeric.paths import PATHS
from proofs.grids import LayerCase
from tests.strategies import exact

Arrays = Mapping[str, Any]


def check_same(left: Any, right: Any) -> None:
    """Equal in shape, type and every entry."""
    assert left.shape == right.shape, f"shape {left.shape}, expected {right.shape}"
    assert left.dtype == right.dtype, f"dtype {left.dtype}, expected {right.dtype}"
    assert (left == right).all(), f"{left}\nexpected\n{right}"


def check_within(computed: Any, true: Any, bound: Any) -> None:
    """Off from the exact fractions by at most the bound, in every entry; an infinite bound promises nothing."""
    assert computed.shape == true.shape == bound.shape
    for index in np.ndindex(computed.shape):
        if np.isinf(bound[index]):
            continue
        error = abs(Fraction(computed[index].item()) - true[index])
        assert error <= Fraction(bound[index]), f"{index}: off by {float(error):.3g}, bound {bound[index]:.3g}"


def check_computes_the_definition(path: Any, case: LayerCase, of: Arrays) -> None:
    """Output and both gradients, exactly; for integers, fractions and polynomials."""
    x, w, g, geometry = of["x"], of["w"], of["g"], case.geometry
    check_same(path.conv(x, w, geometry), definition.conv(x, w, geometry))
    check_same(path.weight_gradient(g, x, geometry), definition.weight_gradient(g, x, geometry))
    check_same(path.input_gradient(g, w, geometry), definition.input_gradient(g, w, geometry))


def check_stays_within_bounds(name: str, case: LayerCase, of: Arrays) -> None:
    """Output and both gradients by the path of that name on floats, against the definition on the same fractions."""
    x, w, g, geometry, path = of["x"], of["w"], of["g"], case.geometry, PATHS[name]
    true = {array: exact(values) for array, values in of.items()}
    check_within(
        path.conv(x, w, geometry),
        definition.conv(true["x"], true["w"], geometry),
        rounding.conv_bound(x, w, geometry, path=name),
    )
    check_within(
        path.weight_gradient(g, x, geometry),
        definition.weight_gradient(true["g"], true["x"], geometry),
        rounding.weight_gradient_bound(g, x, geometry, path=name),
    )
    check_within(
        path.input_gradient(g, w, geometry),
        definition.input_gradient(true["g"], true["w"], geometry),
        rounding.input_gradient_bound(g, w, geometry, path=name),
    )


def check_adjoint(path: Any, case: LayerCase, of: Arrays) -> None:
    """`<g, conv(x, w)> = <dw, w> = <dx, x>`, exactly."""
    x, w, g, geometry = of["x"], of["w"], of["g"], case.geometry
    form = (g * path.conv(x, w, geometry)).sum()
    assert form == (path.weight_gradient(g, x, geometry) * w).sum()
    assert form == (path.input_gradient(g, w, geometry) * x).sum()


def check_adjoint_within_bounds(name: str, case: LayerCase, of: Arrays) -> None:
    """The same on floats: each form is off by at most its factor's weighted bound; the sums here are exact."""
    x, w, g, geometry, path = of["x"], of["w"], of["g"], case.geometry, PATHS[name]
    forms = (
        (g, path.conv(x, w, geometry), rounding.conv_bound(x, w, geometry, path=name)),
        (w, path.weight_gradient(g, x, geometry), rounding.weight_gradient_bound(g, x, geometry, path=name)),
        (x, path.input_gradient(g, w, geometry), rounding.input_gradient_bound(g, w, geometry, path=name)),
    )
    found = [((exact(a) * exact(b)).sum(), (abs(exact(a)) * exact(bound)).sum()) for a, b, bound in forms]
    for value, bound in found[1:]:
        assert abs(value - found[0][0]) <= bound + found[0][1]
