"""`new-method`: writes a working method and its passing test, as a start for your own."""

import re
from pathlib import Path
from string import Template

import click

from negbench.errors import UserError
from negbench.plugins import registry

METHOD = '''"""$title: in one sentence, what is drawn, kept, weighed or minimised.

    j* = argmax_{j in C} s(u, j),   C = M uniform draws outside P_u        (your formula)

Authors, "Title", venue year (link). What differs from the paper, and why. Cost per step in B rows,
N negatives, M candidates, D width: M dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import BPR, TopM, Uniform
from negbench.protocol import Card, Method

CARD = Card(title="$title", family="dynamic", moves=("stages",), provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in $name(candidates=16)."""

    candidates: int = 8
    """M, 1 or more."""


def build(config: Config) -> Method:
    """Draw M uniformly, keep the one that scores highest, minimise BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(TopM(1),), objective=BPR())
'''

TEST = '''"""$title keeps the contract of every method; add what your theory promises."""

from pathlib import Path

import pytest

from negbench.plugins import registry
from negbench.testing import CHECKS, conforms

registry.add_plugin(Path(__file__).with_name("$name.py"))


@pytest.mark.parametrize("check", CHECKS)
def test_conforms(check: str) -> None:
    conforms("$name", check)


def test_parameters_are_taken() -> None:
    conforms("$name(candidates=2)")
'''


@click.command("new-method")
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".", help="Where to write  [here]"
)
def new_method(name: str, folder: Path) -> None:
    """Write NAME.py and test_NAME.py: a working method and a test that passes."""
    files = {folder / f"{name}.py": METHOD, folder / f"test_{name}.py": TEST}
    _check(name, folder, list(files))
    title = name.replace("_", " ").capitalize()
    for path, text in files.items():
        path.write_text(Template(text).substitute(name=name, title=title), encoding="utf-8")
        click.echo(f"wrote  {path}")
    method = folder / f"{name}.py"
    click.echo(f"next   python -m pytest {folder / f'test_{name}.py'}")
    click.echo(f"       negbench run --plugin {method} -m random,dns,{name}")


def _check(name: str, folder: Path, files: list[Path]) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(
            f"a method's name must be a Python word in small letters, as my_method; got {name!r}"
        )
    if name in registry.names("methods"):
        raise UserError(f"methods already has {name!r}; choose another name")
    if not folder.is_dir():
        raise UserError(f"--folder must be there; got {folder}; make it first")
    if there := [path for path in files if path.exists()]:
        raise UserError(f"nothing is overwritten; {there[0]} is there; choose another name")
