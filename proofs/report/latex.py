"""Derivation terms and their lecture in LaTeX: a fragment for any document that loads amsmath."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from proofs.law import Evidence, Law
from proofs.report.lecture import Chain, lecture
from proofs.report.terms import TermPrinter, split

SIGNS = {
    "·": r"\cdot ",
    "−": "-",
    "∂": r"\partial ",
    "Σ": r"\sum ",
    "Π": r"\prod ",
    "α": r"\alpha ",
    "φ": r"\varphi ",
    "μ": r"\mu ",
    "τ": r"\tau ",
    "δ": r"\delta ",
    "ε": r"\varepsilon ",
    "ω": r"\omega ",
    "γ": r"\gamma ",
    "σ": r"\sigma ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "≠": r"\ne ",
    "≡": r"\equiv ",
    "↦": r"\mapsto ",
    "→": r"\to ",
    "⇔": r"\Leftrightarrow ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "√": r"\surd ",
    "∞": r"\infty ",
    "×": r"\times ",
    "<": "<",
    ">": ">",
    "|": r"\vert ",
    "⊛": r"\circledast ",
    "′": "'",
}
"""Mathematical signs of our texts; TeX's first font has other letters in the places of the last of them."""
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼ", "0123456789ij", strict=True))
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵀ", "0123456789nT", strict=True))
_RUNS = re.compile(f"[{''.join(LOWERED)}]+|[{''.join(RAISED)}]+|.", re.DOTALL)
"""Scripts beside each other are one, in TeX."""
SPECIAL = {
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "^": r"\^{}",
    "~": r"\~{}",
}
WIDE = 60
"""Signs that a line of a page has room for, about; the terms of a wider sum stand below each other."""
_SEEN = re.compile(r"\\(?:begin|end)\{\w+\}|\\(?:operatorname|mathit|left|right)\b|\\,|[{}^_&\s]|(\\[A-Za-z]+|\\?.)")
"""What takes room is in the group; a command is taken for one sign."""
COMMANDS = {sign.strip().lstrip("\\") for sign in SIGNS.values() if sign.startswith("\\")} | {
    *("frac", "sqrt", "operatorname", "bmod", "ast", "mathit", "left", "right", "quad"),
    *("begin", "end", "item", "tag", "text", "textbf", "emph"),
}
"""Every command that a fragment may hold: those of plain LaTeX and amsmath."""


class LatexPrinter(TermPrinter):
    """The notation of LaTeX."""

    times, minus, stacked = r"\,", "-", True

    def _print_Partial(self, e: Any) -> str:  # noqa: N802 - SymPy's printers are named by class
        return rf"\frac{{\partial L}}{{\partial {self._print(e.args[0])}}}"

    def _print_D(self, e: Any) -> str:  # noqa: N802
        return rf"\frac{{\partial}}{{\partial {self._print(e.args[1])}}} {self.grouped(self._print(e.args[0]))}"

    def _print_Rounded(self, e: Any) -> str:  # noqa: N802
        return rf"{self._print(e.args[0])} \text{{ to {e.args[1]} digits}}"

    def _print_Subs(self, e: Any) -> str:  # noqa: N802
        values = ", ".join(f"{self._print(s)} = {n}" for s, n in zip(e.variables, e.point, strict=True))
        return rf"{self._print(e.expr)} \text{{ at }} {values}"

    def _print_floor(self, e: Any) -> str:
        return rf"\left\lfloor {self._print(e.args[0])} \right\rfloor"

    def _print_Symbol(self, e: Any) -> str:  # noqa: N802
        letters, digits = split(str(e.name))
        return SIGNS.get(letters, letters) + (self.lowered(digits) if digits else "")

    def word(self, name: str) -> str:
        """Name or sign of an operator."""
        signs = {**SIGNS, " * ": r" \ast ", " mod ": r" \bmod "}
        return signs.get(name, rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}")

    def array(self, name: str) -> str:
        """Name of an array: one letter, or a word."""
        return super().array(name) if len(name.rstrip("0123456789")) == 1 else rf"\mathit{{{name}}}"

    def summed(self, terms: list[str]) -> str:
        """Sum of terms; below each other where they are too wide for a line."""
        line = super().summed(terms)
        if _width(line) <= WIDE:
            return line
        return r"\begin{aligned} & " + r" \\ & ".join(terms) + r" \end{aligned}"

    def grouped(self, inside: str) -> str:
        """Term in parentheses that grow with it."""
        high = any(command in inside for command in (r"\frac", r"\sum", r"\begin"))
        return rf"\left({inside}\right)" if high else f"({inside})"

    def rooted(self, inside: str) -> str:
        """Square root."""
        return rf"\sqrt{{{inside}}}"

    def lowered(self, digits: str) -> str:
        """Subscript."""
        return f"_{{{digits.replace('≥', chr(92) + 'ge ').replace(' mod ', chr(92) + 'bmod ')}}}"

    def raised(self, exponent: Any) -> str:
        """Exponent."""
        return f"^{{{exponent}}}"

    def divided(self, above: str, below: str, factors: int = 1) -> str:  # noqa: ARG002 - the line groups them
        """Fraction."""
        return rf"\frac{{{above}}}{{{below}}}"

    def decimal(self, digits: str, exponent: int) -> str:
        """Decimal number."""
        return rf"{digits} \cdot 10^{{{exponent}}}"

    def moved(self, signal: Any, offset: Iterable[Any], size: str) -> str:
        """Shifted signal; on circles of that size, if there is one."""
        by = ", ".join(map(self._print, offset)) + (rf" \bmod {size}" if size else "")
        return rf"\tau_{{{by}}}{self.grouped(self._print(signal))}"

    def over(self, indices: Iterable[Any]) -> str:
        """Sum over all of the indices."""
        return rf"\sum_{{{', '.join(map(self._print, indices))}}}"

    def limit(self, index: Any, low: Any, high: Any) -> str:
        """Sum with limits."""
        return rf"\sum_{{{self._print(index)}={self._print(low)}}}^{{{self._print(high)}}}"


def _width(term: str) -> int:
    """Signs of a term, or of the widest of its lines."""
    return max(sum(map(bool, _SEEN.findall(line))) for line in term.split(r"\\"))


def latex(term: Any) -> str:
    """LaTeX for a term, in math mode."""
    return str(LatexPrinter().doprint(term))


def prose(words: str) -> str:
    """Text with mathematical signs, outside of math mode."""
    return "".join(map(_set, _RUNS.findall(words))).replace("$$", "")  # signs beside each other are one formula


def _set(run: str) -> str:
    for scripts, mark in ((LOWERED, "_"), (RAISED, "^")):
        if run[0] in scripts:
            return f"${mark}{{{''.join(map(scripts.__getitem__, run))}}}$"
    return f"${SIGNS[run].strip()}$" if run in SIGNS else SPECIAL.get(run, run)


def fragment(law: Law, evidence: Iterable[Evidence]) -> str:
    """A law, its derivation and what each tier found, for a document that loads amsmath and amssymb."""
    return "\n".join(_lines(law, list(evidence)))


def _lines(law: Law, evidence: list[Evidence]) -> Iterator[str]:
    yield f"% {law.name}: python -m proofs explain {law.name} --format latex"
    yield headline(law)
    yield from items("Assumed", [prose(assumption) for assumption in law.assumptions])
    if law.derivation is not None:
        yield from derived(law.derivation())
    yield from items("Found", [found(item) for item in evidence])


def headline(law: Law) -> str:
    """A law's name, statement and source."""
    named = rf"\textbf{{{prose(law.name)}.}} {prose(law.statement)}."
    return named + "\n" + rf"\emph{{Source: {prose(law.source)}.}}"


def derived(derivation: Any) -> Iterator[str]:
    """A derivation's symbols, definitions, lines and what follows."""
    read = lecture(derivation)
    yield f"\n\\textbf{{Derivation}} for {prose(derivation.scope)}."
    yield from items("Assumed", [prose(assumption) for assumption in derivation.assumptions])
    yield from items("Symbols", [f"${', '.join(map(latex, terms))}$: {prose(words)}" for terms, words in read.symbols])
    if read.definitions:
        yield "\nDefinitions:"
        yield from _aligned(equated(read.definitions, ":="))
    for chain in read.chains:
        yield "\nWe have"
        yield from _aligned(_chained(chain))
    yield "\nSo"
    yield from _aligned(equated(derivation.goals, "="))
    yield f"Each line was also evaluated at {read.tried(lambda term: f'${latex(term)}$', ' to ')}."


def equated(pairs: Iterable[tuple[Any, Any]], sign: str) -> list[str]:
    """Both sides of each pair on a line, or, where a line is too wide for that, the right one below the left."""
    sides = [(latex(left), latex(right)) for left, right in pairs]
    below = max((_width(left + right) for left, right in sides), default=0) > WIDE
    return [f"&{left} \\\\\n&\\quad {sign} {right}" if below else f"{left} &{sign} {right}" for left, right in sides]


def _chained(chain: Chain) -> list[str]:
    """The lines of a chain, each tagged with its number, rule and condition."""
    lines = [f"&\\quad {latex(chain.start)}"]
    for number, step in chain.steps:
        reason = step.rule.named(lambda term: f"\0{latex(term)}\0")  # between marks: the words are prose, terms are not
        words, because = _mixed(reason), f" ({prose(step.because)})" if step.because else ""
        lines.append(rf"&= {latex(step.right)} \tag*{{({number}) {words}{because}}}")
    return lines


def _mixed(marked: str) -> str:
    """Prose with terms in it, which stand between marks."""
    return "".join(f"${part}$" if place % 2 else prose(part) for place, part in enumerate(marked.split("\0")))


def _aligned(lines: list[str]) -> list[str]:
    return [r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}"]


def items(title: str, entries: list[str]) -> list[str]:
    """A list with a title; nothing where it is empty."""
    listed = [rf"\item {entry}" for entry in entries]
    return [f"\n{title}:", r"\begin{itemize}", *listed, r"\end{itemize}"] if entries else []


def found(item: Evidence) -> str:
    """What a tier found, on a line."""
    seen = f"; seen at {prose(item.counterexample)}" if item.counterexample else ""
    return f"{item.tier}: {item.verdict}, {prose(item.scope)}; ran {prose(item.path)}{seen}"
