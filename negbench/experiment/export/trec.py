"""TREC's two forms: runs, the lists of one system a file, and qrels, what is relevant to whom.

run    `user Q0 item rank score tag` on each line
qrels  `user 0 item 1` on each line

TREC's tools split a line at any white space, read a file as the answers of one system, and order a
list by its score alone, in single precision. So ids are words (`id_words`), and the score is
K - rank + 1 for lists of K items: whole numbers, which fall strictly and stay exact at any depth.
It is no score of the model, for cells keep none: with `scores_of` the model is trained again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, count
from pathlib import Path
from shlex import quote

from negbench.errors import UserError
from negbench.experiment.export import lines
from negbench.experiment.export.id_words import word
from negbench.experiment.export.lines import ROW, ScoresOf
from negbench.experiment.export.tables import Line
from negbench.storage.cell_store import Cell

LONGEST = 120
"""Most letters of a tag in the name of a file."""
SCORES = "a score is K - rank + 1, not the model's: cells keep the order of their lists, no scores"
"""What the scores of a run are, wherever one is written."""
OWN_SCORES = (
    "a score is the model's, trained again, whose lists are those of the run; equal scores of a "
    "user stand in the run's order, which TREC's tools do not keep"
)
"""The same with scores of the model."""


def systems(cells: Sequence[Cell]) -> dict[str, Cell]:
    """The cells by their tags; cells of one row under two settings get two tags."""
    times = Counter(map(_tag, cells))
    return {
        tag if times[tag := _tag(cell)] == 1 else f"{tag}-{cell.folder.name[:8]}": cell
        for cell in cells
    }


def the_system(run: Path, cells: Sequence[Cell]) -> tuple[str, Cell]:
    """The tag and the cell of the one system.

    Raises UserError if there are several: one file of two systems is no TREC run.
    """
    (tag, cell), *others = systems(cells).items()
    if others:
        tags = ", ".join([tag, others[0][0], *(["..."] if len(others) > 1 else [])])
        raise UserError(
            f"a TREC run must be of one system; {quote(str(run))} holds {len(cells)} ({tags}); "
            "write one file each with -o FOLDER/, or name one by -d, -b, -m and --seed"
        )
    return tag, cell


def run_lines(
    run: Path, tag: str, cell: Cell, k: int | None = None, scores_of: ScoresOf | None = None
) -> Iterator[str]:
    """The lines of one system's run, best first within a user."""
    as_word = lru_cache(None, typed=True)(word)
    depth = k or cell.list_length or cell.record["data"]["n_items"]
    for line in lines.lists(run, cell, k, scores_of):
        user, item, rank = as_word(line["user"]), as_word(line["item"]), line["rank"]
        yield f"{user} Q0 {item} {rank} {line.get('score', depth - rank + 1)} {tag}\n"


def qrels_lines(relevant: Iterable[Line]) -> Iterator[str]:
    """The lines of a relevance file, from lines with a user and an item."""
    as_word = lru_cache(None, typed=True)(word)
    for line in relevant:
        yield f"{as_word(line['user'])} 0 {as_word(line['item'])} 1\n"


def file_names(tags: Iterable[str]) -> dict[str, str]:
    """The name of the file of each tag; no two are alike on any file system."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for tag in tags:
        name = re.sub(r"[^\w.,=()+%-]", "_", tag)[:LONGEST]
        numbered = (f"{name}-{n}" for n in count(2))
        name = next(each for each in chain([name], numbered) if each.lower() not in taken)
        taken.add(name.lower())
        names[tag] = f"{name}.trec"
    return names


def readme(cells: Mapping[str, Cell], notes: Sequence[str]) -> str:
    """What a folder of runs holds: the cell of each file, by the file's name."""
    lines = [
        "TREC runs, a system a file: `user Q0 item rank score tag` on each line.",
        *(f"{note[0].upper()}{note[1:]}." for note in notes),
        "Ids are percent-encoded where a tool would split a line: urllib.parse.unquote gives them "
        "back, and a lone % is an empty id.",
        "What is relevant: `negbench export RUN --qrels -o FILE`.",
        *(f"{name}: {_settings(cell)}" for name, cell in cells.items()),
    ]
    return "\n".join(lines) + "\n"


def _settings(cell: Cell) -> str:
    named = cell.spec | {"backbone": cell.backbone}
    words = [f"{name} {named[name]}" for name in ROW if named[name] != ""]
    return ", ".join([*words, f"cell {cell.folder.name}"])


def _tag(cell: Cell) -> str:
    return word("-".join(str(cell.spec[name]) for name in ROW if cell.spec[name] != ""))
