"""Writes the figures of `negbench factors`, each with the csv that it shows."""

from pathlib import Path

from ..figures._export import export_bytes
from ..figures._factor_shares import factor_plots
from ..tables.factors import Factors
from .write import _file_name

FORMATS = ("pdf", "png")


def write_factors(page: Factors, folder: Path) -> list[Path]:
    """Write the figure of each data set; the paths of all files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in factor_plots(page):
        stem = _file_name(plot.name)
        for form in FORMATS:
            written.append(folder / f"{stem}.{form}")
            written[-1].write_bytes(export_bytes(plot, form))
        written.append(folder / f"{stem}.csv")
        plot.frame.to_csv(written[-1], index=False)
    return written
