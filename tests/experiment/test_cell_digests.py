"""The identity of cells stays: a run folder of an earlier version is gone on with."""

from helpers.small_runs import DATA, NAME

from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan

AS_BEFORE = {
    "reference ease/0": "f251c9c13da1",
    "reference most_popular/0": "12e7ddad6dee",
    "mf random/0": "7dec72a243f6",
    "mf dns(candidates=4)/0": "52e24b73f5e7",
    "mf popularity+dns/0": "28e8d6bab84b",
    "mf dns@(l2=0.001,lr=0.05)/0": "630d791e5c6f",
    "lightgcn(layers=1) random/0": "c0d74106c894",
    "lightgcn(layers=1) dns(candidates=4)/0": "505178d802dd",
    "lightgcn(layers=1) popularity+dns/0": "6d03ecacf2e9",
    "lightgcn(layers=1) dns@(l2=0.001,lr=0.05)/0": "76d89e4f1ff8",
}
"""Digests of cells from before rows could be tuned."""


def test_cells_that_are_not_tuned_are_those_of_before():
    methods = ["random", "dns(candidates=4)", "popularity+dns", "dns@(l2=0.001,lr=0.05)"]
    asked = {
        "datasets": [DATA],
        "seeds": 1,
        "methods": methods,
        "references": ["ease", "most_popular"],
        "backbones": ["mf", "lightgcn(layers=1)"],
        "epochs": 2,
        "dim": 8,
    }
    cells = plan(build(flatten(asked))).cells
    assert {each.label.removeprefix(f"{NAME} "): each.digest for each in cells} == AS_BEFORE
    assert not any("tuned" in each.resolved for each in cells)
