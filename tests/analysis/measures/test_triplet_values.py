from math import isnan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.triplet_files import FEW, keep, many

from negbench.analysis.measures.triplet_values import auc, averages, by_hardness, by_truth, triplets
from negbench.analysis.runs.frames import ROW, Run, open_run
from negbench.analysis.tables.explanation import explanation


def valued(
    probed: Path, rows: Any = FEW, method: str = "dns", seeds: tuple[int, ...] = (0,)
) -> Run:
    """The run in which this method of `books` has valued triplets."""
    for cell, _ in open_run(probed).done:
        spec = cell.spec
        if (spec["dataset"], spec["method"]) == ("books", method) and spec["seed"] in seeds:
            keep(cell.folder, rows)
    return open_run(probed)


def test_a_line_a_triplet_with_its_interval_and_band(probed: Path) -> None:
    frame = triplets(valued(probed))
    assert len(frame) == 5 and set(frame["row"]) == {"dns"} and not frame["exact"].any()
    assert frame["band"].tolist() == ["tail", "mid", "tail", "head", "tail"]  # of 1 2 5 4 7
    assert frame["low"].tolist() == pytest.approx([3.02, -3.96, 0.51, -1.98, 2.0])
    assert frame["high"].tolist() == pytest.approx([4.98, -0.04, 1.49, -0.02, 2.0])


@pytest.mark.parametrize("every_pair", [False, True])
def test_truth_of_the_judged_pairs_alone_is_not_exact(
    tmp_path: Path, write: Any, every_pair: bool
) -> None:
    def change(record: dict[str, Any]) -> None:
        record["data"]["truth"] = True
        record["probe"] = {"mode": "sample", "exact": every_pair}

    users = {"item_bands": np.array([1, 2, 1, 2, 0, 2, 2, 2], np.int8)}
    values = {band: [0.1] * 4 for band in ("all", "head", "mid", "tail")}
    keep(write(tmp_path, "coat", "dns", 0, values, change=change, arrays=users), FEW)
    run = open_run(tmp_path)
    frame = triplets(run)
    assert len(frame) == 5 and (frame["exact"] == every_pair).all()
    ids = {"users": range(4), "items": range(8), "names": []}
    assert explanation(run.cells[0], "dns", frame, ids).exact == every_pair


def test_runs_without_any_and_broken_files_have_no_line(probed: Path) -> None:
    assert triplets(open_run(probed)).empty
    run = valued(probed)
    (path,) = probed.glob("cells/*/triplets.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    run = open_run(probed)
    assert triplets(run).empty and len(run.damaged) == 1 and "triplets" in run.damaged[0]
    np.savez(path, user=np.zeros(3))
    assert triplets(open_run(probed)).empty


def test_a_mean_has_the_interval_of_its_users(probed: Path) -> None:
    frame = triplets(valued(probed)).assign(group="all")
    (line,) = averages(frame, ["group"]).to_dict("records")
    # values 4 -2 1 | -1 2, mean 0.8; residual sums of the users 3 - 2.4 and 1 - 1.6
    error = sqrt(2 / 1 * (0.6**2 + 0.6**2)) / 5
    assert (line["mean"], line["n"], line["users"]) == (pytest.approx(0.8), 5, 2)
    assert line["high"] - line["mean"] == pytest.approx(1.96 * error)
    (one,) = averages(frame[frame["user"] == 0], ["group"]).to_dict("records")
    assert one["mean"] == 1 and isnan(one["low"])


def test_the_interval_of_a_mean_covers_it_where_users_differ() -> None:
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        taste = generator.normal(size=40)
        users = np.repeat(np.arange(40), 10)
        values = taste[users] + generator.normal(size=400)
        frame = pd.DataFrame({"group": "all", "user": users, "value": values})
        line = averages(frame, ["group"]).iloc[0]
        hits += line["low"] < 0 < line["high"]
    assert 0.9 < hits / 300 < 0.98  # triplets as the sample would cover about half of the time


def test_hardness_is_parted_in_tenths_and_equal_hardness_is_not_parted(probed: Path) -> None:
    run = valued(probed, many(0))
    frame = by_hardness(triplets(run))
    assert frame["group"].tolist() == list(range(1, 11)) and set(frame["n"]) == {400}
    assert frame["hardness"].is_monotonic_increasing
    assert frame["hardness"].iloc[0] == pytest.approx(0.05, abs=0.01)
    flat = triplets(run).assign(hardness=1.0)
    assert by_hardness(flat)["n"].tolist() == [4000]


def test_truth_by_hand(probed: Path) -> None:
    frame = by_truth(triplets(valued(probed))).set_index("false")
    assert (frame["n"][True], frame["n"][False]) == (2, 3)
    assert frame["mean"].to_dict() == pytest.approx({False: 4 / 3, True: 0.0})
    assert frame["q50"].to_dict() == pytest.approx({False: 1.0, True: 0.0})
    # of false -2, 2 against 4, 1, -1: 3 + 1 of 6 are lower
    assert frame["auc"].tolist() == pytest.approx([4 / 6] * 2)


def test_auc_counts_ties_half_and_needs_both_kinds() -> None:
    frame = pd.DataFrame({"value": [1.0, 1.0, 0.0], "false": [True, False, False]})
    assert auc(frame) == pytest.approx(0.25)
    assert isnan(auc(frame[:1]))


def test_seeds_of_a_row_are_taken_together(probed: Path) -> None:
    frame = triplets(valued(probed, seeds=(0, 1)))
    assert averages(frame, ROW)[["n", "users"]].to_numpy().tolist() == [[10, 2]]
