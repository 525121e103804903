"""`audit`: popularity bias of a run, and the rate of false negatives in its training."""

from pathlib import Path

import click

from negbench.cli.show import FOLDER, deliver, writable


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=FOLDER)
@click.option("--metric", help="The accuracy shown and the K of the lists  [ndcg@20]")
@click.option("--bands", help="Other popularity bands, as count:5,50  [those of the run]")
@click.option("--format", "format_", default="text", help="text, md, csv or json  [text]")
@click.option("--json", "as_json", is_flag=True, help="For programs: --format json")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def audit(
    run_dirs: tuple[Path, ...],
    metric: str | None,
    bands: str | None,
    format_: str,
    as_json: bool,
    out: Path | None,
) -> None:
    """Popularity bias, accuracy by band and false negatives; of one run or of several."""
    from negbench.experiment.finished.run import open_run

    if out is not None:
        writable(out)
    run = open_run(run_dirs, bands=bands)
    text = run.audit("json" if as_json else format_, metric=metric)
    deliver(run, text, out, notes=as_json or format_ != "csv")
