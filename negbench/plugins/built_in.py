"""Names of what negbench itself brings of each family; files are read or listed, none is run."""

import ast
import importlib
import pkgutil
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
TABLES = {
    "objectives": (HOME / "parts" / "losses" / "objectives.py", "OBJECTIVES"),
    "metrics": (HOME / "evaluation" / "metric_names.py", "METRICS"),
    "probes": (HOME / "probes" / "probe_words.py", "MODES"),
}
"""Families whose names are a literal in one file, and not files of a folder."""


@cache
def built_in(family: str) -> frozenset[str]:
    """The names of negbench's own plug-ins of a family."""
    if family in TABLES:
        return frozenset(_literal_names(*TABLES[family]))
    if family == "figures":
        return frozenset(importlib.import_module("negbench.analysis.figures").built_in_kinds())
    home = importlib.import_module(f"negbench.{family}")
    own = (module.name for module in pkgutil.iter_modules(home.__path__))
    return frozenset(name for name in own if not name.startswith("_"))


def _literal_names(path: Path, table: str) -> list[str]:
    """The keys of a dict, or the words of a tuple, that a file assigns to `table`."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if ast.unparse(target) == table and isinstance(node.value, ast.Dict | ast.Tuple):
                value = node.value
                words = value.keys if isinstance(value, ast.Dict) else value.elts
                return [ast.literal_eval(word) for word in words if word is not None]
    raise AssertionError(f"{path} assigns no literal {table}")
