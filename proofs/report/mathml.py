"""Derivation terms in MathML, which browsers set themselves.

A term is printed as text in which marks, characters of Unicode's private use, stand where notation is not a line:
indices, exponents, fractions, roots and the limits of sums. That text is then read once, into elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from proofs.report.terms import TermPrinter, split

OPEN, CLOSE = "\ue000", "\ue001"
LOWERED, RAISED, DIVIDED, ROOTED, UNDER, LIMITS, WORDS = "\ue002\ue003\ue004\ue005\ue006\ue007\ue008"
_ARGUMENTS = {LOWERED: 1, RAISED: 1, DIVIDED: 2, ROOTED: 1, UNDER: 1, LIMITS: 2, WORDS: 1}
SUM = "\N{N-ARY SUMMATION}"  # grows, as the letter does not
_ELEMENTS = {DIVIDED: "mfrac", ROOTED: "msqrt"}
_SCRIPTS = {LOWERED: "msub", RAISED: "msup"}
_TOKEN = re.compile(r"(?P<mn>\d+(?:\.\d+)?)|(?P<mi>[^\W\d_][\w.]*)|(?P<space>\s+)|(?P<mo>:=|.)", re.DOTALL)


class MathmlPrinter(TermPrinter):
    """The notation of MathML, with marks."""

    stacked = True

    def _print_Partial(self, e: Any) -> str:  # noqa: N802 - SymPy's printers are named by class
        return self.divided("∂L", f"∂{self._print(e.args[0])}")

    def _print_D(self, e: Any) -> str:  # noqa: N802
        return self.divided("∂", f"∂{self._print(e.args[1])}") + self.grouped(self._print(e.args[0]))

    def _print_Rounded(self, e: Any) -> str:  # noqa: N802
        return f"{self._print(e.args[0])}{_marked(WORDS, f' to {e.args[1]} digits')}"

    def _print_Subs(self, e: Any) -> str:  # noqa: N802
        values = ", ".join(f"{self._print(s)} = {n}" for s, n in zip(e.variables, e.point, strict=True))
        return f"{self._print(e.expr)}{_marked(WORDS, ' at ')}{values}"

    def rooted(self, inside: str) -> str:
        """Square root."""
        return _marked(ROOTED, inside)

    def lowered(self, digits: str) -> str:
        """Subscript."""
        return _marked(LOWERED, digits)

    def raised(self, exponent: Any) -> str:
        """Exponent."""
        return _marked(RAISED, str(exponent))

    def divided(self, above: str, below: str, factors: int = 1) -> str:  # noqa: ARG002 - the line groups them
        """Fraction."""
        return _marked(DIVIDED, above, below)

    def decimal(self, digits: str, exponent: int) -> str:
        """Decimal number."""
        return f"{digits}·10{self.raised(str(exponent).replace('-', self.minus))}"

    def over(self, indices: Iterable[Any]) -> str:
        """Sum over all of the indices."""
        return _marked(UNDER, ", ".join(map(self._print, indices)))

    def limit(self, index: Any, low: Any, high: Any) -> str:
        """Sum with limits."""
        return _marked(LIMITS, f"{self._print(index)}={self._print(low)}", self._print(high))

    def array(self, name: str) -> str:
        """Name of an array: letters and a number below."""
        letters, digits = split(name)
        return letters + (self.lowered(digits) if digits else "")


def _marked(mark: str, *arguments: str) -> str:
    return mark + "".join(f"{OPEN}{argument}{CLOSE}" for argument in arguments)


def mathml(*terms: Any, displayed: bool = False) -> str:
    """A `math` element of terms and of signs, which are strings: `mathml(left, "=", right)`; `displayed`: set large."""
    printer = MathmlPrinter()
    found = Element("math", {"displaystyle": "true"} if displayed else {})
    found.extend(_read("".join(term if isinstance(term, str) else str(printer.doprint(term)) for term in terms)))
    return ElementTree.tostring(found, encoding="unicode")


def _read(text: str) -> list[Element]:
    """Elements of a printed term. Raises `ValueError` for a mark without its arguments."""
    found: list[Element] = []
    place = 0
    while place < len(text):
        mark = text[place]
        if mark in _ARGUMENTS:
            arguments, place = _arguments(text, place + 1, _ARGUMENTS[mark])
            if mark in (LOWERED, RAISED):
                _script(found, mark, arguments[0])
            else:
                found.append(_element(mark, arguments))
            continue
        token = _TOKEN.match(text, place)
        if token is None or mark in (OPEN, CLOSE):
            raise ValueError(f"there is no argument expected at {place} of {text!r}")
        place = token.end()
        if token.lastgroup != "space":
            found.append(_leaf(str(token.lastgroup), token.group()))
    return found


def _arguments(text: str, place: int, count: int) -> tuple[list[str], int]:
    """So many arguments from a place on, and where they end."""
    found = []
    for _ in range(count):
        end = _closing(text, place)
        found.append(text[place + 1 : end])
        place = end + 1
    return found, place


def _closing(text: str, place: int) -> int:
    """Where the argument that opens at a place is closed."""
    depth = 0
    for end in range(place, len(text)):
        depth += (text[end] == OPEN) - (text[end] == CLOSE)
        if depth == 0 and text[end] == CLOSE:
            return end
        if depth == 0:
            break
    raise ValueError(f"an argument is missing at {place} of {text!r}")


def _leaf(tag: str, text: str) -> Element:
    names = {"mod": "mo", "∂": "mi", "δ": "mi"}
    found = Element(names.get(text, tag))
    found.text = text
    if text in "()[]":
        found.set("stretchy", "true" if text in "()" else "false")
    return found


def _element(mark: str, arguments: list[str]) -> Element:
    if mark == WORDS:
        found = Element("mtext")
        found.text = arguments[0].replace(" ", "\N{NO-BREAK SPACE}")
        return found
    if mark in (UNDER, LIMITS):
        found = Element("munderover" if mark == LIMITS else "munder")
        found.append(_leaf("mo", SUM))
    else:
        found = Element(_ELEMENTS[mark])
    found.extend(_grouped(argument) for argument in arguments)
    return found


def _script(found: list[Element], mark: str, argument: str) -> None:
    """Put an index or an exponent on what stands before it; both on the same, if it has the other."""
    base = found.pop()
    if mark == RAISED and base.tag == "msub":
        base.tag = "msubsup"
        base.append(_grouped(argument))
        found.append(base)
        return
    scripted = Element(_SCRIPTS[mark])
    scripted.extend((base, _grouped(argument)))
    found.append(scripted)


def _grouped(text: str) -> Element:
    parts = _read(text)
    if len(parts) == 1:
        return parts[0]
    group = Element("mrow")
    group.extend(parts)
    return group
