"""Standings of the rows over all blocks, as the table that the report opens with."""

from statistics import fmean
from typing import Any

from ..measures.bands import TOTAL
from ..number_format import counted, metric_label, seconds
from ..runs.frames import REFERENCE
from ..tables.baseline_phrases import against
from ..tables.column_formats import one_digit, rounded, signed_percent, times
from ..tables.table import Column, Record, Table, table_of
from ..verdict.recommendation import Recommendation
from ..verdict.standings import Standing
from .table_columns import METHOD

MARK = "^"
"""Behind a row that was still rising in any block when its budget ended."""


def standings_table(page: Recommendation) -> Table | None:
    """The rows that every block holds, the best mean rank first; None for a run of one block.

    There the main table says the same.
    """
    if len(page.blocks) < 2:
        return None
    ends = [band for band in page.standings if band != TOTAL]
    on_ends = (Column(f"on {b}", f"on {b}", rounded, f"likewise on {b} items") for b in ends)
    clock = next((facts.clock for facts in page.facts.values()), "CPU")
    columns = (
        METHOD,
        Column("unbeaten", "unbeaten", rounded, "blocks with no row significantly above it"),
        *on_ends,
        Column("mean rank", "rank", one_digit, "in brackets the places that the tests leave open"),
        Column("gain", "base", signed_percent, "mean gain over the baseline of the block"),
        Column("above base", "above_base", rounded, "blocks where that gain is significant"),
        Column("gain on ref.", "reference", signed_percent, "mean gain over the best reference"),
        Column("above ref.", "above_reference", rounded, "blocks where that gain is significant"),
        Column("x epoch", "cost_factor", times, f"{clock} seconds of an epoch over the baseline's"),
        Column(f"{clock} s", "seconds", seconds, "of a training with its evaluations, mean"),
    )
    lines = page.standings[TOTAL]
    methods = [line for line in lines if line.kind != REFERENCE]
    references = [line for line in lines if line.kind == REFERENCE]
    groups = [_records(page, group, ends) for group in (methods, references)]
    return table_of(_caption(page), columns, *groups)


def _records(page: Recommendation, lines: list[Standing], ends: list[str]) -> list[Record]:
    on = {band: {each.row: each.unbeaten for each in page.standings[band]} for band in ends}
    records: list[Record] = []
    for line in lines:
        facts = page.facts[line.row]
        record: dict[str, Any] = {**vars(line), "row_mark": MARK if facts.capped else ""}
        record |= {f"on {band}": on[band].get(line.row) for band in ends}
        record |= {"base": fmean(line.base_gains), "reference": fmean(line.reference_gains)}
        records.append(record | {"cost_factor": facts.cost_factor, "seconds": facts.seconds})
    return records


def _caption(page: Recommendation) -> str:
    facts = page.facts.values()
    texts = [f"{metric_label(page.metric)} over {counted(len(page.blocks), 'block')}."]
    pairs = [(line.row, base) for line in page.standings[TOTAL] for base in line.bases]
    texts.append(f"Counts are of blocks; the baseline is {against(page.vs, pairs)}.")
    if untuned := max((each.untuned for each in facts), default=0):
        texts.append(f"No row was tuned in {untuned} of {len(page.blocks)} blocks.")
    if any(each.capped for each in facts):
        texts.append(f"{MARK} still rising when its budget ended.")
    return " ".join(texts)
