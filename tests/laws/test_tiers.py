"""What the tiers say: verdicts with every word that a reader relies on, counts, counterexamples, and what is open."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Sum

from numeric import Geometry, convolve, correlate
from proofs import LAWS, Law, Verdict
from proofs.derivations.symbols import arrays, at_sizes, centred, integers
from proofs.expressions import Expressions
from proofs.forms import Forms
from proofs.grids import ArrayCase, LayerCase, entries
from proofs.law import Evidence, law, overall
from proofs.polynomials import Polynomials
from proofs.report.terms import text
from proofs.rules import ARITHMETIC, chain_rule, fold, negate_index, proper_fraction, unfold
from proofs.signals import At, Convolution
from proofs.tiers import derivation, symbolic
from proofs.tiers.derivation import Derivation, Step, chain
from proofs.tiers.symbolic import CROSS_CHECKED, SMALL, Found, instance

SMALLEST = ArrayCase((1,), (2,))


def _swapped(_, of):
    yield "swap", correlate(of["x"], of["k"], "full"), correlate(of["k"], of["x"], "full")


def _commutes(_, of):
    yield "swap", convolve(of["x"], of["k"], "full"), convolve(of["k"], of["x"], "full")


def _law(check, *cases, **fields):
    return Law(
        "planted", "a statement", "here", check, lambda: cases, "a scope", "a path", ("an assumption",), **fields
    )


def test_evidence_of_the_symbolic_tier_says_what_ran_and_what_it_trusts():
    evidence = symbolic.decide(_law(_commutes, SMALLEST, ArrayCase((3,), (2,))))
    assert evidence.tier == "symbolic"
    assert evidence.verdict == Verdict.PROVED
    assert evidence.scope == "a scope"
    assert evidence.path == "a path; 6 entries compared, 2 of the cases by SymPy too"
    assert evidence.assumptions == ("an assumption", *symbolic.ASSUMPTIONS, symbolic.TRUSTED["forms"])
    assert (evidence.cases, evidence.counterexample) == (2, "")
    assert 0 < evidence.seconds < 60


@pytest.mark.parametrize("engine", ["rings", "expressions"])
def test_other_engines_are_named_and_are_sympys_already(engine):
    evidence = symbolic.decide(_law(_commutes, SMALLEST, engine=engine))
    assert evidence.path == "a path; 2 entries compared"
    assert evidence.assumptions[-1] == symbolic.TRUSTED[engine]


def test_a_counterexample_names_case_label_entry_and_numbers():
    evidence = symbolic.decide(_law(_swapped, SMALLEST, ArrayCase((3,), (2,))))
    assert evidence.verdict == Verdict.REFUTED
    assert evidence.cases == 1
    assert evidence.counterexample == (
        f"{SMALLEST}: swap: entry (0,) left = x[0]*k[1], right = x[0]*k[0]; with x[0], k[1] = 1 and all else 0: 1 and 0"
    )


def test_a_single_number_and_a_shape_are_named_without_an_entry():
    number = symbolic.decide(_law(lambda _, of: iter([("sum", of["x"].sum(), of["x"][0] * 2)]), SMALLEST))
    assert (
        number.counterexample == f"{SMALLEST}: sum: left = x[0], right = 2*x[0]; with x[0] = 1 and all else 0: 1 and 2"
    )
    shape = symbolic.decide(_law(lambda _, of: iter([("cut", of["k"], of["k"][:1])]), SMALLEST))
    assert shape.counterexample == f"{SMALLEST}: cut: shape (2,) on the left, (1,) on the right"


@pytest.mark.parametrize("engine", [Forms, Polynomials])
def test_numbers_are_ones_for_a_shortest_monomial_of_the_difference(engine):
    a, b, c = engine({"x": (3,)})["x"]
    assert instance(a * b + c, 0) == "; with x[2] = 1 and all else 0: 1 and 0"
    assert instance(a * b, a * b + c) == "; with x[2] = 1 and all else 0: 0 and 1"
    assert instance(a * b - 2, 3 * a * b - 2) == "; with x[0], x[1] = 1 and all else 0: -1 and 1"
    assert instance(a * a, a) == ""  # ones do not tell them apart
    assert instance(a, a + 1) == ""  # nothing needs to be 1
    assert instance(1, 2) == ""


@pytest.mark.parametrize(("engine", "six", "three"), [(Forms, "6", "3"), (Expressions, "6.000", "3.000")])
def test_where_numbers_are_compared_the_sample_tells_sides_apart(engine, six, three):
    of = engine({"x": (2,), "y": (1,)}, {"x": [2, 3]})
    (a, b), (c,) = of["x"], of["y"]
    assert instance(a * b, a + c) == f"; at the sample and 1 elsewhere: {six} and {three}"
    assert instance(a * b, 6) == ""  # the sample does not tell them apart
    assert instance(a > b, a < b) == ""  # truth values are shown as they are


def test_expressions_are_shown_to_four_digits():
    (a,) = Expressions({"x": (1,)}, {"x": [3]})["x"]
    assert instance(1 / a, a) == "; at the sample and 1 elsewhere: 0.3333 and 3.000"


def test_a_sample_on_a_kink_leaves_the_law_open():
    class OnAKink(ArrayCase):
        def sample(self):
            return {"x": [2, 2]}

    case = OnAKink((2,), (1,))
    evidence = symbolic.decide(_law(lambda _, of: iter([("order", max(of["x"]), of["x"][0])]), case))
    assert (evidence.verdict, evidence.cases) == (Verdict.OPEN, 1)
    assert evidence.counterexample.startswith(f"{case}: x[1] and x[0] are equal at the sample, though not everywhere")


def test_only_small_cases_run_in_sympy_too_and_only_so_many_of_them():
    """A layer on a line of n cells with one tap has 2 * n + 2 entries."""
    small, large = (LayerCase(Geometry((SMALL // 2 - 1 + more,), (1,))) for more in (0, 1))
    same = _law(lambda _, of: iter([("same", of["x"], of["x"].copy())]), small)
    assert entries(small) == SMALL
    assert symbolic.run(same, [small]).checked == 1
    assert symbolic.run(same, [large]).checked == 0
    assert symbolic.run(same, [small] * (CROSS_CHECKED + 2)).checked == CROSS_CHECKED
    counted = _law(lambda _, of: iter([("size", len(of["x"]), 1)]), small)  # no polynomial in it
    assert symbolic.run(counted, [small]).checked == 0


def test_where_sympy_computes_something_else_nothing_is_proved(monkeypatch):
    """One entry of ours is off by one, or one is missing; on both sides, so that the equality holds."""

    def wrong(spoil):
        def check(_, of):
            x = of["x"] if isinstance(of, Polynomials) else spoil(of["x"])
            yield "same", x, x.copy()

        return symbolic.decide(_law(check, ArrayCase((2,), (1,))))

    more = wrong(lambda x: x + np.arange(2))
    assert more.verdict == Verdict.OPEN
    assert more.counterexample == (f"{ArrayCase((2,), (1,))}: same: proofs.forms computes 1 + x[1], SymPy x[1]")
    fewer = wrong(lambda x: x[:1])
    assert fewer.counterexample.endswith("same: proofs.forms and SymPy disagree on a shape")
    assert wrong(lambda x: x).verdict == Verdict.PROVED


def test_what_two_runs_found_adds_up():
    first, second = Found(1, 2, 3, 4.0, "", "why"), Found(10, 20, 30, 40.0, "where", "other")
    assert first + second == Found(11, 22, 33, 44.0, "where", "why")
    assert second + first == Found(11, 22, 33, 44.0, "where", "other")


def test_a_claim_that_something_fails_is_open_until_it_does():
    assert symbolic.decide(_law(_commutes, SMALLEST, fails=True)).verdict == Verdict.OPEN
    assert symbolic.decide(_law(_swapped, SMALLEST, fails=True)).verdict == Verdict.PROVED


x, u, v = integers("x u v")
p, q = integers("p q", nonnegative=True)
f, k = arrays("f k")
SIZES = at_sizes({p: range(2), x: range(-1, 2)}, lambda sizes: {"f": [range(3)], "k": centred(sizes[p])}, most=6)
LEFT, RIGHT = At(Convolution(f, k, (u, p)), x), Sum(f[x - u] * k[u], (u, -p, p))
UNFOLD = unfold(Convolution, "*")


def _derived(*steps, goals=((LEFT, RIGHT),)):
    derived = Derivation(goals, steps, SIZES, "all of them", ("p ≥ 0",))
    return derivation.decide(_law(_commutes, SMALLEST, derivation=lambda: derived))


def test_evidence_of_a_derivation_says_what_checked_it_and_on_which_sizes():
    evidence = _derived(Step(LEFT, RIGHT, UNFOLD), Step(RIGHT, LEFT, replace(UNFOLD, backwards=True)))
    assert evidence.tier == "derivation"
    assert evidence.verdict == Verdict.PROVED
    assert evidence.scope == "all of them"
    assert evidence.path == "numeric.Axis and proofs.signals in SymPy; each step also by brute force at 6 sizes"
    assert evidence.assumptions == ("an assumption", "p ≥ 0", "SymPy's calculus of sums, where both checks agree")
    assert (evidence.cases, evidence.counterexample) == (2, "")
    assert 0 < evidence.seconds < 60


def test_a_false_step_is_shown_at_a_size_and_a_missing_one_by_its_ends():
    wrong = _derived(Step(LEFT, RIGHT, UNFOLD), Step(RIGHT, Sum(f[x - u] * k[u], (u, -p, 0)), ARITHMETIC))
    sides = "f[0]*k[1] + f[1]*k[0] + f[2]*k[-1] against f[1]*k[0] + f[2]*k[-1]"
    assert wrong.counterexample == f"step 2 (arithmetic) at p = 1, x = 1: {sides}"
    assert _derived(goals=((LEFT, RIGHT),)).counterexample == f"the steps do not lead from {LEFT} to {RIGHT}"


def test_a_chain_goes_on_where_its_last_line_ended():
    first, second = chain(1, (2, ARITHMETIC), (3, UNFOLD, "a remark"))
    assert first == Step(1, 2, ARITHMETIC)
    assert second == Step(2, 3, UNFOLD, "a remark")


def test_rules_are_named_for_what_they_do():
    assert unfold(Convolution, "*").name == fold(Convolution, "*").name == "definition of *"
    assert fold(Convolution, "*").backwards
    assert chain_rule(lambda _: 0).name == "chain rule"
    assert negate_index(u, v).named(text) == "substitute u → −u, v → −v"
    assert proper_fraction(q, p).name == "0 ≤ q < p"
    assert proper_fraction(q, p).conditional


def test_a_name_is_taken_once():
    (name, taken), *_ = LAWS.items()
    with pytest.raises(ValueError, match=f"there already is a law named '{name}'"):
        law(**{key: value for key, value in vars(taken).items() if key != "check"})(taken.check)
    assert LAWS[name] is taken


def test_a_new_law_is_registered_with_its_check(monkeypatch):
    monkeypatch.setattr("proofs.law.LAWS", laws := {})
    made = law(**{key: value for key, value in vars(_law(_commutes, SMALLEST)).items() if key != "check"})(_commutes)
    assert laws == {"planted": made}
    assert made.check is _commutes


def test_the_verdict_of_a_law_is_its_strongest_but_for_a_refutation():
    def of(*verdicts):
        return overall(Evidence("tier", verdict, "", "", (), 1, 0.0) for verdict in verdicts)

    assert of() == of(Verdict.NOT_RUN) == Verdict.NOT_RUN
    assert of(Verdict.NOT_RUN, Verdict.OPEN) == Verdict.OPEN
    assert of(Verdict.OPEN, Verdict.TESTED) == Verdict.TESTED
    assert of(Verdict.TESTED, Verdict.PROVED) == Verdict.PROVED
    assert of(Verdict.PROVED, Verdict.REFUTED) == Verdict.REFUTED
