"""The first sentence of a block: is any method above the references?"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.graded_run import rising, warm_up, write_graded

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.tables.main_table_latex import latex
from negbench.analysis.verdict.verdict import verdicts


def headline(tmp_path: Path, write: Any, *rows: Any, **options: Any) -> str:
    run = open_run(write_graded(write, tmp_path, *rows, **options))
    return main_table(run).blocks[0].headline


def test_where_no_method_beats_most_popular_it_is_said(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.3}, {"most_popular": 0.4}
    assert headline(tmp_path, write, *rows) == (
        "No method is above most_popular (NDCG@20 0.4000); the best method, dns, has 0.3000; "
        "no row was tuned here."
    )


def test_a_higher_mean_within_noise_is_not_above(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.402}, {"most_popular": 0.4}
    text = headline(tmp_path, write, *rows, spread=0.05)
    assert text.startswith("No method is significantly above most_popular (NDCG@20 ")
    assert text.endswith(" and is not told apart from it; no row was tuned here.")


def test_the_best_reference_counts_beside_most_popular(tmp_path: Path, write: Any) -> None:
    references = {"most_popular": 0.2, "item_knn": 0.4}
    text = headline(tmp_path, write, {"random": 0.25, "dns": 0.3}, references)
    assert text.startswith("No method is above the best reference, item_knn (NDCG@20 0.4000)")
    both = {"most_popular": 0.35, "item_knn": 0.4}
    text = headline(tmp_path / "both", write, {"random": 0.25, "dns": 0.3}, both)
    assert text.startswith("No method is above most_popular (NDCG@20 0.3500)")
    assert " or the best reference, item_knn (0.4000);" in text


def test_a_method_above_all_references_leads(tmp_path: Path, write: Any) -> None:
    references = {"most_popular": 0.2, "item_knn": 0.25}
    text = headline(tmp_path, write, {"random": 0.3, "dns": 0.4}, references)
    assert text == (
        "dns ranks best: NDCG@20 0.4000 ± 0.0010, significantly above every other row; it is "
        "significantly above every reference, the best of them item_knn (0.2500); no row "
        "was tuned here."
    )


def test_ties_of_the_best_stand_in_its_sentence(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.3, "dns": 0.4, "mixed": 0.401}, {"most_popular": 0.2}
    text = headline(tmp_path, write, *rows, spread=0.05)
    assert text == (
        "mixed ranks best: NDCG@20 0.4010 ± 0.0050, not told apart from dns; it is significantly "
        "above the reference most_popular (0.2000); no row was tuned here."
    )


def test_without_references_nothing_is_known(tmp_path: Path, write: Any) -> None:
    text = headline(tmp_path, write, {"random": 0.2, "dns": 0.4})
    assert text.endswith(
        "No reference was run, so whether any method is above most_popular is not known "
        "(--references most_popular,item_knn)."
    )


def test_most_popular_is_missed_beside_other_references(tmp_path: Path, write: Any) -> None:
    text = headline(tmp_path, write, {"random": 0.2, "dns": 0.4}, {"item_knn": 0.3})
    assert text.endswith(
        "it is significantly above the reference item_knn (0.3000); no row was tuned here. "
        "most_popular was not run."
    )


def test_one_seed_covers_users_alone(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.4}, {"most_popular": 0.3}
    assert "(tested over users alone)" in headline(tmp_path, write, *rows, seeds=(0,))
    assert "users alone" not in headline(tmp_path / "more", write, *rows)


def test_rows_that_were_still_rising_are_named_in_the_sentence(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.3}, {"most_popular": 0.4}
    text = headline(tmp_path, write, *rows, changes={"dns": rising})
    assert text.endswith("; dns was still rising when the budget ended; no row was tuned here.")


def test_a_row_that_was_warm_up_only_is_last_and_never_best(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.3, "ddrm": 0.9}, {"most_popular": 0.1}
    text = headline(tmp_path, write, *rows, changes={"ddrm": warm_up})
    assert text.startswith("dns ranks best")
    assert "ddrm" not in text
    block = main_table(open_run(tmp_path)).blocks[0]
    assert [row.label for row in block.methods] == ["dns", "random", "ddrm"]
    ddrm = block.methods[-1]
    assert not ddrm.tied and not any(entry.best for entry in ddrm.entries)
    assert ddrm.budget_mark == "~"


@pytest.mark.parametrize("format", ["text", "md", "html", "latex"])
def test_it_stands_in_every_layout(tmp_path: Path, write: Any, format: str) -> None:
    run = write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, {"most_popular": 0.4})
    text = " ".join(render(open_run(run), format=format).replace("\\", "").split())
    assert "No method is above most_popular (NDCG@20 0.4" in text
    if format == "text":
        assert text.index("No method is above") < text.index("Method ")


def test_bold_equal_and_underline_fall_on_references(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.3}, {"most_popular": 0.4}
    table = main_table(open_run(write_graded(write, tmp_path, *rows)))
    assert [row.label for row in table.blocks[0].rows if row.tied] == ["most_popular"]
    best = [r.label for r in table.blocks[0].rows if r.entries[table.primary].best]
    assert best == ["most_popular"]
    lines = {line.split(" & ")[0]: line for line in latex(table).splitlines()}
    assert "\\textbf{0.4" in lines["most\\_popular"] and "=" in lines["most\\_popular"]
    assert "\\underline{0.3" in lines["dns"] and "textbf" not in lines["dns"]


@pytest.mark.parametrize("format", ["text", "md", "html", "latex"])
def test_a_row_that_was_still_rising_bears_its_mark(
    tmp_path: Path, write: Any, format: str
) -> None:
    rows = {"random": 0.2, "dns": 0.3}, {"most_popular": 0.4}
    run = open_run(write_graded(write, tmp_path, *rows, changes={"dns": rising}))
    text = render(run, format=format)
    mark = {"html": "dns <sup>^</sup>", "latex": "dns \\textasciicircum{}"}.get(format, "dns ^")
    assert mark in text
    assert "random ^" not in text
    assert "still rising when the budget ended: 3 of 6 cells" in " ".join(text.split())


def test_one_test_user_lets_nothing_be_tested(tmp_path: Path, write: Any) -> None:
    write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, {"most_popular": 0.1})
    for path in tmp_path.glob("cells/*/users.npz"):
        arrays = dict(np.load(path))
        users = len(arrays["users"])
        first = {k: v[:1] if len(v) == users else v for k, v in arrays.items()}
        np.savez_compressed(path, **first)
    run = open_run(tmp_path)
    block = main_table(run).blocks[0]
    assert block.headline.startswith("dns has the highest mean, NDCG@20 ")
    assert "; nothing can be tested with fewer than two test users;" in block.headline
    (verdict,) = verdicts(run, main_table(run))
    assert not any("told apart" in sentence for sentence in verdict.sentences)
