"""What became of each mutant, kept line by line in a file, and the table of a run."""

from __future__ import annotations

import json
from collections import Counter
from itertools import takewhile
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.runner import KILLED, SURVIVED, TIMEOUT, UNTESTED

AROUND = 45
"""Characters that are shown on each side of a change."""


class Results:
    """Outcomes by mutant; of a function that has changed since, none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[tuple[str, str], str] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            self.outcomes[_key(entry["name"], entry["digest"])] = entry["outcome"]

    def __getitem__(self, mutant: Mutant) -> str | None:
        return self.outcomes.get(_key(mutant.name, mutant.digest))

    def add(self, mutant: Mutant, outcome: str, killer: str) -> None:
        """Keep an outcome, at once."""
        self.outcomes[_key(mutant.name, mutant.digest)] = outcome
        entry = {key: getattr(mutant, key) for key in ("name", "digest", "line", "kind", "change")}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "outcome": outcome, "killer": killer}, ensure_ascii=False) + "\n")


def _key(name: str, digest: str) -> tuple[str, str]:
    """A mutant whatever its number, which changes with those before it."""
    return name.partition("#")[0], digest


def shown(mutant: Mutant) -> str:
    """A mutant as `tests/mutation.md` has it: its function, and the change in its surroundings."""
    parts = mutant.change.split(" -> ")
    before, after = (" -> ".join(half) for half in (parts[: len(parts) // 2], parts[len(parts) // 2 :]))
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    old, new = (text[start : len(text) - end] for text in (before, after))
    tail = before[len(before) - end :]
    change = f"{before[max(0, start - AROUND) : start]}⟦{old} ⇒ {new}⟧{tail[:AROUND]}"
    return f"- `{mutant.path}::{mutant.function}`: `{change.strip()}`"


def _alike(one: str, other: str) -> int:
    """Characters at the start of both."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def table(mutants: list[Mutant], results: Results) -> list[str]:
    """Lines of a Markdown table: a file each, and all of them."""
    files: dict[str, Counter[str]] = {}
    for mutant in mutants:
        for path in (mutant.path, "all"):
            files.setdefault(path, Counter())[results[mutant] or UNTESTED] += 1
    lines = ["| file | mutants | killed | timeouts | survivors | score |", "|---|---:|---:|---:|---:|---:|"]
    for path, of in sorted(files.items(), key=lambda entry: (entry[0] == "all", entry[0])):
        survivors = of[SURVIVED] + of[UNTESTED]
        counts = f"{of.total()} | {of[KILLED]} | {of[TIMEOUT]} | {survivors}"
        lines.append(f"| {path} | {counts} | {100 * score(of):.1f} % |")
    return lines


def score(of: Counter[str]) -> float:
    """Killed ones, those whose tests never ended among them, of all."""
    return (of[KILLED] + of[TIMEOUT]) / max(of.total(), 1)
