"""Other tools read the exported runs and relevance files, and give the metrics of our cells."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from helpers.run_with_ids import write_run_with_ids
from helpers.small_runs import go

from negbench.experiment.export.export import Export
from negbench.experiment.export.id_words import id_of
from negbench.experiment.export.lines import ids_of
from negbench.storage.cell_store import Cell, read_cells

METRICS = ("recall", "ndcg", "hit", "mrr", "map", "precision")
Values = Mapping[str, Mapping[str, float]]
"""By metric and the word of the user."""
Judge = Callable[[Path, Path, int], Values]


def by_pytrec_eval(lists: Path, qrels: Path, k: int) -> Values:
    names = {"recall": "recall", "ndcg": "ndcg_cut", "hit": "success", "map": "map_cut"}
    names |= {"precision": "P"}
    with lists.open(encoding="utf-8") as run, qrels.open(encoding="utf-8") as relevant:
        read, wanted = pytrec_eval.parse_run(run), pytrec_eval.parse_qrel(relevant)
    asked = {f"{name}.{k}" for name in names.values()} | {"recip_rank"}
    users = pytrec_eval.RelevanceEvaluator(wanted, asked).evaluate(read)
    names = {ours: f"{theirs}_{k}" for ours, theirs in names.items()} | {"mrr": "recip_rank"}
    return {
        ours: {user: value[theirs] for user, value in users.items()}
        for ours, theirs in names.items()
    }


def by_ranx(lists: Path, qrels: Path, k: int) -> Values:
    from ranx import Qrels, Run, evaluate

    run = Run.from_file(str(lists), kind="trec")
    names = {name: f"{'hit_rate' if name == 'hit' else name}@{k}" for name in METRICS}
    evaluate(Qrels.from_file(str(qrels), kind="trec"), run, list(names.values()))
    return {ours: run.scores[theirs] for ours, theirs in names.items()}


def judged(run: Path, folder: Path, judge: Judge, metrics: tuple[str, ...], k: int) -> int:
    """Compare each user's values with the cells'; the number of values."""
    Export(run, "qrels").write_file(folder / "qrels.txt")
    written = list(Export(run, "recs", "trec").write_folder(folder / "runs"))
    cells = {file_of(cell, written): cell for cell in read_cells(run)[0]}
    assert sorted(cells) == sorted(written) and len(written) > 1
    n = 0
    for path, cell in cells.items():
        values, arrays, ids = judge(path, folder / "qrels.txt", k), cell.users(), ids_of(run, cell)
        users = [str(ids["users"][user]) for user in arrays["users"]]
        for metric in metrics:
            theirs = {id_of(word): value for word, value in values[metric].items()}
            ours = arrays[f"{metric}@{k}/all"]
            assert set(theirs) == set(users)
            np.testing.assert_allclose([theirs[user] for user in users], ours, atol=1e-6)
            n += len(ours)
    return n


def file_of(cell: Cell, written: list[Path]) -> Path:
    name = "-".join(str(cell.spec[each]) for each in ("dataset", "backbone", "method", "seed"))
    (path,) = [each for each in written if each.name.startswith(name)]
    return path


@pytest.fixture(scope="module")
def goodbooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("judged") / "run"
    go(run, datasets=["goodbooks"], methods=["random"], references=["most_popular"], seeds="1",
       epochs=1, metrics=[f"{','.join(METRICS)}@20"])  # fmt: skip
    return run


def test_pytrec_eval_gives_the_values_on_paper_under_any_ids(tmp_path):
    run = write_run_with_ids(tmp_path / "run")
    assert judged(run, tmp_path, by_pytrec_eval, ("mrr",), 2) == 7 * 5


def test_pytrec_eval_gives_our_values_on_goodbooks(goodbooks, tmp_path):
    assert judged(goodbooks, tmp_path, by_pytrec_eval, METRICS, 20) > 2 * 6 * 5000


@pytest.mark.slow
def test_ranx_gives_our_values_under_any_ids_and_on_goodbooks(goodbooks, tmp_path):
    pytest.importorskip("ranx")
    run = write_run_with_ids(tmp_path / "run")
    (tmp_path / "paper").mkdir()
    assert judged(run, tmp_path / "paper", by_ranx, ("mrr",), 2) == 7 * 5
    assert judged(goodbooks, tmp_path, by_ranx, METRICS, 20) > 2 * 6 * 5000
