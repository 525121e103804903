"""Baselines: the row that each row is compared with, `vs` under the settings of the row.

A label is a word, with or without settings behind it (`row_labels.py`): `dns(candidates=4)` is a
word, `dns@lr=0.01` and `dns [probe=full]` are one with settings. The baseline of a row is the first
of these that its block has:

    the row of the word `vs` with the same settings     dns@lr=0.01 -> random@lr=0.01
    the row that is called exactly `vs`                 dns@lr=0.01 -> random
    the only row of the word `vs`                       dns         -> random@lr=0.02
    none: the row is not tested

Where `vs` has settings itself, every row is compared with that one row. Rows whose cells failed
count as rows, so that no row gets another baseline because its own did not finish.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from negbench.errors import UserError
from negbench.plugins.term_syntax import split

from .frames import REFERENCE, Run

Key = tuple[str, str, str]
"""A data set, a backbone and a row; a reference has a key in each block of its data set."""
NONE = ""
"""In place of a baseline, where a row has none."""


def baselines(run: Run, vs: str) -> dict[Key, str]:
    """The baseline of every row, NONE where it has none."""
    blocks: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for cell, row in zip(run.cells, run.labels, strict=True):
        blocks[str(cell.spec["dataset"]), cell.backbone][row] = None
    bases: dict[Key, str] = {}
    for (dataset, backbone), own in blocks.items():
        rows = list({**own, **blocks.get((dataset, REFERENCE), {})})
        bases |= {(dataset, backbone, row): baseline_of(row, rows, vs) for row in rows}
    return bases


def baseline_of(row: str, rows: Sequence[str], vs: str) -> str:
    """The baseline of a row among the rows of its block, NONE where it has none."""
    word, settings = word_and_settings(vs)
    if settings:
        return vs if vs in rows else NONE
    of_word = [other for other in rows if word_and_settings(other)[0] == word]
    for wanted in (f"{vs}{word_and_settings(row)[1]}", vs):
        if wanted in of_word:
            return wanted
    return of_word[0] if len(of_word) == 1 else NONE


def several(vs: str, bases: Iterable[str]) -> bool:
    """Whether rows have other baselines than the one row that is called exactly `vs`."""
    return not set(bases) <= {vs, NONE}


@lru_cache(maxsize=4096)
def word_and_settings(label: str) -> tuple[str, str]:
    """A label as its word and what stands behind it: `dns` and `@lr=0.01 [probe=full]`."""
    try:
        typed, *_ = split(label, "@")
        word, *behind = split(typed, " ") if label.endswith("]") else [typed]
    except (UserError, ValueError):  # a record of another version
        return label, ""
    if behind and not behind[0].startswith("["):
        return label, ""
    return word, label.removeprefix(word)


def setting_names(label: str) -> list[str]:
    """The names of the settings behind a word: l2 and lr of `dns@(l2=0,lr=0.1)`."""
    at, _, brackets = word_and_settings(label)[1].removeprefix("@").partition(" [")
    inside = [at.removeprefix("(").removesuffix(")"), brackets.removesuffix("]")]
    pieces = [piece for text in inside for piece in _pieces(text)]
    return [name.strip() for name, mark, _ in (p.partition("=") for p in pieces) if mark]


def _pieces(text: str) -> list[str]:
    try:
        return split(text, ",")
    except UserError:  # brackets hold values as they are, quotes too
        return text.split(",")
