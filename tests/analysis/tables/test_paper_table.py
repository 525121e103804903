"""The table for a paper: what stands in it, against the analyses that it is made of."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.latex_tables import assert_sound, rows

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.significance import significance
from negbench.analysis.statistics.told_apart import told_apart
from negbench.analysis.tables.paper_latex import render
from negbench.analysis.tables.paper_table import paper_table
from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric

Write = Callable[..., Path]
NDCG = Metric("ndcg", 20)
USERS = 40


def values(level: float, seed: int) -> dict[str, list[float]]:
    """Values of users who differ much, on a level that seeds move little."""
    draw = np.random.default_rng([int(1000 * level), seed])
    users = np.random.default_rng(7).random(USERS) / 2
    return {"all": (users + level + draw.normal(0, 0.02, USERS)).tolist()}


@pytest.fixture
def apart(tmp_path: Path, write: Write) -> Path:
    """Rows that the test tells apart, and two that it does not; half a row; two backbones."""
    run = tmp_path / "apart"
    for backbone in ("mf", "lightgcn"):
        for name, level in (("random", 0.2), ("good", 0.3), ("near", 0.2995), ("bad", 0.1)):
            for seed in (0, 1, 2):
                write(run, "books", name, seed, values(level, seed), backbone=backbone)
    write(run, "books", "half", 0, values(0.9, 0))
    return run


def test_marks_are_those_of_the_analyses(apart: Path) -> None:
    run = open_run(apart)
    table = paper_table(run, columns=("ndcg@20",))
    lines = significance(run, NDCG)
    for at, column in enumerate(table.columns):
        here = lines[(lines["dataset"] == column.dataset) & (lines["backbone"] == column.backbone)]
        verdicts = dict(zip(here["row"], here["verdict"], strict=True))
        pairs = told_apart(run, NDCG)[column.where]
        for row in table.rows:
            marks = row.cells[at].marks
            assert ("*" in marks) == (verdicts.get(row.label) == "better")
            assert ("v" in marks) == (verdicts.get(row.label) == "worse")
            level = row.label in pairs.names and not row.cells[at].best
            assert ("=" in marks) == (level and not pairs.side("good", row.label))
    assert {sign for row in table.rows for c in row.cells for sign in c.marks} >= set("*v=")


def test_best_and_second_count_the_rows_shown(apart: Path) -> None:
    table = paper_table(open_run(apart), rows=("bad", "random", "near"), columns=("mf", "ndcg@20"))
    assert [row.label for row in table.rows] == ["bad", "random", "near"]
    (bad,), (random,), (near,) = (row.cells for row in table.rows)
    assert near.best and random.second and not (bad.best or bad.second)
    assert set(table.left_out) == {"good", "half"} and table.higher == 1
    text = render(open_run(apart), rows=("bad", "random", "near"), columns=("ndcg@20",))
    assert "in 2 of 2 columns one of them is higher than the bold one" in text


def test_an_incomplete_row_has_no_number_and_a_missing_one_neither(apart: Path) -> None:
    text = render(open_run(apart), columns=("ndcg@20",))
    assert_sound(text)
    assert rows(text)["half"] == ["--", "-- (1/3)"]  # lightgcn, which lacks it, then mf
    assert "half has 1 of 3 seeds" in text


def test_the_head_names_what_the_caption_does_not(apart: Path, folder: Path) -> None:
    text = render(open_run(apart), columns=("ndcg@20",))
    assert "\\multicolumn{1}{c}{lightgcn} & \\multicolumn{1}{c}{mf} \\\\" in text
    assert "\\multicolumn{1}{c}{books}" not in text and "on books." in text
    text = render(open_run(folder), columns=("films", "books", "recall@20", "ndcg@20"))
    assert " & \\multicolumn{2}{c}{films} & \\multicolumn{2}{c}{books} \\\\" in text
    assert "\\cmidrule(lr){2-3}\\cmidrule(lr){4-5}" in text
    assert "3 methods and 1 reference on films and books, mf." in text


def test_the_caption_is_true_alone(folder: Path) -> None:
    text = render(open_run(folder), label="tab:x")
    (caption,) = re.findall(r"^\\caption\[.*?\]\{(.*)\}$", text, re.MULTILINE)
    for phrase in (
        "Mean over 2 seeds (0, 1).",
        "Bold: best of the rows shown; underlined: second best.",
        "t test with users and seeds as crossed random effects",
        "(covers users and seeds), Holm-corrected, $p < 0.05$.",
        "No row was tuned here.",
    ):
        assert phrase in caption, phrase
    assert "\\label{tab:x}" in text and "Split ratio" not in caption and "Split ratio" in text
    assert "tested or not; references count. Corrected together: comparisons with random" in text
    assert "users, " not in text, "sizes stand in the appendix"


def test_a_mark_of_the_budget_stands_at_every_number_of_its_block(
    tmp_path: Path, write: Write
) -> None:
    def rising(record: dict[str, Any]) -> None:
        record["fit"] |= {"capped": True}

    for seed in (0, 1):
        write(tmp_path, "books", "random", seed, values(0.2, seed))
        write(tmp_path, "books", "dns", seed, values(0.3, seed), change=rising)
        write(tmp_path, "films", "random", seed, values(0.2, seed))
        write(tmp_path, "films", "dns", seed, values(0.3, seed))
    cells = rows(render(open_run(tmp_path)))["dns"]
    assert ["\\wedge" in cell for cell in cells] == [True, True, False, False]
    assert "books: " in render(open_run(tmp_path)), "the note says where"


def test_spreads_stand_everywhere_or_nowhere(folder: Path, tmp_path: Path, write: Write) -> None:
    plain, spread = render(open_run(folder)), render(open_run(folder), spread=True)
    assert "\\pm" not in "".join(sum(rows(plain).values(), []))
    cells = rows(spread)
    assert all("\\pm" in cell for cell in cells["dns"] + cells["random"])
    assert "Without $\\pm$: one training." in spread  # the reference
    write(tmp_path / "one", "books", "dns", 0, values(0.2, 0))
    with pytest.raises(UserError, match="--spread needs rows with several seeds"):
        render(open_run(tmp_path / "one"), spread=True)


def test_one_seed_and_one_user_are_told(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "one", "books", "dns", 0, values(0.2, 0))
    text = render(open_run(tmp_path / "one"))
    assert "WARNING: one seed" in text.partition("\\label")[0]
    for seed in (0, 1):
        for name in ("dns", "random"):
            write(tmp_path / "user", "books", name, seed, {"all": [0.2 + seed]})
    text = render(open_run(tmp_path / "user"))
    assert "No test: one test user" in text and "\\dagger" not in text


def test_wide_tables_are_parted_between_data_sets(folder: Path) -> None:
    wide = render(open_run(folder), columns=("recall@20", "ndcg@20"), line_width=150)
    assert wide.count("\\begin{tabular}") == 2 and wide.count("\\begin{table*}") == 1
    whole = render(open_run(folder), columns=("recall@20", "ndcg@20"))
    assert whole.count("\\begin{tabular}") == 1
    assert_sound(wide)
    for label in ("dns", "random", "most\\_popular"):
        assert rows(wide)[label] == rows(whole)[label], "parted, and nothing is lost"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"rows": ("dnss",)}, "--rows must be rows of the table; got 'dnss'; did you mean dns"),
        ({"columns": ("bookz",)}, "got 'bookz'; did you mean books"),
        ({"columns": ("ndcg@20/tial",)}, "a band must be of the run; got 'ndcg@20/tial'"),
        ({"label": "a}b"}, "--label must be letters, digits"),
        ({"line_width": 3}, "--width must be 100 to 2000 points"),
    ],
)
def test_what_the_run_does_not_hold_is_refused(
    folder: Path, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        render(open_run(folder), **asked)
