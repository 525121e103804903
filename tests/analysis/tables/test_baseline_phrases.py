"""What the outputs of a run say where each row has the baseline of its own settings."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.graded_run import warm_up, write_graded
from helpers.two_rates_run import HIGH, MEANS, write_two_rates

from negbench.analysis.figures.heatmap import plots as distances_map
from negbench.analysis.measures.bands import bands
from negbench.analysis.report.sections import sections
from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.statistics.significance import significance
from negbench.analysis.tables import comparison_text, main_table, paper_latex
from negbench.analysis.tables.baseline_phrases import against, untested
from negbench.analysis.verdict.verdict import verdicts


@pytest.fixture
def rates(tmp_path: Path, write: Any) -> Run:
    seconds = {("random", HIGH): 7.0, ("dns", HIGH): 10.0}  # 12 and 15 in two epochs
    return open_run(write_two_rates(write, tmp_path / "rates", seconds=seconds))


def notes(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def test_a_baseline_that_finished_and_was_its_warm_up_is_not_called_unfinished(
    tmp_path: Path, write: Any
) -> None:
    rows = {"random": 0.3, "ddrm": 0.2, "dns": 0.4}
    run = open_run(write_graded(write, tmp_path, rows, changes={"ddrm": warm_up}))
    why = "No test against ddrm: no row of it has every seed finished here and left its warm-up."
    for text in (main_table.render(run, vs="ddrm"), paper_latex.render(run, vs="ddrm")):
        assert why in notes(text)
    (verdict,) = verdicts(run, main_table.main_table(run, None, "ddrm"))
    none = "There is no finished row of ddrm that left its warm-up to compare with."
    assert none in verdict.sentences


def test_the_phrase_names_the_settings_and_what_stands_in() -> None:
    assert against("random", [("dns", "random"), ("random", "random")]) == "random"
    assert against("random", [("dns", "")]) == against("random", []) == "random"
    assert against("random", [("dns", "random@lr=1"), ("ease", "")]) == "random@lr=1"
    own = [(f"{word}@lr={lr}", f"random@lr={lr}") for word in ("random", "dns") for lr in (1, 2)]
    assert against("random", own) == "random of the same settings (lr)"
    assert against("random", [*own, ("random", "random")]) == "random of the same settings (lr)"
    fallback = [*own, ("random", "random"), ("dns@l2=0", "random"), ("ease", "random")]
    assert against("random", fallback) == "random of the same settings (lr), else random"


def test_the_main_table_says_what_its_marks_are_against(rates: Run) -> None:
    text = main_table.render(rates)
    rows = [line for line in text.splitlines() if line.startswith(("dns@", "random@"))]
    marks = {line.split()[0]: "*" in line for line in rows}
    assert (
        len(marks) == 4
        and marks["dns@lr=0.001"]
        and not marks["dns@lr=0.03"]
        and not marks["random@lr=0.03"]
    )
    assert "* better, v worse than random of the same settings (lr) in NDCG@20: " in notes(text)
    assert "; no test of references: they have no such settings; = best" in notes(text)
    frame = pd.read_csv(StringIO(main_table.render(rates, format="csv"))).set_index("row")
    assert frame["baseline"].fillna("").to_dict() == {
        "dns@lr=0.03": "random@lr=0.03",
        "random@lr=0.03": "random@lr=0.03",
        "dns@lr=0.001": "random@lr=0.001",
        "random@lr=0.001": "random@lr=0.001",
        "most_popular": "",
    }


def test_the_comparison_marks_every_baseline(rates: Run) -> None:
    page = json.loads(comparison_text.render(rates, format="json"))
    lines = {line["row"]: line for line in page["blocks"][0]["rows"]}
    assert {row for row, line in lines.items() if line["verdict"] == "baseline"} == {
        "random@lr=0.03",
        "random@lr=0.001",
    }
    assert lines["dns@lr=0.03"]["baseline"] == "random@lr=0.03" and page["vs"] == "random"
    assert lines["dns@lr=0.03"]["conclusion"] == "not told apart"
    assert lines["most_popular"]["baseline"] == lines["most_popular"]["conclusion"] == ""
    text = comparison_text.render(rates)
    assert text.startswith("books · mf · against random of the same settings (lr)\n")
    assert text.count("  baseline ") == 2 and "(2 comparisons each)" in notes(text)
    assert "differences to random of the same settings (lr) under" in notes(text)
    one = comparison_text.render(rates, vs="random@lr=0.001")
    assert one.startswith("books · mf · against random@lr=0.001\n")
    assert one.count("  baseline ") == 1 and "worse than random@lr=0.001 in" in one


def test_one_baseline_needs_no_column(folder: Path) -> None:
    run = open_run(folder)
    for text in (main_table.render(run, format="csv"), comparison_text.render(run, format="csv")):
        assert "baseline" not in text.splitlines()[0].split(",")
    assert "baseline" not in json.loads(comparison_text.render(run, format="json"))["blocks"][0]
    assert untested("random", significance(run)) == ""


def test_a_row_without_a_finished_baseline_is_named(tmp_path: Path, write: Any) -> None:
    run = open_run(write_two_rates(write, tmp_path, failed=("random", HIGH)))
    assert "; no test of dns@lr=0.03: no finished random has its settings; no test of" in notes(
        main_table.render(run)
    )
    assert "p < 0.05; no test of dns@lr=0.03: " in notes(comparison_text.render(run))
    (verdict,) = verdicts(run, main_table.main_table(run))
    assert (
        "1 of 2 other methods is significantly above random of the same settings (lr) "
        "(dns@lr=0.001 by the most, 25.0%); dns@lr=0.03 is not tested."
    ) in verdict.sentences


def test_a_block_without_a_finished_baseline_is_named(folder: Path, write: Any) -> None:
    values = {band: [0.1, 0.2, 0.3, 0.4] for band in ("all", "head", "mid", "tail")}
    failed = {"status": "failed", "reason": "diverged"}
    write(folder, "films", "random", 2, values, change=lambda record: record.update(failed))
    write(folder, "films", "dns", 2, values)
    write(folder, "films", "popularity", 2, values)
    run = open_run(folder)
    # No row of films has a mark, and none of them is "not told apart from random".
    clause = "; no test in films · mf: there no random has every seed finished and left its warm-up"
    for text in (main_table.render(run), comparison_text.render(run)):
        assert f"p < 0.05{clause}; " in notes(text)
    assert untested("random", significance(run)) == clause
    alone = significance(run).query("dataset == 'films'")
    assert untested("random", alone) == ""  # then the note begins with "No test against random"


def test_sentences_on_the_best_row_use_its_own_baseline(rates: Run) -> None:
    table = main_table.main_table(rates)
    (verdict,) = verdicts(rates, table)
    assert (
        "1 of 2 other methods is significantly above random of the same settings (lr) "
        "(dns@lr=0.001 by the most, 25.0%); dns@lr=0.03 is not told apart from it."
    ) in verdict.sentences
    costs = next(text for text in verdict.sentences if text.startswith("An epoch"))
    assert costs.startswith(
        "An epoch of dns@lr=0.03 takes 7.50 wall s, 1.25 times that of random@lr=0.03."
    )


def test_the_most_is_of_the_gain_and_not_of_the_value(tmp_path: Path, write: Any) -> None:
    means = {**MEANS, ("dns", HIGH): 0.33}  # 10 % above .3, below the 25 % above .2
    run = open_run(write_two_rates(write, tmp_path, means))
    (verdict,) = verdicts(run, main_table.main_table(run))
    assert any("(dns@lr=0.001 by the most, 25.0%)" in text for text in verdict.sentences)


def test_report_and_heat_map_go_by_the_same_rule(rates: Run) -> None:
    table = main_table.main_table(rates)
    results = {"tests": significance(rates), "bands": bands(rates)}
    part = next(p for p in sections(table, table.blocks[0], results) if p.name == "tests")
    (shown,) = part.tables
    assert shown.caption.startswith("Against random of the same settings (lr): ")
    places = {column.header: at for at, column in enumerate(shown.columns)}
    cells = {row[0].text: row for row in shown.rows}
    assert cells["dns@lr=0.03"][places["against"]].text == "random@lr=0.03"
    assert cells["random@lr=0.03"][places["verdict"]].text == "baseline"
    (plot,) = distances_map(rates)
    assert plot.caption.startswith("Difference in NDCG@20 to random of the same settings (lr) in")
    drawn = plot.frame.set_index("row")
    assert drawn["percent"].to_dict() == pytest.approx(
        {"dns@lr=0.001": 25.0, "dns@lr=0.03": 100 * 0.0005 / 0.3}, abs=1e-5
    )
    assert drawn["baseline"].tolist() == ["random@lr=0.001", "random@lr=0.03"]
