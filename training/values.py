"""Words of the command line as values: each parser says what it expected and what came."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Parse = Callable[[str], Any]

_CONVOLUTION = re.compile(r"(\d+)x(\d+)(s?)(?:/(\d+))?")


@dataclass(frozen=True)
class Convolution:
    """A convolution layer with ReLU: how many kernels, how wide they are, and the width of max pooling (1: none).

    Its text is `KERNELSxWIDTH`, then `s` for `same` padding, then `/POOLING`: `32x5s/2`.
    """

    kernels: int
    width: int
    padding: Literal["valid", "same"] = "valid"
    pooling: int = 2

    def __str__(self) -> str:
        same = "s" if self.padding == "same" else ""
        pooling = f"/{self.pooling}" if self.pooling > 1 else ""
        return f"{self.kernels}x{self.width}{same}{pooling}"


def integer(low: int, high: int | None = None) -> Parse:
    """Return a parser of integers from `low` to `high`."""
    expected = f"expected an integer from {low}" + (f" to {high}" if high is not None else " up")

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{expected}, got {text!r}") from None
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{expected}, got {text}")
        return value

    return parse


def number(expected: str, accept: Callable[[float], bool]) -> Parse:
    """Return a parser of the finite numbers that `accept` takes; `expected` is what they are called in errors."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None
        if not (math.isfinite(value) and accept(value)):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text}")
        return value

    return parse


positive = number("a number above 0", lambda value: value > 0)
nonnegative = number("a number from 0 up", lambda value: value >= 0)
share = number("a number from 0 up, below 1", lambda value: 0 <= value < 1)


def optional(parse: Parse) -> Parse:
    """Return `parse` with the word `none` besides."""
    return lambda text: None if text == "none" else parse(text)


def choice(*words: str) -> Parse:
    """Return a parser of one of `words`."""

    def parse(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(words)}, got {text!r}")
        return text

    return parse


def several(*words: str) -> Parse:
    """Return a parser of one or more of `words`, with commas: a tuple, each once, in their order here."""
    one = choice(*words)

    def parse(text: str) -> tuple[str, ...]:
        given = {one(word) for word in text.split(",")}
        return tuple(word for word in words if word in given)

    return parse


def flag(text: str) -> bool:
    """Return whether `text` is `yes`, not `no`."""
    return bool(choice("yes", "no")(text) == "yes")


def convolutions(text: str) -> tuple[Convolution, ...]:
    """Return the layers of a list such as `24x5/2,32x3/2` (see `Convolution`)."""
    layers = []
    for part in text.split(","):
        found = _CONVOLUTION.fullmatch(part)
        if found is None or not all(int(found[group] or 1) for group in (1, 2, 4)):
            expected = "expected KERNELSxWIDTH, s for same padding, /POOLING, as in 32x5s/2, several with commas"
            raise argparse.ArgumentTypeError(f"{expected}, got {part!r}")
        padding: Literal["valid", "same"] = "same" if found[3] else "valid"
        layers.append(Convolution(int(found[1]), int(found[2]), padding, int(found[4] or 1)))
    return tuple(layers)


def text_of(value: Any) -> str:
    """Return the text that the parsers above read as `value`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
