"""Score of the planted faults: how many of each family are killed, and by what; exits with 1 if one survives."""

from __future__ import annotations

import sys
from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.meta.planted import ROWS, Fault
from tests.meta.planted.suite import killer, refuted

COLUMNS = ("planted", "killed by properties", "law speaks of it", "refuted by laws", "survivors")


def verdict(fault: Fault) -> Counter[str]:
    """1 in each column in which the fault counts; it survives unless every tier that speaks of it sees it."""
    killed, seen = bool(killer(fault)), fault.symbolic and bool(refuted(fault))
    survives = not killed or seen != fault.symbolic
    return Counter(dict(zip(COLUMNS, (1, killed, fault.symbolic, seen, survives), strict=True)))


def main() -> int:
    """Print the table, then the survivors by name."""
    verdicts = {fault: verdict(fault) for fault in ROWS}
    table = Table("family", *COLUMNS, title="planted faults")
    for family in dict.fromkeys(fault.family for fault in ROWS):
        table.add_row(family, *_cells(found for fault, found in verdicts.items() if fault.family == family))
    table.add_section()
    table.add_row("all", *_cells(verdicts.values()))
    Console().print(table)
    survivors = [fault.name for fault, found in verdicts.items() if found["survivors"]]
    for name in survivors:
        Console().print(f"survives: {name}")
    return bool(survivors)


def _cells(found):
    total = sum(found, Counter())
    return [str(total[column]) for column in COLUMNS]


if __name__ == "__main__":
    sys.exit(main())
