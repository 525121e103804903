"""The report and the files of figures: the one place of the analysis that writes.

The page is one HTML file with everything inside (style, figures as SVG), so it can be mailed; it
reads on a phone and in print and asks nothing of the network. The template escapes every name.
"""

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import pandas as pd

from negbench.analysis import bands as band_table
from negbench.analysis import footnotes, frames
from negbench.analysis.board import Block
from negbench.analysis.canvas import Plot
from negbench.analysis.cost import cost
from negbench.analysis.figures import KINDS
from negbench.analysis.frames import REFERENCE, Run
from negbench.analysis.significance import significance
from negbench.analysis.spelling import number, seconds, spelled, spread
from negbench.analysis.table import main_table
from negbench.analysis.verdict import verdicts
from negbench.errors import UserError
from negbench.records import write_text
from negbench.registry import nearest

FORMATS = ("pdf", "png", "svg")
DPI = 300


def write_report(run: Run, path: str | Path, metric: str | None = None, vs: str = "random") -> Path:
    """Write the page and return where it is."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page(run, metric, vs))
    return path


def write_plots(
    run: Run,
    folder: str | Path,
    kinds: Iterable[str],
    formats: Sequence[str] = ("pdf", "png"),
    metric: str | None = None,
) -> list[Path]:
    """Write figures of these kinds in these formats, and beside each the csv that it shows."""
    wanted = list(dict.fromkeys(kinds))
    _require("a plot", wanted, list(KINDS))
    _require("a format of plots", formats, list(FORMATS))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in (plot for kind in wanted for plot in KINDS[kind](run, metric)):
        stem = folder / re.sub(r"[^\w.+-]+", "_", plot.name)
        for form in formats:
            written.append(stem.with_name(f"{stem.name}.{form}"))
            written[-1].write_bytes(drawn(plot, form))
        written.append(stem.with_name(f"{stem.name}.csv"))
        plot.frame.to_csv(written[-1], index=False)
    return written


def drawn(plot: Plot, form: str) -> bytes:
    """The figure as a file's content; the same figure gives the same bytes."""
    out = io.BytesIO()
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(form)
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": plot.name}):
        plot.figure.savefig(out, format=form, dpi=DPI, metadata=undated)
    return out.getvalue()


def page(run: Run, metric: str | None = None, vs: str = "random") -> str:
    """The report as one HTML text."""
    table = main_table(run, metric, vs)
    shown = f"{table.metric[0]}@{table.metric[1]}"
    plots = [plot for draw in KINDS.values() for plot in draw(run, shown)]
    frames_of = {
        "bands": band_table.bands(run, shown),
        "cost": cost(run, vs),
        "tests": significance(run, shown, vs=vs),
    }
    return _template().render(
        table=table,
        metric=spelled(*table.metric),
        verdicts=verdicts(run, table),
        blocks=[_block(block, plots, frames_of) for block in table.blocks],
        band_names=band_table.names(run),
        starts=run.starts,
        folders=[folder.name for folder in run.folders],
        damaged=run.damaged,
        failed=_failed(run),
        cards=_cards(run),
        data=_data(run),
        environments=_environments(run),
    )


def _require(what: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(
                f"{what} must be one of {', '.join(known)}; got {name!r}; {nearest(name, known)}"
            )


def _template() -> jinja2.Template:
    folder = Path(__file__).resolve().parent
    here = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    here.filters |= {
        "number": number,
        "seconds": seconds,
        "p": _p,
        "spread": _spread,
        "safe_url": _url,
    }
    return here.get_template("report.html")


def _p(value: float) -> str:
    return "-" if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _spread(line: Mapping[str, Any]) -> str:
    return spread(line["mean"], line["std"])


def _url(link: str) -> str:
    """A link only if it is one that leads to a page; a card may hold anything."""
    return link if link.startswith(("https://", "http://")) else ""


def _block(
    block: Block, plots: Sequence[Plot], frames_of: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """What the page shows of one data set and backbone."""
    where = (block.dataset, block.backbone)
    order = [line.label for line in block.lines]
    told = {name: _of(frame, *where) for name, frame in frames_of.items()}
    by_row: dict[str, dict[str, Any]] = {}
    for line in told["bands"]:
        by_row.setdefault(line["row"], {})[line["band"]] = line
    return {
        "block": block,
        "plots": [_image(plot) for plot in plots if (plot.dataset, plot.backbone) == where],
        "bands": [(row, by_row[row]) for row in order if row in by_row],
        "cost": _ordered([c for c in told["cost"] if c["kind"] != REFERENCE], order),
        "tests": _ordered(told["tests"], order),
    }


def _ordered(lines: list[dict[str, Any]], order: Sequence[str]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: order.index(line["row"]))


def _of(frame: pd.DataFrame, dataset: str, backbone: str) -> list[dict[str, Any]]:
    here = (frame["dataset"] == dataset) & frame["backbone"].isin([backbone, REFERENCE])
    return [{str(k): v for k, v in line.items()} for line in frame[here].to_dict("records")]


def _image(plot: Plot) -> dict[str, str]:
    return {"says": plot.says, "data": base64.b64encode(drawn(plot, "svg")).decode()}


def _failed(run: Run) -> list[dict[str, Any]]:
    cells = frames.cells(run)
    lines = cells[cells["status"] != "done"].to_dict("records")
    return [{str(k): v for k, v in line.items()} for line in lines]


def _cards(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """The card of each method, once, by name."""
    cards = {cell.spec["method"]: cell.record.get("card") or {} for cell in run.cells}
    return sorted(cards.items())


def _data(run: Run) -> list[dict[str, Any]]:
    """What is to be said of each data set."""
    data = {cell.spec["dataset"]: cell.record["data"] for cell, _ in run.done}
    return [
        {
            **data[name],
            "name": name,
            "protocol": footnotes.of_data(run, name),
            "notes": footnotes.notes_of_data(run, name),
        }
        for name in sorted(data)
    ]


def _environments(run: Run) -> list[str]:
    """Where the cells ran; more than one means that seconds do not compare."""
    said = (
        ", ".join(f"{k} {v}" for k, v in cell.record.get("environment", {}).items())
        for cell, _ in run.done
    )
    return sorted(set(said))
