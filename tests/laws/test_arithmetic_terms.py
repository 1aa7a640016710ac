"""Terms of Z3 compute as Python's integers do: operators, floor division, every branch of a formula, and errors."""

import operator
from itertools import product

import pytest
import z3

from proofs import Verdict, solver
from proofs.facts import Claim, fact
from proofs.integers import MOST_BRANCHES, MOST_PATHS, Path, PathsError, paths, truth

SMALL = range(-7, 8)
POSITIVE = range(1, 6)


def _value(path, term, **numbers):
    """The one value that a term has at these numbers."""
    known = [*path.conditions, *path.definitions, *(z3.Int(name) == value for name, value in numbers.items())]
    asked = z3.SimpleSolver()
    asked.add(*known)
    assert asked.check() == z3.sat
    value = asked.model().eval(term, model_completion=True)
    asked.add(term != value)
    assert asked.check() == z3.unsat
    return value


@pytest.mark.parametrize("operation", [operator.floordiv, operator.mod])
def test_division_is_pythons_for_every_small_number(operation):
    path = Path()
    term = operation(path.variable("a"), path.variable("b")).term
    for a, b in product(SMALL, POSITIVE):
        assert _value(path, term, a=a, b=b).as_long() == operation(a, b), (a, b)


@pytest.mark.parametrize("operation", [operator.floordiv, operator.mod])
def test_division_by_and_of_a_plain_number_is_pythons(operation):
    for b in POSITIVE:
        path = Path()
        term = operation(path.variable("a"), b).term
        assert [_value(path, term, a=a).as_long() for a in SMALL] == [operation(a, b) for a in SMALL]
    for a in SMALL:
        path = Path()
        term = operation(a, path.variable("b")).term
        assert [_value(path, term, b=b).as_long() for b in POSITIVE] == [operation(a, b) for b in POSITIVE]


def test_a_divisor_of_zero_or_less_has_no_quotient():
    """So that a division whose divisor is not shown to be positive must not be taken for a premise."""
    path = Path()
    path.variable("a") // path.variable("b")
    for b in (0, -1, -3):
        asked = z3.SimpleSolver()
        asked.add(*path.definitions, z3.Int("b") == b)
        assert asked.check() == z3.unsat


def test_one_division_has_one_quotient():
    path = Path()
    a, b = path.variable("a"), path.variable("b")
    quotient, remainder = (a + 1) // b, (a + 1) % b
    assert len(path.divisions) == len(path.definitions) == 1
    assert _value(path, (b * quotient + remainder - a).term, a=9, b=4).as_long() == 1


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
def test_sums_and_products_are_pythons_from_both_sides(operation):
    path = Path()
    a, b = path.variable("a"), path.variable("b")
    for x, y in product(range(-2, 3), repeat=2):
        for term in (operation(a, b), operation(a, y), operation(x, b)):
            assert _value(path, term.term, a=x, b=y).as_long() == operation(x, y)
        assert _value(path, (-a).term, a=x).as_long() == -x


@pytest.mark.parametrize(
    "relation", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne], ids=lambda r: r.__name__
)
def test_comparisons_are_pythons_from_both_sides(relation):
    path = Path()
    a, b = path.variable("a"), path.variable("b")
    for x, y in product(range(-1, 2), repeat=2):
        for condition in (relation(a, b), relation(a, y), relation(x, b)):
            assert z3.is_true(_value(path, condition.term, a=x, b=y)) == relation(x, y)


def test_conditions_are_joined_and_compared_as_truth_values():
    path = Path()
    a, b = path.variable("a"), path.variable("b")
    for x, y, plain in product(range(2), range(2), (False, True)):
        p, q = x > 0, y > 0
        for condition, expected in (
            ((a > 0) & (b > 0), p and q),
            ((a > 0) | (b > 0), p or q),
            ((a > 0) == (b > 0), p == q),
            ((a > 0) != (b > 0), p != q),
            ((a > 0) & plain, p and plain),
            (plain | (a > 0), p or plain),
            ((a > 0) == plain, p == plain),
        ):
            assert z3.is_true(_value(path, condition.term, a=x, b=y)) == expected
    assert path.conditions == []  # nothing was branched on


FORMULAS = {
    "max": lambda a, b: max(a, b, 0),
    "min": lambda a, b: min(a, b),
    "if": lambda a, b: a - b if a > b else b - a,
    "and": lambda a, b: 1 if a > 0 and b > a else 0,
    "or": lambda a, b: 1 if a > 0 or b > a else 0,
    "not": lambda a, b: 1 if not a > b else 0,
    "chain": lambda a, b: 1 if 0 <= a < b else 0,
    "number as truth value": lambda a, b: (a or b) if a % 2 else 0,
    "all": lambda a, b: int(all(x > 0 for x in (a, b, a - b))),
    "ceiling": lambda a, b: -(-a // b) if b > 0 else 0,
    "steps": lambda a, b: sum(1 for step in range(3) if a + step > b),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_exactly_one_path_holds_and_computes_what_python_does(name):
    formula = FORMULAS[name]
    found = [
        (path, value.term if hasattr(value, "term") else z3.IntVal(value))
        for path, value in paths(lambda path: formula(path.variable("a"), path.variable("b")))
    ]
    assert len(found) > 1
    for a, b in product(range(-3, 4), repeat=2):
        here = [each for each in found if _possible(each[0], a=a, b=b)]
        assert len(here) == 1
        assert _value(*here[0], a=a, b=b).as_long() == formula(a, b)


def _possible(path, **numbers):
    asked = z3.SimpleSolver()
    asked.add(*path.conditions, *path.definitions, *(z3.Int(name) == value for name, value in numbers.items()))
    return asked.check() == z3.sat


def test_a_condition_is_decided_once_on_a_path():
    def twice(path):
        a = path.variable("a")
        return (1 if a > 0 else 0, 1 if a > 0 else 0)

    assert [value for _, value in paths(twice)] == [(1, 1), (0, 0)]


def test_a_loop_without_a_last_branch_is_an_error():
    def count(n):
        steps = 0
        while n > steps:
            steps += 1
        return steps

    message = f"expected at most {MOST_BRANCHES} branches on a path through a formula, found more"
    with pytest.raises(PathsError, match=message):
        list(paths(lambda path: count(path.variable("n"))))
    endless = fact("n is counted")(lambda n: Claim((), count(n) == n))
    assert solver.prove(endless) == solver.Found(Verdict.OPEN, message)


def test_too_many_paths_are_an_error():
    def many(a):
        return sum(1 for step in range(7) if (a + step) % 2 == 0)

    message = f"expected at most {MOST_PATHS} paths through a formula, found more"
    with pytest.raises(PathsError, match=message):
        list(paths(lambda path: many(path.variable("a"))))


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None])
def test_only_integers_are_reckoned_with(wrong):
    a = Path().variable("a")
    with pytest.raises(TypeError, match=f"expected an integer, got {wrong!r}"):
        a + wrong
    with pytest.raises(TypeError, match=f"expected an integer, got {wrong!r}"):
        operator.lt(a, wrong)


@pytest.mark.parametrize("wrong", [1, None])
def test_only_conditions_are_truth_values(wrong):
    with pytest.raises(TypeError, match=f"expected a condition on integers, got {wrong!r}"):
        truth(wrong)
    with pytest.raises(TypeError, match="expected a condition on integers, got "):
        truth(Path().variable("a"))


def test_terms_are_no_keys():
    a = Path().variable("a")
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    with pytest.raises(TypeError, match="unhashable"):
        hash(a > 0)
