from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.measures.cost import cost
from negbench.analysis.runs.frames import open_run


def test_seconds_are_per_epoch_and_evaluation_stands_apart(folder: Path) -> None:
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    dns = costs.loc[("books", "dns")]
    # 1 + 2 + 3 seconds over 2 epochs; evaluation 4 over 2
    assert (dns["train"], dns["sampling"], dns["evaluation"]) == (3.0, 0.5, 2.0)
    assert (dns["total"], dns["memory"], dns["ratio"]) == (11.0, 100.0, 1.0)


def test_the_ratio_is_to_the_baseline_of_the_same_block(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(
            folder,
            "books",
            "slow",
            seed,
            {"all": [0.1] * 4},
            change=lambda r: r["seconds"]["wall"].update(sampling=7.0),
        )
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    assert costs["ratio"]["books", "slow"] == pytest.approx(2)
    assert cost(open_run(folder), vs="nothing")["ratio"].isna().all()


def test_counts_that_an_old_run_lacks_are_unknown(folder: Path) -> None:
    costs = cost(open_run(folder))
    unknown = ["negatives", "dots", "speed", "ratio_speed", "ratio_dots", "probes"]
    assert costs[unknown].isna().all(axis=None)
    methods = costs[costs["kind"] == "method"]
    assert methods["ratio_memory"].tolist() == [1.0] * 6


def test_a_reference_without_timings_costs_nothing_known(folder: Path, write: Any) -> None:
    write(
        folder,
        "books",
        "ease",
        0,
        {"all": [0.1] * 4},
        backbone="reference",
        change=lambda r: r.update(fit={}, seconds={}),
    )
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    assert costs["train"].isna()["books", "ease"]
