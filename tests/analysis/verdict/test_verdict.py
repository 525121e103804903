from pathlib import Path
from typing import Any

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.verdict import verdicts


def sentences(folder: Path) -> str:
    run = open_run(folder)
    by_block = verdicts(run, main_table(run))
    return " ".join(next(v.sentences for v in by_block if v.dataset == "books"))


def test_the_sentences_follow_from_the_numbers(folder: Path) -> None:
    text = sentences(folder)
    assert "dns ranks best: NDCG@20 0.4000 ± 0.0000. No other method is tied with it." in text
    assert "1 of 2 other methods beat random beyond chance, the best of them by 77.8%." in text
    assert "head items popularity (0.6000)" in text
    assert "tail items dns (0.4000)" in text
    assert "Most even over the bands: dns (balance 1.00, at NDCG@20 0.4000)." in text
    assert "An epoch of dns takes 3.00 s, 1.00 times that of random." in text
    assert "Not above the reference most_popular: popularity." in text


def test_incomplete_rows_have_no_sentence(tmp_path: Path, write: Any) -> None:
    four = {"all": [0.1] * 4, "head": [0.1] * 4}
    fail = {"status": "failed", "reason": "Out of memory."}
    write(tmp_path, "books", "dns", 0, four)
    write(tmp_path, "books", "dns", 1, four, change=lambda r: r.update(fail))
    assert sentences(tmp_path) == "No method has every seed finished, so nothing can be said yet."
