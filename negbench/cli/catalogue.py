"""What a plug-in takes, read from its source: parameters, defaults and what is said of each.

Nothing is imported, so that listing and describing need no torch.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from negbench.evaluation.metric_names import METRICS
from negbench.experiment.finished.run import analysis
from negbench.plugins import registry

KINDS = ("methods", "backbones", "datasets", "references", "objectives", "metrics", "plots")


@dataclass(frozen=True)
class Parameter:
    """One field of a Config."""

    name: str
    type: str
    default: str
    says: str


@dataclass(frozen=True)
class Entry:
    """One line of a list."""

    kind: str
    name: str
    family: str
    title: str


def entries(kind: str, family: str | None = None) -> list[Entry]:
    """Everything of a kind, by name; with `family` only that family's."""
    found = list(_entries(kind))
    return [each for each in found if family is None or each.family == family]


def parameters(path: Path, owner: str = "Config") -> list[Parameter]:
    """The fields of a class in a file, in order."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            return list(_fields(node))
    return []


def objectives() -> dict[str, str]:
    """The objectives' names and the first line of what each says of itself."""
    tree = ast.parse((_here() / "parts" / "losses" / "objectives.py").read_text("utf-8"))
    return {
        name: (ast.get_docstring(node) or "").partition("\n")[0]
        for name, node in _objective_classes(tree).items()
    }


def objective_class(name: str) -> tuple[Path, str]:
    """The file and the class of an objective."""
    path = _here() / "parts" / "losses" / "objectives.py"
    return path, _objective_classes(ast.parse(path.read_text("utf-8")))[name].name


def plots() -> dict[str, str]:
    """The kinds of plot, with the title of each."""
    return {name: kind.title for name, kind in analysis("figures").kinds().items()}


def _entries(kind: str) -> Iterator[Entry]:
    if kind in registry.FAMILIES:
        for name in registry.names(kind):
            card = registry.card(kind, name)
            yield Entry(kind, name, card.family, card.title)
        return
    told = {"objectives": objectives, "metrics": lambda: METRICS, "plots": plots}[kind]()
    for name, says in told.items():
        yield Entry(kind, name, kind.removesuffix("s"), says)


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    for at, item in enumerate(node.body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            after = node.body[at + 1] if at + 1 < len(node.body) else None
            says = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                says = " ".join(str(after.value.value).split())
            default = "" if item.value is None else ast.unparse(item.value)
            yield Parameter(item.target.id, ast.unparse(item.annotation), default, says)


def _objective_classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        value = node.value if isinstance(node, ast.AnnAssign) else None
        if isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            return {
                ast.literal_eval(key): classes[made.id]
                for key, made in pairs
                if key is not None and isinstance(made, ast.Name)
            }
    return {}


def _here() -> Path:
    return Path(__file__).parent
