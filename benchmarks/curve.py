"""Plot of the cost curve: cost of a positive against the size of the data, by method."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Microseconds of CPU a positive, and peak memory, against the number of pairs."""
    figure = Figure((9, 3.6), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        pairs = [row["pairs"] for row in own]
        cost.plot(pairs, [1e6 / row["cpu"] for row in own], marker="o", label=method)
        memory.plot(pairs, [row["MiB"] / 1024 for row in own], marker="o", label=method)
    for axes, what in ((cost, "CPU microseconds a positive, 1 thread"), (memory, "peak GiB")):
        axes.set_xscale("log")
        axes.set_xlabel("pairs")
        axes.set_title(what, loc="left", fontsize=10)
        axes.grid(alpha=0.3)
    cost.set_yscale("log")  # a method that scores a pool costs ten times one that draws
    memory.set_ylim(bottom=0)
    cost.legend(frameon=False)
    figure.savefig(path, dpi=150)
