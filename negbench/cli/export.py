"""`export`: recommended lists or logged negatives, for other programs."""

import io
import sys
from pathlib import Path
from typing import NoReturn

import click

from negbench.cli.log_lines import log_lines
from negbench.cli.show import FOLDER, writable
from negbench.errors import UserError


@click.command()
@click.argument("run_dir", type=FOLDER)
@click.option("--recs", is_flag=True, help="The recommended lists  [what is written by default]")
@click.option("--negatives", is_flag=True, help="The negatives kept by run --log-negatives")
@click.option("--format", "form", default="csv", help="csv, parquet, or trec for lists  [csv]")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def export(run_dir: Path, recs: bool, negatives: bool, form: str, out: Path | None) -> None:
    """The recommended lists of a run, or its logged negatives, with the users' and items' ids."""
    if recs and negatives:
        _refuse("an export is one thing at a time; got --recs and --negatives; drop one")
    what = "negatives" if negatives else "recs"
    with log_lines():  # damaged cells are logged
        if out is None:
            _to_screen(run_dir, what, form)
        else:
            _to_file(run_dir, what, form, out)


def _to_screen(run_dir: Path, what: str, form: str) -> None:
    from negbench.experiment.finished.export import write

    if form == "parquet":
        _refuse("parquet is no text for a screen; got no file; add -o FILE")
    write(run_dir, sys.stdout, form, what)


def _to_file(run_dir: Path, what: str, form: str, out: Path) -> None:
    from negbench.experiment.finished.export import parquet, write
    from negbench.storage.atomic_write import write_bytes

    writable(out)
    if form == "parquet":
        content, rows = parquet(run_dir, what)
    else:
        text = io.StringIO()
        rows = write(run_dir, text, form, what)
        content = text.getvalue().encode()
    write_bytes(out, content)
    click.echo(f"{out}  {rows:,} rows")


def _refuse(sentence: str) -> NoReturn:
    raise UserError(sentence)
