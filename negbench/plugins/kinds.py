"""The eight kinds of plug-in, and how a file says which one it is. No torch.

A file with a function `load` is a data set. Of any other the word `family` on its card says what it
is: "backbone", "reference", "objective", "metric", "probe" or "figure"; any other word is a
method's own family.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from negbench.errors import UserError


@dataclass(frozen=True)
class Kind:
    """One kind of plug-in."""

    family: str
    """Its name in the registry, which ends its entry point: `negbench.methods`."""
    word: str
    """What `negbench new` calls it, and what its card's `family` is."""
    function: str
    """The function that its file must define, with the arguments that it is given."""

    @property
    def verb(self) -> str:
        """The name of that function."""
        return self.function.partition("(")[0]


KINDS = (
    Kind("methods", "method", "build(config)"),
    Kind("backbones", "backbone", "build(config, context, generator)"),
    Kind("datasets", "dataset", "load(config, cache)"),
    Kind("references", "reference", "build(config, train)"),
    Kind("objectives", "objective", "build(config)"),
    Kind("metrics", "metric", "values(hits, relevant, k)"),
    Kind("probes", "probe", "build(config, scenario, context)"),
    Kind("figures", "figure", "plots(run, metric)"),
)
OF_FAMILY = {kind.family: kind for kind in KINDS}
OF_WORD = {kind.word: kind for kind in KINDS}
BY_FUNCTION = ("method", "dataset")
"""Words that no card needs: the function alone tells these kinds."""


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a plug-in file. Raises UserError if it is not valid Python."""
    try:
        return ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        raise UserError(
            f"--plugin must be valid Python; {path.name} line {error.lineno}: {error.msg}"
        ) from error


def functions_of(tree: ast.Module) -> set[str]:
    """The functions of kinds that a plug-in's file defines: build, load, values or plots."""
    return {kind.verb for kind in KINDS} & set(_defined(tree))


def kind_of(tree: ast.Module, family: str, path: Path) -> Kind:
    """The kind of a plug-in from its syntax tree and the `family` of its card.

    Raises UserError if it does not define the function of its kind.
    """
    functions = functions_of(tree)
    kind = OF_WORD.get(family)
    if kind is None or kind.word in BY_FUNCTION:
        kind = OF_WORD["dataset" if "load" in functions else "method"]
    if kind.verb not in functions:
        raise UserError(f"a {kind.word} must define {kind.function}; {path} does not; add it")
    return kind


def _defined(tree: ast.Module) -> Iterator[str]:
    """Names of a module's functions and assigned variables."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name))
