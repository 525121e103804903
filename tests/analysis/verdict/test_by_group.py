"""Whom the rows serve: pairs picked by looking are tested with all pairs, or not tested."""

from pathlib import Path
from typing import Any

import pandas as pd
from helpers.graded_run import rising, write_graded

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict import by_group
from negbench.analysis.verdict.inputs import BlockInputs, RunInputs
from negbench.evaluation.metric_names import Metric

METRIC = Metric("ndcg", 20)


def block_of(tmp_path: Path, write: Any, *rows: Any, **options: Any) -> BlockInputs:
    run = open_run(write_graded(write, tmp_path, *rows, **options))
    return RunInputs.of(run, METRIC, "random").at(main_table(run).blocks[0])


def bands(head: float, tail: float) -> dict[str, float]:
    return {"all": (head + tail) / 2, "head": head, "tail": tail}


def test_the_best_of_a_band_stands_with_its_ties_and_references_count(
    tmp_path: Path, write: Any
) -> None:
    rows = {"random": bands(0.2, 0.2), "dns": bands(0.3, 0.4), "mixed": bands(0.3, 0.401)}
    text = by_group.best_by_band(
        block_of(tmp_path, write, rows, {"most_popular": bands(0.6, 0.0)}, spread=0.03)
    )
    assert text.startswith(
        "Best for head items most_popular (0.6000) and tail items mixed (0.4010, not told apart "
        "from dns). Most even over the bands: "
    )


def test_the_most_even_row_stands_with_its_ties(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.1, 0.4), "dns": bands(0.3, 0.31), "mixed": bands(0.3, 0.305)}
    text = by_group.best_by_band(block_of(tmp_path, write, rows, spread=0.03))
    assert (
        "Most even over the bands: mixed (balance 1.00, at NDCG@20 0.3025, not told apart" in text
    )
    assert text.endswith("from dns).")


def test_the_order_turns_only_where_both_differences_are_told(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.3), "dns": bands(0.3, 0.2)}
    text = by_group.order_reversal(block_of(tmp_path / "far", write, rows), "dns")
    assert text == (
        "On tail items the order turns: random is above dns there (0.3000 to 0.2000) and below it "
        "on head items (0.2000 to 0.3000); told apart on both (p < 0.001 and p < 0.001)."
    )
    rows = {"random": bands(0.2, 0.201), "dns": bands(0.3, 0.2)}
    text = by_group.order_reversal(block_of(tmp_path / "near", write, rows, spread=0.05), "dns")
    assert "the order turns" not in text
    assert text.endswith("but the two are not told apart on tail items.")


def test_a_pair_picked_by_looking_is_corrected_for_it(tmp_path: Path, write: Any) -> None:
    # Alone the pair has p = .02 or so; as one of 45 pairs it is not told apart.
    rows = {"random": bands(0.2, 0.220), "dns": bands(0.3, 0.2)}
    spread, few = 0.03, block_of(tmp_path / "few", write, rows, spread=0.03)
    assert "the order turns" in by_group.order_reversal(few, "dns")
    more = rows | {f"row_{at}": bands(0.1, 0.1) for at in range(8)}
    many = block_of(tmp_path / "many", write, more, spread=spread)
    assert "not told apart on tail" in by_group.order_reversal(many, "dns")


def test_the_order_stays(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.2), "dns": bands(0.3, 0.3)}
    assert by_group.order_reversal(block_of(tmp_path, write, rows), "dns") == ""


def test_the_best_row_may_turn_against_the_baseline_only(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.2), "dns": bands(0.3, 0.1), "other": bands(0.9, 0.9)}
    text = by_group.order_reversal(block_of(tmp_path, write, rows), "dns")
    assert text.startswith("On tail items the order turns: random is above dns there (0.2000 to ")


def test_one_seed_and_budgets_are_told_in_the_sentence(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.3), "dns": bands(0.3, 0.2)}
    block = block_of(tmp_path, write, rows, seeds=(0,), changes={"dns": rising})
    end = " (tested over users alone); dns was still rising when the budget ended."
    assert by_group.order_reversal(block, "dns").endswith(end)
    assert all(part.endswith(end[:-1]) for part in by_group.best_by_band(block)[:-1].split(". "))


def test_quarters_of_users_are_not_tested_and_say_so() -> None:
    lines = [("dns", "1", 0.1), ("random", "1", 0.2), ("dns", "4", 0.4), ("random", "4", 0.3)]
    assert by_group.best_by_activity(_activity(lines)) == (
        "The least active quarter of users has its highest mean with random (0.2000), the most "
        "active with dns (0.4000; random 0.3000); these differences are not tested."
    )
    tie = [("dns", "1", 0.2), *lines[1:]]
    assert by_group.best_by_activity(_activity(tie)) == ""


def test_nothing_measured_is_nothing_said() -> None:
    empty = _activity([])
    assert by_group.best_by_band(empty) == by_group.best_by_activity(empty) == ""


def _activity(lines: list[Any]) -> BlockInputs:
    parts = {"activity": pd.DataFrame(lines, columns=["row", "quarter", "mean"])}
    parts["bands"] = pd.DataFrame(columns=["row", "band", "mean"])
    return BlockInputs(METRIC, "random", parts, {}, lambda band: None)
