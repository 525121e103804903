"""`compare`: significance tests of every row against one."""

from pathlib import Path

import click

from negbench.cli.show import FOLDER, deliver, writable


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=FOLDER)
@click.option("--vs", help="The row that others are compared with  [random]")
@click.option(
    "--test",
    default="crossed",
    help="crossed: users and seeds; over users alone: paired-t, wilcoxon, permutation  [crossed]",
)
@click.option("--correct", "correction", default="holm", help="holm, bh or none  [holm]")
@click.option("--metric", help="Any at any K, as recall@50  [ndcg@20]")
@click.option("--bands", help="Other popularity bands, as count:5,50  [those of the run]")
@click.option("--margin", help="A difference that you call none, as 2% or 0.002  [none]")
@click.option("--seeds-as", hidden=True)
@click.option("--format", "format_", default="text", help="text, md, latex, csv or json  [text]")
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
