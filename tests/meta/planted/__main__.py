"""Score of the planted faults: how many of each family are killed, and by what; exits with 1 if one survives."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from tests.meta.planted import ROWS, Fault
from tests.meta.planted.suite import killer, refuted


def score(faults: list[Fault]) -> tuple[list[str], list[Fault]]:
    """A line of the table, and which faults survive: the property suite, or the symbolic tier if it speaks of them."""
    killed = [fault for fault in faults if killer(fault)]
    real = [fault for fault in faults if fault.symbolic]
    seen = [fault for fault in real if refuted(fault)]
    survivors = [fault for fault in faults if fault not in killed or (fault.symbolic and fault not in seen)]
    return [str(len(faults)), str(len(killed)), f"{len(seen)} of {len(real)}", str(len(survivors))], survivors


def main() -> int:
    """Print the table, then the survivors by name."""
    table = Table("family", "planted", "killed by properties", "refuted by laws", "survivors", title="planted faults")
    survivors = []
    for family in dict.fromkeys(fault.family for fault in ROWS):
        cells, left = score([fault for fault in ROWS if fault.family == family])
        table.add_row(family, *cells)
        survivors += left
    table.add_section()
    table.add_row("all", str(len(ROWS)), "", "", str(len(survivors)))
    Console().print(table)
    for fault in survivors:
        Console().print(f"survives: {fault.name}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
