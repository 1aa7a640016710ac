"""Command line: `python -m proofs`, or `convproof` once installed. Parse, call, print, exit code."""

from __future__ import annotations

import argparse
import difflib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console

from proofs import LAWS, TIERS, Evidence, Law, Verdict, audit_sheet, overall, parallel, prove
from proofs.audit import Status
from proofs.book import animate
from proofs.book import command as book
from proofs.conformance import command
from proofs.report import json, markdown, text
from proofs.report.progress import Progress
from proofs.tiers import FULL

DESCRIPTION = """Prove the laws of convolutional layers.

Without a command, every law is decided by every tier and printed as a table.
The same as 'prove'."""
EPILOG = """exit status:
  0  every law that was asked for is proved (sheet: no line that can be
     checked is undecided; certify, replay: see 'certify --help')
  1  a law is refuted or not proved
  2  wrong usage: unknown law or tier, or a file that cannot be written
130  interrupted (Ctrl-C); '--grid full' goes on from there when it is called
     again"""


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="write what is found to FILE too; -: to stdout, and what is printed to stderr",
    )
    main = argparse.ArgumentParser(
        prog="python -m proofs",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    deciding = argparse.ArgumentParser(add_help=False)
    deciding.add_argument("--tier", action="append", choices=list(TIERS), help="only this tier (may be repeated)")
    deciding.add_argument(
        "--grid",
        choices=("quick", "full"),
        default="quick",
        help="shapes of the symbolic tier: a few that cross what hides mistakes (default), or every combination",
    )
    deciding.add_argument("--jobs", type=_positive, metavar="N", help="processes for --grid full (default 1)")
    deciding.add_argument(
        "--journal",
        type=Path,
        metavar="FOLDER",
        help="where --grid full keeps what is proved until it is done (default: convproof in the user's cache folder)",
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND")
    prover = commands.add_parser("prove", parents=[common, deciding], help="decide all laws, or those named")
    prover.add_argument("names", nargs="*", metavar="NAME", help="a law, as 'list' names it")
    lister = commands.add_parser("list", parents=[common], help="list the laws with the tiers that can decide them")
    lister.add_argument(
        "--format", choices=("text", "markdown"), default="text", help="markdown: a table of laws and tiers"
    )
    explain = commands.add_parser(
        "explain", parents=[common], help="print a law's derivation, each step, and what each tier ran"
    )
    explain.add_argument("name", metavar="NAME", help="a law, as 'list' names it")
    explain.add_argument(
        "--format", choices=("text", "latex"), default="text", help="text (default), or LaTeX to put into a document"
    )
    commands.add_parser("sheet", parents=[common], help="go through the exercise sheet line by line")
    command.add(commands, common, _positive)
    book.add(commands, deciding)
    animate.add(commands)
    return main


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return number


def main(argv: Sequence[str] | None = None, laws: Mapping[str, Law] = LAWS) -> int:
    """Run the command line on `laws`; return the exit status."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # Σ and τ on a terminal that has none
    grammar = parser()
    args = grammar.parse_args(argv)
    for name in getattr(args, "names", [args.name] if hasattr(args, "name") else []):
        if name not in laws:
            near = difflib.get_close_matches(name, laws, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            grammar.error(f"there is no law named {name!r}{hint} ('list' shows all)")
    if args.command in ("prove", "report") and args.grid != "full" and (args.jobs or args.journal):
        grammar.error("--jobs and --journal are for --grid full")
    if args.command == "report" and args.verdicts and (args.tier or args.grid == "full"):
        grammar.error(f"the laws are decided in {args.verdicts}: leave out --tier and --grid")
    file: Path | None = getattr(args, "json", None)
    if file is not None and args.command in ("report", "animate"):
        grammar.error(f"{args.command!r} finds nothing to write to {file}")
    piped = file == Path("-")
    try:
        target = None if file is None or piped else json.writable(file)
    except OSError as error:
        grammar.error(f"cannot write {file}: {error}")
    try:
        status, content = _run(args, laws, Console(stderr=piped))
    except (JournalError, command.CommandError, book.ReportError, animate.AnimationError) as error:
        grammar.error(str(error))
    if piped:
        sys.stdout.buffer.write(json.encoded(content))
    if target is not None:
        try:
            json.write(target, content, None if args.command == "certify" else 2)
        except OSError as error:
            grammar.error(f"cannot write {file}: {error}")
    return status


def _run(args: argparse.Namespace, laws: Mapping[str, Law], console: Console) -> tuple[int, dict[str, Any]]:
    """Run a command: print what it finds; return the exit status and what `--json` writes."""
    if args.command in command.COMMANDS:
        return command.run(args, console)
    if args.command == "animate":
        return animate.run(args, console), {}
    if args.command == "report":
        return book.run(args, laws, lambda: _decide(laws, args), console), {}
    if args.command == "list":
        tiers_of = {name: _deciding(law) for name, law in laws.items()}
        if args.format == "markdown":
            console.print(markdown.table(tiers_of), end="", markup=False, highlight=False, soft_wrap=True)
        else:
            text.catalogue(console, laws, tiers_of)
        return 0, json.catalogue(laws, tiers_of)
    if args.command == "explain":
        (evidence,) = prove(args.name, laws=laws).values()
        if args.format == "latex":
            from proofs.report.latex import fragment

            console.print(fragment(laws[args.name], evidence), markup=False, highlight=False, soft_wrap=True)
        else:
            text.explanation(console, laws[args.name], evidence)
        told = json.explanation(laws[args.name], evidence) if hasattr(args, "json") else {}
        return int(overall(evidence) != Verdict.PROVED), told
    if args.command == "sheet":
        findings = audit_sheet()
        text.sheet(console, findings)
        return int(any(finding.status == Status.UNDECIDED for finding in findings)), json.sheet(findings)
    start = perf_counter()
    names, tiers = getattr(args, "names", ()), getattr(args, "tier", None)
    # a tier that is asked for decides all laws that it can; a law that is asked for is shown whoever can
    able = [name for name, law in laws.items() if tiers is None or set(tiers) & set(_deciding(law))]
    chosen = {name: laws[name] for name in names or able}
    found = _decide(chosen, args)
    text.verdicts(console, laws, found, perf_counter() - start)
    return int(any(overall(evidence) != Verdict.PROVED for evidence in found.values())), json.verdicts(laws, found)


def _decide(chosen: Mapping[str, Law], args: argparse.Namespace) -> dict[str, tuple[Evidence, ...]]:
    tiers = getattr(args, "tier", None)
    if getattr(args, "grid", "quick") == "full":
        return _prove_full(chosen, tiers, args)
    return parallel.decide(chosen, tiers)


class JournalError(Exception):
    """The folder for an unfinished run cannot be written."""


def _prove_full(
    chosen: Mapping[str, Law], tiers: Sequence[str] | None, args: argparse.Namespace
) -> dict[str, tuple[Evidence, ...]]:
    """The symbolic tier on the full grids; derivations at more sizes; the other tiers as always."""
    from proofs import campaign  # joblib is needed for nothing else

    journal = args.journal or campaign.folder()
    others = [FULL[tier] for tier in tiers or TIERS if tier != "symbolic"]
    symbolic: dict[str, Evidence] = {}
    if tiers is None or "symbolic" in tiers:
        with Progress(campaign.pieces(chosen), journal) as progress:
            try:
                symbolic = campaign.prove(chosen, args.jobs or 1, journal, progress.tell)
            except OSError as error:
                raise JournalError(f"cannot keep results in {journal}: {error}") from error
    found = {name: [e for decide in others if (e := decide(law)) is not None] for name, law in chosen.items()}
    return {name: (*found[name], *([symbolic[name]] if name in symbolic else [])) for name in chosen}


def _deciding(law: Law) -> list[str]:
    able = {
        "derivation": law.derivation is not None,
        "arithmetic": law.arithmetic is not None,
        "coq": bool(law.theorems),
    }
    return [tier for tier in TIERS if able.get(tier, True)]


def entry() -> int:
    """Run the command line as a process: a reader that has gone or Ctrl-C is no reason for a trace."""
    gc.set_threshold(
        50_000
    )  # hardly any of the many small terms is in a cycle: looking for them took a tenth of the time
    try:
        return main()
    except BrokenPipeError:  # the reader has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(entry())
