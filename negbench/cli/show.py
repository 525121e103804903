"""`plot` and `report`: the results of a run; how commands deliver a text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER, METRIC, PLUGIN, RUNS
from negbench.errors import UserError

if TYPE_CHECKING:
    from negbench.experiment.finished.run import Run


@command(
    examples={
        "all kinds that the run can fill": "negbench plot runs/first",
        "two kinds for a paper's column": "negbench plot runs/first overview tradeoff "
        "--width column --format pdf",
    }
)
@click.argument("asked", metavar="RUN_DIR... [KIND]...", nargs=-1, required=True)
@click.option("--all", "every", is_flag=True, help="All kinds the run can fill, as without any")
@click.option(
    "--format",
    "formats",
    shell_complete=tab_words.list_of(lambda _: ("pdf", "png", "svg")),
    default="pdf,png",
    help="pdf, png, svg  [pdf,png]",
)
@METRIC
@BANDS
@click.option("--show", help="Rows to name beside the best of many, as dns,dens")
@click.option(
    "--width",
    shell_complete=tab_words.either("column", "page"),
    help="column (3.33 inches) or page (7 inches)  [each kind its own]",
)
@click.option("-o", "--out", type=FOLDER, help="Folder for the files  [RUN_DIR/plots]")
@PLUGIN
def plot(
    asked: tuple[str, ...],
    every: bool,
    formats: str,
    metric: str | None,
    bands: str | None,
    show: str | None,
    width: str | None,
    out: Path | None,
) -> None:
    """Write plots of one run, or of several read as one: `negbench list plots` names the kinds."""
    from negbench.experiment.finished.run import open_run
    from negbench.experiment.options.plugin_selection import words

    wanted = _file_formats(formats)
    run_dirs, kinds = _folders_and_kinds(asked)
    chosen = [] if every or kinds == ["all"] else words(kinds)
    run = open_run(run_dirs, bands=bands)
    names = words([show]) if show else []
    for path in run.plot(
        *chosen, folder=out, formats=wanted, metric=metric, show=names, width=width
    ):
        click.echo(str(path))
    for sentence in run.records.damaged:
        click.echo(f"negbench: left out: {sentence}", err=True)
    warn_of_pending(run)


def _file_formats(text: str) -> list[str]:
    wanted = text.replace(" ", "").lower().split(",")
    if wrong := [each for each in wanted if each not in ("pdf", "png", "svg")]:
        raise UserError(f"--format must be among pdf, png, svg; got {wrong[0]!r}")
    return wanted


def _folders_and_kinds(asked: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    """Run folders and kinds of plot: the first word is a folder, and every other that is one.

    A folder that is called like a kind is given as ./kind.
    """
    from negbench.cli.catalogue import plots

    first, *others = asked
    kinds = [word for word in others if word in plots() or not Path(word).is_dir()]
    return [Path(first), *(Path(word) for word in others if word not in kinds)], kinds


@command(
    examples={
        "one page with everything": "negbench report runs/first",
        "two runs read as one": "negbench report runs/first runs/second -o both.html",
    }
)
@RUNS
@METRIC
@BANDS
@click.option("-o", "--out", type=FOLDER, help="The file  [RUN_DIR/report.html]")
@PLUGIN
def report(
    run_dirs: tuple[Path, ...], metric: str | None, bands: str | None, out: Path | None
) -> None:
    """Write one HTML page with table, plots and settings that needs no other file."""
    from negbench.experiment.finished.run import open_run

    if out is not None:
        writable(out)
    click.echo(str(open_run(run_dirs, bands=bands).report(out, metric=metric)))


def deliver(run: "Run", text: str, out: Path | None, *, notes: bool = True) -> None:
    """Print a text, or write it to a file; a form without notes has its warning beside it."""
    from negbench.storage.atomic_write import write_text

    if out is None:
        click.echo(text.rstrip("\n"))
    else:
        write_text(out, text.rstrip("\n") + "\n")
    if not notes:
        warn_of_pending(run)


def warn_of_pending(run: "Run") -> None:
    """Say on standard error how many cells are pending, for outputs that have no room for it."""
    if run.unfinished:
        click.echo(f"negbench: WARNING: {run.unfinished}", err=True)


def writable(path: Path) -> None:
    """Raises UserError for an output file whose folder is missing, or that is a folder."""
    if not path.parent.is_dir() or path.is_dir():
        raise UserError(f"--out must be a file in a folder that is there; got {path}")
