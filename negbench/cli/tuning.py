"""`tuning`: what the searches of a run gave and cost."""

from pathlib import Path

import click

from negbench.cli.show import FOLDER, deliver, writable


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=FOLDER)
@click.option("--format", "format_", default="text", help="text, md, csv, latex or json  [text]")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def tuning(run_dirs: tuple[Path, ...], format_: str, out: Path | None) -> None:
    """Expected tuned scores, gains, oracles and chosen settings of `tune`; also of `embedded`."""
    from negbench.experiment.finished.run import analysis, open_run

    if out is not None:
        writable(out)
    run = open_run(run_dirs)
    deliver(run, run.tuning(format_), out)
    if format_ == "csv":
        searches = analysis("tuning.searches")
        if sentence := searches.pending(searches.searches(run_dirs)):
            click.echo(f"negbench: WARNING: {sentence}", err=True)
