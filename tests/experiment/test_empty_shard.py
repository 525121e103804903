"""A shard without a cell ends well from Python too: others have the cells."""

from helpers.small_runs import DATA

import negbench

QUICK = {"datasets": DATA, "methods": "random", "epochs": 1, "dim": 4, "progress": False}


def test_a_shard_without_a_cell_is_a_run_without_one(tmp_path):
    assert negbench.run(out=tmp_path, seeds=1, shard="2/2", **QUICK).folder == tmp_path


def test_a_shard_without_a_row_is_a_search_without_one(tmp_path):
    few = {"trials": 2, "finalists": 1, "final_seeds": 1, "test_seeds": 1}
    assert negbench.tune(out=tmp_path, shard="2/2", **few, **QUICK).folder == tmp_path
