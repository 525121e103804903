"""Sections: what the page shows of one data set and backbone, question by question.

Each section holds the sheets that answer its question and names the kinds of figure beside them. A
section of which the run has measured nothing has no sheet, and the page says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..measures.bands import BALANCE, TOTAL
from ..measures.false_negatives import EXACT
from ..number_format import percent, spelled
from ..runs.frames import REFERENCE
from ..statistics.test_procedure import DEFAULT
from ..tables.audit_columns import groups
from ..tables.main_table_values import Block, Table
from ..tables.sortable_table import Head, Sheet, Told, sheet
from . import table_columns
from .table_columns import METHOD

Frames = Mapping[str, pd.DataFrame]
"""What the analyses told, by the name of the analysis."""
Group = tuple[list[Told], list[Told]]
"""The lines of the methods and those of the references, in the order of the main table."""


@dataclass(frozen=True)
class Section:
    """A question and what answers it."""

    name: str
    title: str
    says: str
    sheets: tuple[Sheet, ...]
    kinds: tuple[str, ...] = ()
    """The kinds of figure that stand here."""


@dataclass(frozen=True)
class Excerpt:
    """What the analyses told of one block."""

    table: Table
    block: Block
    frames: Frames

    def lines(self, name: str) -> Group:
        """The lines of an analysis on this block."""
        frame = self.frames.get(name)
        if frame is None or frame.empty:
            return [], []
        here = frame["dataset"].eq(self.block.dataset)
        here &= frame["backbone"].isin([self.block.backbone, REFERENCE])
        order = {line.label: at for at, line in enumerate(self.block.lines)}
        found = [{str(k): v for k, v in x.items()} for x in frame[here].to_dict("records")]
        known = sorted((x for x in found if x["row"] in order), key=lambda x: order[x["row"]])
        return (
            [line for line in known if line["kind"] != REFERENCE],
            [line for line in known if line["kind"] == REFERENCE],
        )


def sections(table: Table, block: Block, frames: Frames) -> list[Section]:
    """Every section of a block, in the order of the page."""
    here = Excerpt(table, block, frames)
    return [make(here) for make in _SECTIONS]


def _wide(group: Sequence[Told], by: str) -> list[Told]:
    """One line a row of the table, with the mean and spread of each part as fields."""
    rows: dict[str, dict[str, Any]] = {}
    for line in group:
        fields = rows.setdefault(line["row"], {"row": line["row"]})
        fields |= {str(line[by]): line["mean"], f"{line[by]}_std": line["std"]}
    return list(rows.values())


def _section(
    name: str, title: str, *sheets: Sheet | None, says: str = "", kinds: tuple[str, ...] = ()
) -> Section:
    return Section(name, title, says, tuple(s for s in sheets if s is not None), kinds)


def _bands(told: Excerpt) -> Section:
    metric = spelled(*told.table.metric)
    rows, guards = told.lines("bands")
    parts = dict.fromkeys(str(line["band"]) for line in rows if line["band"] != BALANCE)
    heads = [METHOD, *(Head(part, part) for part in parts), Head(BALANCE, BALANCE)]
    items = sheet(
        f"{metric} on {TOTAL} items and by band. Balance = 1 - Gini over the bands; read it with "
        "the total beside it, for a row that is bad everywhere is balanced too.",
        heads,
        _wide(rows, "band"),
        _wide(guards, "band"),
    )
    kinds = ("bands", "tradeoff", "tail")
    return _section("bands", "Whom it serves", items, _activity(told), kinds=kinds)


def _activity(told: Excerpt) -> Sheet | None:
    rows, guards = told.lines("activity")
    parts = {
        str(line["quarter"]): f"{line['quarter']} ({line['low']:,.0f} to {line['high']:,.0f})"
        for line in sorted(rows, key=lambda line: str(line["quarter"]))
        if line["quarter"] != TOTAL
    }
    return sheet(
        f"{spelled(*told.table.metric)} by quarter of the test users, 1 the least active; in "
        "brackets their numbers of train interactions.",
        [METHOD, Head(TOTAL, TOTAL), *(Head(says, part) for part, says in parts.items())],
        _wide(rows, "quarter"),
        _wide(guards, "quarter"),
    )


def _false_negatives(told: Excerpt) -> Section:
    rows, _ = told.lines("false_negatives")
    exact = all(line["knowledge"] == EXACT for line in rows)
    says = (
        "Exact: these data hold what each user truly likes."
        if exact
        else "A lower bound: only held-out positives count as false, and users like more than that."
    )
    rates = sheet(
        "Share of the negatives that are positives of their user, pooled over the epochs up to the "
        "best; hard ones lie in the top tenth of the user's scores when drawn.",
        table_columns.FALSE,
        rows,
    )
    kinds = ("fn-rate",)
    return _section("false", "False negatives", rates, says=says if rates else "", kinds=kinds)


def _hardness(told: Excerpt) -> Section:
    rows, _ = told.lines("hardness")
    names = [str(name) for name in told.frames["bands"]["band"].unique()]
    scores = sheet(
        "Mean over the epochs up to the best, as quantiles over the negatives. Gap: score of the "
        "negative less that of its positive; above: share of the user's unseen items that score "
        "below the negative.",
        table_columns.HARD,
        rows,
    )
    kinds_of = sheet(
        "What the negatives are, mean over the epochs up to the best.",
        (METHOD, *(Head(f"from {n}", f"neg_{n}", percent) for n in names), *table_columns.MADE_UP),
        rows,
    )
    title = "How hard the negatives are"
    kinds = ("hardness", "adar-path", "triplets")
    return _section("hardness", title, scores, kinds_of, kinds=kinds)


def _learning(told: Excerpt) -> Section:
    rows, _ = told.lines("time_to")
    found = sheet(
        "Epochs and wall seconds until 95 % of the row's own best value on the validation part.",
        table_columns.LEARNING,
        rows,
    )
    return _section("learning", "How fast it learns", found, kinds=("convergence",))


def _audit(told: Excerpt) -> Section:
    rows, guards = (_measures(group) for group in told.lines("popularity_bias"))
    _, shown, leaning, _ = groups(told.table.metric, ())
    sheets = (
        sheet(
            f"{group.title}.",
            [METHOD, *(Head(c.head, c.field, c.form, c.says) for c in group.columns)],
            rows,
            guards,
        )
        for group in (shown, leaning)
    )
    kinds = ("exposure", "popularity-curve")
    return _section("audit", "What it recommends", *sheets, kinds=kinds)


def _measures(lines: Sequence[Told]) -> list[Told]:
    """One line a row of the table, with the measures under the names of the audit's columns."""
    named = []
    for line in lines:
        name = f"{line['metric']}@{line['k']}" if line["k"] else str(line["metric"])
        whole = line["band"] == TOTAL
        named.append({**line, "name": name if whole else f"{name}/{line['band']}"})
    return _wide(named, "name")


def _cost(told: Excerpt) -> Section:
    rows, _ = told.lines("cost")
    found = sheet(
        "Wall seconds an epoch, mean over seeds; probes and evaluation stand beside the epoch. "
        f"x: times that of {told.table.vs}.",
        table_columns.COST,
        rows,
    )
    return _section("cost", "What it costs", found)


def _tests(told: Excerpt) -> Section:
    vs = told.table.vs
    rows, _ = told.lines("tests")
    lines = [
        {
            **line,
            "verdict": "baseline" if line["row"] == vs else line["verdict"],
            "tied": "best" if line["best"] else "yes" if line["tied"] else "no",
        }
        for line in rows
    ]
    found = sheet(
        f"Against {vs}: {DEFAULT.tested}, {DEFAULT.pooled}, {DEFAULT.corrected} within data set "
        "and backbone. Effect: mean of the differences over their spread. In brackets 95 % "
        "bootstrap intervals. Wins, ties, losses: users.",
        table_columns.TESTS,
        lines,
    )
    return _section("tests", "Is it real", found, kinds=("ranks", "heatmap", "cd"))


_SECTIONS: tuple[Callable[[Excerpt], Section], ...] = (
    _bands,
    _false_negatives,
    _hardness,
    _audit,
    _tests,
    _learning,
    _cost,
)
