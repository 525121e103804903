"""The content of a leaderboard as plain values: `data.json`, which the page holds too.

It is computed anew from the runs each time and holds no date and no folder of the machine, so the
same runs give the same file. Rows of several runs stand in one block where their cells may be
compared, and all tests, ranks and sentences are of the rows together.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric
from negbench.storage import split_folders
from negbench.storage.without_paths import without_paths

from ..figures._style import row_styles
from ..measures.false_negatives import false_negatives
from ..measures.popularity_bias import popularity_bias
from ..number_format import metric_label
from ..report.block_order import in_typed_order, typed_order
from ..report.page import environments
from ..report.rows import rows as named_rows
from ..report.settings import settings
from ..runs import frames
from ..runs.frames import REFERENCE, Run
from ..statistics.test_procedure import ALPHA
from ..tables.audit_columns import groups
from ..tables.main_table import main_table
from ..tables.main_table_values import Block, MainTable
from ..tables.render import plain
from ..verdict.standings import BlockTests, blocks_on
from ..verdict.verdict import verdicts
from .block_rows import LISTS, RowInputs, Values, bands_of, rows_of
from .requirements import require_one_budget, require_recorded, require_whole
from .sources import Source, in_words, read_source, require_announced, shown_in

FORMAT = 1
VS = "random"
Where = tuple[str, str]
Tests = Mapping[tuple[Metric, str], list[BlockTests]]


def board(
    folders: Sequence[Path],
    metrics: Sequence[str] = (),
    hashes: Iterable[str] = (),
    *,
    version: str = "",
) -> Values:
    """The leaderboard of these runs, by these metrics, else by the main one and recall.

    Every hash of `hashes` must be that of one of the runs; `version` is that of the negbench that
    writes the page. Raises UserError for a hash that no run has, if a run is damaged or its records
    and arrays disagree, and if runs cannot be compared.
    """
    each = {str(folder): frames.open_run(folder) for folder in dict.fromkeys(folders)}
    for one in each.values():
        require_whole(one)
    require_one_budget(each)
    sources = [read_source(Path(name), one) for name, one in each.items()]
    require_announced(sources, hashes)
    run = frames.open_run(list(map(Path, each)))
    chosen = _metrics(run, metrics)
    require_recorded(run, chosen)
    content: Values = plain({"negbench": version, **_content(run, sources, chosen)})
    return content


def _metrics(run: Run, asked: Sequence[str]) -> list[Metric]:
    """The metrics of the board, the main one first."""
    if asked:
        return list(dict.fromkeys(frames.choose_metric(run, each) for each in asked))
    main = frames.choose_metric(run)
    recall = Metric("recall", main.k)
    return [main, *([recall] if recall != main and recall in frames.measured(run) else [])]


def _content(run: Run, sources: Sequence[Source], metrics: Sequence[Metric]) -> Values:
    place = typed_order(run)
    tables = {each: in_typed_order(main_table(run, each, VS), place) for each in metrics}
    main = tables[metrics[0]]
    tests = {
        (metric, band): blocks_on(run, table, band)
        for metric, table in tables.items()
        for band in bands_of(table)
    }
    texts = {(each.dataset, each.backbone): each.sentences for each in verdicts(run, main)}
    of_rows = partial(_inputs, run, tables, tests, sources, _frames(run, metrics[0].k))
    return {
        "format": FORMAT,
        "metrics": [{"name": str(each), "label": metric_label(each)} for each in metrics],
        "lists": _measures(metrics[0]),
        "against": VS,
        "alpha": ALPHA,
        "sources": [_source(source, run) for source in sources],
        "blocks": [
            {
                "dataset": block.dataset,
                "backbone": block.backbone,
                "bands": bands_of(main),
                "clock": next((row.clock for row in block.rows if row.clock), ""),
                "sentences": _sentences(tables, block, texts[block.dataset, block.backbone]),
                "protocol": [note.text for note in block.notes],
                "tests": {
                    str(metric): [note.text for note in table.notes if note.kind != "missing"]
                    for metric, table in tables.items()
                },
                "ranks": {str(metric): _rank_note(tests, metric, block) for metric in tables},
                "remarks": _remarks(run),
                "rows": rows_of(of_rows(block)),
            }
            for block in main.blocks
        ],
    }


def _sentences(
    tables: Mapping[Metric, MainTable], block: Block, verdict: tuple[str, ...]
) -> dict[str, list[str]]:
    """By metric: the verdict of the main one, the headline of any other."""
    texts = {}
    for at, (metric, table) in enumerate(tables.items()):
        where = (block.dataset, block.backbone)
        same = next(b for b in table.blocks if (b.dataset, b.backbone) == where)
        texts[str(metric)] = [same.headline] if at else list(verdict)
    return texts


def _rank_note(tests: Tests, metric: Metric, block: Block) -> str:
    """What the ranks and their intervals are, and what their tests cover."""
    here = _of_block(tests[metric, "all"], (block.dataset, block.backbone))
    if here is None:
        return "No ranks: no method has every seed finished."
    covers = "users and seeds" if here.covers_seeds else "users alone, for there is one seed"
    return (
        f"Rank: 1 is the highest mean of {metric_label(metric)} on the band that is chosen, "
        "references among the rows, whatever the filter; the bar spans the places that the tests "
        f"of all pairs of the {len(here.labels)} ranked rows leave open (Holm-corrected; with "
        f"{1 - ALPHA:.0%} all bars of a metric and band hold the true places at once; covers "
        f"{covers})."
    )


def _remarks(run: Run) -> list[str]:
    many = environments(run)
    texts = [f"The cells ran in {many} environments: their seconds do not compare."]
    return [*(texts if many > 1 else []), *map(_remark, run.remarks)]


def _remark(text: str) -> str:
    """What a run lacks as a sentence, without the path of its folder."""
    return f"{without_paths(text)}."


def _source(source: Source, run: Run) -> Values:
    shown, equal = shown_in(source, run)
    return {
        "name": source.name,
        "hash": source.hash,
        "versions": list(source.versions),
        "command": source.command,
        "cells": in_words(source, shown, equal),
        "shown": shown,
    }


def _measures(metric: Metric) -> list[dict[str, str]]:
    """Name, label and description of each measure of lists."""
    columns = {c.field: c for group in groups(metric, ()) for c in group.columns}
    named = [(name, columns[f"{name}@{metric.k}"]) for name in LISTS]
    return [
        {"name": name, "label": f"{c.header}@{metric.k}", "description": c.description}
        for name, c in named
    ]


def _frames(run: Run, k: int) -> dict[str, pd.DataFrame]:
    try:
        lists = popularity_bias(run, k)
        lists = lists[(lists["band"] == "all") & lists["metric"].isin(LISTS)]
    except UserError:  # a run of an older version: nothing is shown of its lists
        lists = pd.DataFrame(columns=["dataset", "backbone", "row", "metric"])
    return {"false": false_negatives(run), "lists": lists, "settings": settings(run)}


def _inputs(
    run: Run,
    tables: Mapping[Metric, MainTable],
    tests: Tests,
    sources: Sequence[Source],
    of_run: Mapping[str, pd.DataFrame],
    block: Block,
) -> RowInputs:
    where = (block.dataset, block.backbone)
    cells = [(cell, row) for cell, row in run.done if cell.spec["dataset"] == block.dataset]
    cells = [(cell, row) for cell, row in cells if cell.backbone in (block.backbone, REFERENCE)]
    lines = {name: _lines(frame, where) for name, frame in of_run.items()}
    styles = row_styles(run)
    table = next(iter(tables.values()))
    at_run = {
        folder.resolve(): at
        for at, source in enumerate(sources)
        for folder in split_folders.expanded([source.folder])
    }
    origins: dict[str, dict[int, None]] = {}
    for cell, row in cells:
        origins.setdefault(row, {})[at_run[cell.folder.parent.parent.resolve()]] = None
    here = {at: _of_block(each, where) for at, each in tests.items()}
    return RowInputs(
        block=block,
        tables=tables,
        tests={at: each for at, each in here.items() if each is not None},
        false={line["row"]: line for line in lines["false"]},
        lists={(line["row"], line["metric"]): line for line in lines["lists"]},
        settings={line["row"]: line for line in lines["settings"]},
        cards={row: cell.record.get("card") or {} for cell, row in cells},
        families={each.label: each.family for each in named_rows(run, table)},
        styles={row: (style.color, style.marker) for row, style in styles.items()},
        sources={row: sorted(numbers) for row, numbers in origins.items()},
    )


def _lines(frame: pd.DataFrame, where: Where) -> list[dict[str, Any]]:
    """The records of a frame on a block, with the references of its data set."""
    here = frame["dataset"].eq(where[0]) & frame["backbone"].isin([where[1], REFERENCE])
    return [{str(k): v for k, v in line.items()} for line in frame[here].to_dict("records")]


def _of_block(blocks: Sequence[BlockTests], where: Where) -> BlockTests | None:
    return next((each for each in blocks if each.where == where), None)
