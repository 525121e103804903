"""`check`: whether a plug-in file keeps the rules of its kind."""

from pathlib import Path

import click

from negbench.errors import UserError
from negbench.plugins import registry

KINDS = {"methods": "a method", "backbones": "a backbone", "datasets": "a data set"}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where a data set's files lie")
def check(files: tuple[Path, ...], data_dir: Path | None) -> int:
    """Check plug-in files: every rule of a method, a backbone or a data set. Their code runs.

    A broken rule is shown with its file and line. Exit code 1 where there is one. As in:
    negbench check mine.py
    \f
    Raises UserError where one is no Python file, before any code runs.
    """
    for path in files:
        if not path.is_file() or path.suffix != ".py":
            raise UserError(f"FILES must be Python files; got {path}; give the paths of plug-ins")
    wrong = sum(_checked(path, data_dir) for path in files)
    click.echo(f"{wrong} wrong" if wrong else "all is well")
    return 1 if wrong else 0


def _checked(path: Path, data_dir: Path | None) -> int:
    from negbench.testing.plugin_check import check_plugin

    name = registry.add_plugin(path)
    click.echo(f"{path}: {KINDS[registry.family_of(path)]}, {name}")
    wrong = 0
    for finding in check_plugin(path, data_dir):
        if not finding.wrong:
            click.echo(f"ok     {finding.check}")
            continue
        wrong += 1
        click.echo(f"wrong  {finding.check}")
        click.echo(f"       {path}:{finding.line}: {finding.wrong}")
    return wrong
