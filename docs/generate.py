"""Write docs/methods.md, docs/datasets.md and docs/metrics.md from cards, Configs and docstrings.

python docs/generate.py           write the pages
python docs/generate.py --check   fail if a page is not current

Sources are parsed, never imported, so this needs no torch.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

from docstring_markdown import escaped, fenced, module_text, prose, summary, table, text_of

from negbench.cli.catalogue import parameters
from negbench.evaluation.metric_names import ALIASES, METRICS
from negbench.plugins import registry
from negbench.plugins.card import Card

ROOT = Path(__file__).resolve().parent.parent
FAMILIES = (
    "static dynamic contrastive ranking no_negatives denoising weighting diffusion language "
    "preference oracle"
).split()
DATA_FAMILIES = "embedded planted judged ratings lists sequences".split()
BIAS = ROOT / "negbench" / "evaluation" / "popularity_bias"
ACCURACY = """
recall     sum_{k <= K} h_k / R
precision  sum_{k <= K} h_k / K
hit        1 if sum_{k <= K} h_k > 0, else 0
mrr        max_{k <= K} h_k / k
map        sum_{k <= K} h_k P_k / R,   P_k = sum_{l <= k} h_l / k
ndcg       sum_{k <= K} h_k / log2(1 + k)  /  sum_{k <= min(R, K)} 1 / log2(1 + k)
""".strip()


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "methods.md": "\n".join(methods()),
        "datasets.md": "\n".join(datasets()),
        "metrics.md": "\n".join(metrics()),
    }


def methods() -> Iterator[str]:
    """Methods, backbones and references: one table by family, then each with its formula."""
    yield from head("Methods, backbones and references")
    yield (
        "*Moves* says which of the four choices a method is about (sampler, stages, objective, "
        "transform); in a composition such as `popularity(negatives=32)+dns` it keeps these. "
        "*Needs* is what it asks of a backbone or of the data. *From* says what the text was "
        "written from: paper, code, specification (its idea as others state it) or ours.\n"
    )
    kinds = {kind: plugins(kind) for kind in ("methods", "backbones", "references")}
    for kind, cards in kinds.items():
        heads = ["name", "title", "year", "venue", *COLUMNS[kind], "from", "what differs"]
        for family in families(cards):
            yield (
                f"## {kind.capitalize()}: {family}\n"
                if kind == "methods"
                else (f"## {kind.capitalize()}\n")
            )
            rows = [
                (f"[`{name}`](#{name})", card.title, card.year or "", link(card))
                + tuple(words(getattr(card, column)) for column in COLUMNS[kind])
                + (card.provenance, card.differs)
                for name, card in cards.items()
                if card.family == family
            ]
            yield table(heads, rows)
    for kind, cards in kinds.items():
        yield f"## The {kind} one by one\n"
        for name, card in cards.items():
            yield from plugin(kind, name, card)


COLUMNS = {"methods": ["moves", "needs"], "backbones": ["needs", "provides"], "references": []}


FEATURES = """
## Features, and cold items

Columns of users and items (genres, age, price) are read by `two_tower(features=items)`, by
`features=users` and by `features=both`; they are part of a cell's identity there alone. Those of
your own data come from tables with a row for each id:

```
negbench run -d my.csv --item-features items.csv --user-features users.csv \\
    -b 'two_tower(features=both)'
negbench run -d goodbooks -m in_batch,random -b 'two_tower,two_tower(features=items,ids=users)' \\
    --split 'cold_items(0.1)' --bands count:1
```

A header in RecBole's way says what a column holds, `genres:token_seq` or `year:float`: token (one
value), token_seq (several), float or float_seq. Without types a column of numbers is numeric, one
with a `|` in it holds several values, and any other one value. NAME.item and NAME.user beside
RecBole's NAME.inter are found by themselves. What was read, left out or missing is in the notes.
Numbers are standardised on the train ids, and a value that no train id has counts as missing.

`cold_items(0.1)` keeps a tenth of the items for the test part and splits the pairs of the others as
`random(0.8,0.1,0.1)`; with `--bands count:1` band tail is the items without a train pair. They are
scored by untrained vectors where a backbone reads neither features nor texts. With `ids=users` cold
and warm items are ranked by the same columns. Valid has no cold item, so nothing is selected on
them; negatives drawn by popularity or from the batch are never cold items, those drawn from all
items may be.
""".strip()
"""The passage on columns of users and items."""


def datasets() -> Iterator[str]:
    """Data sets: size, licence, terms, link and what each provides."""
    yield from head("Data sets")
    yield (
        "*Provides* is what a data set has beyond pairs: an order in time, texts of the items, "
        "the truth (preferences that were asked for, not only met), exposures (what was shown in "
        "vain or disliked), columns of users and items (user_features, item_features), or a split "
        "(part). Embedded and planted sets need no download. Your "
        "own file needs no plug-in: `negbench run -d my.csv`.\n"
    )
    yield FEATURES + "\n"
    cards = plugins("datasets")
    for family in families(cards):
        yield f"## {family.capitalize()}\n"
        heads = ["name", "title", "size", "provides", "licence", "terms", "published"]
        yield table(
            heads,
            [
                (f"[`{name}`](#{name})", card.title, card.size, words(card.provides))
                + (card.licence, card.terms, link(card))
                for name, card in cards.items()
                if card.family == family
            ],
        )
    yield "## The data sets one by one\n"
    for name, card in cards.items():
        yield from plugin("datasets", name, card, whole=True)


def metrics() -> Iterator[str]:
    """Metrics of accuracy, measures of popularity bias, and what the analysis adds."""
    yield from head("Metrics and measures")
    yield "## Accuracy\n"
    yield (
        "Of the first K of the whole catalogue, what the user has met in train left out; h_k is 1 "
        "if the item in place k is relevant, R the number of the user's relevant items. A user "
        "without any counts nowhere. Written as `ndcg@20`; K is a whole number from 1 on.\n"
    )
    others = {name: [a for a, known in ALIASES.items() if known == name] for name in METRICS}
    rows = [(f"`{name}`", words(others[name]), text) for name, text in METRICS.items()]
    yield table(["name", "also", "meaning"], rows)
    yield fenced(ACCURACY)
    yield "## Popularity bias\n"
    yield (
        "Taken of the lists of the test part when a cell is ranked; shown by `negbench audit`, "
        "exported with the metrics. R_u is the list of user u.\n"
    )
    for path, functions in bias_measures().items():
        title, _, text = module_text(path).partition("\n")
        yield f"### {title.rstrip('.')}\n"
        yield from prose(text)
        for function in functions:
            yield f"#### {function.name}\n"
            yield from prose(text_of(function))
    yield "## What the analysis reports\n"
    for path in sorted((ROOT / "analysis" / "measures").glob("[!_]*.py")):
        yield f"### {path.stem.replace('_', ' ').capitalize()}\n"
        yield from prose(module_text(path))


def bias_measures() -> dict[Path, list[ast.FunctionDef]]:
    """The functions whose values `all_measures.py` records under their own names, by file."""
    tree = ast.parse((BIAS / "all_measures.py").read_text("utf-8"))
    keys = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    functions_of: dict[Path, list[ast.FunctionDef]] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("negbench."):
            path = ROOT.joinpath(*str(node.module).split(".")).with_suffix(".py")
            wanted = keys & {alias.name for alias in node.names}
            functions = [
                each
                for each in ast.parse(path.read_text("utf-8")).body
                if isinstance(each, ast.FunctionDef) and each.name in wanted
            ]
            if functions:
                functions_of[path] = functions
    return functions_of


def plugins(kind: str) -> dict[str, Card]:
    """The cards of this repository's plug-ins of a kind, by name; others' stay out."""
    files = {name: registry.source(kind, name) for name in registry.names(kind)}
    ours = sorted(name for name, path in files.items() if path and path.is_relative_to(ROOT))
    return {name: registry.card(kind, name) for name in ours}


def families(cards: dict[str, Card]) -> list[str]:
    """The families of some cards: the usual order first, then by name."""
    order = [*FAMILIES, *DATA_FAMILIES]
    present = {card.family for card in cards.values()}
    return sorted(present, key=lambda f: (order.index(f) if f in order else len(order), f))


def plugin(kind: str, name: str, card: Card, whole: bool = False) -> Iterator[str]:
    """One plug-in: what it is, its formula (or its whole docstring), its source and parameters."""
    path = registry.source(kind, name)
    assert path is not None
    text = module_text(path)
    yield f"### {name}\n"
    yield from prose(text) if whole else prose(summary(text))
    cited = ", ".join(
        part for part in (card.citation, f"<{card.link}>" if card.link else "") if part
    )
    where = f"[{path.relative_to(ROOT).as_posix()}](../{path.relative_to(ROOT).as_posix()})"
    yield f"{cited}. Source: {where}.\n" if cited else f"Source: {where}.\n"
    for control, meaning in card.controls.items():
        yield f"Control, to run beside it: `{control}`, {escaped(meaning).rstrip()}.\n"
    for line in card.preset_lines(name):
        typed, _, settings = line.partition("  ")
        yield f"Preset: `{typed}` is `{settings}`.\n"
    rows = [
        (f"`{field}`", f"`{spelt(hint, path)}`", f"`{default}`", meaning)
        for field, hint, default, meaning in map(astuple, parameters(path))
    ]
    if rows:
        yield table(["parameter", "type", "default", "meaning"], rows)


def spelt(hint: str, path: Path) -> str:
    """A type hint of a file; the name of an alias gives way to what it stands for."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == hint:
            return ast.unparse(node.value)
        if isinstance(node, ast.ImportFrom) and hint in {alias.name for alias in node.names}:
            home = path.parents[node.level - 1] if node.level else ROOT
            return spelt(hint, home.joinpath(*str(node.module).split(".")).with_suffix(".py"))
    return hint


def link(card: Card) -> str:
    """The venue of a card as a link, or its host where no venue is known."""
    text = card.venue or re.sub(r"^https?://(www\.)?|/.*$", "", card.link)
    return f"[{text}]({card.link})" if card.link else text


def words(values: Iterable[str]) -> str:
    """Some words in a row."""
    return ", ".join(values)


def head(title: str) -> Iterator[str]:
    """The first lines of a page."""
    yield f"# {title}\n"
    yield "Made by `make docs-pages` from the source; edit the cards and docstrings instead.\n"


def main(check: bool) -> int:
    """Write the pages, or say which are not current."""
    old = []
    for name, text in pages().items():
        path = ROOT / "docs" / name
        if not path.is_file() or path.read_text("utf-8") != text:
            old.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{'not current' if check else 'written'}: {words(old) or 'none'}")
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
