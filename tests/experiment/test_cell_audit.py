"""The audit in a cell's record is that of the lists and ranks the cell was ranked with."""

import json

import numpy as np
import pytest
import torch
from helpers.small_runs import trained_cell

from negbench.evaluation.popularity_bias import audit
from negbench.experiment.cell.run import rank, reference
from negbench.experiment.cell.spec import REFERENCE, CellSpec
from negbench.scenario.scenario import prepare
from negbench.storage import cell_store
from negbench.training.config import TrainConfig

METRICS = ("ndcg@5,20",)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(40), 12)
    items = (rng.random(len(users)) ** 2 * 30).astype(int)
    path = tmp_path_factory.mktemp("data") / "small.csv"
    rows = [f"u{u},i{i},{t}" for t, (u, i) in enumerate(zip(users, items, strict=True))]
    path.write_text("user,item,time\n" + "\n".join(rows) + "\n")
    return str(path)


@pytest.mark.parametrize(("backbone", "method"), [("mf", "dns"), (REFERENCE, "most_popular")])
def test_a_record_holds_the_audit_of_its_own_lists(table, tmp_path, backbone, method):
    scenario = prepare(table)
    budget = TrainConfig(epochs=2, dim=8, batch_size=64)
    spec = CellSpec(table, backbone, method, metrics=METRICS, train=budget)
    cell = cell_store.read_cell(trained_cell(spec, scenario, tmp_path))
    recorded = {
        (m["metric"], m["k"], m["band"]): m["value"]
        for m in cell.record["metrics"]
        if m["split"] == "test"
    }
    arrays, split = cell.users(), scenario.split
    again = audit(
        arrays["top"],
        arrays["users"],
        train=split.train,
        test=split.test,
        seen=scenario.seen,
        bands=scenario.bands,
        ks=[5, 20],
    )
    assert again
    for key, value in again.items():
        assert recorded[key] == (None if np.isnan(value) else pytest.approx(value)), key
    assert -1 <= recorded["pru", 0, "all"] <= 1 and -1 <= recorded["pri", 0, "all"] <= 1
    assert not any(m["metric"] == "arp" for m in cell.record["metrics"] if m["split"] == "valid")
    json.dumps(cell.record, allow_nan=False)


def test_lists_and_ranks_of_the_test_part_are_one_ranking(table):
    scenario = prepare(table)
    spec = CellSpec(table, REFERENCE, "most_popular", metrics=METRICS)
    scorer = reference(spec, scenario)
    rankings = rank(spec, scenario, scorer, scorer, torch.device("cpu"))
    assert len(rankings["valid"].ranks) == len(scenario.split.valid)
    test = rankings["test"]
    assert len(test.ranks) == len(scenario.split.test)
    assert test.top.shape[1] == scenario.split.n_items < 100  # the whole catalogue
    hits = (test.ranks > 0) & (test.ranks <= 20)
    keys = test.users[:, None] * scenario.split.n_items + test.top[:, :20]
    shown = np.isin(
        scenario.split.test.rows * scenario.split.n_items + scenario.split.test.indices, keys
    )
    assert (hits == shown).all()
