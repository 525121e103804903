from pathlib import Path
from typing import Any

from helpers.graded_run import write_graded

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.verdict import verdicts


def sentences(folder: Path) -> str:
    run = open_run(folder)
    by_block = verdicts(run, main_table(run))
    return " ".join(next(v.sentences for v in by_block if v.dataset == "books"))


def test_the_sentences_follow_from_the_numbers(folder: Path) -> None:
    text = sentences(folder)
    assert text.startswith(
        "No method is significantly above most_popular (NDCG@20 0.2000); the best method, dns, has "
        "0.4000 and is not told apart from it; no row was tuned here. dns ranks best: NDCG@20 "
        "0.4000 ± 0.0000, not told apart from random, most_popular and popularity; no row was "
        "tuned here. None of 2 other methods is significantly "
        "above random; dns and popularity are not told apart from it."
    )
    assert "head items popularity (0.6000)" in text
    assert "tail items dns (0.4000)" in text
    assert "Most even over the bands: dns (balance 1.00, at NDCG@20 0.4000)." in text
    assert "An epoch of dns takes 3.00 wall s, 1.00 times that of random." in text
    assert "Against the reference most_popular: no method is told apart from it." in text


def test_incomplete_rows_have_no_sentence(tmp_path: Path, write: Any) -> None:
    four = {"all": [0.1] * 4, "head": [0.1] * 4}
    fail = {"status": "failed", "reason": "Out of memory."}
    write(tmp_path, "books", "dns", 0, four)
    write(tmp_path, "books", "dns", 1, four, change=lambda r: r.update(fail))
    assert sentences(tmp_path) == "No method has every seed finished, so nothing can be said yet."


def test_references_of_which_the_same_is_true_share_a_sentence(tmp_path: Path, write: Any) -> None:
    references = {"ease": 0.5, "item_knn": 0.5, "most_popular": 0.1}
    run = write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, references)
    text = sentences(run)
    assert "Against each of the references ease and item_knn: all methods are significantly" in text
    assert "Against the reference most_popular: all methods are significantly above it" in text
