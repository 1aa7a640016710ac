"""The command `animate`: the kernel of a layer sliding over its input, as GIF or SVG for slides."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.console import Console

from numeric import Geometry, GeometryError

PADDING = "expected numbers such as 1, 1x0 or 1+0x0+1 (low+high on each axis), or valid, same or full"


class AnimationError(Exception):
    """What is wrong with what is to be drawn, in a line."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a command line's grammar."""
    animate = commands.add_parser("animate", help="draw a kernel sliding over an input: GIF or SVG for slides")
    animate.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a file named .gif or .svg")
    animate.add_argument("--input", type=_sizes, default=(5, 6), metavar="5x6", help="cells on each axis (default 5x6)")
    animate.add_argument("--kernel", type=_sizes, default=(3, 2), metavar="3x2", help="taps on each axis (default 3x2)")
    animate.add_argument(
        "--stride", type=_sizes, default=(1,), metavar="N", help="one, or one for each axis (default 1)"
    )
    animate.add_argument("--dilation", type=_sizes, default=(1,), metavar="N", help="likewise (default 1)")
    animate.add_argument("--padding", type=_padding, default=0, metavar="N", help=f"{PADDING} (default 0)")
    animate.add_argument("--boundary", choices=("zero", "circular"), default="zero", help="what padding holds")
    animate.add_argument("--seconds", type=_seconds, default=0.5, metavar="S", help="for each output (default 0.5)")


def run(args: argparse.Namespace, console: Console) -> int:
    """Draw it; return the exit status. Raises `AnimationError` before any work for what cannot be drawn or written."""
    from proofs.book import animation
    from proofs.report import json

    draw = {".gif": animation.gif, ".svg": animation.svg}.get(args.output.suffix)
    if draw is None:
        raise AnimationError(f"{args.output}: expected a file named {' or '.join(animation.FORMATS)}")
    try:
        layer = animation.planar(_layer(args))
        target = json.writable(args.output)
        content = draw(layer, args.seconds)
        json.replace(target, content)
    except (GeometryError, ValueError) as error:
        raise AnimationError(str(error)) from error
    except ModuleNotFoundError as error:
        raise AnimationError(f"a GIF needs {error.name}: pip install 'convproof[book]'") from error
    except OSError as error:
        raise AnimationError(f"cannot write {args.output}: {error}") from error
    outputs = " x ".join(map(str, layer.output_size))
    console.print(f"{args.output}: {outputs} outputs, {len(content) / 1000:.0f} kB", markup=False, highlight=False)
    return 0


def _layer(args: argparse.Namespace) -> Geometry:
    steps = {name: getattr(args, name) for name in ("stride", "dilation")}
    each = {name: sizes[0] if len(sizes) == 1 else sizes for name, sizes in steps.items()}
    return Geometry(args.input, args.kernel, **each, padding=args.padding, boundary=args.boundary)


def _sizes(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(x\d+)*", text):
        raise argparse.ArgumentTypeError(f"expected sizes such as 5 or 5x6, got {text!r}")
    return tuple(map(int, text.split("x")))


def _padding(text: str) -> int | str | tuple[int | tuple[int, int], ...]:
    if text in ("valid", "same", "full"):
        return text
    if not re.fullmatch(r"-?\d+(\+-?\d+)?(x-?\d+(\+-?\d+)?)*", text):
        raise argparse.ArgumentTypeError(f"{PADDING}, got {text!r}")
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    pairs = (entry.split("+") for entry in text.split("x"))
    return tuple((int(low), int(high[0])) if high else int(low) for low, *high in pairs)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.02 <= seconds <= 60:
        raise argparse.ArgumentTypeError(f"expected seconds from 0.02 to 60, got {text!r}")
    return seconds
