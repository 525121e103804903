"""`compare`: significance tests and effect sizes of every method against one."""

from pathlib import Path

import click

from negbench.cli.show import FOLDER, writable


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=FOLDER)
@click.option("--vs", help="The row that others are compared with  [random]")
@click.option("--test", default="paired-t", help="paired-t, wilcoxon or permutation  [paired-t]")
@click.option("--correct", "correction", default="holm", help="holm, bh or none  [holm]")
@click.option("--metric", help="As recall@10  [ndcg@20]")
@click.option(
    "--seeds-as",
    "seeds",
    default="average",
    help="average: within each user; blocks: one difference a seed  [average]",
)
@click.option("--format", "format_", default="text", help="text, md, csv or json  [text]")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def compare(
    run_dirs: tuple[Path, ...],
    vs: str | None,
    test: str,
    correction: str,
    metric: str | None,
    seeds: str,
    format_: str,
    out: Path | None,
) -> None:
    """Every method against one: difference, effect, test, ranks; of one run or of several."""
    from negbench.experiment.finished.run import open_run
    from negbench.storage.atomic_write import write_text

    if out is not None:
        writable(out)
    text = open_run(run_dirs).compare(
        format_, metric=metric, vs=vs, test=test, correction=correction, seeds=seeds
    )
    if out is None:
        click.echo(text.rstrip("\n"))
        return
    write_text(out, text.rstrip("\n") + "\n")
