"""`check`: whether a plug-in file keeps the rules of its kind."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from negbench.cli.command import command
from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.kinds import OF_FAMILY


@command(
    examples={
        "a plug-in of yours": "negbench check mine.py",
        "a data set whose files lie at hand": "negbench check my_data.py --data-dir downloads",
    }
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where a data set's files lie")
def check(files: tuple[Path, ...], data_dir: Path | None) -> int:
    """Check plug-in files of all eight kinds, every rule of each. Their code runs.

    A broken rule is shown with its file and line; a figure is drawn of a tiny run. Exit code 1
    where a rule is broken.
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
    word = OF_FAMILY[registry.family_of(path)].word.replace("dataset", "data set")
    click.echo(f"{path}: {'an' if word[0] in 'aeiou' else 'a'} {word}, {name}")
    wrong = 0
    with TemporaryDirectory() as folder:
        for finding in check_plugin(path, data_dir, partial(_tiny_run, folder)):
            if not finding.wrong:
                click.echo(f"ok     {finding.check}")
                continue
            wrong += 1
            click.echo(f"wrong  {finding.check}")
            click.echo(f"       {path}:{finding.line}: {finding.wrong}")
    return wrong


def _tiny_run(folder: str) -> Any:
    """The records of two methods with two seeds of two epochs."""
    from negbench.experiment.api import run

    return run(
        datasets="synthetic(users=80,items=60,interactions=1200,relevant=0.3)",
        methods="random,dns(candidates=4)",
        seeds=2,
        epochs=2,
        out=folder,
        progress=False,
    ).records
