"""Two methods that are the same up to a name come out as tied."""

import numpy as np
from helpers.small_runs import go
from helpers.small_search import write_row

from negbench.analysis.runs.frames import open_run, user_values
from negbench.analysis.statistics.told_apart import told_apart
from negbench.analysis.tables.main_table import main_table
from negbench.evaluation.metric_names import Metric

NDCG = Metric("ndcg", 20)
ONE = "dns(candidates=1)"


def values(run, wanted):
    """The metric of each user, by seed, of one row."""
    return {
        cell.spec["seed"]: user_values(cell, NDCG).to_numpy()
        for cell, row in run.done
        if row == wanted
    }


def test_the_best_of_one_candidate_is_the_uniform_draw_to_the_last_bit(tmp_path):
    go(tmp_path / "run", methods=["random", ONE], seeds=3, epochs=5)
    run = open_run(tmp_path / "run")
    for seed, expected in values(run, "random").items():
        np.testing.assert_array_equal(values(run, ONE)[seed], expected)


def test_tuned_alike_they_are_tied(tmp_path):
    source = tmp_path / "tuned"
    write_row(source, "random", "random@lr=0.02")
    write_row(source, ONE, f"{ONE}@lr=0.02")
    asked = {"methods": ["random", ONE], "seeds": 3, "epochs": None, "dim": None}
    go(tmp_path / "run", **asked, tuned=str(source))
    run = open_run(tmp_path / "run")
    (tests,) = told_apart(run, NDCG).values()
    assert tests.untold("random", [ONE]) == [ONE]
    (block,) = main_table(run).blocks
    assert all(row.tied for row in block.rows) and len(block.rows) == 2
