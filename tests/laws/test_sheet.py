"""The exercise sheet's audit: statuses are found, counterexamples are the smallest, every law it cites exists."""

import importlib
import re

import pytest

from numeric import convolve
from proofs import LAWS, audit_sheet
from proofs.audit import Claim, Line, Status, decide, equals, smallest_first
from proofs.sheet import LINES

FINDINGS = {id(finding.line): finding for finding in audit_sheet()}


def _found(words: str):
    (line,) = [line for line in LINES if words in line.text]
    return FINDINGS[id(line)]


def test_every_line_is_decided():
    assert Status.UNDECIDED not in {finding.status for finding in FINDINGS.values()}
    assert len(FINDINGS) == len(LINES) == 42


def test_the_lines_come_in_the_order_of_the_sheet():
    parts = [line.part for line in LINES]
    assert parts == sorted(parts, key=lambda part: part.replace("∂w", "1").replace("∂x", "2"))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("τ_(s,t)(f * k)(x, y) =", Status.NOT_AS_PRINTED),
        ("k(u, v) = Σ_u Σ_v (τf)", Status.HOLDS),
        ("= ((τf) * k)(x, y)", Status.NOT_AS_PRINTED),
        ("the two ends of the chain", Status.HOLDS),
        ("The size of f * k is", Status.HOLDS_IF),
        ("smaller than the size of f", Status.HOLDS_IF),
        ("the output size is the same as the input size", Status.HOLDS_IF),
        ("(3Km²(m−p+1)²) / (9Km²(m−p+1)²)", Status.NOT_AS_PRINTED),
        ("2.168 × 10⁻⁵", Status.HOLDS_IF),
        ("1.103 × 10⁻⁸", Status.HOLDS_IF),
        ("more computationally efficient", Status.HOLDS_IF),
        ("rot180(x) * ∂L/∂y, on arrays", Status.HOLDS_IF),
        ("reduce the number of parameters", Status.HOLDS_IF),
        ("hence ∂L/∂x = rot180(w)", Status.HOLDS_IF),
        ("See train_and_test_MNIST_solution.py", Status.CANNOT_BE_CHECKED),
        ("Solution 2 (Local connectivity", Status.NOTHING_TO_CHECK),
    ],
)
def test_what_became_of(words, status):
    assert _found(words).status == status


def test_the_slip_has_its_smallest_counterexample():
    assert _found("τ_(s,t)(f * k)(x, y) =").counterexample.startswith("p = 0, q = 1, s = 0, t = 0, x = 0, y = 0: ")


@pytest.mark.parametrize("finding", FINDINGS.values(), ids=lambda finding: finding.line.text[:40])
def test_a_status_comes_with_what_it_needs(finding):
    line = finding.line
    if finding.status == Status.HOLDS_IF:
        assert line.needs
        assert finding.counterexample
    if finding.status == Status.NOT_AS_PRINTED:
        assert line.correction
        assert finding.counterexample
    if finding.status == Status.HOLDS:
        assert not line.needs
        assert not line.correction
        assert finding.cases > 0
    assert set(line.laws) <= set(LAWS)


def test_every_law_of_the_sheet_is_cited():
    """Laws beyond the sheet's lines: those that generalise one to layers, and the algebra they rest on."""
    cited = {law for line in LINES for law in line.laws}
    line = re.compile(r"sheet, Solution [123](\.\d)?(, (first|second) chain)?")
    quoted = {name for name, law in LAWS.items() if line.fullmatch(law.source)}
    assert quoted
    assert quoted <= cited


FEWER = {
    # a wrong count, and the lines that must notice
    "proofs.sheet.parameters._edges": ("p² input nodes", "parameters is 3Kp²", "more computationally efficient"),
    "proofs.sheet.parameters._outputs": ("total number of outputs", "with all K kernels", "total output size is 3K"),
    "proofs.sheet.parameters._dense_weights": ("(3Km²(m−p+1)²)",),
    "proofs.sheet.parameters._positions": ("For each channel", "with all K kernels", "parameters is 3Kp²"),
}


@pytest.mark.parametrize(("place", "words"), [(place, word) for place, words in FEWER.items() for word in words])
def test_a_line_notices_a_wrong_count(place, words, monkeypatch):
    module, name = place.rsplit(".", 1)
    true = getattr(importlib.import_module(module), name)

    def wrong(case):
        count = true(case)
        return [*count[:-1]] if isinstance(count, list) else count + 1

    monkeypatch.setattr(place, wrong)
    before = _found(words)
    after = decide(before.line)
    assert (after.status, after.counterexample) != (before.status, before.counterexample)


@pytest.mark.parametrize("words", ["size of f * k is", "smaller than", "same as the input size"])
def test_a_line_notices_a_convolution_of_the_wrong_size(words, monkeypatch):
    monkeypatch.setattr("proofs.sheet.properties.convolve", lambda x, k, mode: convolve(x, k, mode)[1:])
    before = _found(words)
    assert decide(before.line).status != before.status


@pytest.mark.parametrize("words", ["∂L/∂y, on arrays", "hence ∂L/∂x"])
def test_a_line_notices_a_missing_rotation(words, monkeypatch):
    monkeypatch.setattr("proofs.sheet.backpropagation.rot180", lambda array: array)
    assert decide(_found(words).line).status == Status.UNDECIDED


def test_every_equality_is_between_two_different_terms(monkeypatch):
    """But for the line that only rewrites an index, which SymPy does by itself."""
    pairs = []
    for module in ("properties", "backpropagation"):
        path = f"proofs.sheet.{module}.same_terms"
        monkeypatch.setattr(path, lambda left, right, _: pairs.append((left, right)) or (lambda _: ""))
    for line in LINES:
        if line.claim is not None:
            line.claim()
    assert len(pairs) == 18
    assert sum(left == right for left, right in pairs) == 1


EVEN = smallest_first(n=range(5))


def _line(**claim):
    return Line("9", "planted", lambda: Claim(EVEN, **claim))


def test_a_claim_is_never_called_better_than_it_is():
    wrong = equals(lambda c: c["n"] ** 2, lambda c: c["n"])
    right = equals(lambda c: c["n"], lambda c: c["n"])
    assert decide(_line(test=right)).status == Status.HOLDS
    assert decide(_line(test=wrong)).status == Status.UNDECIDED
    assert decide(_line(test=wrong, corrected=right)).status == Status.NOT_AS_PRINTED
    assert decide(_line(test=wrong, corrected=wrong)).status == Status.UNDECIDED
    assert decide(_line(test=wrong, condition=lambda c: c["n"] < 2)).status == Status.HOLDS_IF
    assert decide(_line(test=wrong, condition=lambda c: c["n"] < 3)).status == Status.UNDECIDED
    assert decide(_line(test=wrong, condition=lambda _: False)).status == Status.UNDECIDED
    assert decide(_line(test=wrong)).counterexample == "n = 2: 4, not 2"


def test_a_condition_that_is_not_needed_is_not_claimed():
    right = equals(lambda c: c["n"], lambda c: c["n"])
    assert decide(_line(test=right, condition=lambda c: c["n"] > 1)).status == Status.HOLDS


def test_cases_come_smallest_first():
    cases = smallest_first(lambda c: c["a"] != 1, a=range(-1, 2), b=range(2))
    assert cases == [{"a": 0, "b": 0}, {"a": -1, "b": 0}, {"a": 0, "b": 1}, {"a": -1, "b": 1}]
    assert smallest_first(n=range(2)) == [{"n": 0}, {"n": 1}]


def test_a_finding_is_about_its_line():
    heading, claimed = Line("9", "a heading"), _line(test=lambda _: "")
    assert decide(heading).line is heading
    assert decide(claimed).line is claimed


def test_a_line_without_a_claim_says_why():
    assert decide(Line("9", "a heading")).status == Status.NOTHING_TO_CHECK
    assert decide(Line("9", "a file", unchecked="it is not here")).status == Status.CANNOT_BE_CHECKED


def test_cases_are_counted_and_named():
    wrong = equals(lambda c: sum(v for v in c.values() if isinstance(v, int)), lambda _: 2)
    cases = [{"n": 2, "m": 0}, {"n": 1, "m": 0, "mode": "padded"}, {"n": 2, "m": 0}]
    found = decide(Line("9", "planted", lambda: Claim(cases, wrong)))
    assert found.cases == 3
    assert found.counterexample == "n = 1, m = 0, padded: 1, not 2"
    assert decide(Line("9", "planted", lambda: Claim(["a word"], lambda _: "no"))).counterexample == "a word: no"


def test_one_case_where_the_corrected_line_fails_is_enough():
    """Also where it holds afterwards."""
    claim = Claim(EVEN, lambda _: "never", corrected=lambda case: "at 1" if case["n"] == 1 else "")
    assert decide(Line("9", "planted", lambda: claim)).status == Status.UNDECIDED
