"""CONTRIBUTING's recipes, followed from start to end for a toy layer: `gated(x, w) = x * w`, a weight for each channel.

One section for each numbered step of "A new layer" and "A new law"; the last test holds the sections against the text.
What a contributor would put into a file of its own stands here in one place.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from numeric.dtypes import as_numbers
from numeric.geometry import GeometryError
from numeric.rounding.model import bilinear_bound
from proofs import Verdict, prove
from proofs.__main__ import main
from proofs.grids import by_size
from proofs.grids.cases import Unsampled
from proofs.law import Law
from tests import checks, strategies

CONTRIBUTING = Path(__file__).resolve().parent.parent.parent / "CONTRIBUTING.md"

# A new layer, step 1: the definition as plain loops; the functions that users call, which check first.


def defined(x, w):
    """Output by definition: `y[n, c, a] = x[n, c, a] * w[c]`."""
    x, w = as_numbers(x, w)
    y = np.zeros(x.shape, x.dtype)
    for n, c, *a in np.ndindex(x.shape):
        y[(n, c, *a)] = x[(n, c, *a)] * w[c]
    return y


def gated(x, w):
    """Every channel times its weight: x `(batch, channels, *spatial)`, w `(channels,)`."""
    x, w = _checked("x", x, w)
    return x * _spread(w, x)


def gated_input_gradient(g, w):
    """dL/dx for the cotangent g = dL/dy."""
    g, w = _checked("g", g, w)
    return g * _spread(w, g)


def gated_weight_gradient(g, x):
    """dL/dw for the cotangent g = dL/dy."""
    g, x = as_numbers(g, x)
    if g.shape != x.shape or x.ndim < 2:
        raise GeometryError(f"g and x must have one shape (batch, channels, *spatial), got {g.shape} and {x.shape}")
    return (g * x).sum(axis=(0, *range(2, x.ndim)), dtype=x.dtype)


def _checked(name, x, w):
    x, w = as_numbers(x, w)
    if x.ndim < 2 or w.shape != x.shape[1:2]:
        raise GeometryError(
            f"{name} must be (batch, channels, *spatial) and w (channels,), got {x.shape} and {w.shape}"
        )
    return x, w


def _spread(w, x):
    return w.reshape(-1, *(1,) * (x.ndim - 2))


# Step 2: the bound of each function.


def gated_weight_gradient_bound(g, x):
    """Bound on the error of `gated_weight_gradient`, float64: a sum of products."""
    return bilinear_bound(gated_weight_gradient, g, x)


# Step 3: tests against the definition, of the adjoint identity, within the bound, of errors.


@dataclass(frozen=True)
class GatedCase(Unsampled):
    """Shape of x and of its cotangent g; w has a weight for each channel."""

    shape: tuple[int, ...]

    def shapes(self):
        """x, g, w."""
        return {"x": self.shape, "g": self.shape, "w": self.shape[1:2]}

    def __str__(self):
        return f"x of {self.shape}"


CASES = st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)).map(GatedCase)


def promise(functions, data):
    """What the layer promises, for the true functions and the planted ones."""
    forward, input_gradient, weight_gradient = functions
    of = data.draw(CASES.flatmap(strategies.values))
    y = forward(of["x"], of["w"])
    checks.check_same(y, defined(of["x"], of["w"]))
    form = (of["g"] * y).sum()
    assert (input_gradient(of["g"], of["w"]) * of["x"]).sum() == form
    assert (weight_gradient(of["g"], of["x"]) * of["w"]).sum() == form


TRUE = (gated, gated_input_gradient, gated_weight_gradient)


@given(data=st.data())
def test_the_layer_keeps_its_promise(data):
    promise(TRUE, data)


@given(data=st.data())
def test_floats_stay_within_the_bound(data):
    of = data.draw(CASES.flatmap(lambda case: strategies.values(case, lambda s: strategies.floats(s, np.float32))))
    true = gated_weight_gradient(strategies.exact(of["g"]), strategies.exact(of["x"]))
    computed = gated_weight_gradient(of["g"], of["x"])
    checks.check_within(computed, true, gated_weight_gradient_bound(of["g"], of["x"]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gated(np.ones((2, 3)), np.ones(2)), r"x must be .* got \(2, 3\) and \(2,\)"),
        (lambda: gated_input_gradient(np.ones(2), np.ones(2)), r"g must be .* got \(2,\) and \(2,\)"),
        (lambda: gated_weight_gradient(np.ones((2, 3)), np.ones((2, 2))), r"one shape .* got \(2, 3\) and \(2, 2\)"),
    ],
)
def test_what_does_not_fit_is_a_geometry_error(call, message):
    with pytest.raises(GeometryError, match=message):
        call()


# Step 4, and "A new law": a law named by its conclusion, with its cases and a strategy for them.


def _gradients(functions):
    def check(_, of):
        """Our gradients, and the derivative of the executed layer."""
        forward, input_gradient, weight_gradient = functions
        x, w, g = of["x"], of["w"], of["g"]
        yield "∂L/∂x", input_gradient(g, w), of.gradient(lambda x: (g * forward(x, w)).sum(), "x")
        yield "∂L/∂w", weight_gradient(g, x), of.gradient(lambda w: (g * forward(x, w)).sum(), "w")

    return check


LAW = Law(
    name="gated-gradients-are-the-derivatives",
    statement="both gradients of gated = ∂⟨g, gated(x, w)⟩/∂x, ∂w",
    source="a toy layer",
    check=_gradients(TRUE),
    cases=lambda: by_size(map(GatedCase, ((1, 2), (2, 3), (2, 2, 3), (1, 3, 2, 2)))),
    scope="0 to 2 spatial axes",
    path="gated",
)


def test_the_law_is_proved_and_printed(capsys):
    (evidence,) = prove(LAW.name, laws={LAW.name: LAW})[LAW.name]
    assert evidence.verdict == Verdict.PROVED
    assert main(["prove", LAW.name], {LAW.name: LAW}) == 0
    assert LAW.statement in " ".join(capsys.readouterr().out.split())


# Step 5: the faults that people make, each caught by the promise and by the law.

PLANTED = {
    "input gradient: weight forgotten": (gated, lambda g, w: as_numbers(g, w)[0], gated_weight_gradient),
    "weight gradient: mean instead of sum": (gated, gated_input_gradient, lambda g, x: gated_weight_gradient(g, x) * 2),
    "forward: weights along the last axis": (
        lambda x, w: as_numbers(x, w)[0] * np.resize(w, x.shape[-1:]),
        gated_input_gradient,
        gated_weight_gradient,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_faults_are_caught(name):
    @settings(max_examples=100, derandomize=True, phases=[Phase.generate], database=None)
    @given(data=st.data())
    def suite(data):
        promise(PLANTED[name], data)

    with pytest.raises(AssertionError):
        suite()
    false = replace(LAW, check=_gradients(PLANTED[name]))
    (evidence,) = prove(LAW.name, laws={LAW.name: false})[LAW.name]
    assert evidence.verdict == Verdict.REFUTED


def test_every_step_of_the_recipes_is_followed_here():
    """The numbered steps, and what each of them asks for; a new step asks for a new section."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (A new (?:law|layer))\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE))
    steps = {
        name: re.findall(r"^\d\. (.*?)(?=^\d\. |\Z)", body, re.DOTALL | re.MULTILINE) for name, body in sections.items()
    }
    followed = {
        "A new layer": ("definition", "bound", "Tests", "Laws", "planted"),
        "A new law": ("proofs/laws/", "cases", "all sizes", "strategy", "Break it"),
    }
    assert {name: len(found) for name, found in steps.items()} == {name: len(words) for name, words in followed.items()}
    for name, words in followed.items():
        for step, word in zip(steps[name], words, strict=True):
            assert word in step
