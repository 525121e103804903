"""`mine`: hard negatives of the train pairs, chosen with the model of a run, for other trainers."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.log_lines import log_lines
from negbench.cli.reading_options import BACKBONE, DATASET, FOLDER, RUN, SEED
from negbench.cli.show import writable


@command(
    examples={
        "8 of the highest scored of every pair": "negbench mine runs/first --row dns "
        "-o hard.parquet",
        "not the first ten, for they may be liked": "negbench mine runs/first --row dns "
        "--skip-top 10 -o hard.jsonl",
        "as a method draws them": "negbench mine runs/first --row dns "
        "--method 'dns(candidates=64)' -o hard.parquet",
    }
)
@RUN
@click.option("-k", type=int, default=8, help="Negatives of each train pair, all different  [8]")
@click.option(
    "--method",
    shell_complete=tab_words.one_of(tab_words.names("methods")),
    help="Draw them by it, as dns(candidates=64)  [the highest scored]",
)
@DATASET
@BACKBONE
@click.option(
    "--row",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="Likewise: a row of the table, or the method that trained the model",
)
@SEED
@click.option(
    "--exclude",
    shell_complete=tab_words.either("train", "train+valid", "all"),
    help="Never taken: train, train+valid or all positives  [train]",
)
@click.option("--skip-top", type=int, default=0, help="Leave out each user's first N items  [0]")
@click.option("--max-score-ratio", type=float, help="At most so much of the positive's score")
@click.option("--margin", type=float, help="At least so far below the positive's score")
@click.option("--texts", is_flag=True, help="Write the items' texts too")
@click.option("--draw-seed", type=int, default=0, help="Seed of the method's draws  [0]")
@click.option("--device", help="cpu or cuda  [that of the run]")
@click.option("-o", "--out", type=FOLDER, required=True, help="The file, .parquet or .jsonl")
def mine(
    run_dir: Path,
    k: int,
    method: str | None,
    dataset: str | None,
    backbone: str | None,
    row: str | None,
    seed: int | None,
    exclude: str | None,
    skip_top: int,
    max_score_ratio: float | None,
    margin: float | None,
    texts: bool,
    draw_seed: int,
    device: str | None,
    out: Path,
) -> None:
    """Hard negatives of every train pair, with ids, names and scores, a line each.

    They are chosen with the model of one cell of the run, which is trained again: cells keep no
    weights. Held-out positives may be among them, as in training, and are counted.
    """
    from negbench.mining.files import writer_of
    from negbench.mining.mine import mine as mined

    writable(out)
    writer_of(out)  # refuses its ending before anything is trained
    with log_lines():
        negatives = mined(
            run_dir,
            k,
            method=method,
            dataset=dataset,
            backbone=backbone,
            row=row,
            seed=seed,
            exclude=exclude,
            skip_top=skip_top,
            max_score_ratio=max_score_ratio,
            margin=margin,
            texts=texts,
            draw_seed=draw_seed,
            device=device,
        )
        negatives.write(out)
    click.echo(f"{out}  {negatives.summary()}")
