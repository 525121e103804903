"""The main table: accuracy, accuracy by band, false-negative rate, cost and tests of every method.

One block a data set and backbone. Methods by falling value of the primary metric, then the
reference models, which no sampler touches. A row that lacks a seed shows "-" and a count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..measures import bands as band_table
from ..measures.accuracy import accuracy
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..runs import frames
from ..runs.frames import REFERENCE, MetricLike, Run
from ..runs.over_seeds import rows_of_run
from ..statistics.significance import significance
from . import footnotes
from .blocks import by_block, place_in_block
from .main_table_latex import latex
from .main_table_text import exact_frame, tables
from .main_table_values import Block, Entry, MainTable, MetricColumn, Row
from .render import comma_separated, html, markdown, require_format, text

NAN = float("nan")
Key = tuple[str, str, str]
"""A data set, a backbone and a row."""
LAYOUTS: dict[str, Callable[[MainTable], str]] = {
    "text": lambda table: text(tables(table, spreads=False, full_headers=False)),
    "md": lambda table: markdown(tables(table, spreads=True, full_headers=True)),
    "csv": lambda table: comma_separated(exact_frame(table)),
    "latex": latex,
    "html": lambda table: html(tables(table, spreads=True, full_headers=True)),
}


def render(run: Run, *, format: str = "text", metric: str | None = None, vs: str = "random") -> str:
    """The main table as text, md, csv, latex or html; without a metric ndcg@20 where measured.

    Raises UserError if the format is unknown, or the metric was not measured.
    """
    require_format("a table format", format, LAYOUTS)
    return LAYOUTS[format](main_table(run, metric, vs))


def main_table(run: Run, metric: MetricLike = None, vs: str = "random") -> MainTable:
    """Compute the table; `render` lays it out."""
    chosen = frames.choose_metric(run, metric)
    columns = _columns(run, chosen)
    means = [_by_row(accuracy(run, c.metric, band=c.band)) for c in columns]
    tests = _by_row(significance(run, chosen, vs=vs))
    costs, false = _by_row(cost(run, vs)), _by_row(false_negatives(run))
    rows = [
        (
            key[:2],
            _row(
                record,
                [mean.get(key, {}) for mean in means],
                costs.get(key, {}).get("train", NAN),
                false.get(key, {}).get("fnr", NAN),
                tests.get(key),
            ),
        )
        for key, record in _by_row(rows_of_run(run)).items()
    ]
    primary = columns.index(MetricColumn(chosen, "all"))
    blocks = tuple(
        Block(*where, _best_marked(_sorted(group, primary)), footnotes.of_block(run, *where))
        for where, group in by_block(rows).items()
    )
    notes = (
        *footnotes.of_test(vs, chosen, any(test["verdict"] for test in tests.values())),
        *footnotes.of_columns(chosen, band_table.names(run)),
        *footnotes.of_rates(run),
        *footnotes.of_damage(run),
    )
    return MainTable(chosen, vs, columns, blocks, notes)


def _by_row(frame: pd.DataFrame) -> dict[Key, dict[str, Any]]:
    """The records of a frame by data set, backbone and row."""
    records = [{str(name): v for name, v in line.items()} for line in frame.to_dict("records")]
    return {(line["dataset"], line["backbone"], line["row"]): line for line in records}


def _columns(run: Run, metric: Metric) -> tuple[MetricColumn, ...]:
    """Recall at the same K where measured, the metric on all items, and on each band."""
    name, k = metric
    results = frames.results(run)
    measured = bool(((results["metric"] == "recall") & (results["k"] == k)).any())
    recall = MetricColumn(Metric("recall", k), "all")
    bands = (MetricColumn(metric, band) for band in ("all", *band_table.names(run)))
    return (*((recall,) * (measured and name != "recall")), *bands)


def _row(
    record: Mapping[str, Any],
    means: Sequence[Mapping[str, Any]],
    epoch: float,
    fnr: float,
    test: Mapping[str, Any] | None,
) -> Row:
    test = test or {"verdict": "", "p_holm": NAN, "tied": False}
    return Row(
        label=record["row"],
        method=record["method"],
        variant=record["variant"],
        kind=record["kind"],
        seeds=int(record["seeds"]),
        expected=int(record["expected"]),
        entries=tuple(Entry(mean.get("mean", NAN), mean.get("std", NAN)) for mean in means),
        epoch=epoch,
        fnr=fnr,
        verdict=test["verdict"],
        p_holm=test["p_holm"],
        tied=bool(test["tied"]),
    )


def _sorted(rows: Sequence[Row], primary: int) -> list[Row]:
    return sorted(
        rows, key=lambda row: place_in_block(row.kind, row.entries[primary].mean, row.label)
    )


def _best_marked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with the highest mean among the methods marked in every column."""
    columns = zip(*(row.entries for row in rows if row.kind != REFERENCE), strict=True)
    best = [max((e.mean for e in column if not isnan(e.mean)), default=NAN) for column in columns]
    marked = []
    for row in rows:
        if row.kind != REFERENCE:
            pairs = zip(row.entries, best, strict=True)
            row = replace(row, entries=tuple(replace(e, best=e.mean == b) for e, b in pairs))
        marked.append(row)
    return tuple(marked)
