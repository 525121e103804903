"""`recommend`: which row to choose, over all blocks of a run."""

from pathlib import Path

import click

from negbench.cli.show import FOLDER, deliver, writable


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=FOLDER)
@click.option("--vs", help="The row that a choice must be above  [random]")
@click.option("--metric", help="Any at any K, as recall@50  [ndcg@20]")
@click.option("--bands", help="Other popularity bands, as count:5,50  [those of the run]")
@click.option("--format", "format_", default="text", help="text, md, csv or json  [text]")
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
