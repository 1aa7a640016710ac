"""`python -m proofs certify` and `replay`: parse, call, print, exit status. Each imports what it needs when called."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

COMMANDS = ("certify", "replay")
TARGETS = """TARGET is numeric, tensorflow, keras, torch, jax, scipy or onnxruntime, some
with a flavour (numeric:winograd2), or one's own code, package.module:name.

exit status:
  0  nothing is refuted, and something is certified
  1  something is refuted, or nothing certified; with --strict, too, if
     anything is inexact or unsupported
  2  could not run: no such target, framework, file, or nothing that it
     supports"""
REPLAY = """Judge what 'certify --json FILE' kept, again, without the framework. No code in FILE
is run. It is a record, not a proof against a forger."""


class CommandError(Exception):
    """What is wrong with a command, in a line."""


def add(commands: Any, json: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add the commands to a command line's grammar."""
    certify = commands.add_parser(
        "certify",
        parents=[json],
        help="is an implementation of convolution right? any, bit for bit",
        description="Decide whether an implementation is right, bit for bit.",
        epilog=TARGETS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    certify.add_argument("target", metavar="TARGET", help="what is certified, see below")
    certify.add_argument(
        "--op",
        action="append",
        metavar="OP",
        help="conv, conv_transpose, average_pool or max_pool, or with its axes, conv2d (may be repeated; default all)",
    )
    certify.add_argument("--layout", choices=("NCHW", "NHWC"), help="where the channels are, if the target has both")
    certify.add_argument("--dtype", default="float32", help="type in which it computes (default float32)")
    certify.add_argument("--device", help="device, in the framework's words (default its own)")
    certify.add_argument(
        "--grid",
        default="quick",
        metavar="quick|full|FILE",
        help="layers: every pair of risks (default), every four of them, or a JSON list",
    )
    certify.add_argument("--tier", action="append", choices=("structure", "integers", "bound", "premises"))
    certify.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes (default 1)")
    certify.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that runs it")
    certify.add_argument("--strict", action="store_true", help="exit status 1 if anything is inexact or unsupported")
    certify.add_argument(
        "--journal",
        type=Path,
        metavar="FOLDER",
        help="where results are kept until all are there (default, with --grid full: in the user's cache folder)",
    )
    replay = commands.add_parser("replay", parents=[json], help="judge a record again", description=REPLAY)
    replay.add_argument("file", type=Path, metavar="FILE", help="what 'certify --json FILE' wrote")
    replay.add_argument("--strict", action="store_true", help="exit status 1 if anything is inexact or unsupported")


def run(args: argparse.Namespace, console: Console) -> tuple[int, dict[str, Any]]:
    """Run a command: print what it finds; return the exit status and what `--json` writes. Raises `CommandError`."""
    from proofs.conformance.certificate import NOTE
    from proofs.conformance.geometries import GridError
    from proofs.conformance.record import RecordError
    from proofs.conformance.target import TargetError
    from proofs.report import certificate

    try:
        found = _certify(args) if args.command == "certify" else _replay(args.file)
    except (TargetError, GridError, RecordError) as error:
        raise CommandError(str(error)) from error
    certificate.report(console, found)
    if args.command == "replay":
        console.print(f"judged again from {args.file}. {NOTE}", style="dim", markup=False, highlight=False)
    return found.exit_status(args.strict), found.record() if hasattr(args, "json") else {}


def _certify(args: argparse.Namespace) -> Any:
    from proofs import campaign
    from proofs.conformance.certify import certify

    journal = args.journal or (campaign.folder() if args.grid == "full" and not args.dask else None)
    try:
        return certify(
            args.target,
            operations=args.op,
            geometries=args.grid,
            dtype=args.dtype,
            device=args.device,
            layout=args.layout,
            jobs=args.jobs,
            dask=args.dask,
            tiers=args.tier,
            journal=journal,
            keep_calls=hasattr(args, "json"),
            progress=True,
            isolate=args.target.partition(":")[0] not in ("numeric", "scipy"),
        )
    except OSError as error:
        raise CommandError(f"cannot keep results in {journal}: {error}") from error


def _replay(file: Path) -> Any:
    from proofs.conformance.certificate import replay

    return replay(file)
