"""Renamed words of the protocol: a plug-in that uses an old one is refused with the new one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from negbench.errors import UserError

RENAMED = {
    "Source": "Sampler",
    "World": "TrainContext",
    "Encoded": "RankingVectors",
    "Frozen": "FrozenBackbone",
    "Tells": "LogsMetrics",
    "Keeps": "RecordsTriplets",
    "Paces": "SchedulesLR",
}
"""Names of `negbench.protocol`, old to new; docs/architecture.md has the verbs too."""
SAMPLER = '`sampler`: write moves=("sampler",), Method(sampler=...) and `def sample(self, step)`'


def refuse_renamed(tree: ast.Module, path: Path) -> None:
    """Raises UserError, with line and new word, where a plug-in's source uses an old word."""
    for line, old, new in _old_words(tree):
        raise UserError(f"{path.name} line {line} uses the old word `{old}`, which is now {new}")


def _old_words(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "negbench.protocol":
            for name in (alias.name for alias in node.names if alias.name in RENAMED):
                yield node.lineno, name, f"`{RENAMED[name]}`"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for keyword in node.keywords:
                if node.func.id == "Method" and keyword.arg == "source":
                    yield keyword.value.lineno, "source", SAMPLER
                if node.func.id == "Card" and keyword.arg == "moves":
                    words = ast.walk(keyword.value)
                    if any(isinstance(w, ast.Constant) and w.value == "source" for w in words):
                        yield keyword.value.lineno, "source", SAMPLER
