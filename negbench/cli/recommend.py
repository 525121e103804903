"""`recommend`: which row to choose, over all blocks of a run."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER, METRIC, RUNS
from negbench.cli.show import deliver, writable


@command(
    examples={
        "which row to choose": "negbench recommend runs/first",
        "over two runs": "negbench recommend runs/first runs/second --format md",
    }
)
@RUNS
@click.option(
    "--vs",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="The row that a choice must be above  [random]",
)
@METRIC
@BANDS
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "csv", "json"),
    default="text",
    help="text, md, csv or json  [text]",
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def recommend(
    run_dirs: tuple[Path, ...],
    vs: str | None,
    metric: str | None,
    bands: str | None,
    format_: str,
    out: Path | None,
) -> None:
    """Which row to choose over all data sets and backbones; of one run or of several.

    Overall, where popular or rare items matter, and where training must be cheap: by a rule that
    the page states, and none where the tests carry none.
    """
    from negbench.experiment.finished.run import open_run

    if out is not None:
        writable(out)
    run = open_run(run_dirs, bands=bands)
    deliver(run, run.recommend(format_, metric=metric, vs=vs), out, notes=format_ != "csv")
