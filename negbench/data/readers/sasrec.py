"""Data sets given as SASRec's text: a user and an item per line, in time order per user."""

import numpy as np
import pandas as pd

from negbench.data.download.file_cache import Found
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import Rows
from negbench.data.readers.adjacency_lists import read_words, whole_numbers
from negbench.data.reindex import numbered
from negbench.errors import DataError


def ordered_pairs(found: Found, file: str, *, name: str, source: str) -> Interactions:
    """The pairs of a file; the order of its rows is each user's order."""
    words, lines = read_words(found[file])
    counts = np.bincount(lines)
    if len(wrong := np.flatnonzero((counts != 2) & (counts != 0))):
        raise DataError(
            f"{found[file]}, line {wrong[0]}: {counts[wrong[0]]} words where a user and an item are"
            " expected; the file is not in SASRec's layout"
        )
    pairs = whole_numbers(found[file], words, lines).reshape(-1, 2)
    rows = Rows(pd.Index(pairs[:, 0]), pd.Index(pairs[:, 1]), notes=found.notes)
    note = "the rows of the file are in time order per user"
    return numbered(rows, name=name, order="rows", source=source, notes=(note,))
