"""Test the tests: `python -m tests.mutation FOLDER [PATTERN...]` in the root of this project.

Results are kept in the folder, so that a run that was cut short goes on, and only functions that changed are run again.
A pattern chooses mutants by name: `numeric/pooling.py*`. `--again` runs survivors again, `--seconds` limits the tests
that a mutant meets, for a first look. Why each survivor lives is told in `tests/mutation.md`; one that is not told
there is named, and is a hole in the tests or a line to be added there.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.results import Results, score, shown, table
from tests.mutation.runner import SURVIVED, UNTESTED, Mutation, say

LEAST = 0.95
EXPLAINED = Path("tests/mutation.md")
DECIDING = (
    *("audit", "chain_rule", "evaluate", "expressions", "facts", "forms", "integers", "law", "multi_index", "normal"),
    *("polynomials", "roots", "rules", "solver"),
)
SCOPE = ("numeric/**/*.py", "proofs/tiers/*.py", *(f"proofs/{name}.py" for name in DECIDING))
TESTS = ("tests/properties", "tests/laws", "tests/meta")
LEFT_OUT = (
    "tests/laws/test_command_line.py",  # starts processes, in which no mutant is
    "tests/meta/test_documents.py",  # about texts
    "tests/meta/test_planted*",  # about the tests themselves, as this is
    "tests/meta/test_strategies.py",
)
QUICK = "not tensorflow and not keras"  # whose import takes seconds


def main() -> int:
    """Test what is left to test, list the survivors and print the table.

    1 below the least score, or if a survivor is not explained.
    """
    options = _parser().parse_intermixed_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(folder / "results.jsonl")
    every = [mutant for pattern in SCOPE for path in sorted(Path().glob(pattern)) for mutant in mutants(path)]
    every = [m for m in every if not options.patterns or any(fnmatch.fnmatch(m.name, p) for p in options.patterns)]
    again = {None, SURVIVED, UNTESTED} if options.again else {None}
    todo = [mutant for mutant in every if results[mutant] in again]
    say(f"{len(every)} mutants, {len(todo)} of them to be tested")
    if todo:
        _run(folder, todo, results, options)
    explained = set(EXPLAINED.read_text(encoding="utf-8").splitlines())
    left = 0
    for mutant in every:
        if results[mutant] in {SURVIVED, UNTESTED}:
            known = shown(mutant) in explained
            left += not known
            said = "" if known else ", not explained"
            say(f"{results[mutant]}{said}: {mutant.name}, line {mutant.line}\n{shown(mutant)}")
    for line in table(every, results):
        say(line)
    say(f"survivors that {EXPLAINED} does not explain: {left}")
    return int(left > 0 or score(Counter(results[mutant] or UNTESTED for mutant in every)) < LEAST)


def _run(folder: Path, todo: list[Mutant], results: Results, options: argparse.Namespace) -> None:
    start = time.monotonic()
    counts: Counter[str] = Counter()

    def done(mutant: Mutant, outcome: str, killer: str) -> None:
        results.add(mutant, outcome, killer)
        counts[outcome] += 1
        if counts.total() % 100 == 0:
            say(f"{time.monotonic() - start:.0f} s: {counts.total()} of {len(todo)}, {dict(counts)}")

    plugin = Mutation(Path.cwd(), todo, done, folder / "clean.jsonl", options.jobs, options.seconds)
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    arguments = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--tb=native", "-k", QUICK, *TESTS]
    pytest.main([*arguments, *(f"--ignore-glob={path}" for path in LEFT_OUT)], [plugin])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.mutation", description=__doc__)
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("patterns", nargs="*", help="only mutants of these names")
    parser.add_argument("--again", action="store_true", help="run survivors again")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of tests for a mutant, in all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
