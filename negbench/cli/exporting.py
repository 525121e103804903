"""`export`: what was recommended, for other programs."""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run_dir", type=FOLDER)
@click.option("--recs", is_flag=True, help="The recommended lists  [this is all there is so far]")
@click.option("--format", "form", default="csv", help="csv or trec  [csv]")
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
def export(run_dir: Path, recs: bool, form: str, out: Path | None) -> None:
    """The recommended lists of a run, with the users' and items' own ids."""
    import io
    import sys

    from negbench.errors import UserError
    from negbench.grid.export import write
    from negbench.records import write_text

    del recs
    if out is None:
        write(run_dir, sys.stdout, form)
        return
    if not out.parent.is_dir() or out.is_dir():
        raise UserError(f"--out must be a file in a folder that is there; got {out}")
    text = io.StringIO()
    rows = write(run_dir, text, form)
    write_text(out, text.getvalue())
    click.echo(f"{out}  {rows:,} rows")
