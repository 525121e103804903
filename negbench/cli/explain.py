"""`explain`: which training triplets helped a model, and which harmed it."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BACKBONE, DATASET, FOLDER, RUN, SEED
from negbench.cli.show import writable


@command(
    examples={
        "train a model whose triplets can be valued": "negbench run -m shapley --seeds 1 "
        "-o runs/valued",
        "what helped and what harmed": "negbench explain runs/valued --top 5",
    }
)
@RUN
@click.option("--user", help="Only this user, by the id of the data  [all users]")
@click.option("--top", type=int, default=10, help="So many of each kind  [10]")
@DATASET
@BACKBONE
@click.option(
    "-m",
    "--method",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="Likewise: a row of the table, or a method",
)
@SEED
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "csv", "json"),
    default="text",
    help="text, csv or json  [text]",
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def explain(
    run_dir: Path,
    user: str | None,
    top: int,
    dataset: str | None,
    backbone: str | None,
    method: str | None,
    seed: int | None,
    format_: str,
    out: Path | None,
) -> None:
    """The triplets (user, liked item, negative) that helped most and harmed most, with intervals.

    Of one user, or of all with averages by band and truth. It needs a run of `shapley`.
    """
    from negbench.experiment.finished.explain import Query
    from negbench.experiment.finished.explain import explain as explained
    from negbench.storage.atomic_write import write_text

    if out is not None:
        writable(out)
    query = Query(dataset, backbone, method, seed, user, top)
    text, damaged = explained(run_dir, query, format_)
    for sentence in damaged:
        click.echo(f"negbench: left out: {sentence}", err=True)
    if out is None:
        click.echo(text.rstrip("\n"))
        return
    write_text(out, text)
