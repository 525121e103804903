"""Rows whose budget ended too early, or that were warm-up only, are marked in every output."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from helpers.graded_run import rising, warm_up, write_graded

from negbench.analysis.measures.bands import bands
from negbench.analysis.report.sections import sections
from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.statistics.friedman import mean_ranks
from negbench.analysis.tables import audit_text
from negbench.analysis.tables.comparison import comparison
from negbench.analysis.tables.explanation import explanation
from negbench.analysis.tables.explanation_text import tables
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.tables.render import text
from negbench.analysis.verdict.verdict import verdicts
from negbench.storage.atomic_write import write_json
from negbench.storage.run_file import ENTRY


def graded(tmp_path: Path, write: Any) -> Run:
    rows = {"random": 0.2, "dns": 0.3, "ddrm": 0.4}
    changes = {"dns": rising, "ddrm": warm_up}
    return open_run(write_graded(write, tmp_path, rows, {"most_popular": 0.1}, changes=changes))


def test_the_audit_marks_and_orders_them(tmp_path: Path, write: Any) -> None:
    run = graded(tmp_path, write)
    page = audit_text.render(run)
    names = [line.split("  ")[0] for line in page.splitlines()]
    assert [n for n in names if n in ("dns ^", "random", "ddrm ~", "most_popular")][:4] == [
        "dns ^",
        "random",
        "ddrm ~",
        "most_popular",
    ]
    tree = json.loads(audit_text.render(run, format="json"))
    rows = {row["row"]: row for row in tree["blocks"][0]["rows"]}
    assert (rows["dns"]["capped"], rows["ddrm"]["warm_up_only"]) == (3, 1)
    assert (rows["most_popular"]["capped"], rows["random"]["capped"]) == (0, 0)


def test_the_csv_of_the_main_table_counts_them(tmp_path: Path, write: Any) -> None:
    lines = render(graded(tmp_path, write), format="csv").splitlines()
    assert lines[0].endswith("tied,capped,warm_up_only")
    assert next(line for line in lines if ",dns," in line).endswith(",3,0")
    assert next(line for line in lines if ",ddrm," in line).endswith(",0,0,1")


def test_every_table_of_the_report_marks_them(tmp_path: Path, write: Any) -> None:
    run = graded(tmp_path, write)
    table = main_table(run)
    frames = {"bands": bands(run, table.metric)}
    (items,) = sections(table, table.blocks[0], frames)[0].tables
    assert [(row[0].text, row[0].mark) for row in items.rows] == [
        ("dns", "^"),
        ("random", None),
        ("ddrm", "~"),
    ]


def test_a_warm_up_is_called_neither_better_nor_worse(tmp_path: Path, write: Any) -> None:
    run = graded(tmp_path, write)
    rows = {row.label: row.mark for row in main_table(run).blocks[0].rows}
    assert rows["dns"] == "*=" and rows["ddrm"] == ""
    lines = {line["row"]: line for line in comparison(run).blocks[0].lines}
    assert (lines["ddrm"]["conclusion"], lines["ddrm"]["verdict"]) == ("warm-up only", "")
    assert set(mean_ranks(run)["row"]) == {"random", "dns", "most_popular"}


def test_what_bold_means_leaves_out_a_warm_up_that_is_higher(tmp_path: Path, write: Any) -> None:
    means = {"random": 0.2, "dns": 0.3, "ddrm": 0.4}
    run = open_run(write_graded(write, tmp_path, means, changes={"ddrm": warm_up}))
    page = render(run, format="md")
    assert "**0.3000" in page and "| 0.4000" in page and "**0.4000" not in page
    (bold,) = [line for line in page.splitlines() if "Bold:" in line]
    assert bold.endswith("references count, warm-ups (\\~) do not.")


def test_the_verdict_says_it_second_and_in_every_comparison(tmp_path: Path, write: Any) -> None:
    run = graded(tmp_path, write)
    (verdict,) = verdicts(run, main_table(run))
    first, second, *others = verdict.sentences
    assert second == (
        "3 of 9 cells were still rising when the budget ended: with more epochs their rows may "
        "rise and change places. ddrm was warm-up only: its own phase never counted, so it is "
        "ranked last and no sentence speaks of it."
    )
    assert not any("ddrm" in sentence for sentence in (first, *others))
    for sentence in (first, *others):
        if "dns" in sentence:
            assert "dns was still rising when the budget ended" in sentence, sentence


def test_a_partial_run_says_so_in_the_verdict(tmp_path: Path, write: Any) -> None:
    folder = write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3})
    held = sorted(path.name for path in (folder / "cells").iterdir())
    cells = [
        {"cell": name, **dict.fromkeys(ENTRY, ""), "seed": at}
        for at, name in enumerate((*held, "one", "two"))
    ]
    write_json(folder / "run.json", {"command": "negbench run", "cells": cells})
    run = open_run(folder)
    (verdict,) = verdicts(run, main_table(run))
    assert verdict.sentences[1].startswith("2 of 8 cells pending")


def test_an_explanation_of_such_a_cell_says_it(tmp_path: Path, write: Any) -> None:
    run = graded(tmp_path, write)
    columns = ["user", "positive", "negative", "value", "low", "high", "hardness", "epoch", "false"]
    values = pd.DataFrame([[0, 1, 2, 0.5, 0.1, 0.9, 0.0, 1, False]], columns=columns)
    ids = {"users": ["u"], "items": ["a", "b", "c"], "names": []}
    pages = {
        row: text(tables(explanation(cell, row, values.assign(band=""), ids, user=0)))
        for cell, row in run.done
    }
    assert "This training was still rising when the budget ended." in pages["dns"]
    assert "Warm-up only: the weights kept are from before own phase began" in pages["ddrm"]
    assert "budget" not in pages["random"] and "Warm-up" not in pages["random"]
