"""Phrases on baselines: what rows are compared with, and which rows have nothing to compare with.

Where there is one baseline it is called by its label. Where each row has the baseline of its own
settings (`runs/baselines.py`), the phrase names these settings: random of the same settings (lr).
"""

from collections.abc import Sequence

import pandas as pd

from negbench.storage.training_end import WARM_UP_ONLY

from ..number_format import listed
from ..runs.baselines import NONE, setting_names, several, word_and_settings
from ..runs.frames import REFERENCE
from .main_table_values import Block
from .row_phrases import named

MISSING = "no row of it has every seed finished here and left its warm-up"
"""Why nothing is tested against a baseline."""


def finished_row(vs: str, blocks: Sequence[Block]) -> str:
    """What there is none of where rows of these blocks have no baseline."""
    rows = [row for block in blocks for row in block.rows if row.warm_up_only]
    words = {word for row in rows for word in (row.label, word_and_settings(row.label)[0])}
    return f"finished row of {vs}{' that left its warm-up' if vs in words else ''}"


def against(vs: str, pairs: Sequence[tuple[str, str]]) -> str:
    """What rows are compared with, from pairs of a row and its baseline."""
    bases = sorted({base for _, base in pairs} - {NONE})
    if len(bases) < 2:
        return bases[0] if bases else vs
    names = dict.fromkeys(name for base in bases for name in setting_names(base))
    phrase = f"{vs} of the same settings ({', '.join(names)})"
    # A row without settings behind its word need not be of the settings of `vs`, so it says less.
    others = sorted({base for row, base in pairs if row != base and not _alike(row, base)} - {NONE})
    return f"{phrase}, else {listed(others)}" if others else phrase


def against_in(vs: str, tests: pd.DataFrame) -> str:
    """What rows are compared with, from the lines of `significance`."""
    return against(vs, list(zip(tests["row"], tests["baseline"], strict=True)))


def against_of(vs: str, block: Block) -> str:
    """What the rows of a block are compared with."""
    return against(vs, [(row.label, row.baseline) for row in block.rows])


def untested(vs: str, tests: pd.DataFrame) -> str:
    """A clause on what has no baseline, from the lines of `significance`: blocks, and rows.

    Without it a row that has no mark there would read as one that is not told apart.
    """
    clauses = _untested_blocks(vs, tests)
    if not several(vs, tests["baseline"]):
        return clauses
    known = tests.groupby(["dataset", "backbone"])["difference"].transform("count") > 0
    lacking = tests[known & tests["difference"].isna() & (tests["conclusion"] != WARM_UP_ONLY)]
    methods = list(dict.fromkeys(lacking.loc[lacking["kind"] != REFERENCE, "row"]))
    if methods:
        whose = "its" if len(methods) == 1 else "their"
        clauses += f"; no test of {named(methods)}: no finished {vs} has {whose} settings"
    if (lacking["kind"] == REFERENCE).any():
        clauses += "; no test of references: they have no such settings"
    return clauses


def _untested_blocks(vs: str, tests: pd.DataFrame) -> str:
    """A clause on the blocks without any finished baseline, where others have one."""
    titles = tests["dataset"] + " · " + tests["backbone"]
    tested = tests["difference"].notna().groupby(titles).any()
    if tested.all() or not tested.any():
        return ""
    where = named(sorted(map(str, tested.index[~tested])), what="block")
    return f"; no test in {where}: there no {vs} has every seed finished and left its warm-up"


def _alike(row: str, base: str) -> bool:
    """Whether both labels have the same settings, and have any."""
    settings = word_and_settings(row)[1]
    return bool(settings) and settings == word_and_settings(base)[1]
