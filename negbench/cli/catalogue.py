"""Catalogue of plug-ins for `list` and `info`: parameters, defaults, descriptions, from source.

Nothing is imported, so that listing and describing need no torch.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from negbench.evaluation.metric_names import METRICS
from negbench.experiment.finished.run import analysis
from negbench.plugins import registry

KINDS = (
    "methods",
    "backbones",
    "datasets",
    "references",
    "objectives",
    "metrics",
    "probes",
    "plots",
)
"""Words of `list`; figures are its plots."""
PROBES = {
    "sample": "a share of the steps: false negatives, hardness, bands, weights, gradients",
    "full": "the same on every step and row",
    "off": "nothing is measured in training",
}
OBJECTIVES = Path(__file__).parent.parent / "parts" / "losses" / "objectives.py"


@dataclass(frozen=True)
class Parameter:
    """One field of a Config."""

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class Entry:
    """One line of a list."""

    kind: str
    name: str
    family: str
    title: str


def entries(kind: str, family: str | None = None) -> list[Entry]:
    """Everything of a kind, by name; with `family` only that family's."""
    return [each for each in _entries(kind) if family is None or each.family == family]


def parameters(path: Path, owner: str = "Config") -> list[Parameter]:
    """The fields of a class in a file, in order; `Config = Imported` is followed to its file."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            return list(_fields(node))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == owner:
            name = ast.unparse(node.value)
            origin = _imported_from(tree, name)
            return parameters(origin, name) if origin else []
    return []


def objectives() -> dict[str, str]:
    """The objectives' names, and the first line of each docstring."""
    tree = ast.parse(OBJECTIVES.read_text("utf-8"))
    return {
        name: (ast.get_docstring(node) or "").partition("\n")[0]
        for name, node in _objective_classes(tree).items()
    }


def objective_class(name: str) -> tuple[Path, str]:
    """The file and the class of an objective."""
    return OBJECTIVES, _objective_classes(ast.parse(OBJECTIVES.read_text("utf-8")))[name].name


def plots() -> dict[str, str]:
    """The kinds of plot, with the title of each."""
    return {name: kind.title for name, kind in analysis("figures").kinds().items()}


def _entries(kind: str) -> Iterator[Entry]:
    if kind in registry.FAMILIES:
        for name in registry.names(kind):
            card = registry.card(kind, name)
            yield Entry(kind, name, card.family, card.title)
        return
    titles = {
        "objectives": objectives,
        "metrics": lambda: METRICS,
        "probes": lambda: PROBES,
        "plots": plots,
    }[kind]()
    for name, title in titles.items():
        yield Entry(kind, name, kind.removesuffix("s"), title)
    for name in registry.added(kind) if kind != "plots" else ():
        yield Entry(kind, name, kind.removesuffix("s"), registry.card(kind, name).title)


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    for at, item in enumerate(node.body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            after = node.body[at + 1] if at + 1 < len(node.body) else None
            description = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                description = " ".join(str(after.value.value).split())
            default = "" if item.value is None else ast.unparse(item.value)
            yield Parameter(item.target.id, ast.unparse(item.annotation), default, description)


def _imported_from(tree: ast.Module, name: str) -> Path | None:
    """The file that `from module import name` names, found without importing the module."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if any(alias.name == name for alias in node.names):
                spec = find_spec(node.module)
                return Path(spec.origin) if spec and spec.origin else None
    return None


def _objective_classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        value = node.value if isinstance(node, ast.AnnAssign) else None
        if isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            return {
                ast.literal_eval(key): classes[value.id]
                for key, value in pairs
                if key is not None and isinstance(value, ast.Name)
            }
    return {}
