"""The report and the files of figures: the one place of the analysis that writes.

The page is one HTML file with everything inside (style, script, figures as SVG), so it can be
mailed; it reads on a phone, in print and without its script, and asks nothing of the network. The
template escapes every name, and the page's own policy lets no other style or script run.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2

from negbench.errors import UserError, did_you_mean
from negbench.storage.atomic_write import write_text

from ..figures import plots_of
from ..figures._export import drawn
from ..runs.frames import Run
from .page import content

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
) -> list[Path]:
    """Write figures of these kinds in these formats, and beside each the csv that it shows.

    Without any kind all are written that the run has records for.
    """
    plots = plots_of(run, kinds, metric)
    _require("a format of plots", formats, list(FORMATS))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in plots:
        stem = folder / re.sub(r"[^\w.+-]+", "_", plot.name)
        for form in formats:
            written.append(stem.with_name(f"{stem.name}.{form}"))
            written[-1].write_bytes(drawn(plot, form))
        written.append(stem.with_name(f"{stem.name}.csv"))
        plot.frame.to_csv(written[-1], index=False)
    return written


def page(run: Run, metric: str | None = None, vs: str = "random") -> str:
    """The report as one HTML text."""
    style, script = ((_HERE / f"report.{end}").read_text("utf-8") for end in ("css", "js"))
    return _template().render(
        content(run, metric, vs),
        style=style,
        script=script,
        policy=(
            f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
            f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
        ),
    )


def _hash(text: str) -> str:
    """What a content security policy knows an inline text by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _require(what: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(
                f"{what} must be one of {', '.join(known)}; got {name!r}; "
                f"{did_you_mean(name, known)}"
            )


def _template() -> jinja2.Template:
    here = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    here.filters["safe_url"] = _url
    return here.get_template("report.html")


def _url(link: str) -> str:
    """A link only if it is one that leads to a page; a card may hold anything."""
    return link if str(link).startswith(("https://", "http://")) else ""
