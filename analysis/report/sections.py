"""Sections of the report on one data set and backbone, one question each.

A section holds the tables that answer its question and names the kinds of figure beside them. A
section of which the run has measured nothing has no table, and the page says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..measures.bands import BALANCE, TOTAL
from ..measures.false_negatives import EXACT
from ..number_format import metric_label, percent
from ..runs.baselines import several
from ..runs.frames import REFERENCE
from ..statistics.test_procedure import DEFAULT
from ..tables.audit import KNOWN as KNOWN_RATES
from ..tables.audit_columns import KNOWN_NEGATIVES, groups
from ..tables.baseline_phrases import against_of
from ..tables.main_table_values import Block, MainTable
from ..tables.table import Column, Record, Table, table_of
from . import table_columns
from .table_columns import METHOD

Frames = Mapping[str, pd.DataFrame]
"""The frames of the analyses, by the name of the analysis."""
Rows = tuple[list[Record], list[Record]]
"""The records of the methods and those of the references, in the order of the main table."""


@dataclass(frozen=True)
class Section:
    """One question, with the tables and the figures that answer it."""

    name: str
    title: str
    description: str
    tables: tuple[Table, ...]
    kinds: tuple[str, ...] = ()
    """The kinds of figure that stand here."""


@dataclass(frozen=True)
class BlockFrames:
    """The frames of the analyses, seen from one block of the main table."""

    table: MainTable
    block: Block
    frames: Frames

    def rows(self, name: str) -> Rows:
        """The records of an analysis on this block."""
        frame = self.frames.get(name)
        if frame is None or frame.empty:
            return [], []
        here = frame["dataset"].eq(self.block.dataset)
        here &= frame["backbone"].isin([self.block.backbone, REFERENCE])
        order = {row.label: at for at, row in enumerate(self.block.rows)}
        marks = {row.label: row.budget_mark for row in self.block.rows}
        records = [
            {**{str(k): v for k, v in x.items()}, "row_mark": marks.get(x["row"], "")}
            for x in frame[here].to_dict("records")
        ]
        known = sorted((x for x in records if x["row"] in order), key=lambda x: order[x["row"]])
        return (
            [record for record in known if record["kind"] != REFERENCE],
            [record for record in known if record["kind"] == REFERENCE],
        )


def sections(table: MainTable, block: Block, frames: Frames) -> list[Section]:
    """Every section of a block, in the order of the page."""
    here = BlockFrames(table, block, frames)
    return [make(here) for make in _SECTIONS]


def _wide(records: Sequence[Record], by: str) -> list[Record]:
    """One record a row of the table, with the mean and deviation of each part as fields."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        named = {name: record[name] for name in ("row", "row_mark")}
        fields = rows.setdefault(record["row"], named)
        fields |= {str(record[by]): record["mean"], f"{record[by]}_std": record["std"]}
    return list(rows.values())


def _section(
    name: str, title: str, *tables: Table | None, description: str = "", kinds: tuple[str, ...] = ()
) -> Section:
    return Section(name, title, description, tuple(t for t in tables if t is not None), kinds)


def _bands(here: BlockFrames) -> Section:
    metric = metric_label(here.table.metric)
    rows, references = here.rows("bands")
    parts = dict.fromkeys(str(line["band"]) for line in rows if line["band"] != BALANCE)
    columns = [METHOD, *(Column(part, part) for part in parts), Column(BALANCE, BALANCE)]
    items = table_of(
        f"{metric} on {TOTAL} items and by band. Balance = 1 - Gini over the bands; read it with "
        "the total beside it, for a row that is bad everywhere is balanced too.",
        columns,
        _wide(rows, "band"),
        _wide(references, "band"),
    )
    kinds = ("bands", "tradeoff", "tail")
    return _section("bands", "Whom it serves", items, _activity(here), kinds=kinds)


def _activity(here: BlockFrames) -> Table | None:
    rows, references = here.rows("activity")
    parts = {
        str(line["quarter"]): f"{line['quarter']} ({line['low']:,.0f} to {line['high']:,.0f})"
        for line in sorted(rows, key=lambda line: str(line["quarter"]))
        if line["quarter"] != TOTAL
    }
    return table_of(
        f"{metric_label(here.table.metric)} by quarter of the test users, 1 the least active; in "
        "brackets their numbers of train interactions.",
        [METHOD, Column(TOTAL, TOTAL), *(Column(label, part) for part, label in parts.items())],
        _wide(rows, "quarter"),
        _wide(references, "quarter"),
    )


def _false_negatives(here: BlockFrames) -> Section:
    rows, _ = here.rows("false_negatives")
    exact = all(line["knowledge"] == EXACT for line in rows)
    description = (
        "Exact: these data hold what each user truly likes."
        if exact
        else "A lower bound: only held-out positives count as false, and users like more than that."
    )
    if all(isnan(line["fnr"]) for line in rows):  # a split by users
        description = "Nobody who is trained on has a held-out positive: no rate is known."
    rates = table_of(
        "Share of the negatives that are positives of their user, pooled over the epochs up to the "
        "best and over seeds; hard ones lie in the top tenth of the user's scores when drawn. In "
        "brackets the 95 % interval of the count (Korn-Graubard, rows as clusters), where it was "
        "kept.",
        table_columns.FALSE,
        [_without_std(line) for line in rows],
    )
    kinds = ("fn-rate",)
    if rates is None:
        description = ""
    known = _known_negatives(here)
    return _section("false", "False negatives", rates, known, description=description, kinds=kinds)


def _known_negatives(here: BlockFrames) -> Table | None:
    rows, _ = here.rows("known_negatives")
    return table_of(
        "Known negatives, and false ones among the pairs that somebody judged: pooled alike, with "
        "intervals alike.",
        [METHOD, *KNOWN_NEGATIVES.columns],
        [_without_std(line, KNOWN_RATES) for line in rows],
    )


def _without_std(line: Record, rates: Iterable[str] = ("fnr", "fnr_lift", "fhnr")) -> Record:
    """A record whose rates show their intervals, not the spread over seeds, where counted."""
    counted = [name for name in rates if line.get(f"{name}_low", nan) >= 0]
    return {**line, **{f"{name}_std": nan for name in counted}}


def _hardness(here: BlockFrames) -> Section:
    rows, _ = here.rows("hardness")
    names = [str(name) for name in here.frames["bands"]["band"].unique()]
    scores = table_of(
        "Mean over the epochs up to the best, as quantiles over the negatives. Gap: score of the "
        "negative less that of its positive; above: share of the user's unseen items that score "
        "below the negative.",
        table_columns.HARD,
        rows,
    )
    kinds_of = table_of(
        "What the negatives are, mean over the epochs up to the best.",
        (
            METHOD,
            *(Column(f"from {n}", f"neg_{n}", percent) for n in names),
            *table_columns.COMPOSITION,
        ),
        rows,
    )
    title = "How hard the negatives are"
    kinds = ("hardness", "adar-path", "triplets")
    return _section("hardness", title, scores, kinds_of, kinds=kinds)


def _learning(here: BlockFrames) -> Section:
    rows, _ = here.rows("time_to")
    table = table_of(
        "Epochs and wall seconds until 95 % of the row's own best value on the validation part.",
        table_columns.LEARNING,
        rows,
    )
    return _section("learning", "How fast it learns", table, kinds=("convergence",))


def _audit(here: BlockFrames) -> Section:
    rows, references = (_measures(group) for group in here.rows("popularity_bias"))
    _, shown, leaning, _ = groups(here.table.metric, ())
    tables = (
        table_of(
            f"{group.title}.",
            [METHOD, *group.columns],
            rows,
            references,
        )
        for group in (shown, leaning)
    )
    kinds = ("exposure", "popularity-curve")
    return _section("audit", "What it recommends", *tables, kinds=kinds)


def _measures(records: Sequence[Record]) -> list[Record]:
    """One record a row of the table, with the measures under the fields of the audit's columns."""
    named = []
    for line in records:
        name = str(Metric(line["metric"], line["k"]) if line["k"] else line["metric"])
        whole = line["band"] == TOTAL
        named.append({**line, "name": name if whole else f"{name}/{line['band']}"})
    return _wide(named, "name")


def _cost(here: BlockFrames) -> Section:
    rows, _ = here.rows("cost")
    clock = rows[0]["clock"] if rows else "wall"
    table = table_of(
        f"Seconds an epoch, mean over seeds: parts, probes, evaluation and x (times that of "
        f"{against_of(here.table.vs, here.block)}) by the {clock} clock.",
        table_columns.COST,
        rows,
    )
    return _section("cost", "What it costs", table)


def _tests(here: BlockFrames) -> Section:
    vs = here.table.vs
    rows = [line for group in here.rows("tests") for line in group]
    own = several(vs, (line["baseline"] for line in rows))
    lines = [
        {
            **line,
            "difference_low": line["low"],
            "difference_high": line["high"],
            "baseline": line["baseline"] if own else "",
            "verdict": "baseline" if line["row"] == line["baseline"] else line["conclusion"],
            "tied": "best" if line["best"] else "yes" if line["tied"] else "no",
        }
        for line in rows
    ]
    sizes = [int(rows[0][name]) for name in ("n_seeds", "n_splits")] if rows else []
    how = DEFAULT.words(*sizes) if sizes else DEFAULT.tested
    table = table_of(
        f"Against {against_of(vs, here.block)}: {how}, {DEFAULT.corrected} within data set and "
        "backbone. In brackets 95 % intervals: of the difference by the same test, of the effect "
        "(mean over spread of the users' differences) by bootstrap over users. Wins, ties, losses: "
        "users. Rank and ties: the same test, Holm-corrected over all pairs.",
        table_columns.TESTS,
        lines,
    )
    return _section("tests", "Is it real", table, kinds=("ranks", "heatmap", "cd"))


_SECTIONS: tuple[Callable[[BlockFrames], Section], ...] = (
    _bands,
    _false_negatives,
    _hardness,
    _audit,
    _tests,
    _learning,
    _cost,
)
