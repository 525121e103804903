"""A run whose lists an index finds: its numbers, its identity, what stands under its tables."""

import json

import numpy as np
import pytest
from helpers.small_runs import SMALL, go

from negbench import open_run
from negbench.analysis.runs import frames
from negbench.errors import UserError
from negbench.evaluation import item_index
from negbench.evaluation.metric_names import Metric
from negbench.experiment.api import run
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import carry_out
from negbench.scenario import ranking_protocol
from negbench.storage import cell_store

ASKED = {"methods": "random,info_nce", "seeds": 1, "metrics": "recall,ndcg@5,20"}
"""info_nce ranks by cosines: its transform changes how vectors are scored, not which."""


def cells_of(folder):
    return {cell.spec["method"]: cell for cell in cell_store.read_cells(folder)[0]}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One run by exact ranks, and the same by an index; 100 items are few enough to meet all."""
    base = tmp_path_factory.mktemp("rankings")
    for ranking in ("exact", "hnsw"):
        go(base / ranking, **ASKED, ranking=ranking)
    return base / "exact", base / "hnsw"


def test_where_recall_is_1_all_but_full_ranks_is_as_by_exact_ranks(folders):
    exact, hnsw = (cells_of(each) for each in folders)
    for name in exact:
        recall = hnsw[name].record["ranking"]["index_recall"]
        assert recall == {part: {"5": 1, "20": 1, "100": 1} for part in ("valid", "test")}
        values = [
            {
                (m["split"], m["metric"], m["k"], m["band"]): m["value"]
                for m in cell.record["metrics"]
            }
            for cell in (exact[name], hnsw[name])
        ]
        missing = {key[1] for key in set(values[0]) - set(values[1])}
        assert missing == {"pru", "pri"} and not set(values[1]) - set(values[0])
        for key, value in values[1].items():
            np.testing.assert_equal(value, values[0][key], err_msg=str(key))
        tops = [np.load(c.folder / "users.npz")["top"] for c in (exact[name], hnsw[name])]
        assert np.array_equal(*tops)


def test_an_index_is_part_of_a_cell_and_exact_ranks_leave_it_as_it_was(folders):
    exact, hnsw = (cells_of(each)["random"] for each in folders)
    assert "ranking" not in exact.spec and "ranking" not in exact.record
    assert hnsw.spec == {**exact.spec, "ranking": "hnsw"}
    assert hnsw.folder.name != exact.folder.name
    settings = {name: hnsw.record["ranking"][name] for name in ("links", "build_width", "width")}
    assert settings == item_index.settings() and hnsw.record["ranking"]["users"] <= 1000


def test_one_folder_or_table_holds_one_way_of_ranking(folders, tmp_path):
    exact, hnsw = folders
    other = build(flatten({**SMALL, **ASKED, "ranking": "exact"}))
    with pytest.raises(UserError, match="--ranking was hnsw and is exact"):
        carry_out(other, plan(other), hnsw)
    for folder in folders:  # as if someone had copied cells of both into one
        for cell in cell_store.read_cells(folder)[0]:
            place = tmp_path / "cells" / cell.folder.name
            place.mkdir(parents=True)
            for file in cell.folder.iterdir():
                (place / file.name).write_bytes(file.read_bytes())
    (tmp_path / "run.json").write_bytes((exact / "run.json").read_bytes())
    with pytest.raises(UserError, match="share their ranking .*--ranking hnsw"):
        frames.results(frames.open_run(tmp_path))


def test_the_recall_stands_under_every_table(folders, tmp_path):
    by_index = open_run(folders[1])
    for page in (by_index.table(), by_index.audit(), by_index.table(format="latex")):
        text = " ".join(page.split())
        assert "Ranked by an approximate index (hnsw): recall@5 of exact lists 1.000" in text
    assert "approximate ranking over 100 items" in " ".join(by_index.table().split())
    assert "approximate" not in open_run(folders[0]).table()


def test_measures_of_full_ranks_have_no_value_and_no_k_is_beyond_the_lists(folders):
    pages = [json.loads(open_run(each).audit(format="json")) for each in folders]
    for exact, by_index in zip(*(page["blocks"][0]["rows"] for page in pages), strict=True):
        for name in ("pru", "pri"):
            assert isinstance(exact["values"][name], float)
            assert by_index["values"].get(name) is None
    cell = next(iter(frames.open_run(folders[1]).done))[0]
    cell.record["ranking"]["depth"] = 30  # of a larger catalogue
    with pytest.raises(UserError, match="K of a metric can be at most 30 .*got 40"):
        cell.by_band("test", Metric("ndcg", 40))
    assert cell.by_band("test", Metric("ndcg", 30))


OWN = """
from dataclasses import replace
import torch
from negbench.backbones import mf
from negbench.protocol import Card, Similarity
CARD = Card(title="Distances", family="backbone")
Config = mf.Config
class Distances(mf.MF):
    kind = Similarity("own", score=lambda query, items: -(query - items).square().sum(-1))
    def view(self, batch, generator, *, cut=True):
        return replace(super().view(batch, generator, cut=cut), similarity=self.kind)
    def encode(self, history):
        return replace(super().encode(history), similarity=self.kind)
def build(config, context, generator):
    return Distances(config, context, generator)
"""


def test_a_model_that_scores_by_a_function_fails_before_it_is_trained(tmp_path):
    plugin = tmp_path / "distances.py"
    plugin.write_text(OWN)
    asked = {"methods": "random", "seeds": 1, "backbones": "distances", "plugins": str(plugin)}
    go(tmp_path / "run", **asked, ranking="hnsw")
    (cell,) = cell_store.read_cells(tmp_path / "run")[0]
    assert "scores by a function of its own; use --ranking exact" in cell.record["reason"]
    assert not (cell.folder / "epochs.csv").exists()


def test_references_and_a_missing_library_are_refused_before_anything(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="references score without any; got --references most_pop"):
        run(**ASKED, references="most_popular", ranking="hnsw", out=tmp_path / "run")
    monkeypatch.setattr(ranking_protocol, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs faiss.*pip install 'negbench\[ann\]'"):
        run(**ASKED, ranking="hnsw", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    build({"ranking": "exact", "references": "most_popular"})


def test_the_test_metric_of_each_epoch_is_of_the_same_lists(tmp_path):
    go(tmp_path, methods="random", seeds=1, ranking="hnsw", watch_test=True, select="recall@20")
    (cell,) = cell_store.read_cells(tmp_path)[0]
    best = cell.record["fit"]["best_epoch"]
    row = cell.epochs()[best - 1]
    means = {
        m["split"]: m["value"]
        for m in cell.record["metrics"]
        if (m["metric"], m["k"], m["band"]) == ("recall", 20, "all")
    }
    assert row["valid_recall@20"] == pytest.approx(means["valid"], abs=1e-6)
    assert row["test_recall@20"] == pytest.approx(means["test"], abs=1e-6)
