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
@click.option("--k", type=int, help="Length of the lists, up to 100  [the greatest K measured]")
@click.option("--format", "form", default="csv", help="csv, parquet, or trec for lists  [csv]")
@click.option("-o", "--out", help="Write to this file; for trec also a folder, a file a system")
def export(
    run_dir: Path, recs: bool, negatives: bool, k: int | None, form: str, out: str | None
) -> None:
    """The recommended lists of a run, or its logged negatives, with the users' and items' ids."""
    if recs and negatives:
        _refuse("an export is one thing at a time; got --recs and --negatives; drop one")
    if negatives and k is not None:
        _refuse(f"--k is the length of lists, which --negatives has none of; got --k {k}; drop it")
    what = "negatives" if negatives else "recs"
    with log_lines():  # damaged cells are logged
        if out is None:
            _to_screen(run_dir, what, form, k)
        elif form == "trec" and what == "recs" and _is_folder(run_dir, out):
            _to_folder(run_dir, Path(out), k)
        else:
            _to_file(run_dir, what, form, Path(out), k)


def _to_screen(run_dir: Path, what: str, form: str, k: int | None) -> None:
    from negbench.experiment.finished.export import write

    if form == "parquet":
        _refuse("parquet is no text for a screen; got no file; add -o FILE")
    write(run_dir, sys.stdout, form, what, k)


def _to_file(run_dir: Path, what: str, form: str, out: Path, k: int | None) -> None:
    from negbench.experiment.finished.export import parquet, write
    from negbench.storage.atomic_write import write_bytes

    writable(out)
    if form == "parquet":
        content, rows = parquet(run_dir, what, k)
    else:
        text = io.StringIO()
        rows = write(run_dir, text, form, what, k)
        content = text.getvalue().encode()
    write_bytes(out, content)
    click.echo(f"{out}  {rows:,} rows")


def _is_folder(run_dir: Path, out: str) -> bool:
    """Whether TREC runs go to a folder: it is one, ends in a slash, or has to hold several."""
    from negbench.experiment.finished.trec import several

    path = Path(out)
    return path.is_dir() or out.endswith("/") or (not path.suffix and several(run_dir))


def _to_folder(run_dir: Path, folder: Path, k: int | None) -> None:
    from negbench.experiment.finished.trec import write_all

    for path, rows in write_all(run_dir, folder, k):
        click.echo(f"{path}  {rows:,} rows")


def _refuse(sentence: str) -> NoReturn:
    raise UserError(sentence)
