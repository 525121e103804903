"""A page for each metric and each measure: accuracy, popularity bias, and what analysis adds."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from docstring_markdown import fenced, module_text, prose, table, text_of
from generate import ACCURACY, ROOT, bias_measures, words

from negbench.evaluation.metric_kernels import metric_values
from negbench.evaluation.metric_names import ALIASES, METRICS, Metric

MEASURES = ROOT / "analysis" / "measures"
RANKS, K = (1, 4, 9), 5
"""The worked example: where a user's three relevant items stand, and the length of the list."""


def metric_pages() -> dict[str, str]:
    """All pages by name. Raises ValueError if two have one name."""
    parts = (accuracy_pages(), bias_pages(), analysis_pages())
    pages = {name: text for part in parts for name, text in part.items()}
    if len(pages) < sum(map(len, parts)):
        raise ValueError(f"two measures have one name: {[sorted(part) for part in parts]}")
    return pages


def accuracy_pages() -> dict[str, str]:
    """The ranking metrics: meaning, formula, and one example worked out by the metric's code."""
    formulas = {line.split()[0]: line.split(maxsplit=1)[1] for line in ACCURACY.splitlines()}
    return {name: "\n".join(_accuracy(name, formulas[name])) for name in METRICS}


def _accuracy(name: str, formula: str) -> Iterator[str]:
    meaning = METRICS[name]
    also = [alias for alias, known in ALIASES.items() if known == name]
    yield f"# {name}\n"
    yield f"{meaning[0].upper()}{meaning[1:]}.\n"
    yield fenced(f"{name}@K = {formula}")
    yield (
        "h_k is 1 if the item in place k of the user's list is relevant, R the number of the "
        "user's relevant items. The list is of the whole catalogue, without what the user has in "
        "train. A user without relevant items counts nowhere; the value of a cell is the mean over "
        "users.\n"
    )
    first, *others = map(str, RANKS)
    yield (
        f"Example: the relevant items stand in places {first}, {' and '.join(others)}, and K is "
        f"{K}: {name}@{K} = {example(name):.4f}.\n"
    )
    yield f"Typed as `{name}@20`" + (f", or by `{words(also)}`" if also else "") + ".\n"


def example(name: str) -> float:
    """The metric of the worked example."""
    ranks, metric = np.array(RANKS), Metric(name, K)
    values = metric_values(np.zeros_like(ranks), ranks, np.array([len(RANKS)]), [metric])
    return float(values[metric][0])


def bias_pages() -> dict[str, str]:
    """The measures of popularity bias of a cell, each with what its file says of all."""
    pages = {}
    for path, functions in bias_measures().items():
        title, _, rest = module_text(path).partition("\n")
        for function in functions:
            lines = [f"# {function.name}\n", *prose(text_of(function))]
            lines += [f"## {title.rstrip('.')}\n", *prose(rest)]
            if siblings := [f for f in functions if f is not function]:
                links = words(f"[`{each.name}`](./{each.name}.md)" for each in siblings)
                lines.append(f"Measured with it: {links}.\n")
            lines.append(
                "Taken of the lists of the test part, shown by `negbench audit`, exported with the "
                "metrics.\n"
            )
            pages[function.name] = "\n".join(lines)
    return pages


def analysis_pages() -> dict[str, str]:
    """What the analysis measures over the cells of a run, one file a page."""
    return {path.stem: "\n".join(_analysis(path)) for path in sorted(MEASURES.glob("[!_]*.py"))}


def _analysis(path: Path) -> Iterator[str]:
    yield f"# {path.stem.replace('_', ' ').capitalize()}\n"
    yield from prose(module_text(path))
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"## {node.name}\n"
            yield from prose(text_of(node))


def index() -> Iterator[str]:
    """The table of all, in three parts."""
    yield "# Metrics and measures\n"
    yield "## Accuracy\n"
    yield table(["metric", "meaning"], [(_link(name), text) for name, text in METRICS.items()])
    yield "## Popularity bias\n"
    rows = [
        (_link(function.name), _first(text_of(function)))
        for functions in bias_measures().values()
        for function in functions
    ]
    yield table(["measure", "meaning"], rows)
    yield "## Analysis of a run\n"
    paths = sorted(MEASURES.glob("[!_]*.py"))
    yield table(["measure", "meaning"], [(_link(p.stem), _first(module_text(p))) for p in paths])


def _first(text: str) -> str:
    """The first paragraph of a docstring in one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _link(name: str) -> str:
    return f"[`{name}`](./{name}.md)"
