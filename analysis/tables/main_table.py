"""The main table: who ranks well, for whom, at what cost, and is it real.

One block a data set and backbone. Methods by falling value of the primary metric, then the
references that no sampler touches, as guards. A row that lacks a seed shows "-" and a count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import pandas as pd

from negbench.errors import UserError, did_you_mean
from negbench.evaluation.metric_names import Metric

from ..measures import bands as band_table
from ..measures.accuracy import accuracy
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..runs import frames
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import roster
from ..statistics.significance import significance
from . import footnotes
from .main_table_text import LAYOUTS
from .main_table_values import Block, Column, Entry, Line, Table

NAN = float("nan")
Where = tuple[str, str]
"""A data set and a backbone."""
Key = tuple[str, str, str]
"""A data set, a backbone and a row."""


def render(run: Run, *, format: str = "text", metric: str | None = None, vs: str = "random") -> str:
    """The main table as text, md, csv, latex or html; without a metric ndcg@20 where measured."""
    if format not in LAYOUTS:
        known = list(LAYOUTS)
        raise UserError(
            f"a table format must be one of {', '.join(known)}; got {format!r}; "
            f"{did_you_mean(format, known)}"
        )
    return LAYOUTS[format](main_table(run, metric, vs))


def main_table(run: Run, metric: str | None = None, vs: str = "random") -> Table:
    """Gather the table; `render` lays it out."""
    chosen = frames.measure(run, metric)
    primary = f"{chosen[0]}@{chosen[1]}"
    columns = _columns(run, chosen)
    means = [_by_row(accuracy(run, f"{c.metric}@{c.k}", band=c.band)) for c in columns]
    tests = _by_row(significance(run, primary, vs=vs))
    costs, false = _by_row(cost(run, vs)), _by_row(false_negatives(run))
    lines = {
        key: _line(
            row,
            [mean.get(key, {}) for mean in means],
            costs.get(key, {}).get("train", NAN),
            false.get(key, {}).get("fnr", NAN),
            tests.get(key),
        )
        for key, row in _by_row(roster(run)).items()
    }
    place = columns.index(Column(*chosen, "all"))
    blocks = tuple(
        Block(
            *where, _best_marked(_sorted(found, place)), _notes(run, *where), _protocol(run, *where)
        )
        for where, found in _by_block(lines).items()
    )
    protocol = (
        *footnotes.of_test(vs, chosen, any(test["verdict"] for test in tests.values())),
        *footnotes.of_columns(chosen, band_table.names(run)),
        *footnotes.of_rates(run),
    )
    notes = (*protocol, *footnotes.of_damage(run))
    return Table(chosen, vs, columns, blocks, notes, protocol)


def _by_row(frame: pd.DataFrame) -> dict[Key, dict[str, Any]]:
    """The lines of a frame by data set, backbone and row."""
    lines = [{str(name): v for name, v in line.items()} for line in frame.to_dict("records")]
    return {(line["dataset"], line["backbone"], line["row"]): line for line in lines}


def _columns(run: Run, metric: Metric) -> tuple[Column, ...]:
    name, k = metric
    told = frames.results(run)
    recall = name != "recall" and bool(((told["metric"] == "recall") & (told["k"] == k)).any())
    first = (Column("recall", k, "all"),) if recall else ()
    return (*first, *(Column(name, k, band) for band in ("all", *band_table.names(run))))


def _line(
    row: Mapping[str, Any],
    means: Sequence[Mapping[str, Any]],
    epoch: float,
    fnr: float,
    test: Mapping[str, Any] | None,
) -> Line:
    test = test or {"verdict": "", "p_holm": NAN, "tied": False}
    return Line(
        label=row["row"],
        method=row["method"],
        variant=row["variant"],
        kind=row["kind"],
        seeds=int(row["seeds"]),
        expected=int(row["expected"]),
        entries=tuple(Entry(mean.get("mean", NAN), mean.get("std", NAN)) for mean in means),
        epoch=epoch,
        fnr=fnr,
        verdict=test["verdict"],
        p_holm=test["p_holm"],
        tied=bool(test["tied"]),
    )


def _by_block(lines: Mapping[Key, Line]) -> dict[Where, list[Line]]:
    """The rows of each data set and backbone, each with the references of its data set."""
    blocks: dict[Where, list[Line]] = {}
    for dataset, backbone, row in lines:
        if backbone != REFERENCE:
            blocks.setdefault((dataset, backbone), []).append(lines[dataset, backbone, row])
    for dataset, backbone, row in lines:
        if backbone == REFERENCE:
            at = [where for where in blocks if where[0] == dataset] or [(dataset, REFERENCE)]
            for where in at:
                blocks.setdefault(where, []).append(lines[dataset, backbone, row])
    return dict(sorted(blocks.items()))


def _sorted(lines: Sequence[Line], place: int) -> list[Line]:
    def rank(line: Line) -> tuple[bool, bool, float, str]:
        mean = line.entries[place].mean
        return line.kind == REFERENCE, isnan(mean), 0.0 if isnan(mean) else -mean, line.label

    return sorted(lines, key=rank)


def _best_marked(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines, with the highest mean among the methods marked in every column."""
    methods = [line for line in lines if line.kind != REFERENCE]
    columns = zip(*(line.entries for line in methods), strict=True)
    best = [max((e.mean for e in column if not isnan(e.mean)), default=NAN) for column in columns]
    marked = []
    for line in lines:
        if line.kind != REFERENCE:
            pairs = zip(line.entries, best, strict=True)
            line = replace(line, entries=tuple(replace(e, best=e.mean == b) for e, b in pairs))
        marked.append(line)
    return tuple(marked)


def _protocol(run: Run, dataset: str, backbone: str) -> tuple[str, ...]:
    _, split, exclusion, *_ = footnotes.of_data(run, dataset)
    return (split, exclusion, *footnotes.of_seeds(run, dataset, backbone))


def _notes(run: Run, dataset: str, backbone: str) -> tuple[str, ...]:
    return (
        *footnotes.of_data(run, dataset),
        *footnotes.of_seeds(run, dataset, backbone),
        *footnotes.of_settings(run, dataset, backbone),
        *footnotes.of_gaps(run, dataset, backbone),
        *footnotes.notes_of_data(run, dataset),
    )
