"""`bundle`: one archive of a run for those who review its artefacts."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import FOLDER, RUNS


@command(
    examples={
        "everything that a reviewer needs": "negbench bundle runs/first -o artefact.zip",
    }
)
@RUNS
@click.option(
    "--vs",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="The row that others are tested against  [random]",
)
@click.option("-o", "--out", type=FOLDER, help="The archive, a new file  [RUN_DIR-bundle.zip]")
def bundle(run_dirs: tuple[Path, ...], vs: str | None, out: Path | None) -> None:
    """One archive: experiment, results, splits, figures, tables, bibliography, licences, hashes.

    Pairs of the data are in it only where the licence of the data allows to pass them on.
    """
    from negbench.experiment.finished.run import open_run

    run = open_run(run_dirs)
    path, kept_out = run.bundle(out, vs=vs)
    click.echo(f"{path}  {path.stat().st_size / 2**20:,.1f} MiB")
    for sentence in kept_out:
        click.echo(f"note   {sentence}")
