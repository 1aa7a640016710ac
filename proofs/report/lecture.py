"""A derivation as a lecture: its symbols, definitions, numbered lines and what follows, read off the checked objects.

Nothing here is written a second time: terms, rules and conditions are those that the tier checks, definitions are what
the operators unfold to. `proofs.report.text` and `proofs.report.latex` only set it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import IndexedBase, Sum, Symbol
from sympy.core.function import AppliedUndef
from sympy.core.symbol import Str

from proofs.derivations.meanings import ARRAYS, FORMULAS, MAPS, meaning
from proofs.evaluate import Model
from proofs.layer_signals import whole
from proofs.multi_index import MultiIndex
from proofs.signals import At, Formula, Named
from proofs.tiers.derivation import Derivation, Step


@dataclass(frozen=True)
class Chain:
    """Lines `start = line = line`, each a numbered step."""

    start: Any
    steps: tuple[tuple[int, Step], ...]


@dataclass(frozen=True)
class Lecture:
    """What is said about a derivation, in order."""

    derivation: Derivation
    symbols: tuple[tuple[tuple[Any, ...], str], ...]
    definitions: tuple[tuple[Any, Any], ...]
    chains: tuple[Chain, ...]
    sizes: tuple[tuple[Any, int, int], ...]
    models: int
    axes: tuple[int, ...]

    def tried(self, show: Any, to: str) -> str:
        """Sizes at which every step was evaluated, in a notation."""
        where = (
            f" on {' and '.join(map(str, self.axes))} {'axis' if self.axes == (1,) else 'axes'}" if self.axes else ""
        )
        spans = (f"{show(s)} = {low}" if low == high else f"{show(s)} = {low}{to}{high}" for s, low, high in self.sizes)
        return f"{self.models} sizes{where}: {', '.join(spans)}"


def lecture(derivation: Derivation) -> Lecture:
    """Read a derivation."""
    sides = [side for step in derivation.steps for side in (step.left, step.right)]
    parts = [part for side in sides for part in _visible(side)]
    definitions = tuple(_definitions(parts))
    parts += [part for definition in definitions for side in definition for part in _visible(side)]
    models = list(derivation.models())
    symbols = [part for part in _once(parts) if isinstance(part, Symbol)]
    lengths = {len(v.entries) for model in models for v in model.sizes.values() if isinstance(v, MultiIndex)}
    return Lecture(
        derivation,
        tuple(_meanings(parts, derivation)),
        definitions,
        tuple(_chains(derivation.steps)),
        tuple(_sizes(symbols, models)),
        len(models),
        tuple(sorted(lengths)),
    )


def _visible(e: Any) -> Iterator[Any]:
    """Parts of a term that a reader sees: of a sum over a whole range not its limits, of a formula not its axis."""
    yield e
    if isinstance(e, Sum):
        yield from _visible(e.function)
        for limit in e.limits:
            yield limit[0]
            if not whole(limit) and limit[1] != -sympy.oo:
                yield from (part for end in limit[1:] for part in _visible(end))
    elif isinstance(e, Formula):
        yield from (part for argument in e.arguments for part in _visible(argument))
    elif isinstance(e, sympy.Tuple) or not isinstance(e, IndexedBase):
        yield from (part for argument in e.args if not whole(argument) for part in _visible(argument))


def _once(parts: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(parts))


def _meanings(parts: Sequence[Any], derivation: Derivation) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Arrays, index maps and symbols, those that mean the same together."""
    said: dict[str, list[Any]] = {}
    for part in _once(parts):
        if isinstance(part, IndexedBase):
            said.setdefault(ARRAYS[str(part.label)], []).append(part)
    for part in _once(part for part in parts if isinstance(part, AppliedUndef)):
        said.setdefault(MAPS[part.func.__name__], [part])
    for part in _once(parts):
        if isinstance(part, Symbol):
            said.setdefault(meaning(part, derivation.where), []).append(part)
    yield from ((tuple(named), words) for words, named in said.items())


def _definitions(parts: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The simplest value of each kind of operator and what it unfolds to; the formulas and index maps that are used."""
    values: dict[Any, Any] = {}
    for value in sorted(_once(part for part in parts if isinstance(part, At)), key=lambda at: len(str(at))):
        names = value.signal.atoms(Str) if isinstance(value.signal, Named) else ()
        key = (type(value.signal), len(value.signal.args), *names)
        if key not in values and _unfolds(value):
            values[key] = value
    yield from ((value, value.unfold()) for value in values.values())
    used = _once(part.name if isinstance(part, Formula) else part.func.__name__ for part in parts if _is_map(part))
    yield from ((FORMULAS[name], FORMULAS[name].unfold()) for name in used if name in FORMULAS)


def _is_map(part: Any) -> bool:
    return isinstance(part, Formula | AppliedUndef)


def _unfolds(value: Any) -> bool:
    try:
        value.unfold()
    except ValueError:  # it sums over an index that it is applied to
        return False
    return True


def _chains(steps: Sequence[Step]) -> Iterator[Chain]:
    """A chain goes on where a step begins with the line before."""
    found: list[tuple[int, Step]] = []
    for number, step in enumerate(steps, start=1):
        if found and found[-1][1].right is not step.left:
            yield Chain(found[0][1].left, tuple(found))
            found = []
        found.append((number, step))
    if found:
        yield Chain(found[0][1].left, tuple(found))


def _sizes(symbols: Sequence[Any], models: Sequence[Model]) -> Iterator[tuple[Any, int, int]]:
    """Smallest and largest value of every symbol that has a size."""
    for symbol in symbols:
        values = [model.sizes[symbol] for model in models if symbol in model.sizes]
        entries = [i for v in values for i in (v if isinstance(v, MultiIndex) else (v,))]
        if entries:
            yield symbol, min(entries), max(entries)
