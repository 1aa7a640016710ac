"""Running `coqc`: the `.v` files, compiled in a temporary folder, and what Coq prints about them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
FILES = (
    *("Arrays", "IndexMap", "Basis", "Stack", "Axis", "Sizes", "ReceptiveField"),
    *("Layer", "Table", "Equivariance", "Instances", "Plane"),
)
"""In an order in which each needs only those before it."""
LIBRARY = "Convproof"
INSTALL = "apt-get install coq libcoq-mathcomp-algebra"
LIMIT = 120
"""Seconds for one file."""

_FLAGS = ("-q", "-w", "none")
_MARK = "@@"


class CoqError(Exception):
    """`coqc` refused a file, or did not finish: its first error, in one line."""


@dataclass(frozen=True)
class Compiled:
    """The compiled files: `declared` has the kind of every name that they define (as Coq's `.glob` files call it)."""

    coqc: str
    folder: Path
    files: tuple[str, ...]
    declared: Mapping[str, str]

    def answers(self, imports: str, commands: Sequence[str]) -> list[str]:
        """What Coq prints for each of these commands, after `imports`. Raises `CoqError`."""
        lines = [imports]
        for command in commands:
            lines += [f'Goal True. idtac "{_MARK}". Abort.', command]
        printed = _run(self.coqc, self.folder, "Questions", "\n".join(lines))
        answers = [part.strip() for part in printed.split(f"{_MARK}\n")[1:]]
        if len(answers) != len(commands):
            raise CoqError(f"{len(commands)} commands were given, {len(answers)} answers came")
        return answers


def program() -> str | None:
    """Path of `coqc`, or None where it is not installed."""
    return shutil.which("coqc")


def version(coqc: str) -> str:
    """Version of Coq, such as 8.16.1."""
    printed = subprocess.run([coqc, "--print-version"], capture_output=True, text=True, check=True, timeout=LIMIT)
    return printed.stdout.split()[0]


def sources() -> dict[str, str]:
    """The text of each file, in the order in which they are compiled."""
    return {name: (FOLDER / f"{name}.v").read_text(encoding="utf-8") for name in FILES}


@contextmanager
def compiled(coqc: str, files: Mapping[str, str]) -> Iterator[Compiled]:
    """Compile files in their order; the folder is gone afterwards. Raises `CoqError` at the first that is refused."""
    with tempfile.TemporaryDirectory(prefix="convproof-coq-") as name:
        folder = Path(name)
        for file, text in files.items():
            _run(coqc, folder, file, text)
        declared = {name: kind for file in files for name, kind in _declared(folder / f"{file}.glob", file)}
        yield Compiled(coqc, folder, tuple(files), declared)


def _run(coqc: str, folder: Path, file: str, text: str) -> str:
    (folder / f"{file}.v").write_text(text, encoding="utf-8")
    command = [coqc, *_FLAGS, "-Q", str(folder), LIBRARY, str(folder / f"{file}.v")]
    clean = {key: value for key, value in os.environ.items() if key not in ("COQPATH", "COQLIB", "ROCQPATH")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=LIMIT, env=clean, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise CoqError(f"{file}.v: coqc did not finish within {LIMIT} s") from None
    if done.returncode:
        raise CoqError(_first_error(file, done.stderr))
    return done.stdout


def _first_error(file: str, printed: str) -> str:
    """Return "File.v, line 3: what Coq says", from what `coqc` printed."""
    match = re.search(r'^File "[^"]*", line (\d+), .*?:\s*^Error:(.*)', printed, re.DOTALL | re.MULTILINE)
    if match is None:
        return f"{file}.v: {' '.join(printed.split())[:200] or 'coqc failed and said nothing'}"
    return f"{file}.v, line {match[1]}: {' '.join(match[2].split())[:200]}"


def _declared(glob: Path, file: str) -> Iterator[tuple[str, str]]:
    """Names that a file defines, with their kinds: lines "kind start:end section name" of its `.glob` file."""
    for line in glob.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 4 and words[2] == "<>" and re.fullmatch(r"\d+:\d+", words[1]):
            yield f"{file}.{words[3]}", words[0]
