"""The mutants of a file: each of its functions with one change, made by the operators of mutmut.

mutmut itself starts pytest anew for each mutant, which costs more than most tests, and routes every call through a
wrapper, which properties and cached functions cannot have. Here a mutant is code that replaces the function's own in
a process forked for it: a call costs what it always did, and no kind of function is left out.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path
from types import FunctionType
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string


def operator_text(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """A text becomes another one. mutmut puts letters around it, which a test that looks for it cannot see."""
    if isinstance(node, cst.SimpleString | cst.FormattedString) and not node.quote.startswith(('"""', "'''")):
        yield cst.SimpleString('"XX"')


OPERATORS = [
    *((kind, operator) for kind, operator in mutation_operators if operator is not operator_string),
    (cst.BaseString, operator_text),
]
UNCHANGED_CALLS = {"len", "isinstance", "cast"}
"""Calls whose changes say nothing: the first two are mutmut's own exceptions, the third is for the type checker."""
Place = tuple[str, str, int]
"""A function: its file, qualified name, and first line, which tells apart functions of one name."""
Functions = dict[Place, list[FunctionType]]


@dataclass(frozen=True)
class Mutant:
    """One change of one function; `number` counts those of that name, `source` defines the function changed."""

    path: str
    function: str
    first: int
    number: int
    line: int
    kind: str
    change: str
    digest: str
    source: str

    @property
    def name(self) -> str:
        """What the results call it."""
        return f"{self.path}::{self.function}#{self.number}"

    @property
    def place(self) -> Place:
        """The function."""
        return self.path, self.function, self.first


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
    positions = wrapper.resolve(PositionProvider)
    numbers: dict[str, Iterator[int]] = {}
    for owner, function in _functions(wrapper.module):
        name = f"{owner}.{function.name.value}" if owner else function.name.value
        bare = function.with_changes(decorators=[], leading_lines=[], lines_after_decorators=[])
        source = _source(owner, bare)
        for old, new, kind in _changes(bare):
            changed = _source(owner, bare.deep_replace(old, new))
            yield Mutant(
                path=str(path),
                function=name,
                first=positions[(*function.decorators, function)[0]].start.line,
                number=next(numbers.setdefault(name, count())),
                line=positions[old if old in positions else function].start.line,
                kind=kind,
                change=_difference(source, changed),
                digest=hashlib.sha256(changed.encode()).hexdigest()[:12],
                source=changed,
            )


def _functions(module: cst.Module) -> Iterator[tuple[str, cst.FunctionDef]]:
    """Functions and methods, with the name of the class."""
    for node in module.body:
        if isinstance(node, cst.FunctionDef):
            yield "", node
        elif isinstance(node, cst.ClassDef):
            yield from ((node.name.value, inner) for inner in node.body.body if isinstance(inner, cst.FunctionDef))


def _source(owner: str, function: cst.CSTNode) -> str:
    if not owner:
        return cst.Module([function]).code
    return cst.Module([cst.ClassDef(cst.Name(owner), cst.IndentedBlock([function]))]).code


def _changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode, str]]:
    """What is replaced, by what, and the kind of the change, all over a function but for its annotations."""
    if isinstance(node, cst.Annotation | cst.Decorator) or _is_unchanged_call(node):
        return
    for kind, operator in OPERATORS:
        if isinstance(node, kind):
            name = operator.__name__.removeprefix("operator_")
            yield from ((node, changed, name) for changed in operator(node) if _guards(node) <= _guards(changed))
    for child in node.children:
        found = () if _is_guard(child) else _changes(child)
        signature = "default " if isinstance(child, cst.Parameters) else ""
        yield from ((old, new, signature + name) for old, new, name in found)


def _is_unchanged_call(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in UNCHANGED_CALLS


def _is_guard(node: cst.CSTNode) -> bool:
    """`strict=True` of a zip: it raises where lengths differ, which checked arguments never bring about."""
    return isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict"


def _guards(node: cst.CSTNode) -> set[int]:
    return {id(arg) for arg in node.args if _is_guard(arg)} if isinstance(node, cst.Call) else set()


def _difference(before: str, after: str) -> str:
    """The changed part of the lines that differ: `before -> after`."""
    old, new = (text.splitlines() for text in (before, after))
    parts = [
        (" ".join(map(str.strip, old[a:b])), " ".join(map(str.strip, new[c:d])))
        for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal"
    ]
    return "; ".join(f"{one} -> {other}" for one, other in parts)


def live_functions(root: Path) -> Functions:
    """Every function object of the process whose code stands in a file under `root`."""
    found: Functions = {}
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename.startswith(f"{root}/"):
            code = function.__code__
            place = code.co_filename.removeprefix(f"{root}/"), code.co_qualname, code.co_firstlineno
            found.setdefault(place, []).append(function)
    return found


def activate(mutant: Mutant, functions: Functions) -> None:
    """Replace the code of the mutant's function in this process."""
    targets = functions[mutant.place]
    namespace: dict[str, Any] = dict(targets[0].__globals__)
    exec(mutant.source, namespace)  # noqa: S102 - with annotations that are not evaluated, as this file says of its own
    owner, _, name = mutant.function.rpartition(".")
    changed = vars(namespace[owner])[name] if owner else namespace[name]
    for target in targets:
        target.__code__ = changed.__code__
        target.__defaults__ = changed.__defaults__
        target.__kwdefaults__ = changed.__kwdefaults__
