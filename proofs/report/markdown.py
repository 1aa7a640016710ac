"""The table of laws and tiers, as the trust page has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from proofs.tiers import TIERS


def table(tiers: Mapping[str, Collection[str]]) -> str:
    """Lines of a Markdown table: a law each, with a mark under every tier that can decide it; the last line counts."""
    lines = [f"| law | {' | '.join(TIERS)} |", f"|---{'|:-:' * len(TIERS)}|"]
    for name, able in tiers.items():
        lines.append(f"| {name} | {' | '.join('✓' if tier in able else '' for tier in TIERS)} |")
    counts = (str(sum(tier in able for able in tiers.values())) for tier in TIERS)
    lines.append(f"| all {len(tiers)} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"
