"""`new`: writes a working plug-in of any kind and its passing test, as a start."""

import re
from pathlib import Path
from shlex import quote
from string import Template

import click

from negbench.cli import tab_words, templates
from negbench.cli.command import command
from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.kinds import OF_WORD

RUN = {
    "method": "negbench run --plugin {file} -m random,dns,{name}",
    "backbone": "negbench run --plugin {file} -m random,dns -b {name}",
    "dataset": "negbench run --plugin {file} --data-dir FOLDER -d {name} -m random,dns",
    "objective": "negbench run --plugin {file} -m random,dns --objective {name}",
    "metric": "negbench run --plugin {file} -m random,dns --metrics ndcg,{name}@20",
    "reference": "negbench run --plugin {file} -m random,dns --references {name}",
    "probe": "negbench run --plugin {file} -m random,dns --probe sample,{name}",
    "figure": "negbench plot RUN_DIR {name} --plugin {file}",
}


@command(
    examples={
        "a method and its test": "negbench new method mine",
        "a metric, in another folder": "negbench new metric novelty_at_k --folder plugins",
    }
)
@click.argument("kind", shell_complete=tab_words.either(*OF_WORD))
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".", help="Where to write  [here]"
)
def new(kind: str, name: str, folder: Path) -> None:
    """Write NAME.py and test_NAME.py: a working plug-in and a test that passes.

    KIND is method, backbone, dataset, objective, metric, reference, probe or figure.
    \f
    Raises UserError for another kind, a name that is taken or no Python word, and files in the way.
    """
    if kind not in OF_WORD:
        near = did_you_mean(kind, list(OF_WORD))
        raise UserError(f"the kind must be one of {', '.join(OF_WORD)}; got {kind!r}; {near}")
    texts = {f"{name}.py": templates.PLUGINS[kind], f"test_{name}.py": templates.TESTS[kind]}
    files = {folder / file: text for file, text in texts.items()}
    _check(kind, name, folder, list(files))
    title = name.replace("_", " ").capitalize()
    for path, text in files.items():
        path.write_text(Template(text).substitute(name=name, title=title), encoding="utf-8")
        click.echo(f"wrote  {path}")
    plugin = quote(str(folder / f"{name}.py"))
    click.echo(f"next   python -m pytest {quote(str(folder / f'test_{name}.py'))}")
    click.echo(f"       negbench check {plugin}")
    click.echo(f"       {RUN[kind].format(file=plugin, name=name)}")


def _check(kind: str, name: str, folder: Path, files: list[Path]) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(
            f"a {kind}'s name must be a Python word in small letters, as my_{kind}; got {name!r}"
        )
    family = OF_WORD[kind].family
    if name in registry.names(family):
        raise UserError(f"{family} already has {name!r}; choose another name")
    if not folder.is_dir():
        raise UserError(f"--folder must be there; got {folder}; make it first")
    if there := [path for path in files if path.exists()]:
        raise UserError(f"nothing is overwritten; {there[0]} is there; choose another name")
