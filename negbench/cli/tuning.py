"""`tuning`: what the searches of a run gave and cost."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import FOLDER, RUNS
from negbench.cli.show import deliver, writable


@command(
    examples={
        "what a search gave and cost": "negbench tuning runs/tuned",
        "an appendix for a paper: spaces, budgets, chosen values": "negbench tuning runs/tuned "
        "--format latex -o tuning.tex",
    }
)
@RUNS
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "csv", "latex", "json"),
    default="text",
    help="text, md, csv, latex or json  [text]",
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def tuning(run_dirs: tuple[Path, ...], format_: str, out: Path | None) -> None:
    """Expected tuned scores, gains, oracles and chosen settings of `tune`."""
    from negbench.experiment.finished.run import analysis, open_run

    if out is not None:
        writable(out)
    run = open_run(run_dirs)
    deliver(run, run.tuning(format_), out)
    if format_ == "csv":
        searches = analysis("tuning.searches")
        if sentence := searches.pending(searches.searches(run_dirs)):
            click.echo(f"negbench: WARNING: {sentence}", err=True)
