"""The rows of one block as plain values: what is measured of each, its ranks, its settings.

A rank is that of `statistics/rank_intervals.py`: 1 the highest mean, with the places that the tests
of all pairs of the block leave open. On a band they are the tests on that band.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from negbench.evaluation.metric_names import Metric

from ..measures.bands import TOTAL
from ..statistics.rank_intervals import ranked
from ..tables.main_table_values import Block, MainTable, Row
from ..tables.rate_text import rate_text
from ..verdict.standings import BlockTests

Record = Mapping[str, Any]
Values = dict[str, Any]
NAN = float("nan")
LISTS = ("arp", "relative_arp", "coverage", "gini", "aplt")
"""Measures of what the lists hold."""
SETTINGS = ("lr", "l2", "dim", "batch_size", "epochs", "patience", "trained", "objective")


@dataclass(frozen=True, eq=False)
class RowInputs:
    """What is known of the rows of a block, by label."""

    block: Block
    tables: Mapping[Metric, MainTable]
    tests: Mapping[tuple[Metric, str], BlockTests]
    """By metric and band; a block without a test has none."""
    false: Mapping[str, Record]
    lists: Mapping[tuple[str, str], Record]
    """By row and measure."""
    settings: Mapping[str, Record]
    cards: Mapping[str, Record]
    families: Mapping[str, str]
    styles: Mapping[str, tuple[str, str]]
    """Colour and marker."""
    sources: Mapping[str, Sequence[int]]
    """The numbers of the runs that a row's cells are from."""


def rows_of(inputs: RowInputs) -> list[Values]:
    """Every row of a block, in the order of its main table."""
    places = {at: _places(tests) for at, tests in inputs.tests.items()}
    return [_row(inputs, row, places) for row in inputs.block.rows]


Places = Mapping[str, tuple[float, float, float]]


def _places(tests: BlockTests) -> Places:
    """Rank, and the first and the last place that the tests leave open, of each row."""
    ranks = ranked([list(tests.means.values())])[0]
    low, high = 1 + (tests.sides < 0).sum(axis=1), len(ranks) - (tests.sides > 0).sum(axis=1)
    ends = zip(tests.means, ranks, low, high, strict=True)
    return {row: (float(rank), int(first), int(last)) for row, rank, first, last in ends}


def _row(inputs: RowInputs, row: Row, places: Mapping[tuple[Metric, str], Places]) -> Values:
    label, card = row.label, inputs.cards.get(row.label, {})
    color, marker = inputs.styles[label]
    return {
        "row": label,
        "kind": row.kind,
        "family": inputs.families[label],
        "title": str(card.get("title") or ""),
        "link": str(card.get("link") or ""),
        "color": color,
        "marker": marker,
        "mark": row.budget_mark,
        "warm_up_only": row.warm_up_only,
        "seeds": row.seeds,
        "expected": row.expected,
        "metrics": {
            str(metric): _metric(inputs, table, metric, label, places)
            for metric, table in inputs.tables.items()
        },
        "false_negatives": _false_negatives(inputs.false.get(label, {})),
        "lists": {
            name: _mean(inputs.lists[label, name])
            for name in LISTS
            if (label, name) in inputs.lists
        },
        "cost": {"cpu_seconds": row.cpu, "wall_seconds": row.wall},
        "tuning": {"trials": row.trials, "protocols": list(row.protocols)},
        "settings": _settings(inputs.settings.get(label, {})),
        "sources": list(inputs.sources.get(label, ())),
    }


def _metric(
    inputs: RowInputs,
    table: MainTable,
    metric: Metric,
    label: str,
    places: Mapping[tuple[Metric, str], Places],
) -> Values:
    where = (inputs.block.dataset, inputs.block.backbone)
    block = next(b for b in table.blocks if (b.dataset, b.backbone) == where)
    row = next(row for row in block.rows if row.label == label)
    by_band = {}
    for column, entry in zip(table.columns, row.entries, strict=True):
        if column.metric == metric:
            place = places.get((metric, column.band), {}).get(label, (None, None, None))
            rank, low, high = place
            by_band[column.band] = {
                "mean": entry.mean,
                "std": entry.std,
                "best": entry.best,
                "rank": rank,
                "rank_low": low,
                "rank_high": high,
            }
    return {
        "against": row.baseline,
        "verdict": row.verdict,
        "p_corrected": row.p_corrected,
        "tied_with_best": row.tied,
        "mark": row.mark,
        "bands": by_band,
    }


def bands_of(table: MainTable) -> list[str]:
    """All items and the bands, as the columns of a table have them."""
    return [TOTAL, *(c.band for c in table.columns if c.band != TOTAL)]


def _false_negatives(line: Record) -> Values | None:
    rate = line.get("fnr", NAN)
    if isnan(rate):
        return None
    return {
        "rate": rate,
        "low": line["fnr_low"],
        "high": line["fnr_high"],
        "kind": str(line["knowledge"]),
        "text": rate_text(line, "fnr"),
    }


def _settings(line: Record) -> Values:
    named = {name: str(line[name]) for name in SETTINGS if name in line and str(line[name])}
    named = {name: value for name, value in named.items() if value != "nan"}
    parameters = str(line.get("parameters") or "")
    return {**named, "parameters": parameters if parameters != "nan" else ""}


def _mean(line: Record) -> Values:
    return {"mean": line["mean"], "std": line["std"]}
