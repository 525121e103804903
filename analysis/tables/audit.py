"""The audit of a run: popularity bias, accuracy by band and false-negative rates of every row.

One line a row, means over seeds, the standard deviation as `<field>_std`. Balance knows no scale,
so it never stands without the accuracy it is taken from; rates of false negatives never stand
without `exact` or `lower bound` (`knowledge`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from negbench.errors import UserError, did_you_mean
from negbench.evaluation.metric_names import Metric

from ..measures import bands as band_table
from ..measures.bands import bands
from ..measures.budget import budget
from ..measures.false_negatives import PLANTED, false_negatives
from ..measures.known_negatives import RATES as KNOWN_RATES
from ..measures.known_negatives import known_negatives
from ..measures.popularity_bias import popularity_bias
from ..number_format import counted
from ..runs import frames
from ..runs.frames import ROW, MetricLike, Run
from ..runs.notes import Note
from ..runs.over_seeds import rows_of_run
from . import footnotes
from .audit_columns import Group, groups
from .blocks import by_block, place_in_block

Line = dict[str, Any]
LISTS = "lists"
"""The backbone of lists that came from elsewhere, where no run stands beside them."""
FALSE = ("fnr", "fnr_lift", "fhnr", "fnr_closed")
COUNTED = ("fn_count", "fn_total", "fhn_count", "fhn_total")
INTERVALS = tuple(
    f"{rate}_{end}" for rate in ("fnr", "fnr_lift", "fhnr") for end in ("low", "high")
)
KNOWN = (*KNOWN_RATES, "tnr_lift")
"""Rates of data that know negatives, or judged some pairs."""
COUNTED_KNOWN = ("tn_count", "tn_total", "fj_count", "fj_total")
BUDGET = ("capped", "before_phase", "warm_up_only")
"""Cells still rising when the budget ended, kept from a warm-up, and whether all were."""
SPREAD = Note("legend", "The standard deviations over seeds stand in the formats csv and json.")
USERS = Note(
    "legend",
    "Users of a niche, diverse and blockbuster taste: the fifth with the smallest share of first-"
    "band items in the train profile, those between, the fifth with the greatest.",
)


@dataclass(frozen=True)
class AuditBlock:
    """One data set and backbone: methods by falling accuracy, then references."""

    dataset: str
    backbone: str
    knowledge: str
    """Whether rates of false negatives are exact or a lower bound; empty where there are none."""
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Audit:
    """The audit as values; `audit_text` lays it out."""

    metric: Metric
    groups: tuple[Group, ...]
    frame: pd.DataFrame
    blocks: tuple[AuditBlock, ...]
    notes: tuple[Note, ...]


def audit_page(run: Run, metric: MetricLike = None, rows: Sequence[str] = ()) -> Audit:
    """Compute the audit; `metric` chooses the accuracy and K, ndcg@20 where measured.

    `rows` are the only ones that are shown, if any are named.
    """
    chosen = frames.choose_metric(run, metric)
    frame = audit_frame(run, chosen)
    frame = frame[frame["row"].isin(rows)] if rows else frame
    lines = [{str(name): v for name, v in line.items()} for line in frame.to_dict("records")]
    pairs = [((line["dataset"], line["backbone"]), line) for line in lines]
    blocks = tuple(_block(run, *at, group, chosen) for at, group in by_block(pairs).items())
    notes = (USERS, SPREAD, *footnotes.of_metric(run, chosen), *footnotes.of_damage(run))
    known = KNOWN[0] in frame
    shown = groups(chosen, band_table.names(run), planted=PLANTED[0] in frame, known=known)
    return Audit(chosen, shown, frame, blocks, notes)


def require_rows(run: Run, rows: Sequence[str]) -> None:
    """Raises UserError if one of the rows is not in the run."""
    known = list(dict.fromkeys(row for _, row in run.done))
    for row in rows:
        if row not in known:
            near = did_you_mean(row, known)
            raise UserError(f"--method must be a row of the audit; got {row!r}; {near}")


def audit_frame(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """One line a row: accuracy by band, every measure of popularity bias, false negatives."""
    chosen = frames.choose_metric(run, metric)
    served, biased = bands(run, chosen), popularity_bias(run, chosen.k)
    served["field"] = [_field(str(chosen), band) for band in served["band"]]
    biased["field"] = [
        _field(str(Metric(m, chosen.k)) if cut else m, band)
        for m, cut, band in zip(biased["metric"], biased["k"], biased["band"], strict=True)
    ]
    spent = budget(run)[[*ROW, *BUDGET]]
    rows = rows_of_run(run)[[*ROW, "seeds", "expected"]].merge(spent, on=ROW, how="left")
    rows[list(BUDGET)] = rows[list(BUDGET)].astype(float).fillna(0).astype(int)
    for frame in (served, biased):
        rows = rows.merge(_wide(frame), on=ROW, how="left")
    trained = false_negatives(run)
    rates = [*FALSE, *(name for name in PLANTED if name in trained)]
    spread = (n for f in rates for n in (f, f"{f}_std") if n != "fnr_closed_std")
    kept = [*ROW, *spread, *INTERVALS, *COUNTED, "knowledge"]
    rows = rows.merge(trained.reindex(columns=kept), on=ROW, how="left")
    if len(known := known_negatives(run)):
        ends = [name for rate in KNOWN for name in (rate, f"{rate}_low", f"{rate}_high")]
        stds = [f"{rate}_std" for rate in KNOWN]
        rows = rows.merge(known[[*ROW, *ends, *stds, *COUNTED_KNOWN]], on=ROW, how="left")
    rows["knowledge"] = rows["knowledge"].astype(object).fillna("")
    return rows


def _field(name: str, band: str) -> str:
    if band == band_table.BALANCE:
        return band
    return name if band == band_table.TOTAL else f"{name}/{band}"


def _wide(long: pd.DataFrame) -> pd.DataFrame:
    """One line a row, with the mean and the standard deviation of each field as columns."""
    columns = []
    for field in dict.fromkeys(long["field"]):
        mine = long[long["field"] == field].set_index(ROW)[["mean", "std"]]
        columns.append(mine.rename(columns={"mean": field, "std": f"{field}_std"}))
    wide: pd.DataFrame = pd.concat(columns, axis=1).rename_axis(index=ROW).reset_index()
    return wide


def _block(run: Run, dataset: str, backbone: str, lines: list[Line], metric: Metric) -> AuditBlock:
    lines.sort(key=lambda line: _place(line, metric))
    known = next((line["knowledge"] for line in lines if line["knowledge"]), "")
    return AuditBlock(dataset, backbone, known, tuple(lines), notes_of(run, dataset, backbone))


def notes_of(run: Run, dataset: str, backbone: str) -> tuple[Note, ...]:
    """All notes of a block; lists of others know no ranking, no negatives and no seeds."""
    if backbone != LISTS:
        return footnotes.of_block(run, dataset, backbone, "Means")
    record = next(cell.record for cell, _ in run.done if cell.backbone == LISTS)
    users, items = counted(record["data"]["n_users"], "user"), record["data"]["n_items"]
    pairs = [f"{record['split'][part]:,} {part} pairs" for part in ("train", "test")]
    kept = [note for note in footnotes.of_data(run, dataset) if note.kind == "bands"]
    return (
        Note("size", f"{users}, {counted(items, 'item')}; {' and '.join(pairs)}, as given."),
        *kept,
        *footnotes.notes_of_data(run, dataset),
    )


def _place(line: Line, metric: Metric) -> tuple[bool, bool, bool, float, str]:
    own = bool(line["warm_up_only"])
    return place_in_block(line["kind"], line[str(metric)], line["row"], warm_up_only=own)
