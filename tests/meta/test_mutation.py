"""The mutants that `sh .ci/mutation` tests: which there are, and that one replaces the function it is of."""

from functools import cached_property
from pathlib import Path

import pytest

pytest.importorskip("mutmut")

from tests.mutation.mutants import activate, live_functions, mutants

SOURCE = '''
from functools import cached_property


def ratio(a: int = 3, *, b: int = 2):
    """Text that is not changed."""
    if len(str(a)) > 5:
        raise ValueError(f"{a} is too long")
    return sum(x / y for x, y in zip([a], [b], strict=True))


class Box:
    @cached_property
    def size(self) -> int:
        return self.side**2

    def __init__(self, side: int) -> None:
        self.side = side


def _(x):
    return x + 1


first = _


def _(x):
    return x + 10
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "box.py"
    path.write_text(SOURCE)
    return path


def _found(path):
    return {(mutant.function, mutant.change.partition(" -> ")[2]): mutant for mutant in mutants(path)}


def test_every_kind_of_function_is_changed_and_neither_docstrings_nor_guards_are(file):
    found = _found(file)
    assert {name for name, _ in found} == {"ratio", "Box.size", "Box.__init__", "_"}
    assert ("ratio", "return sum(x * y for x, y in zip([a], [b], strict=True))") in found
    assert ("ratio", 'raise ValueError("XX")') in found
    assert ("Box.size", "return self.side * 2") in found
    assert ("Box.__init__", "self.side = None") in found
    changes = " ".join(change for _, change in found)
    assert "strict=False" not in changes
    assert "strict=None" not in changes
    assert "len(None)" not in changes
    assert "Text" not in changes


def test_names_are_counted_and_digests_tell_mutants_apart(file):
    every = list(mutants(file))
    assert len({mutant.name for mutant in every}) == len({mutant.digest for mutant in every}) == len(every)
    assert every[0].name == f"{file}::ratio#0"
    assert [mutant.line for mutant in every] == sorted(mutant.line for mutant in every)


def test_a_mutant_replaces_the_code_the_defaults_and_what_is_behind_a_decorator(file):
    names = {}
    exec(compile(SOURCE, file, "exec"), names)  # noqa: S102 - our own text
    functions = {(str(file), *place[1:]): found for place, found in live_functions(file.parent).items()}
    assert names["ratio"]() == 1.5
    found = _found(file)
    assert found["ratio", "def ratio(a: int = 4, *, b: int = 2):"].kind == "default number"
    activate(found["ratio", "def ratio(a: int = 4, *, b: int = 2):"], functions)
    assert names["ratio"]() == 2
    activate(found["ratio", "def ratio(a: int = 3, *, b: int = 3):"], functions)
    assert names["ratio"]() == 1
    activate(found["Box.size", "return self.side * 2"], functions)
    assert isinstance(vars(names["Box"])["size"], cached_property)
    assert names["Box"](5).size == 10
    activate(found["_", "return x + 11"], functions)
    assert (names["first"](0), names["_"](0)) == (1, 11)  # of two functions of one name, the one that was meant
