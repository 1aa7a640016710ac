"""How far a long run is: a bar on a terminal, a line now and then elsewhere; on stderr, beside the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich import progress
from rich.console import Console

EVERY = 10
"""Percent after which a line is written where there is no terminal."""


class Progress:
    """Counts the pieces of a run, the cases in them, and how many were kept from an interrupted one.

    A piece has `cases`, their number, and a `title`; `noun` is what the cases are.
    """

    def __init__(self, pieces: Sequence[Any], kept: Path | None, noun: str = "shapes") -> None:
        self._console = Console(stderr=True)
        self._kept = kept
        self._noun = noun
        self._total = sum(piece.cases for piece in pieces)
        self._done = self._before = self._said = 0
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.completed:.0f} of {task.total:.0f} " + noun),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("starting", total=self._total)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt and self._kept is not None:
            kept = f"{self._done} of {self._total} {self._noun} are kept in {self._kept}"
            self._say(f"interrupted: {kept}; call again to go on")
        elif self._before and kind is None:
            self._say(f"{self._before} of {self._total} {self._noun} were decided before this run was interrupted")

    def tell(self, piece: Any, _: Any, before: bool) -> None:
        """Hear of a piece that is done."""
        self._done += piece.cases
        self._before += piece.cases if before else 0
        self._bar.update(self._task, advance=piece.cases, description=piece.title[:40])
        percent = 100 * self._done // self._total
        if not self._console.is_terminal and percent >= self._said + EVERY:
            self._said = percent - percent % EVERY
            self._say(f"{percent} %: {self._done} of {self._total} {self._noun}")

    def _say(self, line: str) -> None:
        self._console.print(line, style="dim", soft_wrap=True, highlight=False)
