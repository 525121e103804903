"""The main table: accuracy, accuracy by band, false-negative rate, cost and tests of every method.

One block a data set and backbone, under the sentence that `headline` says of it. Methods by falling
value of the primary metric, then the reference models, which no sampler touches. References compete
all the same: the best of a column, the ties and the tests count every row but those that never left
their warm-up, which stand last. A row that lacks a seed shows "-" and a count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

from negbench.evaluation.metric_names import Metric

from ..measures import bands as band_table
from ..measures.accuracy import accuracy
from ..measures.budget import budget
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..runs import frames
from ..runs.baselines import NONE, baselines
from ..runs.frames import MetricLike, Run
from ..runs.over_seeds import rows_of_run
from ..runs.tuned_rows import UNTUNED, Tuned, tuned_rows
from ..statistics.significance import significance
from ..statistics.told_apart import told_apart
from . import cost_notes, footnotes
from .blocks import by_block, by_row, place_in_block
from .budget_notes import mark
from .headline import headline
from .main_table_latex import latex
from .main_table_text import exact_frame, tables
from .main_table_values import Block, Entry, MainTable, MetricColumn, Row
from .metric_columns import with_recall
from .render import comma_separated, html, markdown, require_format, text

NAN = float("nan")
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
    primary = columns.index(MetricColumn(chosen, "all"))
    means = [by_row(accuracy(run, c.metric, band=c.band)) for c in columns]
    significant = significance(run, chosen, vs=vs)
    tests = by_row(significant)
    costs, false = by_row(cost(run, vs)), by_row(false_negatives(run))
    budgets, tested = by_row(budget(run)), told_apart(run, chosen)
    lines, tuned = by_row(rows_of_run(run)), tuned_rows(run)
    bases = baselines(run, vs)
    blocks = []
    for where, records in by_block((key[:2], line) for key, line in lines.items()).items():
        rows = []
        for record in records:
            key = (record["dataset"], record["backbone"], record["row"])
            rows.append(
                _row(
                    record,
                    [mean.get(key, {}) for mean in means],
                    costs.get(key, {}),
                    false.get(key, {}),
                    tests.get((*where, record["row"])),
                    budgets.get(key, {}),
                    tuned.get(key, UNTUNED),
                    bases.get((*where, record["row"]), NONE),
                )
            )
        here = _best_marked(_sorted(rows, primary))
        first = headline(chosen, primary, here, tested.get(where))
        blocks.append(Block(*where, here, footnotes.of_block(run, *where), first))
    notes = (
        *footnotes.of_test(vs, chosen, significant),
        *footnotes.of_metric(run, chosen),
        *footnotes.of_columns(chosen, band_table.names(run)),
        *cost_notes.of_cost(run),
        *footnotes.of_rates(run),
        *footnotes.of_damage(run),
    )
    return MainTable(chosen, vs, columns, tuple(blocks), notes)


def _columns(run: Run, metric: Metric) -> tuple[MetricColumn, ...]:
    """Recall at the same K where measured, the metric on all items, and on each band."""
    bands = (MetricColumn(metric, band) for band in band_table.names(run))
    return (*with_recall(run, metric), *bands)


def _row(
    record: Mapping[str, Any],
    means: Sequence[Mapping[str, Any]],
    costs: Mapping[str, Any],
    false: Mapping[str, Any],
    test: Mapping[str, Any] | None,
    spent: Mapping[str, Any],
    tuned: Tuned,
    baseline: str,
) -> Row:
    test = test or {"verdict": "", "p_corrected": NAN, "tied": False}
    warm_up_only = bool(spent.get("warm_up_only", False))
    return Row(
        label=record["row"],
        method=record["method"],
        variant=record["variant"],
        kind=record["kind"],
        seeds=int(record["seeds"]),
        expected=int(record["expected"]),
        entries=tuple(Entry(mean.get("mean", NAN), mean.get("std", NAN)) for mean in means),
        epoch=costs.get("seconds", NAN),
        clock=costs.get("clock", ""),
        cpu=costs.get("cpu", NAN),
        wall=costs.get("train", NAN),
        fnr=false.get("fnr", NAN),
        fnr_low=false.get("fnr_low", NAN),
        fnr_high=false.get("fnr_high", NAN),
        baseline=baseline,
        verdict=test["verdict"],
        p_corrected=test["p_corrected"],
        tied=bool(test["tied"]) and not warm_up_only,
        cells=int(spent.get("cells", 0)),
        capped=int(spent.get("capped", 0)),
        warm_up_only=warm_up_only,
        budget_mark=mark(spent),
        trials=tuned.trials,
        protocols=tuned.protocols,
    )


def _sorted(rows: Sequence[Row], primary: int) -> list[Row]:
    def place(row: Row) -> tuple[bool, bool, bool, float, str]:
        value = row.entries[primary].mean
        return place_in_block(row.kind, value, row.label, warm_up_only=row.warm_up_only)

    return sorted(rows, key=place)


def _best_marked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with the highest mean of every column marked; references compete."""
    competing = [row for row in rows if not row.warm_up_only]
    columns = zip(*(row.entries for row in competing), strict=True)
    best = [max((e.mean for e in column if not isnan(e.mean)), default=NAN) for column in columns]
    marked = []
    for row in rows:
        if not row.warm_up_only:
            pairs = zip(row.entries, best, strict=True)
            row = replace(row, entries=tuple(replace(e, best=e.mean == b) for e, b in pairs))
        marked.append(row)
    return tuple(marked)
