"""What a theorem says: its statement, with every definition of ours that it mentions, however indirectly.

A law is not proved because a file compiles: the statement must be one that a person has read. `statements.json` holds
those, with the SHA-256 of what Coq prints of each, `Set Printing All`, with all of its definitions; and the same
statement as a person reads it. It is written by `python -m proofs.coq`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.coq.compiler import FOLDER, LIBRARY, Compiled

REGISTER = FOLDER / "statements.json"
PRINTED_BY = "as Coq 8.16 and MathComp 1.15 print it"
CLOSED = "Closed under the global context"

# Nothing is imported, only loaded: no notation or coercion of ours can make a statement look like another one.
_LOADED = """From {library} Require {files}.
Set Printing All.
Set Printing Width 1000000.
Set Printing Depth 1000000."""
_READABLE = """From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect ssralg ssrint.
From {library} Require Import {files}.
Unset Printing Implicit Defensive.
Set Printing Width 1000000.
Open Scope ring_scope."""

# Kinds of names, as `.glob` files call them: those with a body, which is part of what a statement says, and the others.
_WITH_BODY = ("def", "rec", "ind", "proj")
_WITHOUT = ("prf", "constr")


@dataclass(frozen=True)
class Stated:
    """What Coq says of one theorem: the digest of its statement with all definitions, and which axioms it rests on.

    `unknown` are names of ours that these mention and that no file declares at its top: axioms, inner modules.
    """

    digest: str
    assumptions: str
    unknown: tuple[str, ...] = ()


def register() -> dict[str, Any]:
    """The registered statements by the theorems' names: `statement` for the reader, `sha256` for the comparison."""
    known: dict[str, Any] = json.loads(REGISTER.read_text(encoding="utf-8"))
    return known


def stated(files: Compiled, theorems: Sequence[str]) -> dict[str, Stated]:
    """Ask Coq about theorems; those that are none are left out. Raises `CoqError`."""
    theorems = [name for name in theorems if files.declared.get(name) == "prf"]
    texts = [name for name, kind in files.declared.items() if kind in (*_WITH_BODY, *_WITHOUT)]
    commands = [
        *(
            f"Print {LIBRARY}.{name}." if files.declared[name] in _WITH_BODY else f"Check @{LIBRARY}.{name}."
            for name in texts
        ),
        *(f"Print Assumptions {LIBRARY}.{name}." for name in theorems),
    ]
    answers = files.answers(_loading(_LOADED, files), commands)
    says = {name: _normal(answer) for name, answer in zip(texts, answers, strict=False)}
    says |= dict(_constructor(name, says[name]) for name in texts if files.declared[name] == "rec")
    return {
        name: _stated(name, says, files.files, " ".join(answer.split()))
        for name, answer in zip(theorems, answers[len(texts) :], strict=True)
    }


def readable(files: Compiled, theorems: Sequence[str]) -> dict[str, str]:
    """Each statement in Coq's own notation, for people."""
    answers = files.answers(_loading(_READABLE, files), [f"Check {LIBRARY}.{name}." for name in theorems])
    return {name: _normal(answer).partition(" : ")[2] for name, answer in zip(theorems, answers, strict=True)}


def why_not(name: str, found: Mapping[str, Stated], known: Mapping[str, Any]) -> str:
    """Why a theorem is not to be believed; empty if it is."""
    if name not in known:
        return f"{name} is not registered in {REGISTER.name}: no one has read its statement"
    if name not in found:
        return f"there is no theorem {name}"
    if found[name].assumptions != CLOSED:
        return f"{name} rests on more than Coq's rules: {found[name].assumptions}"
    if found[name].unknown:
        return f"{name} mentions {', '.join(found[name].unknown)}, which no file declares at its top"
    if found[name].digest != known[name]["sha256"]:
        return f"{name} does not say what {REGISTER.name} has ({PRINTED_BY}), or a definition of it has changed"
    return ""


def _loading(lines: str, files: Compiled) -> str:
    return lines.format(library=LIBRARY, files=" ".join(files.files))


def _normal(answer: str) -> str:
    """Without line breaks, and without the lines on implicit arguments, which are no part of a meaning."""
    return " ".join(re.split(r"^Arguments ", answer, maxsplit=1, flags=re.MULTILINE)[0].split())


def _constructor(record: str, text: str) -> tuple[str, str]:
    """A record's constructor, which `.glob` files leave out, described by what is printed of the record."""
    return re.sub(r"\w+$", re.findall(r":= *(\w+)", text)[0], record), text


def _stated(theorem: str, says: Mapping[str, str], files: Sequence[str], assumptions: str) -> Stated:
    """Take the digest of what Coq prints of a theorem, and of every name of ours that it leads to, alphabetically."""
    ours = re.compile(rf"\b(?:{LIBRARY}\.)?((?:{'|'.join(files)})\.[\w.']*[\w'])")
    reached, new = {theorem}, [theorem]
    while new:
        found = set(ours.findall(says.get(new.pop(), "")))
        new += found - reached
        reached |= found
    text = "\n".join(f"{name}: {says.get(name, '')}" for name in sorted(reached))
    unknown = tuple(sorted(reached - set(says)))
    return Stated(hashlib.sha256(text.encode()).hexdigest(), assumptions, unknown)
