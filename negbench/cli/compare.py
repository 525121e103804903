"""`compare`: significance tests of every row against one."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER, METRIC, RUNS
from negbench.cli.show import deliver, writable


@command(
    examples={
        "every row against random": "negbench compare runs/first",
        "against another row, by another metric": "negbench compare runs/first --vs dns "
        "--metric recall@50",
        "two runs read as one, for a program": "negbench compare runs/first runs/second "
        "--format json",
    }
)
@RUNS
@click.option(
    "--vs",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="The row that others are compared with  [random]",
)
@click.option(
    "--test",
    shell_complete=tab_words.either("crossed", "paired-t", "wilcoxon", "permutation"),
    default="crossed",
    help="crossed: users and seeds; over users alone: paired-t, wilcoxon, permutation  [crossed]",
)
@click.option(
    "--correct",
    "correction",
    shell_complete=tab_words.either("holm", "bh", "none"),
    default="holm",
    help="holm, bh or none  [holm]",
)
@METRIC
@BANDS
@click.option("--margin", help="A difference that you call none, as 2% or 0.002  [none]")
@click.option("--seeds-as", hidden=True)
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "latex", "csv", "json"),
    default="text",
    help="text, md, latex, csv or json  [text]",
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def compare(
    run_dirs: tuple[Path, ...],
    vs: str | None,
    test: str,
    correction: str,
    metric: str | None,
    bands: str | None,
    margin: str | None,
    seeds_as: str | None,
    format_: str,
    out: Path | None,
) -> None:
    """Every row against one: difference, interval, test, ranks; of one run or of several.

    On top stands the choice that `recommend` makes.

    \f
    Raises UserError for the option --seeds-as, which is gone.
    """
    from negbench.errors import UserError
    from negbench.experiment.finished.run import open_run

    if seeds_as is not None:
        raise UserError(
            f"--seeds-as must be left out: the test counts users and seeds; got {seeds_as!r}; "
            "--test paired-t averages the seeds of a user, as before"
        )
    if out is not None:
        writable(out)
    run = open_run(run_dirs, bands=bands)
    text = run.compare(
        format_, metric=metric, vs=vs, test=test, correction=correction, margin=margin
    )
    if test == "crossed" and (choice := run.recommend(format_, metric=metric, vs=vs, brief=True)):
        text = f"{choice}\n{text}"
    deliver(run, text, out, notes=format_ != "csv")
