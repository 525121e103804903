"""The main table: who ranks well, for whom, at what cost, and is it real.

One block a data set and backbone. Methods by falling value of the primary metric, then the
references that no sampler touches, as guards. A row that lacks a seed shows "-" and a count.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from negbench.analysis import bands as band_table
from negbench.analysis import footnotes, frames
from negbench.analysis.accuracy import accuracy
from negbench.analysis.board import Block, Column, Entry, Line, Table
from negbench.analysis.cost import cost
from negbench.analysis.frames import REFERENCE, Run
from negbench.analysis.layouts import LAYOUTS
from negbench.analysis.seeds import roster
from negbench.analysis.significance import significance
from negbench.errors import UserError
from negbench.metrics import Metric
from negbench.registry import nearest

KEY = ["dataset", "backbone", "row"]
NAN = float("nan")
Key = tuple[str, str, str]
Means = Mapping[str, pd.DataFrame]
"""By the name of a column: mean and std of each row."""


def render(run: Run, *, format: str = "text", metric: str | None = None, vs: str = "random") -> str:
    """The main table as text, md, csv or latex; without a metric ndcg@20 where measured."""
    if format not in LAYOUTS:
        known = list(LAYOUTS)
        raise UserError(
            f"a table format must be one of {', '.join(known)}; got {format!r}; "
            f"{nearest(format, known)}"
        )
    return LAYOUTS[format](main_table(run, metric, vs))


def main_table(run: Run, metric: str | None = None, vs: str = "random") -> Table:
    """Gather the table; `render` lays it out."""
    chosen = frames.measure(run, metric)
    primary = f"{chosen[0]}@{chosen[1]}"
    columns = _columns(run, chosen)
    means = {
        c.name: accuracy(run, f"{c.metric}@{c.k}", band=c.band).set_index(KEY) for c in columns
    }
    tests = significance(run, primary, vs=vs).set_index(KEY)
    seconds = cost(run, vs).set_index(KEY)["train"].to_dict()
    lines = {
        key: _line(row, means, seconds.get(key, NAN), tests.loc[[key]] if key in tests.index else None)
        for key, row in roster(run).set_index(KEY, drop=False).iterrows()
    }
    blocks = tuple(
        Block(*where, _marked(found), _notes(run, *where))
        for where, found in _by_block(lines, columns.index(Column(*chosen, "all")))
    )
    notes = (
        *footnotes.of_test(vs, chosen, bool((tests["verdict"] != "").any())),
        *footnotes.of_columns(chosen, band_table.names(run)),
        *footnotes.of_damage(run),
    )
    return Table(chosen, vs, columns, blocks, notes)
