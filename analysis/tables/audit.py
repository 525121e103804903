"""The audit of a run on one page: popularity bias, band accuracy and false negatives of every row.

One line a row, means over seeds, the spread as `<field>_std`. Balance knows no scale, so it never
stands without the accuracy it is taken from; rates of false negatives never stand without `exact`
or `lower bound` (`knowledge`).
"""

from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..measures import bands as band_table
from ..measures.bands import bands
from ..measures.false_negatives import PLANTED, false_negatives
from ..measures.popularity_bias import popularity_bias
from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run
from ..runs.over_seeds import roster
from . import footnotes
from .audit_columns import Group, groups

Line = dict[str, Any]
FALSE = ("fnr", "fnr_lift", "fhnr")
SPREAD = "The standard deviations over seeds stand in the formats csv and json."
USERS = (
    "Users of a niche, diverse and blockbuster taste: the fifth with the smallest share of first-"
    "band items in the train profile, those between, the fifth with the greatest."
)


@dataclass(frozen=True)
class Part:
    """One data set and backbone: methods by falling accuracy, then references."""

    dataset: str
    backbone: str
    knowledge: str
    """Whether rates of false negatives are exact or a lower bound; empty where there are none."""
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """The audit as values; `audit_layouts` lays it out."""

    metric: Metric
    groups: tuple[Group, ...]
    frame: pd.DataFrame
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def audit_page(run: Run, metric: str | None = None) -> Page:
    """Gather the page; the metric says which accuracy and which K, ndcg@20 where measured."""
    chosen = frames.measure(run, metric)
    frame = audit_frame(run, metric)
    lines = [{str(name): v for name, v in line.items()} for line in frame.to_dict("records")]
    parts = tuple(_part(run, *where, found, chosen) for where, found in _blocks(lines).items())
    notes = (USERS, SPREAD, *footnotes.of_damage(run))
    shown = groups(chosen, band_table.names(run), planted=PLANTED[0] in frame)
    return Page(chosen, shown, frame, parts, notes)


def audit_frame(run: Run, metric: str | None = None) -> pd.DataFrame:
    """One line a row: accuracy by band, every measure of popularity bias, false negatives."""
    name, k = frames.measure(run, metric)
    served, biased = bands(run, metric), popularity_bias(run, k)
    accuracy = f"{name}@{k}"
    served["field"] = [_field(accuracy, band) for band in served["band"]]
    biased["field"] = [
        _field(f"{m}@{k}" if cut else m, band)
        for m, cut, band in zip(biased["metric"], biased["k"], biased["band"], strict=True)
    ]
    told = roster(run)[[*ROW, "seeds", "expected"]]
    for frame in (served, biased):
        told = told.merge(_wide(frame), on=ROW, how="left")
    trained = false_negatives(run)
    rates = [*FALSE, *(name for name in PLANTED if name in trained)]
    kept = [*ROW, *(n for f in rates for n in (f, f"{f}_std")), "knowledge"]
    told = told.merge(trained.reindex(columns=kept), on=ROW, how="left")
    told["knowledge"] = told["knowledge"].astype(object).fillna("")
    return told


def _field(name: str, band: str) -> str:
    if band == band_table.BALANCE:
        return band
    return name if band == band_table.TOTAL else f"{name}/{band}"


def _wide(long: pd.DataFrame) -> pd.DataFrame:
    """One line a row, a column and its spread for each field."""
    parts = []
    for field in dict.fromkeys(long["field"]):
        mine = long[long["field"] == field].set_index(ROW)[["mean", "std"]]
        parts.append(mine.rename(columns={"mean": field, "std": f"{field}_std"}))
    wide: pd.DataFrame = pd.concat(parts, axis=1).rename_axis(index=ROW).reset_index()
    return wide


def _blocks(lines: list[Line]) -> dict[tuple[str, str], list[Line]]:
    """The rows of each data set and backbone, each with the references of its data set."""
    guards = [line for line in lines if line["backbone"] == REFERENCE]
    blocks: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line["backbone"] != REFERENCE:
            blocks.setdefault((line["dataset"], line["backbone"]), []).append(line)
    for guard in guards:
        at = [w for w in blocks if w[0] == guard["dataset"] and w[1] != REFERENCE]
        for where in at or [(guard["dataset"], REFERENCE)]:
            blocks.setdefault(where, []).append(guard)
    return dict(sorted(blocks.items()))


def _part(run: Run, dataset: str, backbone: str, lines: list[Line], metric: Metric) -> Part:
    field = f"{metric[0]}@{metric[1]}"

    def order(line: Line) -> tuple[bool, bool, float, str]:
        value = line[field]
        unknown = isnan(value)
        return line["kind"] == REFERENCE, unknown, 0.0 if unknown else -value, line["row"]

    notes = (
        *footnotes.of_data(run, dataset),
        *footnotes.of_seeds(run, dataset, backbone, "Means"),
        *footnotes.of_settings(run, dataset, backbone),
        *footnotes.of_gaps(run, dataset, backbone),
        *footnotes.notes_of_data(run, dataset),
    )
    known = next((line["knowledge"] for line in lines if line["knowledge"]), "")
    return Part(dataset, backbone, known, tuple(sorted(lines, key=order)), notes)
