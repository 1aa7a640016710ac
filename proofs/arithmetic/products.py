"""Facts about products and remainders, all that is not linear in index maps: for others to rest on."""

from __future__ import annotations

from typing import Any

from proofs.facts import Claim, fact


@fact("s ≥ 0, a < b: s·a + s ≤ s·b")
def grows(s: Any, a: Any, b: Any) -> Claim:
    """A multiple grows by s at least."""
    return Claim((s >= 0, a < b), s * a + s <= s * b)


@fact("a, b ≥ 0: a·b ≥ 0")
def not_negative(a: Any, b: Any) -> Claim:
    """The product of two."""
    return Claim((a >= 0, b >= 0), a * b >= 0)


@fact("a = b: s·a = s·b")
def times(s: Any, a: Any, b: Any) -> Claim:
    """Both sides of an equality, multiplied."""
    return Claim((a == b,), s * a == s * b)


@fact("n ≥ 1, a = b + n·j: a mod n = b mod n")
def congruent(n: Any, a: Any, b: Any, j: Any) -> Claim:
    """Cells that are full circles apart are one cell."""
    known = (grows(n, a // n, b // n + j), grows(n, b // n + j, a // n))
    return Claim((n >= 1, a == b + n * j), a % n == b % n, known)


@fact("s ≥ 1: ⌊s·a / s⌋ = a")
def divides(s: Any, a: Any) -> Claim:
    """A multiple, divided."""
    quotient = s * a // s
    return Claim((s >= 1,), quotient == a, (grows(s, a, quotient), grows(s, quotient, a)))
