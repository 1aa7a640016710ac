"""Derivation terms in MathML, which browsers set themselves.

A term is printed as text in which marks, characters of Unicode's private use, stand where notation is not a line:
indices, exponents, fractions, roots and the limits of sums. That text is then read once, into elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from proofs.report.terms import TermPrinter, split

OPEN, CLOSE = "\ue000", "\ue001"
LOWERED, RAISED, DIVIDED, ROOTED, UNDER, LIMITS, WORDS = "\ue002\ue003\ue004\ue005\ue006\ue007\ue008"
ELEMENTS = {DIVIDED: "mfrac", ROOTED: "msqrt", UNDER: "munder", LIMITS: "munderover", LOWERED: "msub", RAISED: "msup"}
HIGH = {"mfrac", "msqrt", "munder", "munderover"}
BRACKETS = {"(": ")", "[": "]", "⌊": "⌋"}
SUM = "\N{N-ARY SUMMATION}"  # grows, as the letter does not
APPLIED = "\N{FUNCTION APPLICATION}"  # not to be seen: a reader's voice says "of"
_PARTS = re.compile(rf"\s*({WORDS}{OPEN}[^{CLOSE}]*{CLOSE}|\d+(?:\.\d+)?|[^\W\d_][\w.]*|:=|\S)")


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
    text = "".join(term if isinstance(term, str) else str(printer.doprint(term)) for term in terms)
    found = Element("math", {"displaystyle": "true"} if displayed else {})
    found.extend(_read(iter(_PARTS.findall(text)), ""))
    return ElementTree.tostring(found, encoding="unicode")


def _read(parts: Iterator[str], end: str) -> list[Element]:
    """Elements up to the part `end`, or to the end of the text. Raises `ValueError` where something is missing."""
    found: list[Element] = []
    for part in parts:
        if part == end:
            return found
        if part in (LOWERED, RAISED):
            found.append(_scripted(found, part, _argument(parts)))
        elif part in BRACKETS:
            found += _bracketed(found, part, _read(parts, BRACKETS[part]))
        else:
            found.append(_element(part, parts, found))
    if end:
        raise ValueError(
            f"{end!r} is missing after {''.join(text for element in found for text in element.itertext())!r}"
        )
    return found


def _argument(parts: Iterator[str]) -> Element:
    """What stands between `OPEN` and `CLOSE`."""
    if next(parts, "") != OPEN:
        raise ValueError("a mark has no argument")
    return _grouped(_read(parts, CLOSE))


def _grouped(parts: list[Element]) -> Element:
    if len(parts) == 1:
        return parts[0]
    group = Element("mrow")
    group.extend(parts)
    return group


def _scripted(found: list[Element], mark: str, argument: Element) -> Element:
    """What stands before with an index or an exponent; with both, if it has the other."""
    if not found:
        raise ValueError("an index or exponent has nothing to stand at")
    base = found.pop()
    if mark == RAISED and base.tag == "msub":
        base.tag = "msubsup"
        base.append(argument)
        return base
    scripted = Element(ELEMENTS[mark])
    scripted.extend((base, argument))
    return scripted


def _bracketed(found: list[Element], opening: str, inside: list[Element]) -> list[Element]:
    """A group, whose brackets grow with what is high; before a function's arguments a sign for that."""
    ends = _leaf("mo", opening), _leaf("mo", BRACKETS[opening])
    if not any(part.tag in HIGH for element in inside for part in element.iter()):
        for end in ends:
            end.set("stretchy", "false")
    group = _grouped([ends[0], *inside, ends[1]])
    applied = opening == "(" and found and found[-1].tag in ("mi", "msub", "msubsup")
    return [_leaf("mo", APPLIED), group] if applied else [group]


def _element(part: str, parts: Iterator[str], before: list[Element]) -> Element:
    if part in ELEMENTS:
        found = Element(ELEMENTS[part])
        found.extend([_leaf("mo", SUM)] if part in (UNDER, LIMITS) else [])
        found.extend(_argument(parts) for _ in range(2 if part in (DIVIDED, LIMITS) else 1))
        return found
    if part in (OPEN, CLOSE, WORDS, *BRACKETS.values()):
        raise ValueError(f"{part!r} does not belong to anything")
    if part[0] == WORDS:
        return _leaf("mtext", part[2:-1].replace(" ", "\N{NO-BREAK SPACE}"))
    if part[0].isdigit():
        return _leaf("mn", part)
    if part != "mod" and (part[0].isalpha() or part == "∂"):
        return _leaf("mi", part)
    return _sign(part, before)


def _sign(part: str, before: list[Element]) -> Element:
    sign = _leaf("mo", part)
    if part == "−" and (not before or before[-1].tag == "mo"):
        sign.set("form", "prefix")
    if part == ":":  # of a slice
        sign.attrib.update(lspace="0", rspace="0")
    return sign


def _leaf(tag: str, text: str) -> Element:
    found = Element(tag)
    found.text = text
    return found
