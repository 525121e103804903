"""Exports with the model's scores: trained again, the very lists of the run, or one sentence."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from negbench.cli import main
from negbench.evaluation.item_index import ItemIndex
from negbench.experiment.finished.run import open_run
from negbench.mining import run_model
from negbench.mining.run_model import trained_cell

DATA = "synthetic(users=40,items=60,interactions=600,relevant=0.4)"
WHERE = ("user", "rank", "item")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("scores") / "run"
    words = ["run", "-d", DATA, "-m", "dns", "--references", "item_knn", "--seeds", "2"]
    words += ["--epochs", "2", "--model", "mf(dim=4)", "-q", "-o", str(out)]
    assert CliRunner().invoke(main, words).exit_code == 0
    return out


def export(run, *words):
    return CliRunner().invoke(main, ["export", str(run), *map(str, words)])


def frame(result):
    assert result.exit_code == 0, result.output
    return pd.read_csv(io.StringIO(result.stdout))


def test_scores_are_the_models_and_the_lists_those_of_the_run(run):
    plain = frame(export(run, "-m", "dns"))
    result = export(run, "-m", "dns", "--scores")
    scored = frame(result)
    assert list(scored.columns) == [*plain.columns, "score"]
    assert scored[list(WHERE)].equals(plain[list(WHERE)])
    assert result.stderr.count("cells keep no weights: training") == 2
    (cell,) = [cell for cell, _ in open_run(run).records.done if cell.spec["seed"] == 1]
    again = trained_cell(run, cell)
    with again._trained() as (_, test):
        scores = test.scores(torch.arange(40)).numpy()
    mine = scored[scored["seed"] == 1]
    expected = scores[mine["user"], mine["item"]]  # without ids of their own they are numbers
    np.testing.assert_allclose(mine["score"], expected, rtol=1e-5, atol=1e-7)
    assert np.std(mine["score"]) > 0
    for _, rows in scored.groupby(["seed", "user"]):
        assert (np.diff(rows["score"].to_numpy(np.float32)) <= 0).all()


def test_a_trec_run_has_them_in_its_score_column_and_orders_a_list_alike(run):
    words = ("-m", "dns", "--seed", 0, "--format", "trec", "--k", 5)
    plain, scored = export(run, *words), export(run, *words, "--scores")
    assert "a score is K - rank + 1, not the model's" in plain.stderr
    assert "a score is the model's, trained again" in scored.stderr
    rows = [line.split() for line in scored.stdout.splitlines()]
    assert [row[:4] for row in rows] == [line.split()[:4] for line in plain.stdout.splitlines()]
    by_user = {}
    for user, _, item, rank, score, _ in rows:
        by_user.setdefault(user, []).append((-float(score), int(rank), item))
    assert all(sorted(each) == each for each in by_user.values()) and len(by_user) > 30
    assert any(float(row[4]) != 6 - int(row[3]) for row in rows)


def test_a_reference_and_a_folder_of_systems(run, tmp_path):
    assert frame(export(run, "-m", "item_knn", "--scores"))["score"].notna().all()
    result = export(run, "--format", "trec", "--scores", "-o", f"{tmp_path}/all/")
    assert result.exit_code == 0 and len(list((tmp_path / "all").glob("*.trec"))) == 3
    assert "the model's, trained again" in (tmp_path / "all" / "README.txt").read_text("utf-8")


def test_lists_that_an_index_found_have_the_scores_of_the_model(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    search = ItemIndex.search

    def one_missed(self, queries, n, width=0):
        """The walk misses the best item of each user, as it may in a large catalogue."""
        scores, ids = search(self, queries, n, width)
        return scores[:, 1:], ids[:, 1:]

    monkeypatch.setattr(ItemIndex, "search", one_missed)
    data = "synthetic(users=40,items=400,interactions=600,relevant=0.4)"  # lists of 100 are parts
    words = ["run", "-d", data, "-m", "dns,info_nce", "--seeds", "1", "--epochs", "2"]
    words += ["--model", "mf(dim=4)", "--ranking", "hnsw", "--metrics", "ndcg@5", "-q"]
    assert CliRunner().invoke(main, [*words, "-o", str(tmp_path / "run")]).exit_code == 0
    plain = frame(export(tmp_path / "run"))
    scored = frame(export(tmp_path / "run", "--scores"))
    assert scored[list(WHERE)].equals(plain[list(WHERE)])
    for cell, _ in open_run(tmp_path / "run").records.done:
        with trained_cell(tmp_path / "run", cell)._trained() as (_, test):
            scores = test.scores(torch.arange(40)).numpy()
        mine = scored[scored["method"] == cell.spec["method"]]
        np.testing.assert_allclose(mine["score"], scores[mine["user"], mine["item"]], rtol=1e-5)
    for _, rows in scored.groupby(["method", "user"]):
        assert (np.diff(rows["score"].to_numpy(np.float32)) <= 0).all()


def test_parquet_keeps_them_as_numbers(run, tmp_path):
    pytest.importorskip("pyarrow")
    assert (
        export(run, "-m", "dns", "--format", "parquet", "--scores", "-o", tmp_path / "a").exit_code
        == 0
    )
    table = pd.read_parquet(tmp_path / "a")
    assert table["score"].dtype.kind == "f"
    text = frame(export(run, "-m", "dns", "--scores"))
    np.testing.assert_array_equal(
        table["score"].astype(np.float32), text["score"].astype(np.float32)
    )


def test_a_model_that_ranks_other_lists_is_refused_and_nothing_is_written(
    run, tmp_path, monkeypatch
):
    def other_seed(run, cell, device=None):
        there = trained_cell(run, cell, device)
        spec = replace(there.planned.spec, seed=there.planned.spec.seed + 7)
        return replace(there, planned=replace(there.planned, spec=spec))

    monkeypatch.setattr(run_model, "trained_cell", other_seed)
    result = export(run, "-m", "dns", "--seed", 0, "--scores", "-o", tmp_path / "a.csv")
    assert result.exit_code == 2 and not (tmp_path / "a.csv").exists()
    (sentence,) = [line for line in result.stderr.splitlines() if "export without" in line]
    assert "has the same item in" in sentence and "run it again here" in sentence


@pytest.mark.parametrize("what", ["--qrels", "--split", "--negatives"])
def test_scores_are_of_lists_alone(run, what, tmp_path):
    result = export(run, what, "--scores", "-o", tmp_path / "a")
    assert result.exit_code == 2 and "--scores are those of lists" in result.stderr
    assert not list(tmp_path.iterdir())
