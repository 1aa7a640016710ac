"""Terms in MathML: well-formed, and with the symbols, in number and kind, of the text that a terminal shows."""

import unicodedata
from collections import Counter
from xml.etree import ElementTree

import pytest
import sympy
from sympy import IndexedBase, Sum, Symbol, symbols

from proofs import LAWS
from proofs.report.lecture import lecture
from proofs.report.mathml import APPLIED, CLOSE, LOWERED, OPEN, RAISED, WORDS, mathml
from proofs.report.terms import text
from proofs.signals import Rot180, Rounded

DERIVED = {name: law for name, law in LAWS.items() if law.derivation is not None}
x, g = IndexedBase("x"), IndexedBase("g")
i, n, x2 = symbols("i n x2")


def symbols_of(shown: str) -> Counter[str]:
    """Letters, digits and signs that mean something; where they stand and how they are grouped is notation."""
    plain = unicodedata.normalize("NFKC", shown).replace("\N{N-ARY SUMMATION}", "Σ")
    return Counter(sign for sign in plain if sign.isalnum() or sign in "∂=+−⌊⌋|<>≥*")


def bracketed(inside: str, ends: str = "[]") -> str:
    return f'<mrow><mo stretchy="false">{ends[0]}</mo>{inside}<mo stretchy="false">{ends[1]}</mo></mrow>'


def content(element: str) -> str:
    return "".join(ElementTree.fromstring(element).itertext())  # noqa: S314 - made here


@pytest.mark.parametrize("name", DERIVED)
def test_every_line_of_a_derivation_has_the_symbols_of_its_text(name):
    derivation = DERIVED[name].derivation()
    found = lecture(derivation)
    terms = [side for step in derivation.steps for side in (step.left, step.right)]
    terms += [side for pair in (*found.definitions, *derivation.goals) for side in pair]
    for term in terms:
        if "e-" not in text(term):  # a decimal number has another notation
            assert symbols_of(content(mathml(term))) == symbols_of(text(term)), text(term)


def test_a_symbol_that_is_missing_is_seen():
    assert symbols_of(content(mathml(x[i] * g[n]))) != symbols_of(text(x[i] * g[i]))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (x2, "<msub><mi>x</mi><mn>2</mn></msub>"),
        (Symbol("n") ** 2, "<msup><mi>n</mi><mn>2</mn></msup>"),
        (x2**2, "<msubsup><mi>x</mi><mn>2</mn><mn>2</mn></msubsup>"),
        (sympy.sqrt(n), "<msqrt><mi>n</mi></msqrt>"),
        (i / n, "<mfrac><mi>i</mi><mi>n</mi></mfrac>"),
        (Symbol("i") < n, "<mi>i</mi><mo>&lt;</mo><mi>n</mi>"),
        (
            Sum(i, (i, 0, n)),
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>0</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
        ),
        (x[i], "<mi>x</mi>" + bracketed("<mi>i</mi>")),
        (x[-i], "<mi>x</mi>" + bracketed('<mo form="prefix">−</mo><mi>i</mi>')),
        (Rot180(x), f"<mi>rot180</mi><mo>{APPLIED}</mo>{bracketed('<mi>x</mi>', '()')}"),
        ((n + 1) ** 2, f"<msup>{bracketed('<mi>n</mi><mo>+</mo><mn>1</mn>', '()')}<mn>2</mn></msup>"),
        (
            (i + n / 2) * x2,
            "<msub><mi>x</mi><mn>2</mn></msub><mo>·</mo><mrow><mo>(</mo><mi>i</mi><mo>+</mo><mfrac><mi>n</mi><mn>2</mn></mfrac><mo>)</mo></mrow>",
        ),
        (Rounded(i, 4), "<mi>i</mi><mtext>\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}4\N{NO-BREAK SPACE}digits</mtext>"),
    ],
    ids=str,
)
def test_known_terms(term, expected):
    assert mathml(term) == f"<math>{expected}</math>"


def test_signs_stand_between_terms_and_what_is_displayed_is_set_large():
    assert mathml(i, ":=", n) == "<math><mi>i</mi><mo>:=</mo><mi>n</mi></math>"
    assert mathml(i, displayed=True) == '<math displaystyle="true"><mi>i</mi></math>'


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (f"x{LOWERED}", "a mark has no argument"),
        (f"x{LOWERED}2", "a mark has no argument"),
        (f"x{LOWERED}{OPEN}2", "is missing after '2'"),
        (f"{RAISED}{OPEN}2{CLOSE}", "an index or exponent has nothing to stand at"),
        (f"x{OPEN}2{CLOSE}", "does not belong to anything"),
        (f"2{CLOSE}", "does not belong to anything"),
        ("(x[i)", r"'\)' does not belong to anything"),
        ("(x", r"'\)' is missing after 'x'"),
        (f"{WORDS} at", "does not belong to anything"),
    ],
)
def test_what_does_not_fit_together_is_an_error(printed, told):
    with pytest.raises(ValueError, match=told):
        mathml(printed)
