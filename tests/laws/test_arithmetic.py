"""The `arithmetic` tier: every fact is proved, says something, holds on plain integers; and what keeps one open."""

import importlib
import pkgutil
import random
import subprocess
import sys

import pytest

import proofs.arithmetic
from proofs import LAWS, Law, Verdict, solver
from proofs.facts import Claim, Fact, fact
from proofs.grids import ArrayCase
from proofs.tiers import arithmetic

MODULES = [
    importlib.import_module(f"proofs.arithmetic.{name}")
    for _, name, _ in pkgutil.iter_modules(proofs.arithmetic.__path__)
]
NAMED = {name: law for name, law in LAWS.items() if law.arithmetic is not None}
OF_LAWS = [each for law in NAMED.values() for each in law.arithmetic()]
LEMMAS = [each for module in MODULES for each in vars(module).values() if isinstance(each, Fact)]
FACTS = list(dict.fromkeys([*OF_LAWS, *LEMMAS]))


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test finds out is not another one's."""
    solver.prove.cache_clear()
    yield
    solver.prove.cache_clear()


def _planted(*facts, **fields):
    return Law(
        "planted",
        "a statement",
        "here",
        lambda _, of: iter([("same", of["x"], of["x"])]),
        lambda: [ArrayCase((1,), (1,))],
        "a scope",
        "a path",
        ("an assumption",),
        arithmetic=lambda: facts,
        **fields,
    )


def _said_by(found):
    return Fact("planted", found, tuple(found.__code__.co_varnames[: found.__code__.co_argcount]))


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.statement)
def test_every_fact_is_proved_and_says_something(each):
    found = solver.prove(each)
    assert found.verdict == Verdict.PROVED, found.reason
    numbers = dict(part.split(" = ") for part in found.seen.split(", "))
    assert tuple(numbers) == each.integers
    claim = each.claim(*map(int, numbers.values()))
    assert all(claim.given)
    assert claim.then


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.statement)
def test_every_fact_holds_on_plain_integers(each):
    """Drawn ones, so that neither Z3 nor the terms that it is asked about are taken for granted."""
    pick, held = random.Random(0), 0  # noqa: S311 - nothing secret
    for _ in range(4000):
        numbers = [pick.randint(-2, 5) for _ in each.integers]
        try:
            claim = each.claim(*numbers)
        except ZeroDivisionError:
            continue  # of a stride that is not given to be 1 or more
        if all(claim.given):
            held += 1
            assert claim.then, numbers
            assert all(instance.claim.then or not all(instance.claim.given) for instance in claim.by)
    assert held > 0


def test_every_fact_is_a_laws_or_rested_on_by_one():
    rested = {instance.fact for each in FACTS for instance in each.claim(*[1 for _ in each.integers]).by}
    assert [each.statement for each in FACTS if each not in {*OF_LAWS, *rested}] == []


def test_no_two_facts_say_the_same():
    assert len({each.statement for each in FACTS}) == len(FACTS) > 45


def test_evidence_names_the_facts_and_what_is_trusted():
    evidence = arithmetic.decide(LAWS["same-padding-has-input-over-stride-outputs-rounded-up"])
    assert (evidence.tier, evidence.verdict, evidence.cases) == ("arithmetic", Verdict.PROVED, 3)
    assert evidence.scope == arithmetic.SCOPE
    assert evidence.path == (
        f"numeric.geometry on terms of Z3 {solver.VERSION}; padding 'same', k, s, d ≥ 1: ⌈n / s⌉ outputs; "
        "padding 'same', s ≥ 1: 0 ≤ low ≤ high ≤ low + 1; "
        "padding 'same', k, s, d ≥ 1: with one cell less there are fewer outputs"
    )
    law = LAWS["same-padding-has-input-over-stride-outputs-rounded-up"]
    assert evidence.assumptions == (*law.assumptions, arithmetic.SUMS, "Z3, where it says that there is no solution")
    assert evidence.counterexample == ""
    assert 0 < evidence.seconds < 60


def test_a_law_without_facts_is_not_this_tiers():
    assert arithmetic.decide(LAWS["dropout-keeps-the-mean"]) is None


@fact("every integer is positive")
def positive(n):
    return Claim((), n > 0)


@fact("an integer that is more than itself is 0")
def empty(n):
    return Claim((n > n,), n == 0)


@fact("2·n = n + n")
def doubled(n):
    return Claim((), 2 * n == n + n)


def test_a_law_is_refuted_by_one_fact_and_open_by_one_or_none():
    refuted = arithmetic.decide(_planted(doubled, empty, positive))
    assert refuted.verdict == Verdict.REFUTED
    assert refuted.counterexample == "every integer is positive: n = 0"
    undecided = arithmetic.decide(_planted(doubled, empty))
    assert undecided.verdict == Verdict.OPEN
    assert undecided.counterexample == ("an integer that is more than itself is 0: what it is given cannot all hold")
    nothing = arithmetic.decide(_planted())
    assert (nothing.verdict, nothing.counterexample, nothing.cases) == (Verdict.OPEN, "it has no fact", 0)
    assert arithmetic.decide(_planted(doubled)).verdict == Verdict.PROVED


def test_contradictory_premises_are_open_on_every_path():
    @fact("a layer without outputs, and with some")
    def contradictory(n, s):
        return Claim((s >= 1, n // s >= 1, n < s), max(n, s) == n)

    assert solver.prove(contradictory) == solver.Found(Verdict.OPEN, "what it is given cannot all hold")


def test_a_query_beyond_the_limit_is_open(monkeypatch):
    @fact("no cube is the sum of two")
    def cubes(a, b, c):
        return Claim((a >= 1, b >= 1, c >= 1), a * a * a + b * b * b != c * c * c)

    monkeypatch.setattr(solver, "LIMIT", 20_000)
    monkeypatch.setattr(solver, "RANGES", ((0, 2), None))
    found = solver.prove(cubes)
    assert found.verdict == Verdict.OPEN
    assert found.reason.startswith("Z3 does not know: ")


@pytest.mark.parametrize("each", OF_LAWS[:12], ids=lambda each: each.statement)
def test_no_fact_is_proved_within_no_steps(each, monkeypatch):
    monkeypatch.setattr(solver, "LIMIT", 1)
    assert solver.prove(each).verdict == Verdict.OPEN


def test_a_fact_that_rests_on_one_that_is_not_proved_is_open():
    resting = _said_by(lambda n: Claim((), n > 0, (positive(n),)))
    found = solver.prove(resting)
    assert found.verdict == Verdict.OPEN
    assert found.reason.startswith("it rests on 'every integer is positive', which is refuted: n = ")
    vacuous = _said_by(lambda n: Claim((), n == 0, (empty(n),)))
    assert solver.prove(vacuous).reason == (
        "it rests on 'an integer that is more than itself is 0', which is open: what it is given cannot all hold"
    )


def test_what_a_fact_rests_on_is_used_for_its_premises_alone():
    """An instance is an implication: where its premises fail it says nothing."""
    smaller = fact("n ≥ 1: n² ≥ n")(lambda n: Claim((n >= 1,), n * n >= n))
    assert solver.prove(smaller).verdict == Verdict.PROVED
    wrong = _said_by(lambda n, m: Claim((), n * m >= n, (smaller(n), smaller(m))))
    assert solver.prove(wrong).verdict == Verdict.REFUTED


def test_a_division_counts_only_where_the_divisor_was_seen_to_be_positive():
    reason = "the divisor s is not seen to be positive"
    free = _said_by(lambda n, s: Claim((), n // s * s + n % s == n))
    assert solver.prove(free) == solver.Found(Verdict.OPEN, reason)
    assert solver.prove(_said_by(lambda n, s: Claim((s != 0,), n // s <= n))).reason == reason
    assert solver.prove(_said_by(lambda n, s: Claim((s >= 1,), n // s * s + n % s == n))).verdict == Verdict.PROVED

    def branch(n, s):
        return Claim((), n // s * s <= n if s > 0 else True)

    assert solver.prove(_said_by(branch)).verdict == Verdict.PROVED

    def too_late(n, s):
        rounded = n // s * s
        return Claim((), rounded <= n if s > 0 else True)

    assert solver.prove(_said_by(too_late)).reason == reason


def test_a_premise_does_not_vouch_for_its_own_divisor():
    """`n % s == 0` has no solution on terms where s is 0 or less; that must not count as a premise on s."""
    dividing = _said_by(lambda n, s: Claim((n % s == 0,), s >= 1))
    assert solver.prove(dividing).reason == "the divisor s is not seen to be positive"


def test_a_solution_that_plain_integers_do_not_confirm_is_not_believed():
    def two_faced(wrong_on_terms):
        return _said_by(lambda n: Claim((n >= 0,), n >= 0 if isinstance(n, int) != wrong_on_terms else n < 0))

    sat = solver.prove(two_faced(wrong_on_terms=False))
    assert sat.verdict == Verdict.OPEN
    assert sat.reason.startswith("Z3 names n = ")
    assert sat.reason.endswith(", and plain integers disagree")


def test_a_fact_that_fails_on_plain_integers_alone_is_open():
    odd = _said_by(lambda n: Claim((n >= 0,), n < 0 if isinstance(n, int) else n >= 0))
    found = solver.prove(odd)
    assert found.verdict == Verdict.OPEN
    assert found.reason.endswith(", and plain integers disagree")


def test_z3_is_loaded_when_it_is_first_asked():
    """Listing laws and explaining the command line must not wait for it."""
    program = "import sys, proofs, proofs.__main__; assert 'z3' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
