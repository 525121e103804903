from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from negbench.analysis.measures.convergence import convergence, mean_curve, mean_curves, time_to
from negbench.analysis.runs.frames import open_run


def test_one_line_an_evaluated_epoch(folder: Path) -> None:
    frame = convergence(open_run(folder))
    assert len(frame) == 12 * 2
    assert set(frame["metric"]) == {"ndcg@20"}
    one = frame[(frame["dataset"] == "books") & (frame["row"] == "dns") & (frame["seed"] == 1)]
    assert one[["epoch", "wall", "value"]].to_numpy().tolist() == [[1, 5.0, 0.2], [2, 10.0, 0.4]]


def test_the_mean_ends_where_the_first_seed_stops() -> None:
    curves = pd.DataFrame(
        {
            "seed": [0, 0, 0, 1, 1],
            "epoch": [1, 2, 3, 1, 2],
            "wall": [1.0, 2.0, 3.0, 3.0, 6.0],
            "value": [0.1, 0.2, 0.9, 0.3, 0.4],
        }
    )
    mean = mean_curve(curves, "wall")
    assert mean["x"].tolist() == [2.0, 4.0]
    assert mean["value"].tolist() == pytest.approx([0.2, 0.3])


def test_time_to_the_best_by_hand(folder: Path) -> None:
    frame = time_to(open_run(folder)).set_index(["dataset", "row"])
    # .2 then .3 or .4: the second epoch is the first at .95 of the best, after 10 s
    assert frame.loc[("books", "dns")][["epochs", "wall", "best"]].tolist() == [2, 10, 0.35]


def test_a_seed_that_learns_nothing_has_no_time(folder: Path) -> None:
    path = next(
        cell.folder / "epochs.csv"
        for cell, row in open_run(folder).done
        if (cell.spec["dataset"], row, cell.spec["seed"]) == ("books", "dns", 0)
    )
    path.write_text("epoch,wall,valid_ndcg@20\n1,5.0,0.0\n2,9.0,0.0\n")
    frame = time_to(open_run(folder)).set_index(["dataset", "row"])
    assert frame["epochs"].isna().sum() == 1
    assert frame["epochs"].isna()["books", "dns"]


def test_without_curves_there_is_nothing(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "ease", 0, {"all": [0.1] * 4}, backbone="reference")
    run = open_run(tmp_path)
    assert convergence(run).empty and mean_curves(run).empty and time_to(run).empty


def test_cells_that_were_validated_by_different_metrics_all_have_their_curves(
    folder: Path,
) -> None:
    for cell, _ in open_run(folder).done:
        path = cell.folder / "epochs.csv"
        if cell.spec["dataset"] == "films" and path.exists():
            path.write_text(path.read_text().replace("valid_ndcg@20", "valid_hit@10"))
    run = open_run(folder)
    frame = convergence(run)
    assert dict(frame.groupby("dataset")["metric"].first()) == {
        "books": "ndcg@20",
        "films": "hit@10",
    }
    assert len(frame) == 12 * 2 and frame["value"].notna().all()
    assert time_to(run).groupby("dataset").size().to_dict() == {"books": 3, "films": 3}


def test_a_method_may_tell_figures_of_any_name(folder: Path) -> None:
    """A part names its own figures; those that are called as ours are not taken for ours."""
    usual = convergence(open_run(folder))
    for path in folder.glob("cells/*/epochs.csv"):
        head, *lines = path.read_text().splitlines()
        lines = [f"{line},0.9,0.8,0.7" for line in lines]
        path.write_text("\n".join([f"{head},value,metric,seed", *lines]) + "\n")
    pd.testing.assert_frame_equal(convergence(open_run(folder)), usual)
