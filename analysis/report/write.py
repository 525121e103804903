"""Writing the HTML report and the files of figures; no other module of the analysis writes.

The page is one HTML file with everything inside (style, script, figures as SVG), so it can be
mailed; it reads on a phone, in print and without its script, and asks nothing of the network. The
template escapes every name, and the page's own policy lets no other style or script run.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from negbench.storage.atomic_write import write_bytes, write_text

from ..figures import plots_of
from ..figures._export import export_bytes
from ..figures._named_rows import with_choices
from ..runs.frames import Run
from ..tables.html_page import html_page
from ..tables.render import comma_separated, require_format
from .page import content
from .table_csv import csv_uri

FORMATS = ("pdf", "png", "svg")
_HERE = Path(__file__).resolve().parent


def write_report(run: Run, path: str | Path, metric: str | None = None, vs: str = "random") -> Path:
    """Write the page and return where it is."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page(run, metric, vs))
    return path


def write_plots(
    run: Run,
    folder: str | Path,
    kinds: Iterable[str] = (),
    formats: Sequence[str] = ("pdf", "png"),
    metric: str | None = None,
    *,
    show: Sequence[str] = (),
    width: str | None = None,
) -> list[Path]:
    """Write figures of these kinds in these formats, and beside each the csv that it shows.

    Without any kind all are written that the run has records for. `show` are rows to name, `width`
    is "column" or "page". Raises UserError if a kind, a format, a row or a width is unknown.
    """
    plots = plots_of(with_choices(run, show, width), kinds, metric)
    for name in formats:
        require_format("a format of plots", name, FORMATS)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    names = set[str]()
    for plot in plots:
        # `my data` and `my_data` are two data sets, and so need two names.
        name = _file_name(plot.name)
        many = (name, *(f"{name}-{at}" for at in range(2, len(names) + 3)))
        stem = folder / next(each for each in many if each.lower() not in names)
        names.add(stem.name.lower())
        for form in formats:
            written.append(stem.with_name(f"{stem.name}.{form}"))
            write_bytes(written[-1], export_bytes(plot, form))
        written.append(stem.with_name(f"{stem.name}.csv"))
        write_text(written[-1], comma_separated(plot.frame))
    return written


def page(run: Run, metric: str | None = None, vs: str = "random") -> str:
    """The report as one HTML text."""
    return html_page(
        _HERE / "report.html",
        content(run, metric, vs),
        style="report.css",
        scripts=("report.js", "rows.js"),
        images=True,
        filters={"safe_url": _url, "csv_uri": csv_uri, "file_name": _file_name},
    )


def _file_name(text: str) -> str:
    """A text without the characters that a name of a file may not have."""
    return re.sub(r"[^\w.+-]+", "_", text)


def _url(link: str) -> str:
    """The link if it leads to a page, else nothing; a card may hold anything."""
    return link if str(link).startswith(("https://", "http://")) else ""
