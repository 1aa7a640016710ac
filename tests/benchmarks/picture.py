"""The speed benchmark's ratios as a picture: a mark for each case and choice, with its interval."""

from __future__ import annotations

import io
from typing import Any


def draw(result: dict[str, Any], kind: str) -> bytes:
    """File of that kind (svg, png, pdf) with the ratios that a run of the benchmark found."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "conv_speed"  # the same figures give the same file
    rows = [row for row in result["rows"] if row["ours"]]
    names = list(dict.fromkeys(name for row in rows for name in row["ours"]))
    figure = Figure(figsize=(9, 1 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(names):
        held = [(place, row["ours"][name]) for place, row in enumerate(rows) if name in row["ours"]]
        places = [place + (number + 0.5) / len(names) - 0.5 for place, _ in held]
        middle = [of["ratio"] for _, of in held]
        reach = [[of["ratio"] - of["low"] for _, of in held], [of["high"] - of["ratio"] for _, of in held]]
        axes.errorbar(middle, places, xerr=reach, fmt="o", markersize=3, linewidth=1, label=name)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(
        xscale="log", xlabel="time of the best peer / ours (above 1: ours is faster)", ylim=(len(rows) - 0.5, -0.5)
    )
    axes.set_yticks(range(len(rows)), [f"{row['case']}  ({row['best']})" for row in rows], fontsize=7)
    axes.legend(fontsize=7)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()
