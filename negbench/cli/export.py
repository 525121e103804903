"""`export`: what was recommended, and what was drawn, for other programs."""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run_dir", type=FOLDER)
@click.option("--recs", is_flag=True, help="The recommended lists  [what is written by default]")
@click.option("--negatives", is_flag=True, help="The negatives kept by run --log-negatives")
@click.option("--format", "form", default="csv", help="csv, parquet, or trec for lists  [csv]")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def export(run_dir: Path, recs: bool, negatives: bool, form: str, out: Path | None) -> None:
    """The recommended lists of a run, or its logged negatives, with the users' and items' ids."""
    import io
    import sys

    from negbench.errors import UserError
    from negbench.experiment.finished.export import parquet, write
    from negbench.storage.atomic_write import write_bytes

    if recs and negatives:
        raise UserError("an export is one thing at a time; got --recs and --negatives; drop one")
    what = "negatives" if negatives else "recs"

    def tell(damage: str) -> None:
        click.echo(f"negbench: left out: {damage}", err=True)

    if out is None:
        if form == "parquet":
            raise UserError("parquet is no text for a screen; got no file; add -o FILE")
        write(run_dir, sys.stdout, form, what, tell)
        return
    if not out.parent.is_dir() or out.is_dir():
        raise UserError(f"--out must be a file in a folder that is there; got {out}")
    if form == "parquet":
        content, rows = parquet(run_dir, what, tell)
    else:
        text = io.StringIO()
        rows = write(run_dir, text, form, what, tell)
        content = text.getvalue().encode()
    write_bytes(out, content)
    click.echo(f"{out}  {rows:,} rows")
