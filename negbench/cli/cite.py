"""`cite`: the bibliography of a run."""

from pathlib import Path

import click

from negbench.cli.command import command
from negbench.cli.reading_options import FOLDER, RUNS
from negbench.cli.show import deliver, writable


@command(
    examples={
        "for the paper": "negbench cite runs/first -o negbench.bib",
    }
)
@RUNS
@click.option("-o", "--out", type=FOLDER, help="Write to this .bib file instead of the screen")
def cite(run_dirs: tuple[Path, ...], out: Path | None) -> None:
    """BibTeX of the methods, backbones and data sets of a run, and of negbench."""
    from negbench.experiment.finished.run import open_run

    if out is not None:
        writable(out)
    run = open_run(run_dirs)
    deliver(run, run.cite(), out)
